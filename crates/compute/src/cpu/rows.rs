//! Operations on each row by itself.

use kernels::{Bands, Grid, PackedMatrix, Tile};

use super::{CpuBackend, CpuTensor, CpuVector};
use crate::RopeAngles;

impl CpuBackend {
    pub(super) fn embed_rows(&self, table: &PackedMatrix, rows: &[u32], out: &mut CpuTensor) {
        out.assert_shape(rows.len(), table.cols());
        self.for_each_row(out, 8, |row, out| table.unpack_row(rows[row] as usize, out));
    }

    pub(super) fn norm_rows(&self, x: &CpuTensor, weight: &CpuVector, eps: f32, out: &mut CpuTensor) {
        out.assert_shape(x.rows(), x.cols());
        self.for_each_row(out, 1, |row, out| kernels::rms_norm(self.isa, x.row(row), &weight.0, eps, out));
    }

    pub(super) fn rotate_rows(&self, x: &mut CpuTensor, head_dim: usize, angles: &RopeAngles) {
        let pairs = head_dim / 2;
        assert!(x.cols().is_multiple_of(head_dim) && head_dim > 0, "heads of {head_dim} in rows of {}", x.cols());
        assert_eq!((angles.cos.len(), angles.sin.len()), (x.rows() * pairs, x.rows() * pairs), "angles");
        self.for_each_row(x, 1, |row, x| {
            let (cos, sin) = (&angles.cos[row * pairs..][..pairs], &angles.sin[row * pairs..][..pairs]);
            x.chunks_exact_mut(head_dim).for_each(|head| kernels::rope(self.isa, head, cos, sin));
        });
    }

    pub(super) fn multiply_rows(&self, x: &mut CpuTensor, factors: &[f32]) {
        assert_eq!(x.rows(), factors.len(), "a factor for each row");
        self.for_each_row(x, 1, |row, x| kernels::scale(self.isa, x, factors[row]));
    }

    pub(super) fn silu_mul_rows(&self, gate: &mut CpuTensor, up: &CpuTensor) {
        gate.assert_shape(up.rows(), up.cols());
        self.for_each_part(gate, 4, |row, first, gate| {
            kernels::silu_mul(self.isa, gate, &up.row(row)[first..][..gate.len()]);
        });
    }

    pub(super) fn add_rows(&self, x: &mut CpuTensor, y: &CpuTensor) {
        x.assert_shape(y.rows(), y.cols());
        self.for_each_part(x, 1, |row, first, x| kernels::add(self.isa, x, &y.row(row)[first..][..x.len()]));
    }

    pub(super) fn copy_rows(&self, x: &CpuTensor, rows: &[usize], out: &mut CpuTensor) {
        out.assert_shape(rows.len(), x.cols());
        self.for_each_row(out, 1, |row, out| out.copy_from_slice(x.row(rows[row])));
    }

    pub(super) fn add_to_rows(&self, x: &CpuTensor, rows: &[usize], weights: &[f32], out: &mut CpuTensor) {
        x.assert_shape(rows.len(), out.cols());
        assert_eq!(rows.len(), weights.len(), "a weight for each row");
        if rows.is_empty() {
            return;
        }
        let (cols, out_rows) = (out.cols(), out.rows());
        let grid = Grid::new(out.numbers_mut(), cols, Bands::Every(out_rows), PART);
        self.threads_for(rows.len() * cols).for_each_tile(&mut [grid], |_, mut tile| {
            for ((i, &row), &weight) in rows.iter().enumerate().zip(weights) {
                kernels::add_scaled(self.isa, &x.row(i)[tile.cols()], weight, tile.row_mut(row));
            }
        });
    }

    /// `work(row, numbers)` for each row; a number takes about `steps` multiply-adds.
    fn for_each_row(&self, x: &mut CpuTensor, steps: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
        let cols = x.cols();
        self.for_each_tile(x, steps, cols, |mut tile| tile.rows().for_each(|row| work(row, tile.row_mut(row))));
    }

    /// `work(row, first column, numbers)` for parts of rows.
    fn for_each_part(&self, x: &mut CpuTensor, steps: usize, work: impl Fn(usize, usize, &mut [f32]) + Sync) {
        self.for_each_tile(x, steps, PART, |mut tile| {
            let first = tile.cols().start;
            tile.rows().for_each(|row| work(row, first, tile.row_mut(row)));
        });
    }

    fn for_each_tile(&self, x: &mut CpuTensor, steps: usize, tile_cols: usize, work: impl Fn(Tile<'_>) + Sync) {
        let (rows, cols) = (x.rows(), x.cols());
        if rows == 0 {
            return;
        }
        let band = (PART / tile_cols.min(cols)).max(1);
        let grid = Grid::new(x.numbers_mut(), cols, Bands::Every(band), tile_cols);
        self.threads_for(rows * cols * steps).for_each_tile(&mut [grid], |_, tile| work(tile));
    }
}

/// Numbers of a tile.
const PART: usize = 1 << 13;
