//! What a repository holds at a commit, as the hub's API says.
//!
//! `GET /api/models/{repo}/revision/{revision}?blobs=true` answers with the commit, the licence, and for each file its size
//! and digest (`huggingface_hub.HfApi.model_info(files_metadata=True)`).

use std::fmt;
use std::thread;
use std::time::Duration;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::address::escaped;
use super::client::{Answer, Client, Fault, fill};
use crate::{BlobDigest, Commit, Error, RepoId, RepoPath, Revision, Sha1Digest, Sha256Digest, limits};

/// Time for the whole list, once it has begun.
const LIST_TIME: Duration = Duration::from_secs(120);

/// A repository at a commit.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) commit: Commit,
    pub(crate) license: Option<String>,
    pub(crate) files: Vec<ListedFile>,
    /// Files whose names or records make no sense here, and so do not exist for us.
    pub(crate) left_out: usize,
}

/// A file, and what it will have to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedFile {
    pub(crate) path: RepoPath,
    pub(crate) size_bytes: u64,
    pub(crate) digest: BlobDigest,
}

impl Client {
    /// # Errors
    /// The hub cannot be reached, refuses, or answers with something else.
    pub(crate) fn list(&self, repo: &RepoId, revision: &Revision) -> Result<Listing, Error> {
        let path = format!("/api/models/{repo}/revision/{}?blobs=true", escaped(revision.as_str()));
        let address = self.address(&path)?;
        let mut failures = 0;
        loop {
            let asked = self.ask(&address, None, LIST_TIME).and_then(|answer| match answer.status {
                200 => read(answer),
                _ if answer.is_passing() => Err(answer.passing()),
                _ => Err(Fault::Lasting(self.refusal(&answer, repo, revision, None))),
            });
            match asked {
                Ok(text) => return parse(&text).map_err(|problem| Error::answer(&address, problem)),
                Err(Fault::Lasting(error)) => return Err(error),
                Err(Fault::Passing { problem, retry_after }) => {
                    failures += 1;
                    let wait = self.patience().wait(failures, retry_after);
                    let Some(wait) = wait else { return Err(Error::unreachable(address.host(), problem)) };
                    thread::sleep(wait);
                }
            }
        }
    }

    /// A refusal as a sentence that says what to do.
    pub(crate) fn refusal(
        &self,
        answer: &Answer,
        repo: &RepoId,
        revision: &Revision,
        file: Option<&RepoPath>,
    ) -> Error {
        let code = answer.header("x-error-code").unwrap_or_default();
        let base = &self.endpoint().base;
        let has_token = self.endpoint().token.is_some();
        let place = file.map_or_else(|| repo.to_string(), |file| format!("{repo}/{file}"));
        if !answer.address.same_origin(base) {
            let problem = format!("{} answers with status {}; pull again later", answer.address.host(), answer.status);
            return Error::Refused { place, problem };
        }
        let problem = match (answer.status, code, has_token) {
            (401 | 403, "GatedRepo", false) => format!(
                "its licence has to be accepted: open {base}/{repo} in a browser, accept, then set HF_TOKEN to a token from \
                 {base}/settings/tokens and pull again"
            ),
            (401 | 403, "GatedRepo", true) => format!(
                "its licence has to be accepted by the account that the token belongs to: open {base}/{repo} in a \
                 browser, accept, and pull again"
            ),
            (401, _, false) => {
                "there is no such repository that everybody may read: check the name, or set HF_TOKEN if it \
                                is private"
                    .to_owned()
            }
            (401, _, true) => "the token is not accepted: check HF_TOKEN, or log in again".to_owned(),
            (403, _, _) => "this token, or this network, may not read it (403)".to_owned(),
            (404, "RevisionNotFound", _) => {
                format!("it has no revision {revision}: leave --revision away for the newest")
            }
            (404, _, _) if file.is_some() => "the file is not there any more: pull again".to_owned(),
            (404, _, _) => "there is no such repository: check the name".to_owned(),
            (451, _, _) => "it has been taken down for legal reasons (451)".to_owned(),
            (status, _, _) => format!("the hub answers with status {status}"),
        };
        Error::Refused { place, problem }
    }
}

fn read(mut answer: Answer) -> Result<Vec<u8>, Fault> {
    let mut text = vec![0; limits::LISTING_BYTES];
    let count = fill(&mut answer.body, &mut text)
        .map_err(|error| Fault::Passing { problem: format!("{}: {error}", answer.address), retry_after: None })?;
    if count == limits::LISTING_BYTES {
        let problem = format!("its list of files is longer than {} MiB", limits::LISTING_BYTES >> 20);
        return Err(Fault::Lasting(Error::answer(&answer.address, problem)));
    }
    text.truncate(count);
    Ok(text)
}

/// What is read of the answer. Values stay text until they are looked at one by one, so that a hostile list takes no
/// more memory than it has bytes.
#[derive(Deserialize)]
struct Info<'a> {
    sha: String,
    #[serde(borrow, default, deserialize_with = "bounded")]
    siblings: Vec<&'a RawValue>,
    #[serde(borrow, default, rename = "cardData")]
    card: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "bounded")]
    tags: Vec<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Card {
    license: Option<String>,
    license_name: Option<String>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
    size: u64,
    #[serde(rename = "blobId")]
    blob_id: Option<String>,
    lfs: Option<Lfs>,
}

#[derive(Deserialize)]
struct Lfs {
    sha256: String,
    size: u64,
}

fn parse(text: &[u8]) -> Result<Listing, String> {
    let info: Info<'_> =
        serde_json::from_slice(text).map_err(|problem| format!("it is no list of files ({problem})"))?;
    let commit = Commit::parse(&info.sha).map_err(|problem| problem.to_string())?;
    let license = license(&info);
    let count = info.siblings.len();
    let files: Vec<_> = info.siblings.into_iter().filter_map(listed).collect();
    let left_out = count.saturating_sub(files.len());
    Ok(Listing { commit, license, files, left_out })
}

/// An array of at most [`limits::LISTED_FILES`] values.
fn bounded<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<&'de RawValue>, D::Error> {
    struct Values;

    impl<'de> Visitor<'de> for Values {
        type Value = Vec<&'de RawValue>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "at most {} values", limits::LISTED_FILES)
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<Self::Value, A::Error> {
            let mut taken = Vec::new();
            while let Some(value) = values.next_element()? {
                if taken.len() == limits::LISTED_FILES {
                    return Err(A::Error::invalid_length(taken.len() + 1, &self));
                }
                taken.push(value);
            }
            Ok(taken)
        }
    }

    deserializer.deserialize_seq(Values)
}

fn listed(value: &RawValue) -> Option<ListedFile> {
    let sibling: Sibling = serde_json::from_str(value.get()).ok()?;
    let path = RepoPath::parse(&sibling.rfilename).ok()?;
    let (size_bytes, digest) = match sibling.lfs {
        Some(lfs) if lfs.size != sibling.size => return None,
        Some(lfs) => (lfs.size, BlobDigest::Sha256(Sha256Digest::parse(&lfs.sha256).ok()?)),
        None => (sibling.size, BlobDigest::Git(Sha1Digest::parse(&sibling.blob_id?).ok()?)),
    };
    (size_bytes <= limits::FILE_BYTES).then_some(ListedFile { path, size_bytes, digest })
}

/// `cardData.license`, or the tag that the hub makes of it.
fn license(info: &Info<'_>) -> Option<String> {
    let card = info.card.and_then(|card| serde_json::from_str::<Option<Card>>(card.get()).ok().flatten());
    let card = card.unwrap_or_default();
    let text = |tag: &&RawValue| serde_json::from_str::<String>(tag.get()).ok();
    let tag = || info.tags.iter().filter_map(text).find_map(|tag| tag.strip_prefix("license:").map(str::to_owned));
    // A licence of its own (`other`) has a name beside it.
    let license = card.license.filter(|license| license != "other").or(card.license_name);
    let license = license.or_else(tag)?;
    let fine = license.bytes().all(|byte| byte.is_ascii_graphic()) && license.len() <= limits::LICENSE_BYTES;
    fine.then_some(license)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let commit = "0123456789abcdef0123456789abcdef01234567";
        let lfs = |name: &str, size: &str, digest: &str| {
            format!(
                r#"{{"rfilename": "{name}", "size": {size}, "blobId": "{commit}", "lfs": {{"sha256": "{digest}", "size": 3, "pointerSize": 1}}}}"#
            )
        };
        // (sibling, whether it is taken)
        let rows = [
            (lfs("a.gguf", "3", sha256), true),
            (format!(r#"{{"rfilename": "config.json", "size": 3, "blobId": "{commit}"}}"#), true),
            (lfs("../a.gguf", "3", sha256), false),
            (lfs("..\\\\a.gguf", "3", sha256), false),
            (lfs("/etc/passwd", "3", sha256), false),
            (lfs("C:/a.gguf", "3", sha256), false),
            (lfs("nul.gguf", "3", sha256), false),
            (lfs("a\\u0000.gguf", "3", sha256), false),
            (lfs("a.gguf", "4", sha256), false),
            (lfs("a.gguf", "-3", sha256), false),
            (lfs("a.gguf", "1e300", sha256), false),
            (lfs("a.gguf", "3", "../../x"), false),
            (lfs("a.gguf", "3", &sha256.to_uppercase()), false),
            (lfs("a.gguf", "3", &sha256[1..]), false),
            (format!(r#"{{"rfilename": "a", "size": 3, "blobId": "{}"}}"#, &commit[1..]), false),
            (format!(r#"{{"rfilename": "a", "size": 99999999999999, "blobId": "{commit}"}}"#), false),
            (r#"{"rfilename": "a", "size": 3}"#.to_owned(), false),
            ("7".to_owned(), false),
        ];
        testkit::check_table(rows.map(|row| (row.0.clone(), row)), |(sibling, taken)| {
            let listing = parse(format!(r#"{{"sha": "{commit}", "siblings": [{sibling}]}}"#).as_bytes())?;
            match (listing.files.len(), listing.left_out) == (usize::from(taken), usize::from(!taken)) {
                true => Ok(()),
                false => Err(format!("{listing:?}")),
            }
        });
        let many = format!(r#"{{"sha": "{commit}", "siblings": [{}7]}}"#, "7,".repeat(limits::LISTED_FILES));
        assert!(parse(many.as_bytes()).unwrap_err().contains("at most 20000 values"));
        for text in ["", "[]", "{}", r#"{"sha": "main"}"#, "\u{feff}{}", &"[".repeat(100_000)] {
            assert!(parse(text.as_bytes()).is_err());
        }
    }

    #[test]
    fn licenses() {
        let rows = [
            (r#""cardData": {"license": "apache-2.0"}"#, Some("apache-2.0")),
            (r#""cardData": {"license": "other", "license_name": "mrl"}"#, Some("mrl")),
            (r#""tags": ["x", "license:mit", 3]"#, Some("mit")),
            (r#""cardData": {"license": "\u001b[31m"}"#, None),
            (r#""cardData": {"license": ["a"]}"#, None),
            (r#""cardData": null"#, None),
        ];
        for (fields, expected) in rows {
            let text = format!(r#"{{"sha": "0123456789abcdef0123456789abcdef01234567", {fields}}}"#);
            assert_eq!(parse(text.as_bytes()).unwrap().license.as_deref(), expected, "{fields}");
        }
    }
}
