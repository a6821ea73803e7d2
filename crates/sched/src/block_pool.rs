//! KV blocks: which are free, who uses which, and which are kept because another sequence may begin alike.
//!
//! A block is *free*, *in use* (by one sequence that writes it, or by several that only read it), or *idle*: nobody uses
//! it, its contents are kept until the room is needed. Kept blocks form a tree: a block's parent holds what comes before.
//! A sequence that uses a block uses its parents too, and only leaves are evicted: what is kept can always be reached.
//!
//! Whose blocks go first: of the tenant that keeps most, the least recently used. A tenant never loses blocks to a
//! stranger below its quota, half of an equal share, except to a stranger's only sequence that does not fit otherwise.

use std::collections::{BTreeMap, BTreeSet};

use tokenizer::TokenId;

use crate::{PrefixHash, Tenant};

/// All KV blocks. Block numbers are `0..capacity`; the storage itself is the backend's.
#[derive(Clone, Debug)]
pub struct BlockPool {
    pub(crate) blocks: Vec<KvBlock>,
    /// Taken from the end: what was freed last is still in the caches of the processor.
    pub(crate) free: Vec<u32>,
    pub(crate) by_hash: BTreeMap<PrefixHash, u32>,
    /// What each tenant keeps; only tenants that keep something.
    pub(crate) holdings: BTreeMap<Tenant, Holding>,
    /// Blocks kept since somebody asked last; `None`: nobody ever did.
    news: Option<Vec<(u32, PrefixHash)>>,
    /// Counts releases: the order of last use.
    releases: u64,
    evicted: u64,
}

/// One KV block.
#[derive(Clone, Debug, Default)]
pub(crate) struct KvBlock {
    /// Sequences that have it in their table.
    pub users: u32,
    /// What it holds, once it is full: from then on it is never written.
    pub kept: Option<Kept>,
}

/// What a full block holds.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub hash: PrefixHash,
    pub tenant: Tenant,
    pub parent: Option<u32>,
    pub tokens: Box<[TokenId]>,
    /// Kept blocks whose parent it is.
    pub children: u32,
    pub last_use: u64,
}

/// A full block's contents, by name and in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix<'a> {
    /// Of all tokens up to the block's end.
    pub hash: PrefixHash,
    /// Whose.
    pub tenant: Tenant,
    /// The block with the tokens before, itself kept; `None` at the start of a sequence.
    pub parent: Option<u32>,
    /// The block's own tokens.
    pub tokens: &'a [TokenId],
}

impl Kept {
    pub(crate) fn prefix(&self) -> Prefix<'_> {
        Prefix { hash: self.hash, tenant: self.tenant, parent: self.parent, tokens: &self.tokens }
    }
}

/// What a tenant keeps.
#[derive(Clone, Debug, Default)]
pub(crate) struct Holding {
    pub kept: usize,
    pub idle: usize,
    /// Idle leaves, least recently used first.
    pub evictable: BTreeSet<(u64, u32)>,
}

/// How far a search for room may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Strangers keep their quota.
    Quotas,
    /// Everything that is idle.
    Everything,
}

impl BlockPool {
    /// A pool of which all is free.
    pub fn new(capacity: u32) -> Self {
        Self {
            blocks: vec![KvBlock::default(); capacity as usize],
            free: (0..capacity).rev().collect(),
            by_hash: BTreeMap::new(),
            holdings: BTreeMap::new(),
            news: None,
            releases: 0,
            evicted: 0,
        }
    }

    /// The blocks kept since the last call that are kept still, parents first; from the first call on.
    pub fn news(&mut self) -> Vec<(u32, PrefixHash)> {
        let mut news = self.news.replace(Vec::new()).unwrap_or_default();
        news.retain(|&(block, hash)| self.kept(block, hash).is_some());
        news
    }

    /// What a block is kept as, if it is under this hash.
    pub fn kept(&self, block: u32, hash: PrefixHash) -> Option<Prefix<'_>> {
        let kept = self.blocks.get(block as usize)?.kept.as_ref()?;
        (kept.hash == hash).then(|| kept.prefix())
    }

    /// A block to write; an idle one is evicted where none is free. `None`: there is none within reach.
    pub fn take(&mut self, tenant: Tenant, reach: Reach) -> Option<u32> {
        let block = self.free.pop().or_else(|| self.evict(tenant, reach))?;
        self.blocks[block as usize].users = 1;
        Some(block)
    }

    /// The block that holds exactly this.
    pub fn find(&self, prefix: Prefix<'_>) -> Option<u32> {
        let block = *self.by_hash.get(&prefix.hash)?;
        let kept = self.blocks[block as usize].kept.as_ref()?;
        (kept.prefix() == prefix).then_some(block)
    }

    /// One more sequence reads this block.
    pub fn hold(&mut self, block: u32) {
        let KvBlock { users, kept } = &mut self.blocks[block as usize];
        *users += 1;
        if let (1, Some(kept)) = (*users, kept) {
            let holding = self.holdings.entry(kept.tenant).or_default();
            holding.idle -= 1;
            holding.evictable.remove(&(kept.last_use, block));
        }
    }

    /// Gives back the blocks of a table, in its order. What is kept becomes idle, the rest is free.
    pub fn release(&mut self, table: &[u32]) {
        self.releases += 1;
        for &block in table.iter().rev() {
            let KvBlock { users, kept } = &mut self.blocks[block as usize];
            *users -= 1;
            match kept {
                _ if *users > 0 => {}
                None => self.free.push(block),
                Some(kept) => {
                    kept.last_use = self.releases;
                    let holding = self.holdings.entry(kept.tenant).or_default();
                    holding.idle += 1;
                    if kept.children == 0 {
                        holding.evictable.insert((kept.last_use, block));
                    }
                }
            }
        }
    }

    /// Keeps a full block of one user. The block to use from now on: itself, or its twin where the same is kept already.
    /// `None`: something else has that hash, it cannot be kept.
    pub fn keep(&mut self, block: u32, prefix: Prefix<'_>) -> Option<u32> {
        debug_assert!(self.blocks[block as usize].users == 1, "a block that is written has one user");
        if let Some(twin) = self.find(prefix) {
            self.hold(twin);
            self.release(&[block]);
            return Some(twin);
        }
        if self.by_hash.contains_key(&prefix.hash) {
            return None;
        }
        self.by_hash.insert(prefix.hash, block);
        self.holdings.entry(prefix.tenant).or_default().kept += 1;
        if let Some(parent) = prefix.parent.and_then(|p| self.blocks[p as usize].kept.as_mut()) {
            parent.children += 1;
        }
        let Prefix { hash, tenant, parent, tokens } = prefix;
        self.news.iter_mut().for_each(|news| news.push((block, hash)));
        self.blocks[block as usize].kept =
            Some(Kept { hash, tenant, parent, tokens: tokens.into(), children: 0, last_use: 0 });
        Some(block)
    }

    /// Blocks that [`BlockPool::take`] could give one after the other.
    pub fn obtainable(&self, tenant: Tenant, reach: Reach) -> usize {
        let quota = self.quota(tenant);
        let within = |(owner, holding): (&Tenant, &Holding)| match reach {
            Reach::Quotas if *owner != tenant => holding.idle.min(holding.kept.saturating_sub(quota)),
            _ => holding.idle,
        };
        self.free.len() + self.holdings.iter().map(within).sum::<usize>()
    }

    /// Whether nobody uses this block.
    pub fn is_idle(&self, block: u32) -> bool {
        self.blocks[block as usize].users == 0
    }

    /// Whether one sequence uses this block.
    pub fn has_one_user(&self, block: u32) -> bool {
        self.blocks[block as usize].users == 1
    }

    /// Blocks that are free now.
    pub fn free(&self) -> usize {
        self.free.len()
    }

    /// Blocks that are kept and that nobody uses.
    pub fn idle(&self) -> usize {
        self.holdings.values().map(|holding| holding.idle).sum()
    }

    /// Blocks in all.
    pub fn capacity(&self) -> usize {
        self.blocks.len()
    }

    /// Blocks whose contents were given up for others, since the start.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Kept blocks that a tenant does not lose to strangers: half of an equal share.
    fn quota(&self, asking: Tenant) -> usize {
        let tenants = self.holdings.len() + usize::from(!self.holdings.contains_key(&asking));
        self.blocks.len() / (2 * tenants)
    }

    fn evict(&mut self, tenant: Tenant, reach: Reach) -> Option<u32> {
        let quota = self.quota(tenant);
        let open = |owner: Tenant, holding: &Holding| owner == tenant || holding.kept > quota;
        let candidates = self.holdings.iter().filter_map(|(&owner, holding)| {
            let first = holding.evictable.first()?;
            let open = open(owner, holding);
            (open || reach == Reach::Everything).then_some(((open, holding.kept), first.1))
        });
        let (_, block) = candidates.max_by_key(|(claim, _)| *claim)?;
        self.forget(block);
        self.evicted += 1;
        Some(block)
    }

    /// An idle leaf is kept no longer.
    fn forget(&mut self, block: u32) {
        let Some(kept) = self.blocks[block as usize].kept.take() else { return };
        let Kept { hash, tenant, parent, .. } = kept;
        self.by_hash.remove(&hash);
        let holding = self.holdings.entry(tenant).or_default();
        holding.kept -= 1;
        holding.idle -= 1;
        holding.evictable.remove(&(kept.last_use, block));
        if let Some(parent) = parent {
            let KvBlock { users, kept } = &mut self.blocks[parent as usize];
            if let Some(kept) = kept {
                kept.children -= 1;
                if *users == 0 && kept.children == 0 {
                    holding.evictable.insert((kept.last_use, parent));
                }
            }
        }
        if holding.kept == 0 {
            self.holdings.remove(&tenant);
        }
    }
}
