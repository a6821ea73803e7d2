//! 8-bit floats with scales, widened when they are read.
//!
//! A weight is its e4m3 number times the scale of its matrix, row or tile, computed in f32 and rounded to bf16 (to nearest, ties
//! to even): twice the bytes, no surprise in what follows, and what `transformers` computes with after `dequantize`.

use std::io;

use quant::{Format, bf16_to_f32, f16_to_f32, f32_to_bf16, fp8_e4m3_to_f32};

use crate::Error;
use crate::stored::{Stored, StoredKind};

/// Every e4m3 number.
#[allow(clippy::indexing_slicing)] // a constant: out of bounds would not compile
const NUMBERS: [f32; 256] = {
    let mut numbers = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        numbers[byte] = fp8_e4m3_to_f32(byte as u8);
        byte += 1;
    }
    numbers
};

/// Scales of a stored matrix, one for each tile of `tile_rows` × `tile_cols`, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scales {
    values: Vec<f32>,
    tile_rows: usize,
    tile_cols: usize,
    tiles_across: usize,
}

impl Scales {
    /// Reads the scales of the stored matrix `weight` of `rows` × `cols`. `block` is the tile that the configuration names.
    pub(crate) fn read(
        scale: &Stored,
        weight: &Stored,
        (rows, cols): (usize, usize),
        block: Option<(usize, usize)>,
    ) -> Result<Self, Error> {
        let values = numbers(scale)?;
        let (tiles_down, tiles_across) = match scale.dims.as_slice() {
            [] | [1] => (1, 1),
            &[down, across] => (down, across),
            _ => (0, 0),
        };
        let tile = |size: usize, tiles: usize, named: Option<usize>| match named {
            Some(named) if tiles > 0 && size.div_ceil(named) == tiles => Some(named),
            _ if tiles > 0 && size.is_multiple_of(tiles) => Some(size / tiles),
            _ => None,
        };
        let tile_rows = tile(rows, tiles_down, block.map(|block| block.0));
        let tile_cols = tile(cols, tiles_across, block.map(|block| block.1));
        match (tile_rows, tile_cols) {
            (Some(tile_rows), Some(tile_cols)) if tiles_down.checked_mul(tiles_across) == Some(values.len()) => {
                Ok(Self { values, tile_rows, tile_cols, tiles_across })
            }
            _ => {
                let problem =
                    format!("its sizes {:?} do not fit those of `{}`, [{rows}, {cols}]", scale.dims, weight.name);
                Err(Error::malformed(&scale.file, format_args!("tensor `{}`", scale.name), problem))
            }
        }
    }

    /// Widens one row of `codes`, which is row `row` of the matrix as it is stored, to bf16.
    pub(crate) fn widen(&self, row: usize, codes: &[u8], out: &mut [u8]) -> io::Result<()> {
        let first = row / self.tile_rows * self.tiles_across;
        let scales = self.values.get(first..first + self.tiles_across).ok_or(io::ErrorKind::InvalidInput)?;
        let tiles = codes.chunks(self.tile_cols).zip(out.chunks_mut(self.tile_cols.saturating_mul(2)));
        for ((codes, out), scale) in tiles.zip(scales) {
            for (code, out) in codes.iter().zip(out.chunks_exact_mut(2)) {
                let number = NUMBERS.get(usize::from(*code)).copied().unwrap_or(f32::NAN);
                out.copy_from_slice(&f32_to_bf16(number * scale).to_le_bytes());
            }
        }
        Ok(())
    }
}

/// A stored tensor of plain floats, all of it.
fn numbers(stored: &Stored) -> Result<Vec<f32>, Error> {
    let wrong = |problem: &str| Error::unsupported(&stored.file, format_args!("tensor `{}`", stored.name), problem);
    let StoredKind::Weights(format @ (Format::F32 | Format::F16 | Format::BF16)) = stored.kind else {
        return Err(wrong("scales of this type are not read, only f32, f16 and bf16"));
    };
    let mut bytes = vec![0; usize::try_from(stored.bytes).unwrap_or(0)];
    let read = stored.source.read_exact_at(&mut bytes, stored.offset);
    read.map_err(|cause| Error::Read { file: stored.file.to_string(), cause })?;
    let values: Vec<f32> = match format {
        Format::F32 => bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap_or_default())).collect(),
        Format::F16 => bytes.chunks_exact(2).map(|b| f16_to_f32(half(b))).collect(),
        _ => bytes.chunks_exact(2).map(|b| bf16_to_f32(half(b))).collect(),
    };
    if values.iter().any(|scale| !scale.is_finite()) {
        return Err(Error::malformed(
            &stored.file,
            format_args!("tensor `{}`", stored.name),
            "a scale is not a number",
        ));
    }
    Ok(values)
}

fn half(bytes: &[u8]) -> u16 {
    u16::from_le_bytes(bytes.try_into().unwrap_or_default())
}
