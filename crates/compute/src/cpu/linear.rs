//! Linear layers: the input is quantised once, then all products run in one region.

use kernels::{ActivationFormat, Activations, Bands, Grid, PackedMatrix, linear};

use super::{CpuBackend, CpuTensor, lock};
use crate::Product;

/// Inputs in the formats of the last products.
#[derive(Debug, Default)]
pub(super) struct Space(Vec<Activations>);

impl CpuBackend {
    pub(super) fn multiply(&self, x: &CpuTensor, products: &mut [Product<'_, Self>]) {
        if x.rows() == 0 {
            return;
        }
        let weights: Vec<&PackedMatrix> = products.iter().map(|product| product.weight).collect();
        let mut space = lock(&self.linear);
        let inputs = self.quantise(x, &weights, &mut space.0);
        let tile = TileShape::new(x.rows(), &weights, self.num_threads());
        let mut grids: Vec<Grid<'_>> = products
            .iter_mut()
            .map(|Product { weight, out }| {
                out.assert_shape(x.rows(), weight.rows());
                Grid::new(out.numbers_mut(), weight.rows(), Bands::Every(tile.rows), tile.cols)
            })
            .collect();
        let work = weights.iter().map(|w| w.rows() * w.cols()).sum::<usize>() * x.rows();
        self.threads_for(work).for_each_tile(&mut grids, |product, mut tile| {
            linear(self.isa, weights[product], inputs[product], &mut tile);
        });
    }

    /// The input of each product.
    fn quantise<'s>(
        &self,
        x: &CpuTensor,
        weights: &[&PackedMatrix],
        space: &'s mut Vec<Activations>,
    ) -> Vec<&'s Activations> {
        let format = |weights: &PackedMatrix| ActivationFormat::for_weights(weights.format());
        let mut formats: Vec<ActivationFormat> = Vec::new();
        for format in weights.iter().map(|weights| format(weights)) {
            if !formats.contains(&format) {
                formats.push(format);
            }
        }
        for (i, &format) in formats.iter().enumerate() {
            match space.get_mut(i) {
                Some(input) => input.reshape(format, x.rows(), x.cols()),
                None => space.push(Activations::new(format, x.rows(), x.cols())),
            }
        }
        let rows_per_tile = (QUANTISED_PART / x.cols()).max(1);
        let mut grids: Vec<Grid<'_, u8>> =
            space[..formats.len()].iter_mut().map(|input| input.rows_mut(rows_per_tile)).collect();
        let threads = self.threads_for(x.rows() * x.cols() * formats.len());
        threads.for_each_tile(&mut grids, |i, mut tile| {
            for row in tile.rows() {
                formats[i].write_row(self.isa, x.row(row), tile.row_mut(row));
            }
        });
        let space: &'s [Activations] = space;
        let input = |weights: &&PackedMatrix| {
            space.iter().find(|input| input.format() == format(weights)).expect("an input in each format")
        };
        weights.iter().map(input).collect()
    }
}

/// Rows and columns of a tile of outputs.
struct TileShape {
    rows: usize,
    cols: usize,
}

impl TileShape {
    /// Few rows: the weights are streamed, and every thread gets several tiles, so that a slow one is made up for. Many rows:
    /// tiles whose inputs and weights stay in the cache.
    fn new(rows: usize, weights: &[&PackedMatrix], threads: usize) -> Self {
        let groups = PackedMatrix::GROUP_ROWS;
        if rows <= FEW_ROWS {
            let outputs: usize = weights.iter().map(|weights| weights.rows()).sum();
            let cols = outputs.div_ceil(threads * TILES_PER_THREAD).next_multiple_of(groups);
            return Self { rows, cols: cols.clamp(groups, MAX_TILE_COLS) };
        }
        Self { rows: TILE_ROWS, cols: TILE_COLS }
    }
}

/// Numbers of the input that a thread quantises at once.
const QUANTISED_PART: usize = 1 << 13;
const FEW_ROWS: usize = 16;
const TILES_PER_THREAD: usize = 8;
const MAX_TILE_COLS: usize = 512;
const TILE_ROWS: usize = 64;
const TILE_COLS: usize = 64;
