//! Bundles: the program, models, manifests and hashes in one file, for machines without a network.
//!
//! ```text
//! offset  bytes
//! 0       8       TRAMBNDL
//! 8       8       length of the header, little-endian
//! 16      32      SHA-256 of the header
//! 48      …       header, JSON: which members there are, and which files of which models they are
//! …       …       members, one after the other, nothing between or behind them
//! ```
//!
//! A member is bytes with a hash and a length: it has no name and no path. What it is called when it is added comes from
//! the manifests in the header, whose names are types that cannot hold a path. No file gets its final name before its bytes
//! have been hashed. `docs/bundle.md` says all of it for people; `header.rs` is what is checked before anything is read.

mod add;
mod create;
mod header;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

pub(crate) use add::UNPACKING;
pub use add::{Added, add, check_program, extract_program};
pub use create::{Contents, create};
pub use header::{Header, Member, Program};

use crate::hashing::{Watch, for_each_chunk, open_regular, sha256};
use crate::{BlobDigest, Digesting, Error, ManifestFile, Sha256Digest, limits};

const MAGIC: &[u8; 8] = b"TRAMBNDL";
/// Bytes before the header.
const FIXED_BYTES: u64 = 48;

/// An open bundle whose header is sound. Its members have not been looked at yet.
#[derive(Debug)]
pub struct Bundle {
    file: File,
    path: PathBuf,
    header: Header,
    /// Where each member starts.
    starts: Vec<u64>,
}

impl Bundle {
    /// Opens a bundle and checks its header, its own hash included, and that the file is as long as it says.
    ///
    /// # Errors
    /// It cannot be read, or is no bundle, or not a whole one.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let read = |cause| Error::io(path, cause);
        let fault = |problem: String| Error::bundle(path, problem);
        let mut file = open_regular(path).map_err(read)?;
        let size = file.metadata().map_err(read)?.len();
        let mut fixed = [0; FIXED_BYTES as usize];
        if file.read_exact(&mut fixed).is_err() || !fixed.starts_with(MAGIC) {
            return Err(fault("not a bundle of this program".to_owned()));
        }
        let number = |at: usize| fixed.get(at..at.saturating_add(8)).and_then(|bytes| bytes.try_into().ok());
        let length = u64::from_le_bytes(number(8).unwrap_or_default());
        if length > limits::BUNDLE_HEADER_BYTES || length > size.saturating_sub(FIXED_BYTES) {
            return Err(fault(format!("its header claims {length} bytes: it is damaged or cut")));
        }
        let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
        file.read_exact(&mut text).map_err(read)?;
        if fixed.get(16..) != Some(Sha256Digest::of(&text).as_bytes().as_slice()) {
            return Err(fault("its header is damaged: copy it again".to_owned()));
        }
        let header = Header::parse(&text).map_err(fault)?;
        let start = FIXED_BYTES.saturating_add(length);
        let starts = header.starts(start, size).map_err(fault)?;
        Ok(Self { file, path: path.to_owned(), header, starts })
    }

    /// What is in it.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Where the program starts in the file, for those who have to get it out without it.
    pub fn program_start(&self) -> Option<u64> {
        let program = self.header.program.as_ref()?;
        let index = self.header.members.iter().position(|member| member.sha256 == program.sha256)?;
        self.starts.get(index).copied()
    }

    /// Hashes every member, as its hub does too where that is what a file is called by.
    ///
    /// # Errors
    /// One is not what the header says, or cannot be read; or `watch` said to stop.
    pub fn verify(&mut self, watch: &Watch<'_>) -> Result<(), Error> {
        (0..self.header.members.len()).try_for_each(|index| self.verify_member(index, watch))
    }

    fn verify_member(&mut self, index: usize, watch: &Watch<'_>) -> Result<(), Error> {
        let files = self.header.models.iter().flat_map(|model| &model.files);
        let own = |file: &&ManifestFile| self.header.members.get(index).is_some_and(|own| own.sha256 == file.sha256);
        let by_git = files.filter(own).filter(|file| matches!(file.blob, BlobDigest::Git(_)));
        let by_git: Vec<_> = by_git.cloned().collect();
        let mut git = by_git.first().map(|file| file.blob.digesting(file.size_bytes));
        self.copy(index, watch, &mut |chunk| {
            git.iter_mut().for_each(|git| git.update(chunk));
            Ok(())
        })?;
        let git = git.map(Digesting::finish);
        by_git.iter().try_for_each(|file| self.check_git(file, git))
    }

    /// What a hub calls a file is git's hash of it.
    fn check_git(&self, file: &ManifestFile, git: Option<BlobDigest>) -> Result<(), Error> {
        match git == Some(file.blob) {
            true => Ok(()),
            false => Err(Error::bundle(&self.path, format_args!("{} is not what its hub calls it", file.path))),
        }
    }

    /// Hands on a member's bytes, and says at the end whether they were the right ones: until then they are not to be used.
    fn copy(
        &mut self,
        index: usize,
        watch: &Watch<'_>,
        to: &mut dyn FnMut(&[u8]) -> io::Result<()>,
    ) -> Result<(), Error> {
        let fault = |problem: &str| Error::bundle(&self.path, problem);
        let (Some(member), Some(start)) = (self.header.members.get(index), self.starts.get(index)) else {
            return Err(fault("a member is missing"));
        };
        let mut digesting = Digesting::sha256();
        let mut failed = None;
        let copied = self.file.seek(SeekFrom::Start(*start)).and_then(|_| {
            let mut source = (&mut self.file).take(member.size_bytes);
            for_each_chunk(&mut source, watch, |chunk, _| {
                digesting.update(chunk);
                to(chunk).inspect_err(|error| failed = Some(error.kind()))
            })
        });
        match copied {
            Err(error) if error.kind() == io::ErrorKind::Interrupted && failed.is_none() => Err(Error::Stopped),
            Err(error) => Err(Error::io(&self.path, error)),
            Ok(length) if length != member.size_bytes => Err(fault("it is cut: copy it again")),
            Ok(_) if sha256(digesting) != member.sha256 => {
                let problem =
                    format!("the member that should hash to {} does not: copy the bundle again", member.sha256);
                Err(fault(&problem))
            }
            Ok(_) => Ok(()),
        }
    }
}
