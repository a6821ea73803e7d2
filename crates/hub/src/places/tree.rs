//! Reading a folder that somebody else fills: never outside it, never more than was bargained for.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::limits;

/// A folder, its own path free of links. Everything that is returned lies below it.
#[derive(Debug)]
pub(crate) struct Tree {
    root: PathBuf,
}

/// An entry of a folder.
#[derive(Debug)]
pub(crate) struct Item {
    /// Its name: one part of a path.
    pub(crate) name: String,
    /// Its path, as the folder gives it.
    pub(crate) path: PathBuf,
    /// What it is.
    pub(crate) kind: Kind,
}

/// What an entry is.
#[derive(Debug)]
pub(crate) enum Kind {
    /// A folder. Links to folders are none: they could go in circles.
    Folder,
    /// A regular file, or a link to one below the root.
    File { target: PathBuf, size_bytes: u64 },
    /// Something with a file's name that is not to be read, and why.
    Unusable(String),
}

impl Tree {
    /// The folder at this path; `None` where there is none that can be read.
    pub(crate) fn open(path: &Path) -> Option<Self> {
        let root = fs::canonicalize(path).ok()?;
        root.is_dir().then_some(Self { root })
    }

    /// A folder below as a tree of its own: links may not lead out of that one. `None` where it is not there or a link.
    pub(crate) fn below(&self, name: &str) -> Option<Self> {
        let path = self.root.join(single(name)?);
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|data| data.is_dir());
        is_folder.then_some(Self { root: path })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// What lies in a folder of the tree, sorted by name. Names that are not Unicode or hold control characters are left out.
    pub(crate) fn list(&self, folder: &Path) -> Vec<Item> {
        let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
        let names = entries.take(limits::FOLDER_ENTRIES).flatten().filter_map(|entry| {
            let name = entry.file_name().into_string().ok().filter(|name| !name.contains(char::is_control))?;
            let kind = self.kind(&entry.path())?;
            Some(Item { name, path: entry.path(), kind })
        });
        let mut items: Vec<_> = names.collect();
        items.sort_by(|a, b| a.name.cmp(&b.name));
        items
    }

    /// The names of the folders in the root.
    pub(crate) fn folders(&self) -> Vec<String> {
        let folders = self.list(&self.root).into_iter().filter(|item| matches!(item.kind, Kind::Folder));
        folders.map(|item| item.name).collect()
    }

    /// All of a small regular file of the tree; `None` where it is not there, longer than `limit`, or not UTF-8.
    pub(crate) fn read_text(&self, path: &Path, limit: u64) -> Option<String> {
        let Kind::File { target, .. } = self.kind(path)? else { return None };
        read_regular(&target, limit).ok()
    }

    /// `None` for what is neither a file nor a folder, such as a pipe.
    pub(crate) fn kind(&self, path: &Path) -> Option<Kind> {
        let data = fs::symlink_metadata(path).ok()?;
        if data.is_dir() {
            return Some(Kind::Folder);
        }
        if data.is_file() {
            return Some(Kind::File { target: path.to_owned(), size_bytes: data.len() });
        }
        if !data.is_symlink() {
            return None;
        }
        let Ok(target) = fs::canonicalize(path) else {
            return Some(Kind::Unusable("a link to a file that is not there".to_owned()));
        };
        let data = fs::metadata(&target).ok()?;
        if data.is_dir() {
            return None;
        }
        if !target.starts_with(&self.root) {
            let root = self.root.display();
            return Some(Kind::Unusable(format!("a link that leads out of {root}: add its folder to models_dirs")));
        }
        data.is_file().then_some(Kind::File { target, size_bytes: data.len() })
    }
}

/// One part of a path: no separator, no `.` or `..`, no drive.
pub(crate) fn single(name: &str) -> Option<&str> {
    let harmful = name.is_empty() || name == "." || name == ".." || name.contains(['/', '\\', '\0']);
    let drive = cfg!(windows) && name.contains(':');
    (!harmful && !drive).then_some(name)
}

/// All of a small regular file.
///
/// # Errors
/// It cannot be read, is longer than `limit` bytes, or not UTF-8.
pub(crate) fn read_regular(path: &Path, limit: u64) -> io::Result<String> {
    let bytes = first_bytes(path, limit.saturating_add(1))?;
    if bytes.len() as u64 > limit {
        return Err(invalid(format!("longer than {limit} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| invalid("not UTF-8 text".to_owned()))
}

/// The beginning of a regular file, as far as it is UTF-8.
///
/// # Errors
/// It cannot be read.
pub(crate) fn read_start(path: &Path, limit: u64) -> io::Result<String> {
    Ok(String::from_utf8_lossy(&first_bytes(path, limit)?).into_owned())
}

fn first_bytes(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    // Looked at before it is opened: opening a pipe would wait for its other end.
    if !fs::metadata(path)?.is_file() {
        return Err(invalid("not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn invalid(problem: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem)
}
