//! A chunk of packed weights as int8 tiles: the code vectors of 64 inputs, one below the other, are a tile of weights.
//!
//! Formats with a scale for each sub-block of 256 inputs have it multiplied into their codes, so that a chunk's products
//! need no other scales until the end: `w = scale · code` is below 2¹² in size and is cut into two int8, `w = 64·high + low`
//! with `low` from 0 to 63, where one is not enough. All of it is exact.

use std::arch::x86_64::*;

use quant::Format;

use crate::aligned::LINE;
use crate::isa::Avx512;
use crate::packed::BLOCKS;
use crate::products::{FormatType, code_offset};
use crate::vector::linear::codes::{self, Strip};

/// Code vectors of a chunk.
const VECTORS: usize = 64;

/// How far ahead weights are asked for, in bytes. Not measured: no machine with tiles was at hand.
const AHEAD: usize = 3 << 10;

/// Int8 weights of a chunk, 16 rows × 4 inputs in a line.
#[repr(align(64))]
pub(super) struct Weights {
    high: [[u8; LINE]; VECTORS],
    low: [[u8; LINE]; VECTORS],
}

/// Whether weights of a format are two int8: `64·high + low`.
pub(super) const fn are_split(format: Format) -> bool {
    matches!(format, Format::Q4K | Format::Q5K | Format::Q6K | Format::IQ4XS)
}

/// Whether the tiles hold the weights' opposites: with them -32 · -4 is an int8.
pub(super) const fn are_negative(format: Format) -> bool {
    matches!(format, Format::Q3K)
}

impl Weights {
    pub(super) fn new() -> Self {
        Self { high: [[0; LINE]; VECTORS], low: [[0; LINE]; VECTORS] }
    }

    /// Tile `tile` of the high parts: the weights of inputs `64·tile..`.
    #[inline(always)]
    pub(super) fn high(&self, tile: usize) -> &[u8] {
        self.high[16 * tile..][..16].as_flattened()
    }

    /// Tile `tile` of the low parts, or of the weights where they are not split.
    #[inline(always)]
    pub(super) fn low(&self, tile: usize) -> &[u8] {
        self.low[16 * tile..][..16].as_flattened()
    }

    /// The weights of inputs `32·block..`, half a tile.
    #[inline(always)]
    pub(super) fn block(&self, block: usize) -> &[u8] {
        self.low[8 * block..][..8].as_flattened()
    }

    /// Codes as they are, without their offset.
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")]
    pub(super) fn unpack<F: FormatType>(&mut self, isa: Avx512, strip: Strip<'_>) {
        let offset = _mm512_set1_epi8(code_offset(F::FORMAT) as i8);
        for block in 0..BLOCKS {
            let codes = codes::codes::<Avx512, F, 1>(isa, strip, block, (AHEAD, true));
            for v in 0..8 {
                put(&mut self.low[8 * block + v], _mm512_sub_epi8(codes[v], offset));
            }
        }
    }

    /// Codes times the scales of their sub-blocks.
    #[target_feature(enable = "avx2,fma,f16c,avx512f,avx512bw,avx512dq,avx512vl,avx512vbmi,avx512vnni")]
    pub(super) fn unpack_scaled<F: FormatType>(&mut self, isa: Avx512, strip: Strip<'_>) {
        let scales = codes::sub_scales::<Avx512, F>(isa, strip);
        let per_block = 32 / F::FORMAT.sub_block();
        for block in 0..BLOCKS {
            let codes = codes::codes::<Avx512, F, 1>(isa, strip, block, (AHEAD, true));
            for v in 0..8 {
                let scale = twice::<F>(scales[per_block * block + v * per_block / 8]);
                let (even, odd) = scaled::<F>(codes[v], scale);
                let at = 8 * block + v;
                if are_split(F::FORMAT) {
                    put(&mut self.high[at], bytes(_mm512_srai_epi16::<6>(even), _mm512_srai_epi16::<6>(odd)));
                    let low = _mm512_set1_epi16(63);
                    put(&mut self.low[at], bytes(_mm512_and_si512(even, low), _mm512_and_si512(odd, low)));
                } else {
                    put(&mut self.low[at], bytes(even, odd));
                }
            }
        }
    }
}

/// The scale of each lane, as both of its i16; the opposite where the tiles hold opposites.
#[target_feature(enable = "avx512f,avx512bw")]
fn twice<F: FormatType>(scale: __m512i) -> __m512i {
    let scale = if are_negative(F::FORMAT) { _mm512_sub_epi32(_mm512_setzero_si512(), scale) } else { scale };
    _mm512_mask_blend_epi16(0xAAAA_AAAA, scale, _mm512_slli_epi32::<16>(scale))
}

/// Bytes 0 and 2, and bytes 1 and 3, of each lane, without their offset, times the scale.
#[target_feature(enable = "avx512f,avx512bw")]
fn scaled<F: FormatType>(codes: __m512i, scale: __m512i) -> (__m512i, __m512i) {
    let offset = _mm512_set1_epi16(code_offset(F::FORMAT) as i16);
    let even = _mm512_sub_epi16(_mm512_and_si512(codes, _mm512_set1_epi16(0xFF)), offset);
    let odd = _mm512_sub_epi16(_mm512_srli_epi16::<8>(codes), offset);
    (_mm512_mullo_epi16(even, scale), _mm512_mullo_epi16(odd, scale))
}

/// The low bytes of `even`'s and `odd`'s i16, taking turns.
#[target_feature(enable = "avx512f,avx512bw")]
fn bytes(even: __m512i, odd: __m512i) -> __m512i {
    _mm512_mask_blend_epi8(0xAAAA_AAAA_AAAA_AAAA, even, _mm512_slli_epi16::<8>(odd))
}

#[target_feature(enable = "avx512f")]
fn put(line: &mut [u8; LINE], vector: __m512i) {
    // SAFETY: the line is as long as the vector.
    unsafe { _mm512_storeu_si512(line.as_mut_ptr().cast(), vector) }
}
