//! Intel AMX: products of whole tiles of int8, for many rows of activations at once.
//!
//! A tile product takes 16 rows of activations × 64 inputs and 64 inputs × 16 outputs, a group of packed weights. Its
//! sums are integers, so that they are the specification's whatever their order; what comes after them, scales and
//! minimums in f32, is done in 512-bit vectors as the AVX-512 kernels do it. Few rows leave most of a tile empty, and
//! plain numbers have no integers: both are left to AVX-512.
//!
//! The kernel ([`blocks`]) is written over [`tiles::Tiles`], so that a model of the unit stands in for it where there is
//! none. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, chapter 18.

mod blocks;
#[cfg(test)]
mod model;
mod permission;
#[cfg(test)]
mod tests;
mod tiles;
mod weights;

use crate::Tile;
use crate::activations::Activations;
use crate::isa::Amx;
use crate::packed::PackedMatrix;
use crate::vector;
pub(crate) use permission::usable;
use tiles::{Shape, Tiles, Unit};

/// Rows of activations from which on tiles are used. With fewer, taking weights apart for the tiles costs more than the
/// vectors' products do (by counting instructions).
const FEWEST_ROWS: usize = 12;

/// As [`crate::linear`].
pub(crate) fn linear(isa: Amx, weights: &PackedMatrix, activations: &Activations, out: &mut Tile<'_>) {
    if out.rows().len() < FEWEST_ROWS || weights.format().block_weights() == 1 {
        return vector::linear::linear(isa.avx512(), weights, activations, out);
    }
    let mut unit = Unit::new(isa, blocks::shapes(weights.format()));
    blocks::linear(isa.avx512(), &mut unit, weights, activations, out);
}

/// Multiplies so many full tiles; returns the products of each.
pub(crate) fn multiply(isa: Amx, tiles: usize) -> usize {
    let mut unit = Unit::new(isa, [Shape::FULL; 8]);
    for _ in 0..tiles.div_ceil(4) {
        unit.multiply::<0, 4, 6>();
        unit.multiply::<1, 4, 7>();
        unit.multiply::<2, 5, 6>();
        unit.multiply::<3, 5, 7>();
    }
    16 * 16 * 64
}
