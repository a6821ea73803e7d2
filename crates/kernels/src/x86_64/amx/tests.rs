//! The kernel on a model of the unit, against the scalar kernel. Where there is a unit, the crate's other tests run on it.

#[path = "../../../tests/it/weights.rs"]
#[allow(dead_code)] // the rest is for the crate's other tests
mod weights;

use quant::Format;
use testkit::{Random, check_table};

use super::model::Model;
use super::tiles::Tiles;
use super::{blocks, multiply};
use crate::isa::{Amx, Avx512};
use crate::{ActivationFormat, Activations, Bands, Grid, Isa, PackedMatrix, Pool, Tile, scalar};
use weights::{Kind, rows_of};

/// Inputs of different sizes, some of them zero.
fn activations(format: Format, rows: usize, cols: usize, random: &mut Random) -> Activations {
    let mut x = random.floats(rows * cols);
    for (i, x) in x.iter_mut().enumerate() {
        *x *= [1.0, 1e-3, 0.0, 300.0][i / 32 % 4];
    }
    let mut activations = Activations::new(ActivationFormat::for_weights(format), rows, cols);
    activations.write(Isa::Scalar, &x);
    activations
}

#[test]
fn tiles_give_the_scalar_bits() {
    let Some(isa) = Avx512::new() else {
        println!("skipped: this processor has no AVX-512, which the tiles' kernel is written with");
        return;
    };
    let formats = Format::ALL.into_iter().filter(|format| format.block_weights() > 1);
    check_table(formats.map(|format| (format, format)), |format| {
        let mut random = Random::new(11);
        for (outputs, blocks) in [(1, 1), (17, 9), (144, 3)] {
            let cols = blocks * format.block_weights();
            for kind in Kind::ALL {
                let file = rows_of(format, outputs, cols, kind, &mut random);
                let matrix = PackedMatrix::from_rows(format, outputs, cols, &file).map_err(|e| e.to_string())?;
                for rows in [1, 16, 33, 70] {
                    let x = activations(format, rows, cols, &mut random);
                    same(isa, &matrix, &x).map_err(|e| format!("{kind:?} {outputs}×{cols}, {rows} rows: {e}"))?;
                }
            }
        }
        Ok::<_, String>(())
    });
}

/// A little of everything, for an emulated unit's patience.
#[test]
fn the_unit_gives_the_scalar_bits() {
    let Some(isa) = Amx::new() else {
        println!("skipped: this processor has no AMX");
        return;
    };
    let formats = Format::ALL.into_iter().filter(|format| format.block_weights() > 1);
    check_table(formats.map(|format| (format, format)), |format| {
        let mut random = Random::new(13);
        let (outputs, cols, rows) = (17, 512, 18);
        let file = rows_of(format, outputs, cols, Kind::Random, &mut random);
        let matrix = PackedMatrix::from_rows(format, outputs, cols, &file).map_err(|e| e.to_string())?;
        let x = activations(format, rows, cols, &mut random);
        compare(&matrix, &x, rows, &|tile| super::linear(isa, &matrix, &x, tile))
    });
}

/// In tiles of many rows, which also begin in the middle of a tile of the unit.
fn same(isa: Avx512, matrix: &PackedMatrix, x: &Activations) -> Result<(), String> {
    [x.rows(), 29].into_iter().try_for_each(|tile_rows| {
        compare(matrix, x, tile_rows, &|tile| {
            let mut model = Model::new(blocks::shapes(matrix.format()));
            blocks::linear(isa, &mut model, matrix, x, tile);
        })
    })
}

/// A kernel, in tiles of so many rows, against the scalar one.
fn compare(
    matrix: &PackedMatrix,
    x: &Activations,
    tile_rows: usize,
    linear: &(dyn Fn(&mut Tile<'_>) + Sync),
) -> Result<(), String> {
    let product = |linear: &(dyn Fn(&mut Tile<'_>) + Sync), tile_rows: usize| {
        let mut out = vec![f32::NAN; x.rows() * matrix.rows()];
        let grid = Grid::new(&mut out, matrix.rows(), Bands::Every(tile_rows), 80);
        Pool::new(1).unwrap().for_each_tile(&mut [grid], |_, mut tile| linear(&mut tile));
        out
    };
    let expected = product(&|tile| scalar::linear::linear(matrix, x, tile), x.rows());
    let ours = product(linear, tile_rows);
    let differs =
        |i: &usize| ours[*i].to_bits() != expected[*i].to_bits() && !(ours[*i].is_nan() && expected[*i].is_nan());
    match (0..ours.len()).find(differs) {
        Some(i) => Err(format!("tiles of {tile_rows} rows: output {i} is {:e}, not {:e}", ours[i], expected[i])),
        None => Ok(()),
    }
}

/// The model is only as good as its likeness to the unit, where there is one.
#[test]
fn the_model_multiplies_as_the_unit_does() {
    let Some(isa) = Amx::new() else {
        println!("skipped: this processor has no AMX");
        return;
    };
    let mut random = Random::new(12);
    for format in [Format::Q4K, Format::Q8_0] {
        let shapes = blocks::shapes(format);
        let (mut unit, mut model) = (super::tiles::Unit::new(isa, shapes), Model::new(shapes));
        for _ in 0..50 {
            let (a, b, stride) = (random.bytes(4096), random.bytes(1024), 64 + 4 * random.below(40));
            let ours = multiply_once(&mut unit, &a, &b, stride);
            assert_eq!(ours, multiply_once(&mut model, &a, &b, stride), "{format}, rows {stride} bytes apart");
        }
    }
    assert_eq!(multiply(isa, 1), 16 * 16 * 64);
}

fn multiply_once(unit: &mut impl Tiles, a: &[u8], b: &[u8], stride: usize) -> [[i32; 16]; 16] {
    let mut sums = [[0; 16]; 16];
    unit.zero::<0>();
    unit.load::<4>(a, stride);
    unit.load::<6>(b, 64);
    unit.multiply::<0, 4, 6>();
    unit.multiply::<0, 4, 6>();
    unit.store::<0>(&mut sums);
    sums
}
