//! The vector instructions of x86-64.

pub(crate) mod amx;
pub(crate) mod avx2;
pub(crate) mod avx512;

use std::arch::x86_64::{__m128i, _mm_loadu_si128};

#[inline(always)]
fn four_words(bytes: &[u8; 16]) -> __m128i {
    // SAFETY: the bytes are as many as the vector's, whose instructions every x86-64 has.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}
