//! Activations and gains in ordinary memory.

use std::sync::{Arc, Mutex};

use kernels::ZeroedNumbers;

use super::lock;

/// Activations, f32 `[rows, cols]`.
#[derive(Debug)]
pub struct CpuTensor {
    rows: usize,
    cols: usize,
    /// At least as many numbers as there are rows and columns; `None` for none.
    memory: Option<ZeroedNumbers<f32>>,
    spares: Spares,
}

impl CpuTensor {
    /// What is in it is void.
    ///
    /// # Panics
    /// Memory is short.
    pub(super) fn new(rows: usize, cols: usize, spares: &Spares) -> Self {
        let mut tensor = Self { rows, cols, memory: spares.take(rows * cols), spares: spares.clone() };
        if cfg!(debug_assertions) {
            // Whoever reads before writing is found out by every test that looks at numbers.
            tensor.numbers_mut().fill(f32::NAN);
        }
        tensor
    }

    /// The numbers, row after row.
    pub fn numbers(&self) -> &[f32] {
        self.memory.as_ref().map_or(&[], |memory| &memory[..self.rows * self.cols])
    }

    /// The numbers, to be written by whoever makes test data.
    pub fn numbers_mut(&mut self) -> &mut [f32] {
        let len = self.rows * self.cols;
        self.memory.as_mut().map_or(&mut [], |memory| &mut memory[..len])
    }

    /// Numbers in a row.
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn row(&self, row: usize) -> &[f32] {
        &self.numbers()[row * self.cols..][..self.cols]
    }

    pub(super) fn assert_shape(&self, rows: usize, cols: usize) {
        assert_eq!((self.rows, self.cols), (rows, cols), "rows and columns of a tensor");
    }
}

impl Drop for CpuTensor {
    fn drop(&mut self) {
        if let Some(memory) = self.memory.take() {
            self.spares.give(memory);
        }
    }
}

/// Memory of tensors that are no more, for those to come: a step makes the same few in every layer, and clearing new memory each time
/// is work.
#[derive(Clone, Debug, Default)]
pub(super) struct Spares(Arc<Mutex<Vec<ZeroedNumbers<f32>>>>);

impl Spares {
    /// Memory for so many numbers, the smallest that there is; what is in it is void. `None` for none.
    fn take(&self, len: usize) -> Option<ZeroedNumbers<f32>> {
        if len == 0 {
            return None;
        }
        let mut spares = lock(&self.0);
        let fitting = spares.iter().enumerate().filter(|(_, spare)| spare.len() >= len);
        if let Some((index, _)) = fitting.min_by_key(|(_, spare)| spare.len()) {
            return Some(spares.swap_remove(index));
        }
        drop(spares);
        Some(ZeroedNumbers::new(len).unwrap_or_else(|error| panic!("{len} numbers of a tensor: {error}")))
    }

    fn give(&self, memory: ZeroedNumbers<f32>) {
        let mut spares = lock(&self.0);
        if spares.len() < MOST_SPARES && memory.len() <= MOST_NUMBERS {
            spares.push(memory);
        }
    }
}

/// More than a step has tensors at once.
const MOST_SPARES: usize = 16;
/// Larger tensors, 128 MiB, are rare and not kept: logits of many rows.
const MOST_NUMBERS: usize = 32 << 20;

/// A norm's gain.
#[derive(Clone, Debug, PartialEq)]
pub struct CpuVector(pub(super) Vec<f32>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_used_again() {
        let spares = Spares::default();
        let address = |rows| CpuTensor::new(rows, 8, &spares).numbers().as_ptr();
        let large = address(100);
        assert_eq!([address(50), address(100), address(1)], [large; 3]);
        let held = CpuTensor::new(3, 8, &spares);
        let beside = CpuTensor::new(100, 8, &spares);
        assert_eq!((held.numbers().as_ptr(), held.rows(), beside.rows()), (large, 3, 100));
        assert_ne!(beside.numbers().as_ptr(), large);
        drop((held, beside));
        let many: Vec<_> = (0..2 * MOST_SPARES).map(|_| CpuTensor::new(1, 1, &spares)).collect();
        drop(many);
        assert_eq!(lock(&spares.0).len(), MOST_SPARES);
    }
}
