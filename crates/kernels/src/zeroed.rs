//! Zeroed memory for numbers, which takes no room until it is written.

use std::io;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::aligned::AlignedBytes;

/// Numbers that are all zero at first, aligned to cache lines.
#[derive(Debug)]
pub struct ZeroedNumbers<T> {
    bytes: AlignedBytes,
    numbers: PhantomData<T>,
}

/// A type for which all bit patterns are values, and zero bits are zero.
pub trait Number: sealed::Number {}

impl Number for f32 {}
impl Number for u16 {}

mod sealed {
    pub trait Number: Copy {}
    impl Number for f32 {}
    impl Number for u16 {}
}

impl<T: Number> ZeroedNumbers<T> {
    /// `len` zeros.
    ///
    /// # Errors
    /// The system refuses so much memory.
    pub fn new(len: usize) -> io::Result<Self> {
        let bytes = len.checked_mul(size_of::<T>()).filter(|&bytes| bytes <= isize::MAX as usize);
        let bytes = bytes.ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { bytes: AlignedBytes::zeroed(bytes)?, numbers: PhantomData })
    }
}

impl<T: Number> Deref for ZeroedNumbers<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        // SAFETY: `T` is one of two number types, for which any bytes are values; the bytes are aligned to a cache line.
        unsafe { std::slice::from_raw_parts(self.bytes.as_ptr().cast(), self.bytes.len() / size_of::<T>()) }
    }
}

impl<T: Number> DerefMut for ZeroedNumbers<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`, and this value is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.bytes.as_mut_ptr().cast(), self.bytes.len() / size_of::<T>()) }
    }
}
