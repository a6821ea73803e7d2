//! Reading forwards through a GGUF header, never past its end and never more than was asked for.

use std::fmt::Display;
use std::io;

use crate::{Error, ReadAt};

/// Bytes fetched at once. Headers are read in small pieces; a system call for each would take seconds.
const WINDOW_BYTES: u64 = 64 << 10;

/// A position in a file, with what lies there read ahead.
pub(crate) struct Cursor<'a> {
    source: &'a dyn ReadAt,
    size: u64,
    position: u64,
    window: Vec<u8>,
    window_start: u64,
}

/// Why a piece could not be read; becomes an [`Error`] once it is known what the piece was for.
pub(crate) enum Fault {
    Io(io::Error),
    Says(String),
}

impl Fault {
    /// With the file and the place in it.
    pub(crate) fn at(self, file: &str, field: impl Display) -> Error {
        match self {
            Self::Io(cause) => Error::Read { file: file.to_owned(), cause },
            Self::Says(problem) => Error::malformed(file, field, problem),
        }
    }
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(source: &'a dyn ReadAt) -> Self {
        Self { source, size: source.size_bytes(), position: 0, window: Vec::new(), window_start: 0 }
    }

    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    pub(crate) fn remaining(&self) -> u64 {
        self.size.saturating_sub(self.position)
    }

    /// An error unless `count` items of at least `each` bytes can still follow.
    pub(crate) fn room_for(&self, count: u64, each: u64, limit: u64) -> Result<usize, Fault> {
        if count > limit {
            return Err(Fault::Says(format!("{count} is more than the {limit} that are accepted")));
        }
        let bytes = count.saturating_mul(each);
        if bytes > self.remaining() {
            return Err(Fault::Says(format!(
                "{count} of at least {each} bytes each cannot fit into the {} bytes that are left of the file",
                self.remaining()
            )));
        }
        usize::try_from(count).map_err(|_| Fault::Says(format!("{count} is more than this machine can address")))
    }

    /// The next `count` bytes, after a check that the file has them.
    pub(crate) fn bytes(&mut self, count: u64, limit: u64) -> Result<Vec<u8>, Fault> {
        let mut out = vec![0; self.room_for(count, 1, limit)?];
        self.fill(&mut out)?;
        Ok(out)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Fault> {
        self.fixed().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Fault> {
        self.fixed().map(u64::from_le_bytes)
    }

    /// A string with its length before it.
    pub(crate) fn string(&mut self, limit: u64) -> Result<String, Fault> {
        let length = self.u64()?;
        let bytes = self.bytes(length, limit)?;
        String::from_utf8(bytes)
            .map_err(|fault| Fault::Says(format!("not UTF-8 from its byte {} on", fault.utf8_error().valid_up_to())))
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.room_for(N as u64, 1, u64::MAX)?;
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }

    /// Callers have checked that the file is long enough.
    fn fill(&mut self, out: &mut [u8]) -> Result<(), Fault> {
        let wanted = out.len() as u64;
        if wanted > WINDOW_BYTES {
            self.source.read_exact_at(out, self.position).map_err(Fault::Io)?;
        } else {
            out.copy_from_slice(self.ahead(wanted)?);
        }
        self.position += wanted;
        Ok(())
    }

    /// The next `wanted` bytes, from the window where they are in it.
    fn ahead(&mut self, wanted: u64) -> Result<&[u8], Fault> {
        let window_end = self.window_start + self.window.len() as u64;
        if self.position < self.window_start || self.position + wanted > window_end {
            let length = self.remaining().min(WINDOW_BYTES);
            self.window.resize(usize::try_from(length).unwrap_or(0), 0);
            self.source.read_exact_at(&mut self.window, self.position).map_err(Fault::Io)?;
            self.window_start = self.position;
        }
        let start = usize::try_from(self.position - self.window_start).unwrap_or(usize::MAX);
        let end = start.saturating_add(usize::try_from(wanted).unwrap_or(usize::MAX));
        self.window.get(start..end).ok_or_else(|| Fault::Io(io::ErrorKind::UnexpectedEof.into()))
    }
}
