//! The tile unit in plain Rust, as the manual describes it, for processors without one.

use super::tiles::{Shape, Sums, Tiles};

/// Registers of given shapes. What the processor faults on panics.
pub(super) struct Model {
    shapes: [Shape; 8],
    registers: [[[u8; 64]; 16]; 8],
}

impl Model {
    pub(super) fn new(shapes: [Shape; 8]) -> Self {
        Self { shapes, registers: [[[0xAA; 64]; 16]; 8] }
    }
}

impl Tiles for Model {
    fn zero<const T: usize>(&mut self) {
        self.registers[T] = [[0; 64]; 16];
    }

    fn load<const T: usize>(&mut self, bytes: &[u8], stride: usize) {
        let Shape { rows, row_bytes } = self.shapes[T];
        self.shapes[T].check(bytes.len(), stride);
        self.zero::<T>();
        for (row, register) in self.registers[T][..usize::from(rows)].iter_mut().enumerate() {
            register[..row_bytes.into()].copy_from_slice(&bytes[row * stride..][..row_bytes.into()]);
        }
    }

    fn multiply<const C: usize, const A: usize, const B: usize>(&mut self) {
        let (c, a, b) = (self.shapes[C], self.shapes[A], self.shapes[B]);
        let fits =
            c.rows == a.rows && c.row_bytes == b.row_bytes && usize::from(a.row_bytes) == 4 * usize::from(b.rows);
        assert!(fits && C != A && C != B && A != B, "{c:?} += {a:?} × {b:?}");
        for m in 0..c.rows.into() {
            for n in 0..usize::from(c.row_bytes) / 4 {
                let products = (0..a.row_bytes.into()).map(|k| {
                    let (x, w) = (self.registers[A][m][k] as i8, self.registers[B][k / 4][4 * n + k % 4] as i8);
                    i32::from(x) * i32::from(w)
                });
                let sum = products.fold(0, i32::wrapping_add);
                let into = &mut self.registers[C][m].as_chunks_mut::<4>().0[n];
                *into = i32::from_le_bytes(*into).wrapping_add(sum).to_le_bytes();
            }
        }
    }

    fn store<const T: usize>(&mut self, out: &mut Sums) {
        let Shape { rows, row_bytes } = self.shapes[T];
        for (row, register) in out[..rows.into()].iter_mut().zip(&self.registers[T]) {
            for (sum, bytes) in row.iter_mut().zip(register[..row_bytes.into()].as_chunks().0) {
                *sum = i32::from_le_bytes(*bytes);
            }
        }
    }
}
