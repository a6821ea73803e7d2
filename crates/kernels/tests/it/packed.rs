//! Packing: nothing is lost, and little is added.

use kernels::{Isa, PackedMatrix, Pool, pack_group};
use quant::{Format, decode_row};
use testkit::{Random, check_table};

use crate::weights::{Kind, rows_of};

#[test]
fn a_packed_row_decodes_like_the_file() {
    check_table(Format::ALL.map(|format| (format, format)), |format| {
        let mut random = Random::new(5);
        for (rows, blocks) in [(1, 1), (15, 2), (16, 8), (17, 9), (33, 3)] {
            for kind in Kind::ALL {
                let cols = blocks * format.block_weights();
                let file = rows_of(format, rows, cols, kind, &mut random);
                let matrix = PackedMatrix::from_rows(format, rows, cols, &file).map_err(|e| e.to_string())?;
                for (row, bytes) in file.chunks(file.len() / rows).enumerate() {
                    let (mut packed, mut decoded) = (vec![0.0; cols], vec![0.0; cols]);
                    matrix.unpack_row(row, &mut packed);
                    decode_row(format, bytes, &mut decoded).map_err(|e| e.to_string())?;
                    let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
                    if !packed.iter().zip(&decoded).all(same) {
                        return Err(format!("{kind:?}, row {row} of {rows}×{cols}"));
                    }
                }
            }
        }
        Ok::<(), String>(())
    });
}

#[test]
fn packing_adds_two_percent_at_most() {
    check_table(Format::ALL.map(|format| (format, format)), |format| {
        let (rows, cols) = (256, 3072);
        let packed = PackedMatrix::zeroed(format, rows, cols).map_err(|e| e.to_string())?.num_bytes();
        let file = rows * format.row_bytes(cols).unwrap_or(0);
        if packed * 100 <= file * 102 { Ok::<(), String>(()) } else { Err(format!("{packed} bytes for {file}")) }
    });
}

#[test]
fn all_instruction_sets_pack_the_same_bytes() {
    check_table(Format::ALL.map(|format| (format, format)), |format| {
        let mut random = Random::new(6);
        for (rows, weights) in [(16, 256), (32, 1024), (16, 544), (17, 768), (3, 256)] {
            // Plain numbers need not be whole vectors, nor whole lines.
            let weights = if format.block_weights() == 1 { weights + rows % 4 * 5 + 7 } else { weights };
            let cols = weights / format.block_weights() * format.block_weights();
            for kind in Kind::ALL {
                let file = rows_of(format, rows, cols, kind, &mut random);
                let expected = PackedMatrix::from_rows(format, rows, cols, &file).map_err(|e| e.to_string())?;
                for isa in Isa::available() {
                    // What was there before does not matter.
                    let mut packed = vec![0xAA; expected.num_bytes()];
                    let groups = packed.chunks_exact_mut(expected.num_bytes() / expected.num_groups());
                    for (rows, group) in file.chunks(16 * file.len() / rows).zip(groups) {
                        pack_group(isa, format, cols, rows, group);
                    }
                    if let Some(at) = (0..packed.len()).find(|&at| packed[at] != expected.as_bytes()[at]) {
                        return Err(format!("{} {kind:?} {rows}×{cols}: byte {at}", isa.name()));
                    }
                }
            }
        }
        Ok::<(), String>(())
    });
}

#[test]
fn groups_packed_by_several_threads_are_the_same() {
    let (format, rows, cols) = (Format::Q4K, 33, 512);
    let file = rows_of(format, rows, cols, Kind::Random, &mut Random::new(6));
    let whole = PackedMatrix::from_rows(format, rows, cols, &file).unwrap();
    let mut shared = PackedMatrix::zeroed(format, rows, cols).unwrap();
    let row_bytes = file.len() / rows;
    let groups: Vec<_> = (0..shared.num_groups()).map(|group| shared.group_rows(group)).collect();
    Pool::new(2).unwrap().for_each_tile(&mut [shared.groups_mut(1)], |_, mut tile| {
        let rows = &groups[tile.rows().start];
        pack_group(
            Isa::detect(),
            format,
            cols,
            &file[rows.start * row_bytes..rows.end * row_bytes],
            tile.row_mut(tile.rows().start),
        );
    });
    for row in 0..rows {
        let (mut a, mut b) = (vec![0.0; cols], vec![0.0; cols]);
        whole.unpack_row(row, &mut a);
        shared.unpack_row(row, &mut b);
        assert_eq!(a, b, "row {row}");
    }
}
