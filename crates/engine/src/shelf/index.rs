//! What is on the shelf, and what goes first when there is no room: of the texts that were not used for longest, the ends
//! before the beginnings, so that what stays can be reached.

use std::collections::{BTreeSet, HashMap};
use std::path::PathBuf;

use super::key::Key;

/// How often the folder is looked at while as many bytes are written as it may hold.
const LOOKS: u64 = 16;

/// When something was used: milliseconds since 1970, and the later the block in its text, the smaller the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stamp {
    pub milliseconds: u64,
    /// `DEPTHS` less the blocks before it: what is kept in the nanoseconds of a file's time.
    pub rest: u32,
}

/// Blocks of a text that are told apart by their place.
pub(super) const DEPTHS: u32 = 999_999;

impl Stamp {
    pub(super) fn new(milliseconds: u64) -> Self {
        Self { milliseconds, rest: DEPTHS }
    }

    /// Of the block behind.
    pub(super) fn deeper(self) -> Self {
        Self { rest: self.rest.saturating_sub(1), ..self }
    }
}

/// A file on the shelf: one of ours by its key, another model's by its path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Name {
    Ours(Key),
    Foreign(PathBuf),
}

#[derive(Debug)]
pub(super) struct Index {
    /// Bytes added since the folder was looked at: another program may have added as much.
    unseen: u64,
    entries: HashMap<Name, (Stamp, u64)>,
    order: BTreeSet<(Stamp, Name)>,
    bytes: u64,
    most: u64,
}

impl Index {
    pub(super) fn new(most: u64) -> Self {
        Self { unseen: 0, entries: HashMap::new(), order: BTreeSet::new(), bytes: 0, most }
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.entries.contains_key(&Name::Ours(*key))
    }

    pub(super) fn stamp(&self, key: &Key) -> Option<Stamp> {
        self.entries.get(&Name::Ours(*key)).map(|(stamp, _)| *stamp)
    }

    pub(super) fn add(&mut self, name: Name, stamp: Stamp, bytes: u64) {
        self.remove(&name);
        self.bytes = self.bytes.saturating_add(bytes);
        self.unseen = self.unseen.saturating_add(bytes);
        self.order.insert((stamp, name.clone()));
        self.entries.insert(name, (stamp, bytes));
    }

    pub(super) fn remove(&mut self, name: &Name) {
        if let Some((stamp, bytes)) = self.entries.remove(name) {
            self.order.remove(&(stamp, name.clone()));
            self.bytes = self.bytes.saturating_sub(bytes);
        }
    }

    /// An index of the same bound, for what is in the folder now; `None`: it was looked at lately.
    pub(super) fn renewed(&self) -> Option<Self> {
        (self.unseen > self.most / LOOKS).then(|| Self::new(self.most))
    }

    /// The folder was looked at: what is in the index is what there is.
    pub(super) fn seen(self) -> Self {
        Self { unseen: 0, ..self }
    }

    /// Used now.
    pub(super) fn touch(&mut self, key: &Key, stamp: Stamp) {
        if let Some(&(_, bytes)) = self.entries.get(&Name::Ours(*key)) {
            let unseen = self.unseen;
            self.add(Name::Ours(*key), stamp, bytes);
            self.unseen = unseen;
        }
    }

    /// The next file that has to go so that there is room for `bytes` more, used at `stamp`. `Err`: there is no room, for what
    /// would have to go was used as lately.
    pub(super) fn victim(&mut self, bytes: u64, stamp: Stamp) -> Result<Option<Name>, Full> {
        if self.bytes.saturating_add(bytes) <= self.most {
            return Ok(None);
        }
        let (first, name) = self.order.first().cloned().ok_or(Full)?;
        if first.milliseconds >= stamp.milliseconds {
            return Err(Full);
        }
        self.remove(&name);
        Ok(Some(name))
    }
}

/// There is no room.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_texts_go_first_from_their_ends_and_never_for_themselves() {
        let key = |n| Key([n; 32]);
        let mut index = Index::new(30);
        let old = Stamp::new(1);
        index.add(Name::Ours(key(1)), old, 10);
        index.add(Name::Ours(key(2)), old.deeper(), 10);
        index.add(Name::Ours(key(3)), Stamp::new(2), 10);
        let new = Stamp::new(3);
        assert_eq!(index.victim(10, new), Ok(Some(Name::Ours(key(2)))));
        assert_eq!(index.victim(10, new), Ok(None));
        index.touch(&key(1), new);
        index.add(Name::Ours(key(4)), new.deeper(), 10);
        assert_eq!(index.victim(10, new), Ok(Some(Name::Ours(key(3)))));
        index.add(Name::Ours(key(5)), new.deeper().deeper(), 10);
        assert_eq!(index.victim(10, new), Err(Full));
        assert!(index.has(&key(1)) && !index.has(&key(2)));
    }
}
