//! Sixteen f32 numbers that are worked on at once: what the vector kernels are written in.
//!
//! `vector/` says once, over [`Lanes`], how a kernel is computed sixteen numbers at a time; an instruction set gives the
//! lanes, in one 512-bit register or in two 256-bit ones. Sixteen is part of the arithmetic (partial sums are strided
//! by it), so all instruction sets round alike. A type that implements `Lanes` is a processor feature as a value: having
//! one is the proof that the instructions exist, which makes every function here safe to call.
//!
//! All code between an instruction set's entry (`x86_64/avx2/mod.rs`) and these functions is `#[inline(always)]`, because
//! only what is inlined into the entry is compiled for its instructions. A closure cannot be marked so: none may call
//! these functions (the mistake costs a factor of five).

use crate::isa::Isa;

/// Numbers that are worked on at once.
pub(crate) const LANES: usize = 16;

/// Operations on sixteen f32 numbers. Each rounds as the scalar operation of the same name does.
pub(crate) trait Lanes: Copy {
    /// Sixteen numbers.
    type Vector: Copy;
    /// Neighbouring lanes in one register.
    type Part: Copy;
    /// Parts of a vector.
    const PARTS: usize;
    /// Parts of a tile of products (attention) with 1, 2, … rows: as many as stay in registers, beside what they are made of. 1,
    /// 2, 3, 4 or 8.
    const TILE: &'static [usize];

    fn splat(self, x: f32) -> Self::Vector;
    fn load(self, x: &[f32; LANES]) -> Self::Vector;
    fn store(self, x: Self::Vector, out: &mut [f32; LANES]);
    /// Widens sixteen f16 numbers, exactly.
    fn load_f16(self, x: &[u16; LANES]) -> Self::Vector;
    /// Narrows to f16, to nearest even.
    fn store_f16(self, x: Self::Vector, out: &mut [u16; LANES]);

    /// The same number in all lanes.
    fn splat_part(self, x: f32) -> Self::Part;
    /// The numbers at `x`.
    ///
    /// # Safety
    /// `x` begins a part of a vector.
    unsafe fn load_part_at(self, x: *const f32) -> Self::Part;
    /// Widens f16 numbers, exactly.
    ///
    /// # Safety
    /// `x` begins a part of a vector.
    unsafe fn load_part_at_f16(self, x: *const u16) -> Self::Part;
    /// Writes the numbers to `out`.
    ///
    /// # Safety
    /// `out` begins a part of a vector.
    unsafe fn store_part_at(self, x: Self::Part, out: *mut f32);
    /// [`Lanes::fma`].
    fn fma_part(self, x: Self::Part, y: Self::Part, z: Self::Part) -> Self::Part;
    /// A tile of products: adds `x[stride · r] · y` to the sums of each row `r`, as [`Lanes::fma`] does.
    ///
    /// # Safety
    /// `x` begins at least `stride · (R - 1) + 1` numbers.
    #[inline(always)]
    unsafe fn add_products<const R: usize, const V: usize>(
        self,
        x: *const f32,
        stride: usize,
        y: &[Self::Part; V],
        sums: &mut [[Self::Part; V]; R],
    ) {
        for r in 0..R {
            // SAFETY: the caller's.
            let x = self.splat_part(unsafe { *x.add(stride * r) });
            for v in 0..V {
                sums[r][v] = self.fma_part(x, y[v], sums[r][v]);
            }
        }
    }

    fn add(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    fn sub(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    fn mul(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    fn div(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    /// `x · y + z`, rounded once.
    fn fma(self, x: Self::Vector, y: Self::Vector, z: Self::Vector) -> Self::Vector;
    /// The larger of both, lane by lane. No NaN.
    fn max(self, x: Self::Vector, y: Self::Vector) -> Self::Vector;
    /// `then` where `x < y`, else `otherwise`.
    fn where_less(self, x: Self::Vector, y: Self::Vector, then: Self::Vector, otherwise: Self::Vector) -> Self::Vector;
    /// `x · 2ⁿ` for whole `n` from -126 to 128, rounded once, `x` within a factor of 2 of 1. NaN stays NaN.
    fn scale_by_power(self, x: Self::Vector, n: Self::Vector) -> Self::Vector;
    /// The same for `n` from -126 to 0; what else comes out is not promised.
    #[inline(always)]
    fn scale_by_small_power(self, x: Self::Vector, n: Self::Vector) -> Self::Vector {
        self.scale_by_power(x, n)
    }
    /// Neighbours change places: lanes 1 0 3 2 5 4 …
    fn swap_pairs(self, x: Self::Vector) -> Self::Vector;
    /// Every number twice: lanes 0 0 1 1 2 2 …
    fn load_twice(self, x: &[f32; LANES / 2]) -> Self::Vector;
    /// Lane `i` holds `i`.
    #[inline(always)]
    fn numbers(self) -> Self::Vector {
        self.load(&std::array::from_fn(|i| i as f32))
    }

    /// Asks for the cache line at `place`, which will be read soon. Nothing happens where there is no memory.
    fn prefetch<T>(self, place: *const T);

    /// The lanes folded in halves: 8 + 8, 4 + 4, 2 + 2, 1 + 1.
    #[inline(always)]
    fn sum(self, x: Self::Vector) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(x, &mut lanes);
        crate::scalar::fold(lanes, |a, b| a + b)
    }

    /// The largest lane. No NaN.
    #[inline(always)]
    fn largest(self, x: Self::Vector) -> f32 {
        let mut lanes = [0.0; LANES];
        self.store(x, &mut lanes);
        crate::scalar::fold(lanes, f32::max)
    }

    /// Fewer than sixteen numbers, the rest zero.
    #[inline(always)]
    fn load_part(self, x: &[f32]) -> Self::Vector {
        let mut lanes = [0.0; LANES];
        lanes[..x.len()].copy_from_slice(x);
        self.load(&lanes)
    }

    /// The first `out.len()` lanes.
    #[inline(always)]
    fn store_part(self, x: Self::Vector, out: &mut [f32]) {
        let mut lanes = [0.0; LANES];
        self.store(x, &mut lanes);
        out.copy_from_slice(&lanes[..out.len()]);
    }
}

/// The parts of [`Lanes`] where a vector is a single one.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
macro_rules! part_is_vector {
    () => {
        type Part = Self::Vector;
        const PARTS: usize = 1;

        #[inline(always)]
        fn splat_part(self, x: f32) -> Self::Part {
            self.splat(x)
        }

        #[inline(always)]
        unsafe fn load_part_at(self, x: *const f32) -> Self::Part {
            // SAFETY: the caller's, who speaks of a vector.
            self.load(unsafe { &*x.cast() })
        }

        #[inline(always)]
        unsafe fn load_part_at_f16(self, x: *const u16) -> Self::Part {
            // SAFETY: the same.
            self.load_f16(unsafe { &*x.cast() })
        }

        #[inline(always)]
        unsafe fn store_part_at(self, x: Self::Part, out: *mut f32) {
            // SAFETY: the same.
            self.store(x, unsafe { &mut *out.cast() });
        }

        #[inline(always)]
        fn fma_part(self, x: Self::Part, y: Self::Part, z: Self::Part) -> Self::Part {
            self.fma(x, y, z)
        }
    };
}
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
pub(crate) use part_is_vector;

/// A computation that is written twice: plainly, and over [`Lanes`], with the same bits.
pub(crate) trait Operation: Sized {
    /// The specification.
    fn scalar(self);
    /// Its twin. Must be `#[inline(always)]`.
    fn vector<L: Lanes>(self, lanes: L);
}

impl Isa {
    /// Runs an operation on this instruction set.
    pub(crate) fn run(self, operation: impl Operation) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(isa) => crate::x86_64::avx2::run(isa, operation),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(isa) => crate::x86_64::avx2::run(isa.avx2(), operation),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(isa) => crate::x86_64::avx512::run(isa, operation),
            #[cfg(target_arch = "x86_64")]
            Self::Amx(isa) => crate::x86_64::avx512::run(isa.avx512(), operation),
            #[cfg(target_arch = "aarch64")]
            Self::Neon(isa) => crate::aarch64::neon::run(isa, operation),
            _ => operation.scalar(),
        }
    }
}
