//! Linear layers: every instruction set and tile gives the scalar kernel's bits, and the scalar kernel is near f64.

use kernels::{ActivationFormat, Activations, Bands, Grid, Isa, PackedMatrix, Pool, linear};
use quant::{Format, decode_row};
use testkit::{Random, check_table};

use crate::weights::{Kind, rows_of};

/// Inputs `[rows, cols]`: ordinary, zero, and of very different sizes.
fn inputs(rows: usize, cols: usize, random: &mut Random) -> Vec<f32> {
    let mut x = random.floats(rows * cols);
    for (i, x) in x.iter_mut().enumerate() {
        match (i / 32 + i / cols) % 7 {
            0 => *x *= 1e-3,
            1 => *x = 0.0,
            2 => *x *= if i % 5 == 0 { 300.0 } else { 1.0 },
            3 => *x = if *x > 0.0 { 1.0 } else { -1.0 },
            4 if i % 3 == 0 => *x *= 1e-35,
            _ => {}
        }
    }
    x
}

fn activations(isa: Isa, format: Format, x: &[f32], cols: usize) -> Activations {
    let mut activations = Activations::new(ActivationFormat::for_weights(format), x.len() / cols, cols);
    activations.write(isa, x);
    activations
}

/// The whole product, in tiles of `tile_rows` × `tile_cols`.
fn product(isa: Isa, matrix: &PackedMatrix, x: &Activations, tile_rows: usize, tile_cols: usize) -> Vec<f32> {
    let mut out = vec![f32::NAN; x.rows() * matrix.rows()];
    let grid = Grid::new(&mut out, matrix.rows(), Bands::Every(tile_rows), tile_cols);
    Pool::new(1).unwrap().for_each_tile(&mut [grid], |_, mut tile| linear(isa, matrix, x, &mut tile));
    out
}

fn same_bits(ours: &[f32], theirs: &[f32]) -> Result<(), String> {
    let same = |i: &usize| ours[*i].to_bits() == theirs[*i].to_bits() || (ours[*i].is_nan() && theirs[*i].is_nan());
    let differing = (0..theirs.len()).find(|i| !same(i));
    differing.map_or(Ok(()), |i| Err(format!("output {i} is {:e}, not {:e}", ours[i], theirs[i])))
}

#[test]
fn all_instruction_sets_and_tiles_give_the_scalar_bits() {
    check_table(Format::ALL.map(|format| (format, format)), |format| {
        let mut random = Random::new(7);
        for (outputs, blocks) in [(1, 1), (15, 2), (16, 8), (17, 9), (33, 3), (80, 3), (144, 2)] {
            Kind::ALL.into_iter().try_for_each(|kind| same_everywhere(format, outputs, blocks, kind, &mut random))?;
        }
        Ok::<(), String>(())
    });
}

/// Every format once more, small: what an emulator of another processor has the patience for (`.ci/amx`).
#[test]
fn small_matrices_of_all_formats() {
    check_table(Format::ALL.map(|format| (format, format)), |format| {
        same_everywhere(format, 17, 512 / format.block_weights(), Kind::Random, &mut Random::new(11))
    });
}

fn same_everywhere(
    format: Format,
    outputs: usize,
    blocks: usize,
    kind: Kind,
    random: &mut Random,
) -> Result<(), String> {
    let cols = blocks * format.block_weights();
    let file = rows_of(format, outputs, cols, kind, random);
    let matrix = PackedMatrix::from_rows(format, outputs, cols, &file).map_err(|e| e.to_string())?;
    for rows in [1, 2, 3, 7, 8, 9, 33] {
        let x = inputs(rows, cols, random);
        let expected = product(Isa::Scalar, &matrix, &activations(Isa::Scalar, format, &x, cols), rows, outputs);
        for isa in Isa::available() {
            let x = activations(isa, format, &x, cols);
            for (tile_rows, tile_cols) in [(rows, outputs.next_multiple_of(16)), (1, 16), (5, 64)] {
                same_bits(&product(isa, &matrix, &x, tile_rows, tile_cols), &expected).map_err(|e| {
                    let isa = isa.name();
                    format!("{isa} {kind:?} {outputs}×{cols}, {rows} rows, tiles {tile_rows}×{tile_cols}: {e}")
                })?;
            }
        }
    }
    Ok(())
}

#[test]
fn odd_numbers_of_inputs() {
    for format in [Format::F32, Format::F16, Format::BF16] {
        let mut random = Random::new(8);
        for cols in [1, 2, 3, 5, 127, 129, 255, 257] {
            let file = rows_of(format, 20, cols, Kind::Random, &mut random);
            let matrix = PackedMatrix::from_rows(format, 20, cols, &file).unwrap();
            let x = activations(Isa::Scalar, format, &inputs(3, cols, &mut random), cols);
            let expected = product(Isa::Scalar, &matrix, &x, 3, 20);
            for isa in Isa::available() {
                same_bits(&product(isa, &matrix, &x, 3, 20), &expected).unwrap();
            }
        }
    }
}

/// Rounding an input to int8 moves it by half a step at most: `amax / 254` of its 32 or 256 neighbours.
#[test]
fn the_scalar_kernel_is_as_near_as_int8_inputs_allow() {
    let rows = Format::ALL
        .into_iter()
        .flat_map(|format| Kind::FINITE.map(|kind| (format!("{format} {kind:?}"), (format, kind))));
    check_table(rows, |(format, kind)| {
        let mut random = Random::new(9);
        let (outputs, rows, cols) = (17, 3, 1024);
        let file = rows_of(format, outputs, cols, kind, &mut random);
        let matrix = PackedMatrix::from_rows(format, outputs, cols, &file).map_err(|e| e.to_string())?;
        let x = inputs(rows, cols, &mut random);
        let out = product(Isa::Scalar, &matrix, &activations(Isa::Scalar, format, &x, cols), rows, outputs);
        let mut w = vec![0.0; cols];
        for (col, bytes) in file.chunks(file.len() / outputs).enumerate() {
            decode_row(format, bytes, &mut w).map_err(|e| e.to_string())?;
            for row in 0..rows {
                let (exact, bound) = exact_and_bound(format, &w, &x[row * cols..(row + 1) * cols]);
                let error = (f64::from(out[row * outputs + col]) - exact).abs();
                if error.is_nan() || error > bound {
                    return Err(format!("row {row}, output {col}: off by {error:e}, allowed {bound:e}"));
                }
            }
        }
        Ok::<(), String>(())
    });
}

/// The product in f64, and how far off it may be: by rounding inputs to int8, and by f32 sums.
fn exact_and_bound(format: Format, w: &[f32], x: &[f32]) -> (f64, f64) {
    let step = match ActivationFormat::for_weights(format) {
        ActivationFormat::Q8x32 => 32,
        _ => 256,
    };
    let (mut exact, mut size, mut bound) = (0.0, 0.0, 0.0);
    for (w, x) in w.chunks(step).zip(x.chunks(step)) {
        let half_step = f64::from(x.iter().fold(0f32, |largest, x| largest.max(x.abs()))) / 254.0;
        for (&w, &x) in w.iter().zip(x) {
            exact += f64::from(w) * f64::from(x);
            size += f64::from(w).abs() * (f64::from(x).abs() + half_step);
            bound += f64::from(w).abs() * half_step * 1.001;
        }
    }
    let bound = if format.block_weights() == 1 { 0.0 } else { bound };
    // A decoded weight is rounded where the kernel's integers are exact; minimums and scales nearly cancel.
    (exact, bound + size * 4e-5 + 1e-30)
}

#[test]
fn inputs_that_are_not_finite() {
    for format in Format::ALL {
        let matrix_rows = rows_of(format, 16, 256, Kind::Random, &mut Random::new(10));
        let matrix = PackedMatrix::from_rows(format, 16, 256, &matrix_rows).unwrap();
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut x = vec![0.5; 512];
            x[100] = bad;
            let expected = product(Isa::Scalar, &matrix, &activations(Isa::Scalar, format, &x, 256), 2, 16);
            // Plain numbers know infinity.
            let lost = |y: &f32| if format.block_weights() == 1 { !y.is_finite() } else { y.is_nan() };
            assert!(expected[..16].iter().all(lost), "{format}: {bad}");
            assert!(expected[16..].iter().all(|y| y.is_finite()), "{format}: {bad}");
            for isa in Isa::available() {
                let out = product(isa, &matrix, &activations(isa, format, &x, 256), 2, 16);
                same_bits(&out, &expected).unwrap_or_else(|e| panic!("{format} {}: {bad}: {e}", isa.name()));
            }
        }
    }
}
