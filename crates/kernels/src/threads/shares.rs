//! The slices of a region, in as many shares as there are threads.
//!
//! Each thread begins with its own share, whose counter nobody else touches meanwhile, and then helps with those of others:
//! no counter is hot, and nobody waits for a thread that the system has taken off its core. A share is the same part of
//! every *run* of slices (a matrix, say), whichever region it is. So a thread that loads the first quarter of a matrix
//! also multiplies with it, and the memory that it was the first to write is its own on machines where that matters.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// A value with cache lines (two, for the adjacent-line prefetcher) to itself.
#[repr(align(128))]
pub(super) struct Alone<T>(pub(super) T);

/// What is left of a region.
pub(super) struct Shares {
    /// Of each share, the region's number (upper half) and how many slices are taken. A counter of another region stands for a
    /// full share, so that nobody has to write all of them when a region begins.
    taken: Vec<Alone<AtomicU64>>,
    /// Shares of which slices are left; 0 saves a look at all of them. It may be any number once a region was emptied.
    left: Alone<AtomicUsize>,
}

impl Shares {
    pub(super) fn new(threads: usize) -> Self {
        let taken = (0..threads.max(1)).map(|_| Alone(AtomicU64::new(0))).collect();
        Self { taken, left: Alone(AtomicUsize::new(0)) }
    }

    /// The slices of region `region`: `runs[run]` in each run. Nobody takes any meanwhile.
    pub(super) fn fill(&self, region: u32, runs: &[usize]) {
        if region == 0 {
            // Numbers begin again: no counter may be taken for one of a region to come.
            self.taken.iter().for_each(|taken| taken.0.store(0, Ordering::Relaxed));
        }
        let shares = (0..self.taken.len()).filter(|&share| self.len(share, runs) > 0).count();
        self.left.0.store(shares, Ordering::Relaxed);
    }

    /// Leaves no slice to be taken.
    pub(super) fn empty(&self, region: u32) {
        for taken in &self.taken {
            taken.0.store(count(region, u32::MAX), Ordering::Relaxed);
        }
        self.left.0.store(0, Ordering::Relaxed);
    }

    /// Takes slices until none is left, those of share `home` first, and calls `work(run, slice)` for each.
    pub(super) fn take_all(&self, home: usize, region: u32, runs: &[usize], work: impl Fn(usize, usize)) {
        let shares = self.taken.len();
        for share in (home..shares).chain(0..home) {
            if self.left.0.load(Ordering::Relaxed) == 0 {
                return;
            }
            let len = self.len(share, runs);
            while let Some(number) = self.take(share, region, len) {
                let (run, slice) = self.slice(share, runs, number);
                work(run, slice);
            }
        }
    }

    /// The next of the `len` slices of a share.
    fn take(&self, share: usize, region: u32, len: u32) -> Option<u32> {
        let taken = &self.taken[share].0;
        let mut seen = taken.load(Ordering::Relaxed);
        loop {
            let number = if (seen >> 32) as u32 == region { seen as u32 } else { 0 };
            if number >= len {
                return None;
            }
            match taken.compare_exchange_weak(seen, count(region, number + 1), Ordering::Relaxed, Ordering::Relaxed) {
                Err(now) => seen = now,
                Ok(_) => {
                    if number + 1 == len {
                        self.left.0.fetch_sub(1, Ordering::Relaxed);
                    }
                    return Some(number);
                }
            }
        }
    }

    /// Where a share begins in a run of so many slices.
    fn start(&self, share: usize, slices: usize) -> usize {
        slices * share / self.taken.len()
    }

    fn len(&self, share: usize, runs: &[usize]) -> u32 {
        let of_run = |&slices: &usize| self.start(share + 1, slices) - self.start(share, slices);
        u32::try_from(runs.iter().map(of_run).sum::<usize>()).expect("fewer than 2³² slices for a thread")
    }

    /// Run and slice of slice `number` of a share.
    fn slice(&self, share: usize, runs: &[usize], number: u32) -> (usize, usize) {
        let mut number = number as usize;
        for (run, &slices) in runs.iter().enumerate() {
            let (start, end) = (self.start(share, slices), self.start(share + 1, slices));
            if number < end - start {
                return (run, start + number);
            }
            number -= end - start;
        }
        unreachable!("a share has no more slices than its runs")
    }
}

/// A counter's word.
fn count(region: u32, taken: u32) -> u64 {
    u64::from(region) << 32 | u64::from(taken)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[test]
    fn each_slice_is_in_one_share_and_each_share_in_every_run() {
        for (threads, runs) in [(1, vec![3]), (2, vec![8, 2, 2]), (3, vec![7, 1, 0, 5]), (8, vec![3]), (4, vec![0, 0])]
        {
            let shares = Shares::new(threads);
            for region in [1, 2, u32::MAX, 0, 1] {
                shares.fill(region, &runs);
                let seen = RefCell::new(Vec::new());
                shares.take_all(threads / 2, region, &runs, |run, slice| seen.borrow_mut().push((run, slice)));
                let mut seen = seen.into_inner();
                seen.sort_unstable();
                let expected: Vec<_> =
                    runs.iter().enumerate().flat_map(|(run, &n)| (0..n).map(move |s| (run, s))).collect();
                assert_eq!(seen, expected, "{threads} threads, region {region}");
            }
        }
    }

    #[test]
    fn a_thread_begins_with_its_part_of_every_run() {
        let shares = Shares::new(4);
        shares.fill(1, &[8, 4]);
        let first: Vec<_> = (0..3).map(|number| shares.slice(2, &[8, 4], number)).collect();
        assert_eq!((shares.len(2, &[8, 4]), first), (3, vec![(0, 4), (0, 5), (1, 2)]));
    }

    #[test]
    fn nothing_is_left_of_what_was_emptied() {
        let shares = Shares::new(2);
        shares.fill(1, &[10]);
        shares.empty(1);
        shares.take_all(0, 1, &[10], |_, slice| panic!("slice {slice} was taken"));
        assert_eq!(shares.take(1, 2, 5), Some(0), "the next region has its slices");
    }
}
