//! Memory for weights: whole cache lines, zeroed, on huge pages where the system has them.
//!
//! Streaming gigabytes through 4 KiB pages costs half of the memory bandwidth on some machines, so large allocations
//! come from the system directly, aligned to huge pages. Nothing is written before the owner writes it.

use std::io;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Bytes of a cache line, and of the widest vector.
pub(crate) const LINE: usize = 64;

/// Zeroed bytes, aligned to at least a cache line.
#[derive(Debug)]
pub(crate) struct AlignedBytes {
    start: *mut u8,
    len: usize,
    /// Kept until the last of those who lie in it is gone.
    _allocation: Arc<system::Allocation>,
}

// SAFETY: the bytes belong to this value alone, like those of a `Vec<u8>`.
unsafe impl Send for AlignedBytes {}
// SAFETY: as above; shared borrows only read.
unsafe impl Sync for AlignedBytes {}

impl AlignedBytes {
    /// `len` zero bytes.
    ///
    /// # Errors
    /// The system refuses so much memory.
    pub(crate) fn zeroed(len: usize) -> io::Result<Self> {
        let allocation = Arc::new(system::Allocation::zeroed(len)?);
        Ok(Self { start: allocation.start(), len, _allocation: allocation })
    }

    /// As [`AlignedBytes::zeroed`], for bytes that stay, such as weights: small ones lie side by side, so that they too are on
    /// huge pages, and large ones do not end in a huge page of their own that is mostly empty.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn zeroed_beside_others(len: usize) -> io::Result<Self> {
        static ROOM: Mutex<Room> = Mutex::new(Room { allocation: Weak::new(), taken: 0 });
        if len > LARGEST_BESIDE {
            return Self::zeroed(len);
        }
        ROOM.lock().unwrap_or_else(PoisonError::into_inner).take(len)
    }
}

/// Bytes that are allocated at once for those who lie side by side. Nothing is taken from the system before it is written.
const ROOM: usize = if cfg!(target_os = "linux") { 64 << 20 } else { 0 };
/// So that little of a room is left empty.
const LARGEST_BESIDE: usize = ROOM / 4;

/// Memory that is given away from its start on, each byte once.
struct Room {
    allocation: Weak<system::Allocation>,
    taken: usize,
}

impl Room {
    fn take(&mut self, len: usize) -> io::Result<AlignedBytes> {
        let size = len.next_multiple_of(LINE);
        let allocation = match self.allocation.upgrade().filter(|_| size <= ROOM - self.taken) {
            Some(allocation) => allocation,
            None => {
                let allocation = Arc::new(system::Allocation::zeroed(ROOM)?);
                (self.allocation, self.taken) = (Arc::downgrade(&allocation), 0);
                allocation
            }
        };
        let start = allocation.start().wrapping_add(self.taken);
        self.taken += size;
        Ok(AlignedBytes { start, len, _allocation: allocation })
    }
}

impl Deref for AlignedBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: `start` is valid for `len` bytes, zeroed at first, for as long as the allocation lives, and no other value has
        // any of them.
        unsafe { std::slice::from_raw_parts(self.start, self.len) }
    }
}

impl DerefMut for AlignedBytes {
    fn deref_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `deref`, and this value is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.start, self.len) }
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
            // Miri knows no advice.
            if mapped > HUGE_PAGE && !cfg!(miri) {
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
    }

    impl Drop for Allocation {
        fn drop(&mut self) {
            // SAFETY: mapped in `zeroed` with this length, and nobody has a part of it any more.
            let _ = unsafe { munmap(self.mapping.cast(), self.mapped) };
        }
    }

    // SAFETY: this is an address; who may use which bytes is for `AlignedBytes` to say.
    unsafe impl Send for Allocation {}
    // SAFETY: as above.
    unsafe impl Sync for Allocation {}
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
    }

    impl Drop for Allocation {
        fn drop(&mut self) {
            // SAFETY: allocated in `zeroed` with this layout, and nobody has a part of it any more.
            unsafe { dealloc(self.start, self.layout) };
        }
    }

    // SAFETY: this is an address; who may use which bytes is for `AlignedBytes` to say.
    unsafe impl Send for Allocation {}
    // SAFETY: as above.
    unsafe impl Sync for Allocation {}
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn small_pieces_lie_side_by_side_and_do_not_overlap() {
        let mut room = Room { allocation: Weak::new(), taken: 0 };
        let lens = [1, 64, 65, 4096, 100_000];
        let mut pieces: Vec<AlignedBytes> = lens.iter().map(|&len| room.take(len).unwrap()).collect();
        for (i, piece) in pieces.iter_mut().enumerate() {
            assert!(piece.as_ptr().align_offset(LINE) == 0 && piece.iter().all(|&byte| byte == 0), "piece {i}");
            piece.fill(i as u8 + 1);
        }
        for (i, (piece, len)) in pieces.iter().zip(lens).enumerate() {
            assert!(piece.len() == len && piece.iter().all(|&byte| byte == i as u8 + 1), "piece {i}");
        }
        let last = pieces.pop().unwrap();
        assert_eq!(last.as_ptr() as usize, pieces[0].as_ptr() as usize + 64 + 64 + 128 + 4096);
        drop(pieces);
        assert!(last.iter().all(|&byte| byte == 5), "what is left of a room stays");
        drop(last);
        assert!(room.allocation.upgrade().is_none(), "a room that nobody is in goes back to the system");
        assert!(room.take(1).unwrap()[0] == 0, "and what comes next is zero again");
    }

    #[test]
    fn a_full_room_is_followed_by_another() {
        let mut room = Room { allocation: Weak::new(), taken: 0 };
        let pieces: Vec<AlignedBytes> = (0..6).map(|_| room.take(LARGEST_BESIDE).unwrap()).collect();
        assert_ne!(pieces[3]._allocation.start(), pieces[4]._allocation.start());
    }
}
