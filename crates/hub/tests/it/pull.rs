//! `pull` against hubs that are sound, in trouble, or lying: what is expected of each.

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Instant;

use hub::{Error, Folders, ModelName, Plan, Progress, PullOptions, Pulled};
use serde_json::json;
use testkit::{Random, check_table};

use crate::disk::{COMMIT, folder};
use crate::hub::{Asked, Ending, Fault, REPO, Reply, TestHub, sibling, sound};

pub(crate) const FILE: &str = "Tiny-Q4_K_M.gguf";
pub(crate) const SIZE: usize = 1_000_003;
pub(crate) const PIECE: usize = 100_000;

/// Bytes that repeat nowhere.
pub(crate) fn bytes(size: usize) -> Vec<u8> {
    let mut random = Random::new(size as u64);
    (0..size.div_ceil(8)).flat_map(|_| random.bits().to_le_bytes()).take(size).collect()
}

pub(crate) fn options() -> PullOptions {
    PullOptions { piece_bytes: PIECE as u64, connections: 3, ..PullOptions::default() }
}

pub(crate) fn onward(_: &Progress<'_>) -> ControlFlow<()> {
    ControlFlow::Continue(())
}

pub(crate) fn pull(hub: &TestHub, cache: &Path) -> Result<Pulled, Error> {
    pull_named(hub, cache, REPO)
}

pub(crate) fn pull_named(hub: &TestHub, cache: &Path, name: &str) -> Result<Pulled, Error> {
    let name = ModelName::parse(name).unwrap();
    Plan::of(&name, hub.endpoint(), options())?.fetch(&Folders::at(cache), &mut onward)
}

/// All files below a folder, but for locks, in order.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files_below(&entry.path())),
            false => found.push(entry.path()),
        }
    }
    found.retain(|path| !path.to_string_lossy().ends_with(".lock"));
    found.sort();
    found
}

/// What lies in the cache that bears a final name: blobs, links, references, manifests.
fn final_names(cache: &Path) -> Vec<PathBuf> {
    let mut files = files_below(cache);
    files.retain(|path| !path.to_string_lossy().contains(".part"));
    files
}

/// The part of a reply's range that comes first in the file.
fn first_piece(asked: &Asked) -> bool {
    asked.is_content() && asked.range().is_none_or(|(first, _)| first == 0)
}

fn corrupted(mut reply: Reply) -> Reply {
    if let Some(byte) = reply.body.first_mut() {
        *byte ^= 1;
    }
    reply
}

/// (name, fault, `Ok` and the most requests for content that it may take, or a part of the message)
const ROWS: &[(&str, Fault, Result<usize, &str>)] = &[
    ("a sound hub", sound, Ok(11)),
    (
        "in trouble once, everywhere",
        |asked, reply, _| if asked.before == 0 { Reply::status(503) } else { reply },
        Ok(14),
    ),
    (
        "asks for patience",
        |asked, reply, _| if asked.before == 0 { Reply::status(429).with("retry-after", 0) } else { reply },
        Ok(14),
    ),
    (
        "asks for too much patience",
        |asked, reply, _| on_list(asked, reply, Reply::status(429).with("retry-after", 9999)),
        Err("cannot be reached: "),
    ),
    (
        "always asks for patience",
        |asked, reply, _| on_content(asked, reply, Reply::status(429).with("retry-after", 0)),
        Err("asks for fewer requests (429)"),
    ),
    ("no gateway, once", |asked, reply, _| if asked.before == 0 { Reply::status(502) } else { reply }, Ok(14)),
    ("a gateway that waits", |asked, reply, _| on_content(asked, reply, Reply::status(504)), Err("in trouble (504)")),
    ("slow", |asked, reply, _| if asked.is_content() { reply.ending(Ending::Slow(10_000)) } else { reply }, Ok(11)),
    (
        "a list that comes slowly",
        |asked, reply, _| if asked.is_list() { reply.ending(Ending::Slow(20)) } else { reply },
        Ok(11),
    ),
    ("always in trouble", |asked, reply, _| on_content(asked, reply, Reply::status(500)), Err("in trouble (500)")),
    (
        "404",
        |asked, reply, _| on_list(asked, reply, Reply::status(404)),
        Err("there is no such repository: check the name"),
    ),
    (
        "404 for the revision",
        |asked, reply, _| on_list(asked, reply, Reply::status(404).with("x-error-code", "RevisionNotFound")),
        Err("it has no revision main"),
    ),
    (
        "401",
        |asked, reply, _| on_list(asked, reply, Reply::status(401)),
        Err("the token is not accepted: check HF_TOKEN"),
    ),
    (
        "a licence to accept",
        |asked, reply, _| on_file(asked, reply, Reply::status(403).with("x-error-code", "GatedRepo")),
        Err("its licence has to be accepted"),
    ),
    ("403", |asked, reply, _| on_list(asked, reply, Reply::status(403)), Err("may not read it (403)")),
    ("451", |asked, reply, _| on_list(asked, reply, Reply::status(451)), Err("legal reasons")),
    ("a status that means nothing", |asked, reply, _| on_list(asked, reply, Reply::status(299)), Err("status 299")),
    ("the list is a page", |asked, reply, _| on_list(asked, reply, page()), Err("it is no list of files")),
    (
        "the list has no end",
        |asked, reply, _| if asked.is_list() { reply.ending(Ending::Endless) } else { reply },
        Err("longer than 16 MiB"),
    ),
    (
        "the list is cut once",
        |asked, reply, _| if asked.is_list() && asked.before == 0 { reply.ending(Ending::Cut(10)) } else { reply },
        Ok(11),
    ),
    (
        "the list is never whole",
        |asked, reply, _| if asked.is_list() { reply.ending(Ending::Cut(10)) } else { reply },
        Err("cannot be reached"),
    ),
    (
        "names that lead elsewhere",
        |asked, reply, _| on_list(asked, reply, hostile_names()),
        Err("(5 files have names or records that are not accepted)"),
    ),
    (
        "cut after each 30 kB",
        |asked, reply, _| if asked.is_content() { reply.ending(Ending::Cut(70_000)) } else { reply },
        Ok(30),
    ),
    (
        "cut at once, always",
        |asked, reply, _| if asked.is_content() { reply.ending(Ending::Cut(0)) } else { reply },
        Err("cannot be reached"),
    ),
    (
        "silent in the middle, once",
        |asked, reply, _| {
            if first_piece(asked) && asked.before == 0 { reply.ending(Ending::Silence(50_000)) } else { reply }
        },
        Ok(12),
    ),
    ("ranges are ignored", |asked, reply, _| whole(asked, reply, Ending::Sound), Ok(1)),
    (
        "ranges are ignored, and the answer is cut",
        |asked, reply, _| whole(asked, reply, if asked.before == 0 { Ending::Cut(400_000) } else { Ending::Sound }),
        Ok(2),
    ),
    (
        "ranges are ignored sometimes",
        |asked, reply, _| if asked.before == 3 { whole(asked, reply, Ending::Sound) } else { reply },
        Ok(12),
    ),
    (
        "another range than was asked for",
        |asked, reply, _| if asked.is_content() { reply.with("content-range", "bytes 5-9/1000003") } else { reply },
        Err("sends bytes 5-9/1000003"),
    ),
    (
        "another range, once",
        |asked, reply, _| {
            if asked.is_content() && asked.before == 2 { reply.with("content-range", "bytes 0-9/10") } else { reply }
        },
        Ok(12),
    ),
    (
        "more is declared than the list says",
        |asked, reply, _| lying(asked, reply, 2_000_000),
        Err("it declares 2000000 bytes"),
    ),
    ("less is declared than the list says", |asked, reply, _| lying(asked, reply, 10), Err("it declares 10 bytes")),
    (
        "a body without end",
        |asked, reply, _| if asked.is_content() { reply.ending(Ending::Endless) } else { reply },
        Err("more bytes than it declared"),
    ),
    (
        "all of a body without end",
        |asked, reply, _| whole(asked, reply, Ending::Endless),
        Err("more bytes than it declared"),
    ),
    (
        "a wrong byte",
        |asked, reply, _| if first_piece(asked) { corrupted(reply) } else { reply },
        Err("is not what the hub says that it is"),
    ),
    (
        "a wrong byte of a whole",
        |asked, reply, _| if asked.is_content() { corrupted(whole(asked, reply, Ending::Sound)) } else { reply },
        Err("nothing of it was kept"),
    ),
    (
        "the file changes once",
        |asked, reply, _| {
            if asked.is_content() && asked.before < 4 { corrupted(reply).with("etag", "\"old\"") } else { reply }
        },
        Ok(20),
    ),
    (
        "the file changes all the time",
        |asked, reply, _| {
            if asked.is_content() {
                let etag = asked.before;
                reply.with("etag", etag)
            } else {
                reply
            }
        },
        Err("changes while it is fetched"),
    ),
    (
        "the hub's two records differ",
        |_, reply, _| if reply.status == 302 { reply.with("x-linked-etag", "\"abc\"") } else { reply },
        Err("one thing of the file in its list and another"),
    ),
    (
        "the hub's two sizes differ",
        |_, reply, _| if reply.status == 302 { reply.with("x-linked-size", "5") } else { reply },
        Err("one thing of the file in its list and another"),
    ),
    (
        "another commit answers",
        |_, reply, _| if reply.status == 302 { reply.with("x-repo-commit", "5") } else { reply },
        Err("one thing of the file in its list and another"),
    ),
    (
        "compressed",
        |asked, reply, _| if asked.is_content() { reply.with("content-encoding", "gzip") } else { reply },
        Err("compressed"),
    ),
    (
        "a redirect in circles",
        |asked, reply, _| {
            if asked.is_list() {
                reply
            } else {
                let to = &asked.target;
                Reply::status(302).with("location", to)
            }
        },
        Err("redirects more than 5 times"),
    ),
    (
        "a redirect to plain http elsewhere",
        |asked, reply, _| elsewhere(asked, reply, "http://192.0.2.1/x"),
        Err("plain http is for this machine only"),
    ),
    ("a redirect to a file", |asked, reply, _| elsewhere(asked, reply, "file:///etc/passwd"), Err("we do not follow")),
    (
        "a redirect with a user name",
        |asked, reply, _| elsewhere(asked, reply, "https://127.0.0.1@192.0.2.1/x"),
        Err("user name"),
    ),
    (
        "the list is sent elsewhere",
        |asked, reply, content| {
            if asked.is_list() && !asked.is_content() {
                Reply::status(307).with("location", format!("{content}{}", asked.target))
            } else {
                reply
            }
        },
        Ok(11),
    ),
    (
        "a signed address runs out",
        |asked, reply, _| if asked.is_content() && asked.before == 4 { Reply::status(403) } else { reply },
        Ok(12),
    ),
    (
        "the content is gone",
        |asked, reply, _| on_content(asked, reply, Reply::status(404)),
        Err("answers with status 404; pull again later"),
    ),
];

fn on_list(asked: &Asked, reply: Reply, other: Reply) -> Reply {
    if asked.is_list() { other } else { reply }
}

fn on_content(asked: &Asked, reply: Reply, other: Reply) -> Reply {
    if asked.is_content() { other } else { reply }
}

/// For the hub's own answer about the file.
fn on_file(asked: &Asked, reply: Reply, other: Reply) -> Reply {
    if asked.is_list() || asked.is_content() { reply } else { other }
}

fn elsewhere(asked: &Asked, reply: Reply, location: &str) -> Reply {
    on_file(asked, reply, Reply::status(302).with("location", location))
}

fn page() -> Reply {
    Reply { body: b"<html>Please log in to the network</html>".to_vec(), ..Reply::status(200) }
}

fn hostile_names() -> Reply {
    let names = ["../../x-Q4_K_M.gguf", "..\\x.gguf", "/etc/x.gguf", "C:\\x.gguf", "x\u{202e}.gguf"];
    Reply::json(&json!({ "sha": COMMIT, "siblings": names.map(|name| sibling(name, b"x")) }))
}

/// All of the file, whatever was asked for.
fn whole(asked: &Asked, reply: Reply, ending: Ending) -> Reply {
    if !asked.is_content() {
        return reply;
    }
    let sound = crate::hub::content(&bytes(SIZE), None);
    sound
        .with("etag", reply.headers.iter().find(|(name, _)| name == "etag").map_or("", |(_, value)| value))
        .ending(ending)
}

fn lying(asked: &Asked, reply: Reply, length: usize) -> Reply {
    let reply = whole(asked, reply, Ending::Sound);
    if asked.is_content() { reply.with("content-length", length) } else { reply }
}

#[test]
fn what_hubs_do() {
    let content = bytes(SIZE);
    let begin = Instant::now();
    let rows = ROWS.iter().map(|row| (row.0, row));
    check_table(rows, |(name, fault, expected)| {
        let cache = folder(&format!("pull-{}", name.replace(|c: char| !c.is_ascii_alphanumeric(), "-")));
        let hub = TestHub::start(&[(FILE, &content), ("README.md", b"read me")], *fault);
        let got = pull(&hub, &cache);
        let asked = hub.asked().iter().filter(|asked| asked.is_content() && !asked.is_list()).count();
        if let Some(leak) = hub.token_leak() {
            return Err(leak);
        }
        match (got, expected) {
            (Ok(pulled), Ok(most)) => {
                if fs::read(&pulled.path).map_err(|error| error.to_string())? != content {
                    return Err("the file is another".to_owned());
                }
                let parts: Vec<_> =
                    files_below(&cache).into_iter().filter(|path| path.to_string_lossy().contains(".part")).collect();
                match asked <= *most {
                    true if parts.is_empty() => Ok(()),
                    true => Err(format!("left behind: {parts:?}")),
                    false => Err(format!("{asked} requests, where {most} do")),
                }
            }
            (Err(error), Err(part)) if error.to_string().contains(part) => {
                let names = final_names(&cache);
                let is_wrong_hash = part.contains("is not what") || part.contains("nothing of it");
                match names.is_empty() {
                    true if is_wrong_hash && !files_below(&cache).is_empty() => {
                        Err(format!("left behind: {:?}", files_below(&cache)))
                    }
                    true => Ok(()),
                    false => Err(format!("under final names: {names:?}")),
                }
            }
            (Ok(_), Err(_)) => Err("it was taken".to_owned()),
            (Err(error), _) => Err(error.to_string()),
        }
    });
    eprintln!("{} hubs in {:.1} s", ROWS.len(), begin.elapsed().as_secs_f32());
}
