//! Linear layers: where the shapes are checked and the instruction set is chosen.

use crate::activations::{ActivationFormat, Activations};
use crate::packed::{GROUP, PackedMatrix};
#[cfg(target_arch = "x86_64")]
use crate::x86_64;
use crate::{Isa, Tile, scalar, vector};

/// `out = activations · weightsᵀ` for one tile of `out`, `[rows of the activations, rows of the weights]`: row `r`, column `c`
/// is the product of row `r` of the activations with row `c` of the weights.
///
/// An output depends on its two rows alone, to the last bit: not on the tile, nor on the instruction set. A tile of one
/// row streams the weights; a tile of many rows and at least 64 columns reuses each unpacked weight for all of them.
///
/// # Panics
/// The numbers of inputs differ, the activations are in another format than the weights ask for, or the tile leaves the
/// matrix or begins or ends inside of a group of 16 columns.
pub fn linear(isa: Isa, weights: &PackedMatrix, activations: &Activations, out: &mut Tile<'_>) {
    let (rows, cols) = (out.rows(), out.cols());
    assert_eq!(weights.cols(), activations.cols(), "inputs of weights and activations");
    assert_eq!(ActivationFormat::for_weights(weights.format()), activations.format(), "format of the activations");
    assert!(rows.end <= activations.rows() && cols.end <= weights.rows(), "tile {rows:?}×{cols:?}");
    let whole_groups =
        cols.start.is_multiple_of(GROUP) && (cols.end == weights.rows() || cols.end.is_multiple_of(GROUP));
    assert!(whole_groups, "columns {cols:?} are not groups of {GROUP}");
    match isa {
        #[cfg(target_arch = "x86_64")]
        Isa::Avx2(isa) => vector::linear::linear(x86_64::avx2::EightRows::of(isa), weights, activations, out),
        #[cfg(target_arch = "x86_64")]
        Isa::AvxVnni(isa) => vector::linear::linear(x86_64::avx2::EightRows::with_dots(isa), weights, activations, out),
        #[cfg(target_arch = "x86_64")]
        Isa::Avx512(products) => vector::linear::linear(products, weights, activations, out),
        #[cfg(target_arch = "x86_64")]
        Isa::Amx(isa) => x86_64::amx::linear(isa, weights, activations, out),
        #[cfg(target_arch = "aarch64")]
        Isa::Neon(products) => vector::linear::linear(products, weights, activations, out),
        _ => scalar::linear::linear(weights, activations, out),
    }
}
