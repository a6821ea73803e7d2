//! The prefix cache on disk: KV blocks that outlive the program (`--prefix-cache-dir`).
//!
//! A file holds one full block. Its name is a chained SHA-256 of the model's weights, its arithmetic, the tenant and all
//! tokens up to the block's end (`key.rs`), its last bytes a SHA-256 of name and contents (`files.rs`): what was damaged,
//! renamed or put there by accident is a miss. The folder is bounded in bytes (`index.rs`). One thread does what takes time
//! (`librarian.rs`); here stands what the engine's thread does between two steps, which never waits for the disk.

mod files;
mod index;
mod key;
mod librarian;
mod model;

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sched::{PrefixHash, Scheduler, Tenant, whole_blocks};
use tokenizer::TokenId;

use crate::Error;
use files::Files;
use index::Index;
use key::Key;
use librarian::{Librarian, Order};

pub(crate) use model::model_key;

/// Where KV blocks are kept beyond the end of the program, and how much of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixCacheDir {
    /// A folder for this alone; made where it is not there. Whoever can read it can guess at what was asked.
    pub path: PathBuf,
    /// Bytes that all files in it may come to.
    pub bytes: u64,
}

/// The engine's side.
#[derive(Debug)]
pub(crate) struct Shelf {
    model: Key,
    /// What each KV block is called that is kept.
    names: Vec<Option<Key>>,
    index: Arc<Mutex<Index>>,
    /// Blocks that are still to be written, parents first.
    backlog: VecDeque<Writing>,
    librarian: Librarian,
}

#[derive(Debug)]
struct Writing {
    block: u32,
    hash: PrefixHash,
    key: Key,
    parent: Option<Key>,
}

/// Blocks on disk of one prompt.
#[derive(Debug)]
pub(crate) struct Known(Vec<Key>);

impl Known {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Blocks that come back from the disk, one after the other.
#[derive(Debug)]
pub(crate) struct Delivery(Receiver<Vec<u8>>);

impl Shelf {
    /// `blocks` of `block_bytes` each in memory.
    ///
    /// # Errors
    /// The folder cannot be made or read, or there is no thread.
    pub(crate) fn open(dir: &PrefixCacheDir, model: Key, block_bytes: usize, blocks: u32) -> Result<Self, Error> {
        let refused = |source| Error::PrefixCache { path: dir.path.clone(), source };
        let files = Files::open(&dir.path, model, block_bytes).map_err(refused)?;
        let mut index = Index::new(dir.bytes);
        files.list(&mut index).map_err(refused)?;
        let index = Arc::new(Mutex::new(index.seen()));
        let librarian = Librarian::start(files, Arc::clone(&index)).map_err(Error::Thread)?;
        Ok(Self { model, names: vec![None; blocks as usize], index, backlog: VecDeque::new(), librarian })
    }

    /// Takes note of the blocks that are kept since the last time.
    pub(crate) fn note(&mut self, scheduler: &mut Scheduler) {
        for (block, hash) in scheduler.news() {
            let Some(prefix) = scheduler.kept(block, hash) else { continue };
            let parent = match prefix.parent {
                // What comes before has no name: it was not noted, so this cannot be found either.
                Some(parent) => match self.names.get(parent as usize) {
                    Some(Some(key)) => *key,
                    _ => continue,
                },
                None => self.model.of_tenant(prefix.tenant),
            };
            let key = parent.then(prefix.tokens);
            if let Some(name) = self.names.get_mut(block as usize) {
                *name = Some(key);
            }
            let parent = prefix.parent.map(|_| parent);
            if !self.index().has(&key) {
                self.backlog.push_back(Writing { block, hash, key, parent });
            }
        }
    }

    /// Hands blocks to the thread that writes, as long as it takes them; `read` gives their bytes.
    pub(crate) fn write(&mut self, scheduler: &Scheduler, mut read: impl FnMut(u32) -> Vec<u8>) {
        while let Some(Writing { block, hash, key, parent }) = self.backlog.front() {
            // Given up for others meanwhile, or written for another one.
            let wanted = scheduler.kept(*block, *hash).is_some() && !lock(&self.index).has(key);
            if wanted {
                let Some(order) = self.librarian.room() else { return };
                order.send(Order::Write { key: *key, parent: *parent, bytes: read(*block) });
            }
            self.backlog.pop_front();
        }
    }

    /// What is on disk of a prompt, from its start; that counts as a use of it.
    pub(crate) fn known(&self, tenant: Tenant, prompt: &[TokenId], size: usize) -> Known {
        let mut key = self.model.of_tenant(tenant);
        let chain = whole_blocks(prompt, size).map(|tokens| {
            key = key.then(tokens);
            key
        });
        let keys: Vec<Key> = chain.take_while(|key| self.index().has(key)).collect();
        self.librarian.touch(keys.clone());
        Known(keys)
    }

    /// What is known beyond the first `there` blocks, if anything is.
    pub(crate) fn fetch(&self, known: Known, there: usize) -> Option<Delivery> {
        let wanted: Vec<Key> = known.0.into_iter().skip(there).collect();
        (!wanted.is_empty()).then(|| Delivery(self.librarian.read(wanted)))
    }

    /// Something is still to be written.
    pub(crate) fn is_behind(&self) -> bool {
        !self.backlog.is_empty() || self.librarian.is_writing()
    }

    /// Blocks written, blocks read back, files that could not be written or were damaged; since the start.
    pub(crate) fn counts(&self) -> (u64, u64, u64) {
        self.librarian.counts()
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }
}

impl Delivery {
    /// The next block; `None`: it is not there yet. `Err`: no more will come.
    pub(crate) fn next(&self, wait: bool) -> Result<Option<Vec<u8>>, Ended> {
        use std::sync::mpsc::{RecvTimeoutError, TryRecvError};
        if wait {
            return match self.0.recv_timeout(crate::limits::SHELF_PAUSE) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(RecvTimeoutError::Timeout) => Ok(None),
                Err(RecvTimeoutError::Disconnected) => Err(Ended),
            };
        }
        match self.0.try_recv() {
            Ok(bytes) => Ok(Some(bytes)),
            Err(TryRecvError::Empty) => Ok(None),
            Err(TryRecvError::Disconnected) => Err(Ended),
        }
    }
}

/// No more blocks will come.
#[derive(Debug)]
pub(crate) struct Ended;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each change of what is locked is complete in itself.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes a folder that only its owner can enter.
fn make_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
