//! The table of formats: one row each, everything else is looked up here.

/// How the weights of a matrix are stored: plain numbers, or blocks of codes with scales.
///
/// Numbers and sizes are those of the GGUF format (ggml's tensor types).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
#[allow(missing_docs)] // the names are the field's own
pub enum Format {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2K,
    Q3K,
    Q4K,
    Q5K,
    Q6K,
    IQ4NL,
    IQ4XS,
    MXFP4,
}

impl Format {
    /// Every format, in the order of their GGUF numbers.
    pub const ALL: [Format; 16] = {
        use Format::*;
        [F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2K, Q3K, Q4K, Q5K, Q6K, IQ4NL, IQ4XS, BF16, MXFP4]
    };

    /// `(GGUF type number, name, weights per block, bytes per block)`.
    const fn row(self) -> (u32, &'static str, usize, usize) {
        match self {
            Format::F32 => (0, "f32", 1, 4),
            Format::F16 => (1, "f16", 1, 2),
            Format::Q4_0 => (2, "q4_0", 32, 18),
            Format::Q4_1 => (3, "q4_1", 32, 20),
            Format::Q5_0 => (6, "q5_0", 32, 22),
            Format::Q5_1 => (7, "q5_1", 32, 24),
            Format::Q8_0 => (8, "q8_0", 32, 34),
            Format::Q2K => (10, "q2_k", 256, 84),
            Format::Q3K => (11, "q3_k", 256, 110),
            Format::Q4K => (12, "q4_k", 256, 144),
            Format::Q5K => (13, "q5_k", 256, 176),
            Format::Q6K => (14, "q6_k", 256, 210),
            Format::IQ4NL => (20, "iq4_nl", 32, 18),
            Format::IQ4XS => (23, "iq4_xs", 256, 136),
            Format::BF16 => (30, "bf16", 1, 2),
            Format::MXFP4 => (39, "mxfp4", 32, 17),
        }
    }

    /// The format with this GGUF tensor type number.
    pub fn from_gguf(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.gguf() == number)
    }

    /// The format with this name (`"q4_k"`, case ignored).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|f| f.name().eq_ignore_ascii_case(name))
    }

    /// GGUF tensor type number.
    pub const fn gguf(self) -> u32 {
        self.row().0
    }

    /// Lower-case name, as people write it on the command line.
    pub const fn name(self) -> &'static str {
        self.row().1
    }

    /// Weights in one block; 1 for plain numbers.
    pub const fn block_weights(self) -> usize {
        self.row().2
    }

    /// Bytes of one block.
    pub const fn block_bytes(self) -> usize {
        self.row().3
    }

    /// Weights that share an integer scale inside a block of 256; the block itself elsewhere.
    pub const fn sub_block(self) -> usize {
        match self {
            Format::Q2K | Format::Q3K | Format::Q6K => 16,
            Format::Q4K | Format::Q5K | Format::IQ4XS => 32,
            _ => self.block_weights(),
        }
    }

    /// Whether blocks carry minimums beside scales.
    pub const fn has_min(self) -> bool {
        matches!(self, Format::Q4_1 | Format::Q5_1 | Format::Q2K | Format::Q4K | Format::Q5K)
    }

    /// The integer that a code stands for; 0 for plain numbers, which have no codes.
    pub const fn code_value(self, code: u8) -> i8 {
        match self {
            Format::F32 | Format::F16 | Format::BF16 => 0,
            Format::Q4_1 | Format::Q5_1 | Format::Q2K | Format::Q4K | Format::Q5K | Format::Q8_0 => code as i8,
            Format::Q4_0 => (code as i8).wrapping_sub(8),
            Format::Q5_0 => (code as i8).wrapping_sub(16),
            Format::Q3K => (code as i8).wrapping_sub(4),
            Format::Q6K => (code as i8).wrapping_sub(32),
            Format::IQ4NL | Format::IQ4XS => IQ4_CODEBOOK[(code & 15) as usize],
            Format::MXFP4 => E2M1_CODEBOOK[(code & 15) as usize],
        }
    }

    /// Bytes of one row of `cols` weights; `None` where `cols` is not a whole number of blocks or the product overflows.
    pub const fn row_bytes(self, cols: usize) -> Option<usize> {
        if !cols.is_multiple_of(self.block_weights()) {
            return None;
        }
        (cols / self.block_weights()).checked_mul(self.block_bytes())
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// ggml's non-linear 4-bit codebook (`kvalues_iq4nl`).
const IQ4_CODEBOOK: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

/// The 4-bit floats of OCP microscaling, doubled to be whole.
const E2M1_CODEBOOK: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];
