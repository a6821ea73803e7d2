//! One file over several connections, hashed while it comes.
//!
//! The caller's thread watches: it hashes what is here without a gap, writes the record, reports, and hears of Ctrl-C.
//! Workers (`worker.rs`) take pieces off a queue. No byte is written again once it may have been hashed, so that the digest
//! is that of the file.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::part::{Part, Record};
use super::worker;
use crate::remote::{Address, Client, ListedFile};
use crate::{BlobDigest, Commit, Digesting, Error, RepoId, Revision, Sha256Digest, limits};

/// How often the caller hears of progress.
const REPORT: Duration = Duration::from_millis(100);
/// How often the record is written.
const SAVE: Duration = Duration::from_secs(1);
/// What is hashed between two looks at everything else.
const HASH_BYTES: usize = 4 << 20;

/// What is fetched, and from where.
pub(super) struct Wanted {
    pub(super) repo: RepoId,
    pub(super) revision: Revision,
    pub(super) commit: Commit,
    pub(super) file: ListedFile,
    /// The hub's own address of it.
    pub(super) address: Address,
}

/// What the threads of one download share.
pub(super) struct Shared {
    pub(super) client: Arc<Client>,
    pub(super) wanted: Wanted,
    pub(super) part: Part,
    state: Mutex<State>,
    changed: Condvar,
    /// Held until the last thread is done with the file.
    lock: File,
}

pub(super) struct State {
    pub(super) record: Record,
    pub(super) queue: VecDeque<usize>,
    pub(super) mode: Mode,
    /// Where the hub sent us, as long as that works.
    pub(super) sent_to: Option<Address>,
    /// Why everybody stops.
    end: Option<End>,
    /// What went wrong last, and is tried again.
    pub(super) trouble: Option<String>,
    workers: usize,
}

/// Whether the server can send parts of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// The first answer will tell; until then there is one connection.
    Unknown,
    Ranges,
    /// Only all of it, from the beginning.
    Whole,
}

pub(super) enum End {
    Failed(Error),
    /// The server has other bytes than those that are here.
    Changed,
    Stopped,
}

/// What is being done with a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stage {
    /// Another program is fetching the same file.
    Waiting,
    /// What lies here already is hashed.
    Checking,
    /// Bytes arrive.
    Fetching,
}

/// How far one file has come: stage, bytes that are here, and what is being tried again.
pub(super) type Report<'a> = dyn FnMut(Stage, u64, Option<&str>) -> ControlFlow<()> + 'a;

/// What was fetched and checked. Until the part has its final name, nobody else may get the lock: they would take it for a part that
/// somebody left behind.
pub(super) struct Fetched {
    pub(super) sha256: Sha256Digest,
    pub(super) part: Part,
    pub(super) lock: File,
}

/// Fetches a file into its part. The digest has been checked when this returns.
///
/// # Errors
/// It cannot be had, is not what it should be, or the caller asked to stop.
pub(super) fn fetch(
    client: &Arc<Client>,
    wanted: Wanted,
    part: Part,
    lock: File,
    options: (usize, u64),
    report: &mut Report<'_>,
) -> Result<Fetched, Error> {
    let (connections, piece_bytes) = options;
    let record = part.open(&wanted.file, piece_bytes)?;
    let mut resumed = record.total_done() > 0;
    let shared = Arc::new(Shared {
        client: Arc::clone(client),
        wanted,
        part,
        state: Mutex::new(State::new(record)),
        changed: Condvar::new(),
        lock,
    });
    for _ in 0..=limits::RESTARTS {
        let found = match shared.run(connections, report) {
            Ok(found) => found,
            Err(End::Failed(error)) => return Err(error),
            Err(End::Stopped) => return Err(shared.interrupted()),
            Err(End::Changed) => {
                shared.begin_anew()?;
                continue;
            }
        };
        let expected = shared.wanted.file.digest;
        if found.blob == expected {
            shared.part.remove_record();
            return match Arc::try_unwrap(shared) {
                Ok(Shared { part, lock, .. }) => Ok(Fetched { sha256: found.sha256, part, lock }),
                // All threads have been joined.
                Err(shared) => Err(Error::answer(&shared.wanted.address, "a thread does not end")),
            };
        }
        if resumed {
            // Old and new bytes may be of different files, or a crash lost some.
            shared.begin_anew()?;
            resumed = false;
            continue;
        }
        shared.part.remove();
        let file = format!("{}/{}", shared.wanted.repo, shared.wanted.file.path);
        let remedy =
            "nothing of it was kept; pull again, and if that fails too, something on the way changes files".to_owned();
        return Err(Error::Damaged { file, expected, found: found.blob, remedy });
    }
    shared.part.remove();
    Err(Error::answer(&shared.wanted.address, "the file changes while it is fetched; pull again later"))
}

struct Digests {
    blob: BlobDigest,
    sha256: Sha256Digest,
}

impl Shared {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets everybody look again.
    pub(super) fn notify(&self) {
        self.changed.notify_all();
    }

    pub(super) fn wait<'a>(&self, state: MutexGuard<'a, State>, longest: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, longest).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Everybody stops; the first reason counts.
    pub(super) fn end(&self, end: End) {
        let mut state = self.lock();
        state.end.get_or_insert(end);
        drop(state);
        self.notify();
    }

    /// From the state as it is to a whole file, or to a reason why not.
    fn run(self: &Arc<Self>, connections: usize, report: &mut Report<'_>) -> Result<Digests, End> {
        let threads = self.spawn(connections).map_err(End::Failed)?;
        let watched = self.watch(report);
        if matches!(watched, Err(End::Stopped | End::Failed(_))) {
            // A silent server may hold a thread for a while; nobody should wait for that.
            return watched;
        }
        threads.into_iter().for_each(|thread| drop(thread.join()));
        watched
    }

    fn spawn(self: &Arc<Self>, connections: usize) -> Result<Vec<thread::JoinHandle<()>>, Error> {
        let mut state = self.lock();
        let count = connections.min(state.queue.len());
        let mut threads = Vec::with_capacity(count);
        for index in 0..count {
            let shared = Arc::clone(self);
            let spawned = thread::Builder::new().name("pull".into()).spawn(move || worker::work(&shared, index == 0));
            match spawned {
                Ok(thread) => threads.push(thread),
                Err(cause) if index == 0 => return Err(Error::io(&self.part.path, cause)),
                // Fewer will do.
                Err(_) => break,
            }
        }
        state.workers = threads.len();
        Ok(threads)
    }

    fn watch(&self, report: &mut Report<'_>) -> Result<Digests, End> {
        let fault = |cause: io::Error| End::Failed(Error::io(&self.part.path, cause));
        let mut hash = Hash::new(&self.wanted.file, File::open(&self.part.path).map_err(fault)?);
        let (mut reported, mut saved) = (Instant::now(), Instant::now());
        loop {
            let (frontier, done, ended, trouble) = self.look();
            if reported.elapsed() >= REPORT || ended {
                reported = Instant::now();
                if report(Stage::Fetching, done, trouble.as_deref()).is_break() {
                    self.end(End::Stopped);
                }
            }
            if saved.elapsed() >= SAVE {
                saved = Instant::now();
                self.save().map_err(End::Failed)?;
            }
            if let Some(end) = self.ended() {
                self.save().map_err(End::Failed)?;
                return Err(end);
            }
            match hash.done < frontier {
                true => hash.advance(frontier).map_err(fault)?,
                false if ended => break,
                false => drop(self.wait(self.lock(), Duration::from_millis(20))),
            }
        }
        match hash.done == self.wanted.file.size_bytes {
            true => Ok(hash.finish()),
            // A worker that ends without a reason has panicked.
            false => Err(End::Failed(Error::answer(&self.wanted.address, "the download ended early; pull again"))),
        }
    }

    /// Bytes without a gap, bytes in all, whether all workers are done, what is tried again.
    fn look(&self) -> (u64, u64, bool, Option<String>) {
        let mut state = self.lock();
        let ended = state.workers == 0;
        (state.record.frontier(), state.record.total_done(), ended, state.trouble.take())
    }

    fn ended(&self) -> Option<End> {
        let mut state = self.lock();
        match state.end.take() {
            // The others have to see it too.
            Some(end) => {
                state.end = Some(End::Stopped);
                Some(end)
            }
            None => None,
        }
    }

    fn save(&self) -> Result<(), Error> {
        let record = self.lock().record.clone();
        self.part.save(&record)
    }

    fn begin_anew(&self) -> Result<(), Error> {
        let mut state = self.lock();
        state.record.reset();
        *state = State::new(state.record.clone());
        drop(state);
        self.save()
    }

    fn interrupted(&self) -> Error {
        let state = self.lock();
        let (kept, total) = (state.record.total_done(), state.record.size_bytes());
        Error::Interrupted { kept: super::readable(kept), total: super::readable(total) }
    }
}

impl State {
    fn new(record: Record) -> Self {
        let queue = record.missing().collect();
        Self { record, queue, mode: Mode::Unknown, sent_to: None, end: None, trouble: None, workers: 0 }
    }

    pub(super) fn is_ending(&self) -> bool {
        self.end.is_some()
    }

    pub(super) fn worker_is_done(&mut self) {
        self.workers = self.workers.saturating_sub(1);
    }
}

/// The digests of a file that is still growing.
struct Hash {
    file: File,
    sha256: Digesting,
    /// Where the hub names the file by git's digest.
    git: Option<Digesting>,
    done: u64,
    buffer: Vec<u8>,
}

impl Hash {
    fn new(wanted: &ListedFile, file: File) -> Self {
        let git = matches!(wanted.digest, BlobDigest::Git(_)).then(|| Digesting::git(wanted.size_bytes));
        Self { file, sha256: Digesting::sha256(), git, done: 0, buffer: vec![0; HASH_BYTES] }
    }

    /// Hashes up to `frontier`, or a good piece of the way.
    fn advance(&mut self, frontier: u64) -> io::Result<()> {
        let count = usize::try_from(frontier.saturating_sub(self.done)).unwrap_or(usize::MAX).min(HASH_BYTES);
        let bytes = self.buffer.get_mut(..count).unwrap_or_default();
        self.file.read_exact(bytes)?;
        self.sha256.update(bytes);
        self.git.iter_mut().for_each(|git| git.update(bytes));
        self.done = self.done.saturating_add(count as u64);
        Ok(())
    }

    fn finish(self) -> Digests {
        let sha256 = self.sha256.finish_sha256();
        let blob = self.git.map_or(BlobDigest::Sha256(sha256), Digesting::finish);
        Digests { blob, sha256 }
    }
}

/// Hashes a file that lies here already.
///
/// # Errors
/// It cannot be read, or the caller asked to stop.
pub(super) fn check(
    file: &ListedFile,
    path: &std::path::Path,
    report: &mut Report<'_>,
) -> Result<(BlobDigest, Sha256Digest), Error> {
    let fault = |cause| Error::io(path, cause);
    let mut hash = Hash::new(file, File::open(path).map_err(fault)?);
    while hash.done < file.size_bytes {
        if report(Stage::Checking, hash.done, None).is_break() {
            return Err(Error::Stopped);
        }
        hash.advance(file.size_bytes).map_err(fault)?;
    }
    let Digests { blob, sha256 } = hash.finish();
    Ok((blob, sha256))
}
