//! Memory for weights: whole cache lines, zeroed, on huge pages where the system has them.
//!
//! Streaming gigabytes through 4 KiB pages costs half of the memory bandwidth on some machines, so large allocations
//! come from the system directly, aligned to huge pages. Nothing is written before the owner writes it.

use std::io;
use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
pub(crate) const LINE: usize = 64;

/// Zeroed bytes, aligned to at least a cache line.
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    start: *mut u8,
    len: usize,
    allocation: system::Allocation,
}

// SAFETY: the allocation belongs to this value alone, like that of a `Vec<u8>`.
unsafe impl Send for AlignedBytes {}
// SAFETY: as above; shared borrows only read.
unsafe impl Sync for AlignedBytes {}

impl AlignedBytes {
    /// `len` zero bytes.
    ///
    /// # Errors
    /// The system refuses so much memory.
    pub(crate) fn zeroed(len: usize) -> io::Result<Self> {
        let allocation = system::Allocation::zeroed(len)?;
        Ok(Self { start: allocation.start(), len, allocation })
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` is valid for `len` zeroed bytes for as long as `allocation` lives.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and this value is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
    }
}

impl Drop for AlignedBytes {
    fn drop(&mut self) {
        self.allocation.free();
    }
}

/// Anonymous mappings, on huge pages.
#[cfg(target_os = "linux")]
mod system {
    use std::io;

    use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

    const HUGE_PAGE: usize = 2 << 20;

    #[derive(Debug)]
    pub(super) struct Allocation {
        mapping: *mut u8,
        mapped: usize,
    }

    impl Allocation {
        pub(super) fn zeroed(len: usize) -> io::Result<Self> {
            let mapped = if len < HUGE_PAGE { Some(len.max(1)) } else { len.checked_add(HUGE_PAGE) };
            let mapped = mapped.ok_or(io::ErrorKind::OutOfMemory)?;
            let (access, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
            // SAFETY: a new anonymous mapping at an address that the system chooses touches no existing memory.
            let mapping = unsafe { mmap_anonymous(std::ptr::null_mut(), mapped, access, flags)? };
            if mapped > HUGE_PAGE {
                // SAFETY: the advice changes page sizes, not contents, of the mapping just made. A refusal costs speed only.
                let _ = unsafe { madvise(mapping, mapped, Advice::LinuxHugepage) };
            }
            Ok(Self { mapping: mapping.cast(), mapped })
        }

        /// The first huge page boundary, which leaves room for all bytes; of a small mapping its first page.
        pub(super) fn start(&self) -> *mut u8 {
            let skip = if self.mapped > HUGE_PAGE { self.mapping.align_offset(HUGE_PAGE) } else { 0 };
            self.mapping.wrapping_add(skip)
        }

        pub(super) fn free(&mut self) {
            // SAFETY: mapped in `zeroed` with this length, unmapped once, by the owner's drop.
            let _ = unsafe { munmap(self.mapping.cast(), self.mapped) };
        }
    }
}

/// The global allocator, elsewhere.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::alloc::{Layout, alloc_zeroed, dealloc};
    use std::io;

    #[derive(Debug)]
    pub(super) struct Allocation {
        start: *mut u8,
        layout: Layout,
    }

    impl Allocation {
        pub(super) fn zeroed(len: usize) -> io::Result<Self> {
            let layout = Layout::from_size_align(len.max(1), super::LINE).map_err(|_| io::ErrorKind::OutOfMemory)?;
            // SAFETY: the size is not zero.
            let start = unsafe { alloc_zeroed(layout) };
            if start.is_null() { Err(io::ErrorKind::OutOfMemory.into()) } else { Ok(Self { start, layout }) }
        }

        pub(super) fn start(&self) -> *mut u8 {
            self.start
        }

        pub(super) fn free(&mut self) {
            // SAFETY: allocated in `zeroed` with this layout, freed once, by the owner's drop.
            unsafe { dealloc(self.start, self.layout) };
        }
    }
}
