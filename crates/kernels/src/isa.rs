//! A processor feature as a value: whoever holds one need not check again.

/// Proof that this processor has AVX2, FMA and F16C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx2 {
    _private: (),
}

/// Proof that this processor has AVX-VNNI, the int8 dot products of 256-bit vectors, and all that [`Avx2`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AvxVnni {
    avx2: Avx2,
}

impl AvxVnni {
    /// `Some` on a processor that has it.
    pub fn new() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avxvnni") {
            return Avx2::new().map(|avx2| Self { avx2 });
        }
        None
    }

    /// What it includes.
    pub const fn avx2(self) -> Avx2 {
        self.avx2
    }
}

/// Proof that this processor has AVX-512 F, BW, DQ, VL, VBMI and VNNI, and all that [`Avx2`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Avx512 {
    _private: (),
}

/// Proof that this processor has Intel's tile unit with int8 products (AMX), that the system lets this process use it, and of
/// all that [`Avx512`] stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Amx {
    avx512: Avx512,
}

impl Amx {
    /// `Some` on a processor that has it. Asks the system for the use of the tiles, for the whole process.
    pub fn new() -> Option<Self> {
        #[cfg(all(target_arch = "x86_64", target_os = "linux"))]
        if let Some(avx512) = Avx512::new()
            && crate::x86_64::amx::usable()
        {
            return Some(Self { avx512 });
        }
        None
    }

    /// What it includes.
    pub const fn avx512(self) -> Avx512 {
        self.avx512
    }
}

/// Proof that this processor has NEON with int8 dot products (ARMv8.2 `FEAT_DotProd`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neon {
    _private: (),
}

impl Neon {
    /// `Some` on a processor that has it.
    pub fn new() -> Option<Self> {
        #[cfg(target_arch = "aarch64")]
        if std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("dotprod") {
            return Some(Self { _private: () });
        }
        None
    }
}

impl Avx2 {
    /// `Some` on a processor that has it.
    pub fn new() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c") {
            return Some(Self { _private: () });
        }
        None
    }
}

impl Avx512 {
    /// `Some` on a processor that has it.
    pub fn new() -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if Avx2::new().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512vbmi")
            && is_x86_feature_detected!("avx512vnni")
        {
            return Some(Self { _private: () });
        }
        None
    }
}

/// The instruction set that a kernel runs on. All give the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// Plain Rust: the specification, on every processor.
    Scalar,
    /// 256-bit vectors.
    Avx2(Avx2),
    /// 256-bit vectors and int8 dot products.
    AvxVnni(AvxVnni),
    /// 512-bit vectors and int8 dot products.
    Avx512(Avx512),
    /// As `Avx512`, and tiles of int8 products for many rows at once.
    Amx(Amx),
    /// 128-bit vectors and int8 dot products, on AArch64.
    Neon(Neon),
}

impl Isa {
    /// The fastest that this processor has.
    pub fn detect() -> Self {
        Self::available().last().copied().unwrap_or(Self::Scalar)
    }

    /// All that this processor has, slowest first.
    pub fn available() -> Vec<Self> {
        let vector = [
            Avx2::new().map(Self::Avx2),
            AvxVnni::new().map(Self::AvxVnni),
            Avx512::new().map(Self::Avx512),
            Amx::new().map(Self::Amx),
            Neon::new().map(Self::Neon),
        ];
        [Self::Scalar].into_iter().chain(vector.into_iter().flatten()).collect()
    }

    /// The instruction set with this name, where this processor has it (`TRAMONTANE_ISA`).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::available().into_iter().find(|isa| isa.name() == name)
    }

    /// `scalar`, `avx2`, `avxvnni`, `avx512`, `amx`, `neon`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2(_) => "avx2",
            Self::AvxVnni(_) => "avxvnni",
            Self::Avx512(_) => "avx512",
            Self::Amx(_) => "amx",
            Self::Neon(_) => "neon",
        }
    }
}
