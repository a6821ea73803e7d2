//! Hashing files once, for all that wants to know: several at a time, watched, and stopped when asked to.
//!
//! Length and hashes come from one open file, read once: what changes underneath shows as a difference.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::signing::Shard;
use crate::{BlobDigest, Digesting, Error, Sha256Digest, limits};

/// Is told how many more bytes are done; says whether to go on.
pub type Watch<'a> = dyn Fn(u64) -> bool + Sync + 'a;

/// A file to be hashed.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) path: PathBuf,
    /// Git's hash is wanted too, of a file of this length.
    pub(crate) git: Option<u64>,
    /// Parts whose own hashes are wanted, in order and not overlapping.
    pub(crate) shards: Vec<Shard>,
}

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hashed {
    pub(crate) size_bytes: u64,
    pub(crate) sha256: Sha256Digest,
    pub(crate) git: Option<BlobDigest>,
    /// Of each part that was asked for; those beyond the file's end are cut where it ends.
    pub(crate) shards: Vec<Sha256Digest>,
}

/// Hashes every file. The result of one that cannot be read is the error.
///
/// # Errors
/// `watch` said to stop.
pub(crate) fn hash_all(jobs: &[Job], watch: &Watch<'_>) -> Result<Vec<io::Result<Hashed>>, Error> {
    let next = AtomicUsize::new(0);
    let stopped = AtomicBool::new(false);
    let results: Mutex<Vec<Option<io::Result<Hashed>>>> = Mutex::new(jobs.iter().map(|_| None).collect());
    let watch = |bytes| {
        if !watch(bytes) {
            stopped.store(true, Ordering::Relaxed);
        }
        !stopped.load(Ordering::Relaxed)
    };
    let work = || {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(index) else { return };
            let result = hash(job, &watch);
            let mut all = results.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if let Some(place) = all.get_mut(index) {
                *place = Some(result);
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, |count| count.get()).min(jobs.len());
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    if stopped.into_inner() {
        return Err(Error::Stopped);
    }
    let results = results.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let lost = || Err(io::Error::other("it was not hashed"));
    Ok(results.into_iter().map(|result| result.unwrap_or_else(lost)).collect())
}

fn hash(job: &Job, watch: &Watch<'_>) -> io::Result<Hashed> {
    let mut file = open_regular(&job.path)?;
    let mut whole = Digesting::sha256();
    let mut git = job.git.map(Digesting::git);
    let mut parts = Parts::new(&job.shards);
    let size_bytes = for_each_chunk(&mut file, watch, |chunk, at| {
        whole.update(chunk);
        if let Some(git) = &mut git {
            git.update(chunk);
        }
        parts.update(chunk, at);
        Ok(())
    })?;
    Ok(Hashed { size_bytes, sha256: sha256(whole), git: git.map(Digesting::finish), shards: parts.finish() })
}

/// Reads to the end, in pieces, each with where it starts; returns the length.
pub(crate) fn for_each_chunk(
    source: &mut dyn Read,
    watch: &Watch<'_>,
    mut each: impl FnMut(&[u8], u64) -> io::Result<()>,
) -> io::Result<u64> {
    let mut buffer = vec![0; limits::CHUNK_BYTES];
    let mut at: u64 = 0;
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(at),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let chunk = buffer.get(..read).unwrap_or_default();
        each(chunk, at)?;
        at = at.saturating_add(read as u64);
        if !watch(read as u64) {
            return Err(io::ErrorKind::Interrupted.into());
        }
    }
}

/// A digest that was begun as SHA-256.
pub(crate) fn sha256(digesting: Digesting) -> Sha256Digest {
    match digesting.finish() {
        BlobDigest::Sha256(digest) => digest,
        // Begun as something else: equal to no file's.
        BlobDigest::Git(_) => Sha256Digest::of(b"not SHA-256"),
    }
}

/// Opens a regular file. A pipe is not opened: that would wait for its other end.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    File::open(path)
}

/// Hashes of parts, while the whole goes by.
struct Parts<'a> {
    left: &'a [Shard],
    current: Digesting,
    done: Vec<Sha256Digest>,
}

impl<'a> Parts<'a> {
    fn new(shards: &'a [Shard]) -> Self {
        Self { left: shards, current: Digesting::sha256(), done: Vec::with_capacity(shards.len()) }
    }

    fn update(&mut self, chunk: &[u8], at: u64) {
        let end = at.saturating_add(chunk.len() as u64);
        while let Some((shard, rest)) = self.left.split_first() {
            let offset = |position: u64| usize::try_from(position.clamp(at, end).saturating_sub(at)).unwrap_or(0);
            self.current.update(chunk.get(offset(shard.start)..offset(shard.end)).unwrap_or_default());
            if shard.end > end {
                return;
            }
            self.left = rest;
            self.next();
        }
    }

    fn next(&mut self) {
        let digesting = std::mem::replace(&mut self.current, Digesting::sha256());
        self.done.push(sha256(digesting));
    }

    fn finish(mut self) -> Vec<Sha256Digest> {
        while let Some((_, rest)) = self.left.split_first() {
            self.left = rest;
            self.next();
        }
        self.done
    }
}
