//! One connection: takes a piece, asks for it, writes what comes, tries again.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::time::{Duration, Instant};

use super::transfer::{End, Mode, Shared};
use crate::remote::{Answer, Fault};
use crate::{BlobDigest, Error, limits};

const BUFFER_BYTES: usize = 256 << 10;

/// Why a request did not bring what it should.
enum Trouble {
    /// Tried again.
    Passing {
        problem: String,
        retry_after: Option<Duration>,
    },
    End(End),
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Passing { problem, retry_after } => Self::Passing { problem, retry_after },
            Fault::Lasting(error) => Self::End(End::Failed(error)),
        }
    }
}

/// Takes pieces until there are none.
pub(super) fn work(shared: &Shared, is_first: bool) {
    // Counted down however this ends.
    let _counted = Counted(shared);
    if let Err(end) = (Worker { shared, is_first }).run() {
        shared.end(end);
    }
}

struct Counted<'a>(&'a Shared);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.lock().worker_is_done();
        self.0.notify();
    }
}

struct Worker<'a> {
    shared: &'a Shared,
    is_first: bool,
}

impl Worker<'_> {
    fn run(&self) -> Result<(), End> {
        let path = &self.shared.part.path;
        let opened = OpenOptions::new().write(true).open(path);
        let mut file = opened.map_err(|cause| End::Failed(Error::io(path, cause)))?;
        while let Some(index) = self.next() {
            self.piece(&mut file, index)?;
            self.shared.notify();
        }
        Ok(())
    }

    /// The next piece. Until the first answer is there, only the first worker gets one.
    fn next(&self) -> Option<usize> {
        let mut state = self.shared.lock();
        loop {
            match state.mode {
                _ if state.is_ending() => return None,
                Mode::Unknown if !self.is_first => state = self.shared.wait(state, Duration::from_secs(1)),
                Mode::Whole if !self.is_first => return None,
                _ => return state.queue.pop_front(),
            }
        }
    }

    fn piece(&self, file: &mut File, index: usize) -> Result<(), End> {
        let patience = self.shared.client.patience();
        let mut failures = 0;
        loop {
            let mut progress = 0;
            match self.attempt(file, index, &mut progress) {
                Ok(()) => return Ok(()),
                Err(Trouble::End(end)) => return Err(end),
                Err(Trouble::Passing { problem, retry_after }) => {
                    failures = if progress >= limits::PROGRESS_BYTES { 1 } else { failures + 1 };
                    let Some(wait) = patience.wait(failures, retry_after) else {
                        let host = self.shared.wanted.address.host();
                        return Err(End::Failed(Error::unreachable(host, problem)));
                    };
                    self.sleep(wait, problem)?;
                }
            }
        }
    }

    fn sleep(&self, wait: Duration, problem: String) -> Result<(), End> {
        let until = Instant::now() + wait;
        let mut state = self.shared.lock();
        state.trouble = Some(problem);
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match () {
                () if state.is_ending() => return Err(End::Stopped),
                () if left.is_zero() => return Ok(()),
                () => state = self.shared.wait(state, left),
            }
        }
    }

    fn attempt(&self, file: &mut File, index: usize, progress: &mut u64) -> Result<(), Trouble> {
        let wanted = &self.shared.wanted;
        let (range, address) = {
            let state = self.shared.lock();
            let start = state.record.start(index);
            let first = start.saturating_add(state.record.done(index));
            let last = start.saturating_add(state.record.length(index)).saturating_sub(1);
            let range = (state.mode != Mode::Whole).then_some((first, last));
            (range, state.sent_to.clone().unwrap_or_else(|| wanted.address.clone()))
        };
        let length = range.map_or(wanted.file.size_bytes, |(first, last)| last.saturating_sub(first).saturating_add(1));
        let answer = self.shared.client.ask(&address, range, time_for(length))?;
        match (answer.status, range) {
            (206, Some(range)) => {
                self.accept(&answer)?;
                check_range(&answer, range, wanted.file.size_bytes)?;
                self.enter_ranges();
                self.copy_piece(answer, file, index, range, progress)
            }
            (200, _) => {
                self.accept(&answer)?;
                self.copy_whole(answer, file, progress)
            }
            _ if answer.is_passing() => Err(answer.passing().into()),
            // A signed address has run out: the hub gives a new one.
            (401 | 403 | 404 | 410, _) if address != wanted.address => {
                self.shared.lock().sent_to = None;
                let problem = format!("{} is not valid any more ({})", answer.address, answer.status);
                Err(Trouble::Passing { problem, retry_after: None })
            }
            _ => {
                let refusal =
                    self.shared.client.refusal(&answer, &wanted.repo, &wanted.revision, Some(&wanted.file.path));
                Err(failed(refusal))
            }
        }
    }

    /// Whether the answer is about the file that is wanted, by all that its headers say.
    fn accept(&self, answer: &Answer) -> Result<(), Trouble> {
        let wanted = &self.shared.wanted;
        let wrong = |problem: &str| Err(failed(Error::answer(&answer.address, problem)));
        let first = |name: &str| answer.first_headers.get(name).and_then(|value| value.to_str().ok());
        let linked = first("x-linked-etag").map(|etag| etag.trim_start_matches("W/").trim_matches('"'));
        let other_digest = linked.is_some_and(|linked| {
            matches!(wanted.file.digest, BlobDigest::Sha256(_)) && linked != wanted.file.digest.to_string()
        });
        let other_size = first("x-linked-size").is_some_and(|size| size != wanted.file.size_bytes.to_string());
        let other_commit = first("x-repo-commit").is_some_and(|commit| commit != wanted.commit.as_str());
        if other_digest || other_size || other_commit {
            return wrong("it says one thing of the file in its list and another when asked for it; pull again later");
        }
        if answer.header("content-encoding").is_some_and(|encoding| encoding != "identity") {
            return wrong("it sends the file compressed, which it was not asked to");
        }
        let etag = answer.header("etag").map(|etag| etag.chars().take(limits::ETAG_BYTES).collect::<String>());
        let mut state = self.shared.lock();
        if state.record.etag.is_some() && etag.is_some() && state.record.etag != etag {
            return Err(Trouble::End(End::Changed));
        }
        state.record.etag = etag.or(state.record.etag.take());
        if answer.address != wanted.address {
            state.sent_to = Some(answer.address.clone());
        }
        Ok(())
    }

    /// The server can send parts: the other workers may begin.
    fn enter_ranges(&self) {
        let mut state = self.shared.lock();
        if state.mode == Mode::Unknown {
            state.mode = Mode::Ranges;
            drop(state);
            self.shared.notify();
        }
    }

    fn copy_piece(
        &self,
        mut answer: Answer,
        file: &mut File,
        index: usize,
        (first, last): (u64, u64),
        progress: &mut u64,
    ) -> Result<(), Trouble> {
        file.seek(SeekFrom::Start(first)).map_err(|cause| self.disk(cause))?;
        let mut left = last.saturating_sub(first).saturating_add(1);
        let mut buffer = vec![0; BUFFER_BYTES];
        while left > 0 {
            let bytes = read(&mut answer, &mut buffer, left)?;
            file.write_all(bytes).map_err(|cause| self.disk(cause))?;
            let count = bytes.len() as u64;
            left = left.saturating_sub(count);
            *progress = progress.saturating_add(count);
            let mut state = self.shared.lock();
            state.record.add(index, count);
            if state.is_ending() {
                return Err(Trouble::End(End::Stopped));
            }
        }
        expect_end(&mut answer)
    }

    /// All of the file from its beginning: what is here already is passed over, never written again.
    fn copy_whole(&self, mut answer: Answer, file: &mut File, progress: &mut u64) -> Result<(), Trouble> {
        let size_bytes = self.shared.wanted.file.size_bytes;
        if answer.content_length().is_some_and(|length| length != size_bytes) {
            let declared = answer.content_length().unwrap_or_default();
            let problem = format!("it declares {declared} bytes, where its list of files says {size_bytes}");
            return Err(failed(Error::answer(&answer.address, problem)));
        }
        let here = self.enter_whole(&answer)?;
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut position = 0_u64;
        while position < here {
            let passed = read(&mut answer, &mut buffer, here.saturating_sub(position))?.len() as u64;
            position = position.saturating_add(passed);
        }
        file.seek(SeekFrom::Start(here)).map_err(|cause| self.disk(cause))?;
        while position < size_bytes {
            let left_in_piece = {
                let state = self.shared.lock();
                let index = state.record.piece_at(position);
                state.record.start(index).saturating_add(state.record.length(index)).saturating_sub(position)
            };
            let bytes = read(&mut answer, &mut buffer, left_in_piece)?;
            file.write_all(bytes).map_err(|cause| self.disk(cause))?;
            let count = bytes.len() as u64;
            *progress = progress.saturating_add(count);
            let mut state = self.shared.lock();
            let index = state.record.piece_at(position);
            state.record.add(index, count);
            position = position.saturating_add(count);
            if state.is_ending() {
                return Err(Trouble::End(End::Stopped));
            }
        }
        expect_end(&mut answer)
    }

    /// How many bytes are here from the beginning on; what lies behind a gap will come again.
    fn enter_whole(&self, answer: &Answer) -> Result<u64, Trouble> {
        let mut state = self.shared.lock();
        if state.mode == Mode::Ranges {
            let problem = format!("{} sends all of the file where a part was asked for", answer.address);
            return Err(Trouble::Passing { problem, retry_after: None });
        }
        state.mode = Mode::Whole;
        state.queue.clear();
        state.record.forget_beyond_frontier();
        let frontier = state.record.frontier();
        drop(state);
        self.shared.notify();
        Ok(frontier)
    }

    fn disk(&self, cause: io::Error) -> Trouble {
        failed(Error::io(&self.shared.part.path, cause))
    }
}

fn failed(error: Error) -> Trouble {
    Trouble::End(End::Failed(error))
}

/// The next bytes, at most `left`; none is an error, for more are expected.
fn read<'a>(answer: &mut Answer, buffer: &'a mut [u8], left: u64) -> Result<&'a [u8], Trouble> {
    let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
    let room = buffer.get_mut(..most).unwrap_or_default();
    let cut = |problem: String| Trouble::Passing { problem, retry_after: None };
    let host = answer.address.host();
    match answer.body.read(room) {
        Ok(0) => Err(cut(format!("{host} ended the connection early"))),
        Ok(count) => Ok(buffer.get(..count).unwrap_or_default()),
        Err(error) => Err(cut(format!("{host}: {error}"))),
    }
}

/// Nothing may follow what was declared.
fn expect_end(answer: &mut Answer) -> Result<(), Trouble> {
    match answer.body.read(&mut [0]) {
        // Everything that was wanted is here, however the connection ends.
        Ok(0) | Err(_) => Ok(()),
        Ok(_) => Err(failed(Error::answer(&answer.address, "it sends more bytes than it declared"))),
    }
}

/// `bytes FIRST-LAST/SIZE` has to be what was asked for.
fn check_range(answer: &Answer, (first, last): (u64, u64), size_bytes: u64) -> Result<(), Trouble> {
    let asked = format!("bytes {first}-{last}/{size_bytes}");
    let given = answer.header("content-range").unwrap_or("nothing");
    let length = last.saturating_sub(first).saturating_add(1);
    if given != asked || answer.content_length().is_some_and(|declared| declared != length) {
        let problem = format!("{} was asked for {asked} and sends {given:.80}", answer.address);
        return Err(Trouble::Passing { problem, retry_after: None });
    }
    Ok(())
}

/// The longest that so many bytes may take.
fn time_for(length: u64) -> Duration {
    Duration::from_secs(60 + length / limits::SLOWEST_BYTES_PER_SECOND)
}
