//! Which KV blocks are free.

/// The free KV blocks. Block numbers are `0..capacity`; the storage itself is the backend's.
#[derive(Clone, Debug)]
pub struct BlockPool {
    /// Taken from the end: what was freed last is still in the caches of the processor.
    free: Vec<u32>,
    capacity: usize,
}

impl BlockPool {
    /// A pool of which all is free.
    pub fn new(capacity: u32) -> Self {
        Self { free: (0..capacity).rev().collect(), capacity: capacity as usize }
    }

    /// `count` blocks; `None`, and nothing taken, where fewer are free.
    pub fn take(&mut self, count: usize) -> Option<Vec<u32>> {
        let rest = self.free.len().checked_sub(count)?;
        let mut blocks = self.free.split_off(rest);
        blocks.reverse();
        Some(blocks)
    }

    /// Gives blocks back.
    pub fn give_back(&mut self, blocks: Vec<u32>) {
        debug_assert!(self.free.len() + blocks.len() <= self.capacity, "a block was given back twice");
        self.free.extend(blocks.into_iter().rev());
    }

    /// Blocks that are free now.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Blocks in all.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}
