//! Activations and gains in ordinary memory.

/// Activations, f32 `[rows, cols]`.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuTensor {
    cols: usize,
    numbers: Vec<f32>,
}

impl CpuTensor {
    pub(super) fn zeroed(rows: usize, cols: usize) -> Self {
        Self { cols, numbers: vec![0.0; rows * cols] }
    }

    /// The numbers, row after row.
    pub fn numbers(&self) -> &[f32] {
        &self.numbers
    }

    /// The numbers, to be written by whoever makes test data.
    pub fn numbers_mut(&mut self) -> &mut [f32] {
        &mut self.numbers
    }

    /// Numbers in a row.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.numbers.len().checked_div(self.cols).unwrap_or(0)
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.numbers[row * self.cols..][..self.cols]
    }

    pub(super) fn assert_shape(&self, rows: usize, cols: usize) {
        assert_eq!((self.rows(), self.cols), (rows, cols), "rows and columns of a tensor");
    }
}

/// A norm's gain.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuVector(pub(super) Vec<f32>);
