//! Who comes next, and who has to go when room is short.
//!
//! First those that were sent back, then the first sequence of the tenant that had least. Who does not fit holds up all
//! behind it, so that it will fit one day. Only a tenant that has less than its share of the places and of the blocks
//! passes by, and for it others go: the sequences last admitted of a tenant that has more than its share.

use std::collections::BTreeMap;

use crate::sequence::Sequence;
use crate::{Prefix, Reach, Scheduler, Tenant};

impl Scheduler {
    pub(crate) fn admit(&mut self) {
        while self.admit_one() {}
    }

    /// True when somebody was admitted.
    fn admit_one(&mut self) -> bool {
        let mut order: Vec<(Claim, Tenant)> = self.waiting.keys().filter_map(|&t| Some((self.claim(t)?, t))).collect();
        order.sort_unstable();
        for (place, &(_, tenant)) in order.iter().enumerate() {
            let fits = place == 0 && self.running.len() < self.limits.running && self.fits(tenant);
            if fits || self.make_way(tenant) {
                return self.enter(tenant);
            }
        }
        false
    }

    fn enter(&mut self, tenant: Tenant) -> bool {
        let turn = self.waiting.get(&tenant).and_then(|queue| queue.keys().next().copied());
        let Some(sequence) = self.take_waiting(|s| s.tenant == tenant && Some(s.turn) == turn) else { return false };
        self.running.push(sequence);
        self.attach(self.running.len() - 1);
        true
    }

    fn first(&self, tenant: Tenant) -> Option<&Sequence> {
        self.waiting.get(&tenant)?.values().next()
    }

    fn claim(&self, tenant: Tenant) -> Option<Claim> {
        let first = self.first(tenant)?;
        Some(if first.preempted { Claim::Return(first.turn) } else { Claim::New(self.service.of(tenant), first.turn) })
    }

    /// A tenant's first sequence needs no more than is left when all that run have what is known of them.
    fn fits(&self, tenant: Tenant) -> bool {
        self.missing(tenant, &[]) == Some(0)
    }

    /// Blocks that a tenant's first sequence lacks, were it not for these running ones.
    fn missing(&self, tenant: Tenant, gone: &[usize]) -> Option<usize> {
        let (first, size) = (self.first(tenant)?, self.limits.block_tokens);
        let kept: Vec<u32> = self.kept_for(first);
        let idle = kept.iter().filter(|&&block| self.pool.is_idle(block)).count();
        let staying = || self.running.iter().enumerate().filter(|(index, _)| !gone.contains(index)).map(|(_, s)| s);
        let promised = |s: &Sequence| s.blocks_needed(size).saturating_sub(s.table.blocks.len());
        let alone = !staying().any(|s| s.tenant == tenant);
        let reach = if alone { Reach::Everything } else { Reach::Quotas };
        let returned: usize = gone.iter().map(|&index| self.blocks_of_its_own(&self.running[index])).sum();
        let there = self.pool.obtainable(tenant, reach) + returned;
        let needed = first.blocks_needed(size) - kept.len() + idle + staying().map(promised).sum::<usize>();
        Some(needed.saturating_sub(there))
    }

    /// The blocks that a waiting sequence would find computed.
    fn kept_for(&self, sequence: &Sequence) -> Vec<u32> {
        let size = self.limits.block_tokens;
        let next = |parent: &Option<u32>, index: usize| {
            let prefix = sequence.prefix(index, size)?;
            self.pool.find(Prefix { parent: *parent, ..prefix })
        };
        let mut found: Vec<u32> = Vec::new();
        while found.len() < sequence.shareable_blocks(size)
            && let Some(block) = next(&found.last().copied(), found.len())
        {
            found.push(block);
        }
        found
    }

    fn blocks_of_its_own(&self, sequence: &Sequence) -> usize {
        sequence.table.blocks.iter().filter(|&&block| self.pool.has_one_user(block)).count()
    }

    /// Sends others back so that the first sequence of a tenant fits, if it has less than its share and others have more.
    /// True when it fits now.
    fn make_way(&mut self, tenant: Tenant) -> bool {
        let mut shares = Shares::of(self);
        let (running, blocks) = shares.had(tenant);
        let Some(missing) = self.missing(tenant, &[]) else { return false };
        let needs = self.first(tenant).map_or(0, |first| first.blocks_needed(self.limits.block_tokens));
        if running >= shares.running || (missing > 0 && blocks + needs > shares.blocks) {
            return false;
        }
        let mut gone: Vec<usize> = Vec::new();
        loop {
            let no_place = self.running.len() - gone.len() >= self.limits.running;
            if !no_place && self.missing(tenant, &gone) == Some(0) {
                break;
            }
            let Some(victim) = shares.excess(self, tenant, no_place, &gone) else { return false };
            shares.without(&self.running[victim]);
            gone.push(victim);
        }
        gone.sort_unstable();
        gone.into_iter().rev().for_each(|index| self.preempt(index));
        true
    }

    /// The running sequence that came first of all is never sent back.
    fn oldest(&self) -> Option<usize> {
        (0..self.running.len()).min_by_key(|&index| self.running[index].turn)
    }

    /// Who goes when an answer finds no block to grow into: the last admitted of the tenant that uses most.
    pub(crate) fn victim(&self) -> Option<usize> {
        let (shares, oldest) = (Shares::of(self), self.oldest()?);
        let others = (0..self.running.len()).filter(|&index| index != oldest);
        others.max_by_key(|&index| {
            let tenant = self.running[index].tenant;
            (shares.had(tenant).1, tenant, index)
        })
    }

    /// Sends a running sequence back to wait. What it computed is kept while there is room.
    pub(crate) fn preempt(&mut self, index: usize) {
        let mut sequence = self.running.remove(index);
        self.pool.release(&sequence.table.blocks);
        sequence.table.blocks.clear();
        sequence.table.kept = 0;
        sequence.draft.clear();
        sequence.computed = 0;
        sequence.preempted = true;
        self.counters.preemptions += 1;
        self.wait(sequence);
    }
}

/// Who comes first: the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Claim {
    /// It was sent back; its turn.
    Return(u64),
    /// It has not run yet: what its tenant has had, its turn.
    New(u64, u64),
}

/// What the tenants have of the places and of the blocks, and what an equal share of them is.
struct Shares {
    running: usize,
    blocks: usize,
    had: BTreeMap<Tenant, (usize, usize)>,
}

impl Shares {
    fn of(scheduler: &Scheduler) -> Self {
        let tenants = scheduler.service.tenants().max(1);
        let mut had: BTreeMap<Tenant, (usize, usize)> = BTreeMap::new();
        for sequence in &scheduler.running {
            let (running, blocks) = had.entry(sequence.tenant).or_default();
            *running += 1;
            *blocks += sequence.table.blocks.len();
        }
        let running = (scheduler.limits.running / tenants).max(1);
        Self { running, blocks: scheduler.pool.capacity() / tenants, had }
    }

    /// Places and blocks of a tenant.
    fn had(&self, tenant: Tenant) -> (usize, usize) {
        self.had.get(&tenant).copied().unwrap_or_default()
    }

    fn without(&mut self, sequence: &Sequence) {
        let (running, blocks) = self.had.entry(sequence.tenant).or_default();
        *running -= 1;
        *blocks -= sequence.table.blocks.len();
    }

    /// The last admitted sequence of the tenant that is furthest above its share, of places or of blocks.
    fn excess(&self, scheduler: &Scheduler, asking: Tenant, of_places: bool, gone: &[usize]) -> Option<usize> {
        let oldest = scheduler.oldest();
        let others = (0..scheduler.running.len()).filter(|index| Some(*index) != oldest && !gone.contains(index));
        let with_claims = others.filter_map(|index| {
            let tenant = scheduler.running[index].tenant;
            let (running, blocks) = self.had(tenant);
            let (had, share) = if of_places { (running, self.running) } else { (blocks, self.blocks) };
            (tenant != asking && had > share).then_some((had, tenant, index))
        });
        with_claims.max().map(|(_, _, index)| index)
    }
}
