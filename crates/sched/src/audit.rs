//! What must hold between any two calls, checked from scratch: for tests, and for whoever doubts.

use std::collections::{BTreeMap, BTreeSet};

use crate::Scheduler;
use crate::block_pool::{Holding, KvBlock};

impl Scheduler {
    /// No block lost, none shared while it can be written, all counts right, what is kept named by what it holds.
    ///
    /// # Errors
    /// The first thing that is not so.
    pub fn audit(&self) -> Result<(), String> {
        self.audit_users()?;
        self.audit_queue()?;
        self.audit_tables()?;
        self.audit_kept()
    }

    fn audit_users(&self) -> Result<(), String> {
        let mut users = vec![0u32; self.pool.capacity()];
        let in_tables = self.running.iter().flat_map(|s| &s.table.blocks).chain(&self.outside);
        in_tables.for_each(|&block| users[block as usize] += 1);
        let free: BTreeSet<u32> = self.pool.free.iter().copied().collect();
        ensure(free.len() == self.pool.free.len(), || "a block is free twice".into())?;
        for (index, block) in self.pool.blocks.iter().enumerate() {
            let KvBlock { users: counted, kept } = block;
            ensure(*counted == users[index], || format!("block {index}: {counted} users counted, {}", users[index]))?;
            let is_free = *counted == 0 && kept.is_none();
            ensure(free.contains(&(index as u32)) == is_free, || format!("block {index} is lost or free while used"))?;
        }
        Ok(())
    }

    /// Who waits holds nothing; who came later to its tenant was not admitted earlier.
    fn audit_queue(&self) -> Result<(), String> {
        for queue in self.waiting.values() {
            ensure(!queue.is_empty(), || "a tenant without work has a queue".into())?;
            for s in queue.values() {
                ensure(s.table.blocks.is_empty() && s.computed == 0, || format!("{}: waits and holds blocks", s.id.0))?;
                let admitted = self.running.iter().chain(queue.values().filter(|s| s.preempted));
                let overtaken = !s.preempted && admitted.clone().any(|a| a.tenant == s.tenant && a.turn > s.turn);
                ensure(!overtaken, || format!("{}: was overtaken inside its tenant", s.id.0))?;
            }
        }
        Ok(())
    }

    fn audit_tables(&self) -> Result<(), String> {
        let size = self.limits.block_tokens;
        for s in &self.running {
            let name = s.id.0;
            ensure(s.computed <= s.tokens.len() && s.tokens.len() <= s.limit, || format!("{name}: grew too long"))?;
            ensure(s.table.blocks.len() * size >= s.computed, || format!("{name}: computed what it has no room for"))?;
            ensure(s.table.kept * size <= s.computed, || format!("{name}: keeps what is not computed"))?;
            for (index, &block) in s.table.blocks.iter().enumerate() {
                let KvBlock { users, kept } = &self.pool.blocks[block as usize];
                match kept {
                    Some(kept) if index < s.table.kept => {
                        let same = Some(kept.prefix()) == s.prefix(index, size);
                        ensure(same, || format!("{name}: block {block} is kept as something else"))?;
                    }
                    _ => ensure(index >= s.table.kept && kept.is_none() && *users == 1, || {
                        format!("{name}: block {block} can be written and is shared")
                    })?,
                }
            }
        }
        Ok(())
    }

    fn audit_kept(&self) -> Result<(), String> {
        let (mut holdings, mut children) = (BTreeMap::<_, Holding>::new(), BTreeMap::<u32, u32>::new());
        for (index, block) in (0u32..).zip(&self.pool.blocks) {
            let Some(kept) = &block.kept else { continue };
            ensure(self.pool.by_hash.get(&kept.hash) == Some(&index), || format!("block {index} is not found"))?;
            let holding = holdings.entry(kept.tenant).or_default();
            holding.kept += 1;
            holding.idle += usize::from(block.users == 0);
            if block.users == 0 && kept.children == 0 {
                holding.evictable.insert((kept.last_use, index));
            }
            if let Some(parent) = kept.parent {
                *children.entry(parent).or_default() += 1;
                let parent = &self.pool.blocks[parent as usize];
                ensure(parent.kept.is_some(), || format!("block {index} is kept and what comes before is not"))?;
                ensure(block.users <= parent.users, || format!("block {index} is used and what comes before is not"))?;
            }
        }
        let kept = self.pool.blocks.iter().filter(|block| block.kept.is_some()).count();
        ensure(self.pool.by_hash.len() == kept, || "a name leads nowhere".into())?;
        for (index, block) in (0u32..).zip(&self.pool.blocks) {
            let counted = block.kept.as_ref().map_or(0, |kept| kept.children);
            ensure(counted == children.get(&index).copied().unwrap_or(0), || format!("block {index}: wrong children"))?;
        }
        let same = holdings.len() == self.pool.holdings.len()
            && holdings.iter().all(|(tenant, h)| {
                let ours = self.pool.holdings.get(tenant);
                ours.is_some_and(|o| (o.kept, o.idle, &o.evictable) == (h.kept, h.idle, &h.evictable))
            });
        ensure(same, || format!("holdings: {:?}, should be {holdings:?}", self.pool.holdings))
    }
}

fn ensure(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}
