//! Digests: what the hub says that a file is, and what it turns out to be.
//!
//! Large files stand in the hub's records by the SHA-256 of their bytes, small ones by git's name for a blob: the SHA-1
//! of `blob SIZE\0` and the bytes. Neither type can hold anything but a digest.

use std::fmt;

use ring::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};

use crate::Error;
use crate::name::serde_as_text;

/// A SHA-256 digest: written as 64 lower-case hexadecimal digits, and read from nothing else.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Digest([u8; 32]);

/// Git's name for a blob, a SHA-1 digest: 40 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha1Digest([u8; 20]);

/// What the hub records of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BlobDigest {
    /// Of a large file (LFS, Xet): of its bytes.
    Sha256(Sha256Digest),
    /// Of a small file that git keeps itself: of its header and bytes.
    Git(Sha1Digest),
}

/// A digest in the making.
pub struct Digesting {
    context: Context,
    is_git: bool,
}

impl Sha256Digest {
    /// # Errors
    /// The text is anything else than 64 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let problem = "it is not 64 lower-case hexadecimal digits";
        from_hex(text).map(Self).ok_or_else(|| Error::name(text, "a SHA-256 digest", problem))
    }

    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let mut digesting = Digesting::sha256();
        digesting.update(bytes);
        digesting.finish_sha256()
    }

    /// The digest itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Sha256Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl Sha1Digest {
    /// # Errors
    /// The text is anything else than 40 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let problem = "it is not 40 lower-case hexadecimal digits";
        from_hex(text).map(Self).ok_or_else(|| Error::name(text, "a git digest", problem))
    }
}

impl BlobDigest {
    /// A computation that ends in a digest of the same kind, of a file of this size.
    pub fn digesting(&self, size_bytes: u64) -> Digesting {
        match self {
            Self::Sha256(_) => Digesting::sha256(),
            Self::Git(_) => Digesting::git(size_bytes),
        }
    }

    /// # Errors
    /// The text is neither 64 nor 40 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.len() {
            40 => Sha1Digest::parse(text).map(Self::Git),
            _ => Sha256Digest::parse(text).map(Self::Sha256),
        }
    }
}

impl Digesting {
    /// Of the bytes alone.
    pub fn sha256() -> Self {
        Self { context: Context::new(&SHA256), is_git: false }
    }

    /// As git names a blob of this size.
    pub fn git(size_bytes: u64) -> Self {
        let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        context.update(format!("blob {size_bytes}\0").as_bytes());
        Self { context, is_git: true }
    }

    /// The next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.context.update(bytes);
    }

    /// The digest of all bytes, for a computation that [`Digesting::sha256`] began.
    pub(crate) fn finish_sha256(self) -> Sha256Digest {
        Sha256Digest(sized(self.context.finish().as_ref()))
    }

    /// The digest of all bytes.
    pub fn finish(self) -> BlobDigest {
        let digest = self.context.finish();
        let bytes = digest.as_ref();
        if self.is_git {
            BlobDigest::Git(Sha1Digest(sized(bytes)))
        } else {
            BlobDigest::Sha256(Sha256Digest(sized(bytes)))
        }
    }
}

/// The lengths agree by construction; a shorter slice would leave zeros.
fn sized<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    array.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
    array
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if text.len() != 2 * N {
        return None;
    }
    let mut array = [0; N];
    for (to, pair) in array.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *to = digit(*high)? << 4 | digit(*low)?;
    }
    Some(array)
}

fn write_hex(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

impl fmt::Display for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Display for Sha1Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Display for BlobDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => digest.fmt(f),
            Self::Git(digest) => digest.fmt(f),
        }
    }
}

impl fmt::Debug for Sha256Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha256Digest({self})")
    }
}

impl fmt::Debug for Sha1Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sha1Digest({self})")
    }
}

serde_as_text!(Sha256Digest);
serde_as_text!(Sha1Digest);
serde_as_text!(BlobDigest);
