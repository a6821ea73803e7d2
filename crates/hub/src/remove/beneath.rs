//! A folder that is open: what is removed in it is in it, whatever its path has become.

use std::path::{Path, PathBuf};

use crate::Error;
use crate::places::single;

/// An open folder.
pub(super) struct Folder {
    #[cfg(unix)]
    handle: std::os::fd::OwnedFd,
    path: PathBuf,
}

#[cfg(unix)]
impl Folder {
    /// # Errors
    /// There is no folder at this path, or a link.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        use rustix::fs::{Mode, open};
        let handle = open(path, flags(), Mode::empty()).map_err(|cause| Error::io(path, cause.into()))?;
        Ok(Self { handle, path: path.to_owned() })
    }

    /// The folder of this name in it; `None` where there is none.
    ///
    /// # Errors
    /// It is a link or a file, or cannot be opened.
    pub(super) fn below(&self, name: &str) -> Result<Option<Self>, Error> {
        use rustix::fs::{Mode, openat};
        use rustix::io::Errno;
        let path = self.path_of(name)?;
        match openat(&self.handle, name, flags(), Mode::empty()) {
            Ok(handle) => Ok(Some(Self { handle, path })),
            Err(Errno::NOENT) => Ok(None),
            Err(cause) => Err(Error::io(&path, cause.into())),
        }
    }

    /// Removes a file or a link of this name; that there is none is as good.
    ///
    /// # Errors
    /// It is a folder, or may not be removed.
    pub(super) fn remove_file(&self, name: &str) -> Result<(), Error> {
        use rustix::fs::{AtFlags, unlinkat};
        use rustix::io::Errno;
        let path = self.path_of(name)?;
        match unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(cause) => Err(Error::io(&path, cause.into())),
        }
    }

    /// Removes a folder of this name if nothing is in it.
    pub(super) fn remove_empty(&self, name: &str) {
        use rustix::fs::{AtFlags, unlinkat};
        if single(name).is_some() {
            // Refused where something is in it: then it stays.
            let _ = unlinkat(&self.handle, name, AtFlags::REMOVEDIR);
        }
    }
}

#[cfg(unix)]
fn flags() -> rustix::fs::OFlags {
    use rustix::fs::OFlags;
    OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY
}

/// Without handles of folders: links are refused when they are met, which leaves a gap between looking and removing.
#[cfg(not(unix))]
impl Folder {
    /// # Errors
    /// There is no folder at this path, or a link.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let data = std::fs::symlink_metadata(path).map_err(|cause| Error::io(path, cause))?;
        if !data.is_dir() {
            return Err(Error::io(path, std::io::ErrorKind::NotADirectory.into()));
        }
        Ok(Self { path: path.to_owned() })
    }

    /// The folder of this name in it; `None` where there is none.
    ///
    /// # Errors
    /// It is a link or a file, or cannot be opened.
    pub(super) fn below(&self, name: &str) -> Result<Option<Self>, Error> {
        let path = self.path_of(name)?;
        match std::fs::symlink_metadata(&path) {
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => Ok(None),
            _ => Self::open(&path).map(Some),
        }
    }

    /// Removes a file or a link of this name; that there is none is as good.
    ///
    /// # Errors
    /// It is a folder, or may not be removed.
    pub(super) fn remove_file(&self, name: &str) -> Result<(), Error> {
        let path = self.path_of(name)?;
        match std::fs::remove_file(&path) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(Error::io(&path, cause)),
            _ => Ok(()),
        }
    }

    /// Removes a folder of this name if nothing is in it.
    pub(super) fn remove_empty(&self, name: &str) {
        if let Ok(path) = self.path_of(name) {
            // Refused where something is in it: then it stays.
            let _ = std::fs::remove_dir(path);
        }
    }
}

impl Folder {
    fn path_of(&self, name: &str) -> Result<PathBuf, Error> {
        let path = self.path.join(name);
        match single(name) {
            Some(_) => Ok(path),
            None => Err(Error::io(&path, std::io::ErrorKind::InvalidInput.into())),
        }
    }
}
