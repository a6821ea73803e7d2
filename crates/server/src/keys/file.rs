//! The file of keys: TOML, readable by its owner alone, replaced as a whole.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::Deserialize;

use super::{Hash, PREFIX, hash};

/// Characters of a name.
const NAME_LENGTH: usize = 64;
/// Keys in a file.
const KEYS: usize = 10_000;
/// Bytes of a file.
const FILE_BYTES: u64 = 8 << 20;

/// Why keys cannot be read or changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{path} cannot be read or written: {cause}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file is not what this program writes.
    #[error("{path} is broken: {why}; mend it, or remove it and add the keys again")]
    Broken {
        /// Which.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// The name is taken.
    #[error("there is a key called {name} already: revoke it first, or choose another name")]
    Taken {
        /// The name.
        name: String,
    },
    /// There is no such key.
    #[error("there is no key called {name}: `tramontane key list` shows those that there are")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The name cannot be used.
    #[error("{name:?} cannot name a key: 1 to 64 letters, digits, dots, hyphens and underscores can")]
    Name {
        /// The name.
        name: String,
    },
    /// There are too many.
    #[error("there are {KEYS} keys already: revoke some")]
    TooMany,
    /// The system gives no random numbers.
    #[error("the system gives no random numbers")]
    Random,
}

/// What a key may use; `None` is without bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyLimits {
    /// Requests in a minute.
    pub requests_per_minute: Option<u32>,
    /// Tokens of prompts and answers in a minute.
    pub tokens_per_minute: Option<u32>,
    /// Answers at the same time.
    pub streams: Option<u32>,
}

/// A key, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// What people call it.
    pub name: String,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// What it may use.
    pub limits: KeyLimits,
    pub(crate) hash: Hash,
}

/// The file of keys.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    #[serde(default)]
    key: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    sha256: String,
    created: u64,
    requests_per_minute: Option<u32>,
    tokens_per_minute: Option<u32>,
    streams: Option<u32>,
}

impl KeyFile {
    /// The file at `path`, which need not be there.
    pub fn at(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    /// All keys; none where there is no file.
    ///
    /// # Errors
    /// It cannot be read, or is not what this program writes.
    pub fn keys(&self) -> Result<Vec<Key>, KeyError> {
        let text = match self.read() {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(self.failed(cause)),
        };
        let broken = |why: String| KeyError::Broken { path: self.path.clone(), why };
        let contents: Contents = toml::from_str(&text).map_err(|error| broken(error.to_string()))?;
        let key = |entry: Entry| {
            let hash = parse_hash(&entry.sha256).ok_or_else(|| broken(format!("sha256 of {}", entry.name)))?;
            let limits = KeyLimits {
                requests_per_minute: entry.requests_per_minute,
                tokens_per_minute: entry.tokens_per_minute,
                streams: entry.streams,
            };
            check_name(&entry.name)?;
            Ok(Key { name: entry.name, created: entry.created, limits, hash })
        };
        contents.key.into_iter().map(key).collect()
    }

    /// Makes a key and returns its secret, which is not kept.
    ///
    /// # Errors
    /// The name cannot be used or is taken, or the file cannot be read or written.
    pub fn add(&self, name: &str, limits: KeyLimits) -> Result<String, KeyError> {
        check_name(name)?;
        let _lock = self.lock()?;
        let mut keys = self.keys()?;
        if keys.iter().any(|key| key.name == name) {
            return Err(KeyError::Taken { name: name.to_owned() });
        }
        if keys.len() >= KEYS {
            return Err(KeyError::TooMany);
        }
        let secret = secret()?;
        let created = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        keys.push(Key { name: name.to_owned(), created, limits, hash: hash(&secret) });
        self.write(&keys)?;
        Ok(secret)
    }

    /// Removes a key: running servers refuse it within a second.
    ///
    /// # Errors
    /// There is no such key, or the file cannot be read or written.
    pub fn revoke(&self, name: &str) -> Result<(), KeyError> {
        let _lock = self.lock()?;
        let mut keys = self.keys()?;
        let before = keys.len();
        keys.retain(|key| key.name != name);
        if keys.len() == before {
            return Err(KeyError::Unknown { name: name.to_owned() });
        }
        self.write(&keys)
    }

    /// When it was written and how long it is: what tells a server that it has changed.
    pub(crate) fn stamp(&self) -> Option<(SystemTime, u64)> {
        let data = fs::metadata(&self.path).ok()?;
        Some((data.modified().ok()?, data.len()))
    }

    fn read(&self) -> io::Result<String> {
        use io::Read as _;
        let mut text = String::new();
        File::open(&self.path)?.take(FILE_BYTES).read_to_string(&mut text)?;
        Ok(text)
    }

    /// One writer at a time; the lock goes with the file that is returned.
    fn lock(&self) -> Result<File, KeyError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(folder).map_err(|cause| self.failed(cause))?;
        let lock = private().create(true).truncate(false).write(true).open(self.path.with_extension("lock"));
        let lock = lock.map_err(|cause| self.failed(cause))?;
        lock.lock().map_err(|cause| self.failed(cause))?;
        Ok(lock)
    }

    /// Beside the file first, then in its place: nobody ever reads half of it.
    fn write(&self, keys: &[Key]) -> Result<(), KeyError> {
        let beside = self.path.with_extension("partial");
        let written = (|| {
            // What somebody left there may be readable by others.
            let _ = fs::remove_file(&beside);
            let mut file = private().create_new(true).write(true).open(&beside)?;
            file.write_all(text(keys).as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        })();
        written.map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: io::Error) -> KeyError {
        KeyError::File { path: self.path.clone(), cause }
    }
}

/// Readable and writable by its owner alone, where the system knows such a thing.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn secret() -> Result<String, KeyError> {
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).map_err(|_| KeyError::Random)?;
    Ok(format!("{PREFIX}{}", hex(&random)))
}

fn check_name(name: &str) -> Result<(), KeyError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
    if (1..=NAME_LENGTH).contains(&name.len()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(KeyError::Name { name: name.to_owned() })
}

/// Names and numbers need no escapes.
fn text(keys: &[Key]) -> String {
    let mut text = "# Keys of `tramontane serve`; `tramontane key` changes them.\n".to_owned();
    for Key { name, created, limits, hash } in keys {
        let mut row = |name: &str, value: Option<u64>| {
            if let Some(value) = value {
                // Writing to a string does not fail.
                let _ = writeln!(text, "{name} = {value}");
            }
        };
        row(&format!("\n[[key]]\nname = \"{name}\"\nsha256 = \"{}\"\ncreated", hex(hash)), Some(*created));
        row("requests_per_minute", limits.requests_per_minute.map(u64::from));
        row("tokens_per_minute", limits.tokens_per_minute.map(u64::from));
        row("streams", limits.streams.map(u64::from));
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parse_hash(text: &str) -> Option<Hash> {
    let mut hash = Hash::default();
    let digits: Option<Vec<u8>> = text.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    if pairs.len() != hash.len() || !rest.is_empty() {
        return None;
    }
    hash.iter_mut().zip(pairs).for_each(|(byte, [high, low])| *byte = high << 4 | low);
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str) -> KeyFile {
        let folder = std::env::temp_dir().join(format!("tramontane-keys-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        KeyFile::at(&folder.join("keys.toml"))
    }

    #[test]
    fn keys_are_added_listed_and_revoked() {
        let file = file("life");
        assert_eq!(file.keys().unwrap(), []);
        let limits = KeyLimits { requests_per_minute: Some(60), tokens_per_minute: None, streams: Some(2) };
        let secret = file.add("alice", limits).unwrap();
        let other = file.add("bob", KeyLimits::default()).unwrap();
        assert!(secret.starts_with("tm-") && secret.len() == 67 && secret != other, "{secret}");
        assert!(matches!(file.add("alice", limits), Err(KeyError::Taken { .. })));
        let keys = file.keys().unwrap();
        assert_eq!((keys[0].name.as_str(), keys[0].limits, keys[0].hash), ("alice", limits, hash(&secret)));
        assert!(!fs::read_to_string(&file.path).unwrap().contains(&secret[3..]), "the secret is not kept");
        file.revoke("alice").unwrap();
        assert!(matches!(file.revoke("alice"), Err(KeyError::Unknown { .. })));
        assert_eq!(file.keys().unwrap().len(), 1);
        fs::remove_dir_all(file.path.parent().unwrap()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let file = file("mode");
        file.add("a", KeyLimits::default()).unwrap();
        assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_dir_all(file.path.parent().unwrap()).unwrap();
    }

    #[test]
    fn what_is_broken_is_said() {
        let file = file("broken");
        for name in ["", "a b", "a\"b", "ü", &"a".repeat(65), "a\nb"] {
            assert!(matches!(file.add(name, KeyLimits::default()), Err(KeyError::Name { .. })), "{name}");
        }
        for text in ["x", "[[key]]\nname = \"a\"\n", "[[key]]\nname = \"a\"\nsha256 = \"zz\"\ncreated = 1\n"] {
            fs::write(&file.path, text).unwrap();
            assert!(matches!(file.keys(), Err(KeyError::Broken { .. })), "{text}");
        }
        fs::remove_dir_all(file.path.parent().unwrap()).unwrap();
    }
}
