//! The tile unit: eight registers of up to 16 rows × 64 bytes, and a product of two of them.

use std::arch::asm;
use std::marker::PhantomData;

use crate::isa::Amx;

/// Rows, and bytes of a row, of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) rows: u8,
    pub(crate) row_bytes: u16,
}

impl Shape {
    /// All that a register holds.
    pub(crate) const FULL: Self = Self { rows: 16, row_bytes: 64 };

    /// # Panics
    /// The register's rows, `stride` bytes apart, are more than `bytes`.
    #[inline(always)]
    pub(super) fn check(self, bytes: usize, stride: usize) {
        let needed = usize::from(self.rows - 1) * stride + usize::from(self.row_bytes);
        assert!(needed <= bytes, "{self:?} at every {stride} bytes of {bytes}");
    }
}

/// 16 rows of activations × 16 outputs.
pub(crate) type Sums = [[i32; 16]; 16];

/// A tile unit. Registers are numbers in types because the instructions name them.
pub(crate) trait Tiles {
    /// All zeros.
    fn zero<const T: usize>(&mut self);
    /// Reads the register's rows, `stride` bytes apart.
    ///
    /// # Panics
    /// `bytes` are too few.
    fn load<const T: usize>(&mut self, bytes: &[u8], stride: usize);
    /// `C[m, n] += Σ A[m, 4·r + j] · B[r, 4·n + j]` over int8 in i32, for all rows `r` of `B` and `j` from 0 to 3.
    fn multiply<const C: usize, const A: usize, const B: usize>(&mut self);
    /// Writes the register.
    fn store<const T: usize>(&mut self, out: &mut Sums);
}

/// The processor's own, for as long as this value lives. It belongs to one thread, and there is one of them in it at a time.
pub(crate) struct Unit {
    shapes: [Shape; 8],
    this_thread: PhantomData<*mut ()>,
}

/// What `ldtilecfg` reads.
#[repr(C, align(64))]
struct Configuration {
    palette: u8,
    start_row: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

impl Unit {
    /// The unit with registers of these shapes, their contents zero. `_isa` is the proof that there is one.
    pub(crate) fn new(_isa: Amx, shapes: [Shape; 8]) -> Self {
        let mut configuration =
            Configuration { palette: 1, start_row: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        for (i, shape) in shapes.iter().enumerate() {
            assert!((1..=16).contains(&shape.rows) && (4..=64).contains(&shape.row_bytes), "{shape:?}");
            (configuration.row_bytes[i], configuration.rows[i]) = (shape.row_bytes, shape.rows);
        }
        // SAFETY: `configuration` is 64 bytes in the form that palette 1 asks for.
        unsafe { asm!("ldtilecfg [{}]", in(reg) &raw const configuration, options(nostack, preserves_flags, readonly)) }
        Self { shapes, this_thread: PhantomData }
    }
}

impl Drop for Unit {
    fn drop(&mut self) {
        // SAFETY: nothing else uses the registers. Empty, they cost nothing when threads change places.
        unsafe { asm!("tilerelease", options(nostack, preserves_flags, nomem)) }
    }
}

// SAFETY (all blocks below): a `Unit` is the proof that the unit is there and its registers are configured; no compiled code
// but this module's uses them. `load` reads, and `store` writes, only what it has checked.
#[allow(clippy::undocumented_unsafe_blocks)] // one argument for all, above
impl Tiles for Unit {
    #[inline(always)]
    fn zero<const T: usize>(&mut self) {
        unsafe { asm!("tilezero tmm{t}", t = const T, options(nostack, preserves_flags, nomem)) }
    }

    #[inline(always)]
    fn load<const T: usize>(&mut self, bytes: &[u8], stride: usize) {
        self.shapes[T].check(bytes.len(), stride);
        unsafe {
            asm!("tileloadd tmm{t}, [{start} + {stride}*1]", t = const T, start = in(reg) bytes.as_ptr(),
                 stride = in(reg) stride, options(nostack, preserves_flags, readonly));
        }
    }

    #[inline(always)]
    fn multiply<const C: usize, const A: usize, const B: usize>(&mut self) {
        unsafe {
            asm!("tdpbssd tmm{c}, tmm{a}, tmm{b}", c = const C, a = const A, b = const B,
                 options(nostack, preserves_flags, nomem));
        }
    }

    #[inline(always)]
    fn store<const T: usize>(&mut self, out: &mut Sums) {
        let bytes = size_of_val(out);
        self.shapes[T].check(bytes, bytes / 16);
        unsafe {
            asm!("tilestored [{start} + {stride}*1], tmm{t}", t = const T, start = in(reg) out.as_mut_ptr(),
                 stride = in(reg) bytes / 16, options(nostack, preserves_flags));
        }
    }
}
