//! A hub in a thread: Hugging Face's protocol as far as `pull` speaks it, with a content server at another port, and a
//! place to put faults in.
//!
//! Every reply is first made as a sound hub would make it, then handed to the test's [`Fault`], which may change it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use ::hub::{Digesting, Endpoint, Patience, Sha256Digest};
use serde_json::{Value, json};

use crate::disk::COMMIT;

pub(crate) const REPO: &str = "someone/Tiny-GGUF";
const TOKEN: &str = "hf_secret";

/// Which of the two servers was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Site {
    /// Lists and small files; sends to the other for large ones.
    Hub,
    /// Large files.
    Content,
}

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) site: Site,
    pub(crate) target: String,
    pub(crate) headers: HashMap<String, String>,
    /// How often this was asked before, whatever the range.
    pub(crate) before: usize,
}

impl Asked {
    pub(crate) fn range(&self) -> Option<(usize, usize)> {
        let (first, last) = self.headers.get("range")?.strip_prefix("bytes=")?.split_once('-')?;
        Some((first.parse().ok()?, last.parse().ok()?))
    }

    pub(crate) fn is_list(&self) -> bool {
        self.target.starts_with("/api/")
    }

    pub(crate) fn is_content(&self) -> bool {
        self.site == Site::Content
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) ending: Ending,
}

/// What happens after the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The next request.
    Sound,
    /// The connection closes after so many bytes of the body.
    Cut(usize),
    /// Silence after so many bytes of the body.
    Silence(usize),
    /// The whole body, in pieces of so many bytes with a pause behind each.
    Slow(usize),
    /// More bytes without end, in chunks.
    Endless,
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new(), ending: Ending::Sound }
    }

    pub(crate) fn with(mut self, name: &str, value: impl ToString) -> Self {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub(crate) fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self { body: value.to_string().into_bytes(), ..Self::status(200) }.with("content-type", "application/json")
    }
}

/// Changes a sound reply; gets the address of the content server besides.
pub(crate) type Fault = fn(&Asked, Reply, &str) -> Reply;

pub(crate) fn sound(_: &Asked, reply: Reply, _: &str) -> Reply {
    reply
}

/// A running hub. It ends with the value.
pub(crate) struct TestHub {
    pub(crate) address: String,
    pub(crate) content_address: String,
    shared: Arc<Shared>,
}

struct Shared {
    files: Vec<(String, Vec<u8>)>,
    fault: Fault,
    content_address: String,
    asked: Mutex<Vec<Asked>>,
    over: AtomicBool,
}

impl TestHub {
    /// Files that end in `.gguf` or `.safetensors` are large, the others small.
    pub(crate) fn start(files: &[(&str, &[u8])], fault: Fault) -> Self {
        let [hub, content] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let address = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
        let (address, content_address) = (address(&hub), address(&content));
        let shared = Arc::new(Shared {
            files: files.iter().map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect(),
            fault,
            content_address: content_address.clone(),
            asked: Mutex::default(),
            over: AtomicBool::new(false),
        });
        for (site, listener) in [(Site::Hub, hub), (Site::Content, content)] {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.accept(&listener, site));
        }
        Self { address, content_address, shared }
    }

    /// How to reach it: a token, and little patience.
    pub(crate) fn endpoint(&self) -> Endpoint {
        let patience = Patience {
            tries: 3,
            first_wait: Duration::from_millis(4),
            longest_wait: Duration::from_millis(16),
            longest_asked: Duration::from_secs(2),
            silence: Duration::from_millis(400),
        };
        Endpoint::at(&self.address).unwrap().with_token(TOKEN).unwrap().with_patience(patience)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().unwrap().clone()
    }

    /// Whether the token went where it must not, or did not go where it must.
    pub(crate) fn token_leak(&self) -> Option<String> {
        let wrong = |asked: &Asked| {
            let given = asked.headers.get("authorization").is_some_and(|value| *value == format!("Bearer {TOKEN}"));
            given != (asked.site == Site::Hub)
        };
        self.asked()
            .iter()
            .find(|asked| wrong(asked))
            .map(|asked| format!("the token and {:?} {}", asked.site, asked.target))
    }
}

impl Drop for TestHub {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        // Wakes the threads that wait for a connection.
        for address in [&self.address, &self.content_address] {
            let _ = TcpStream::connect(address.trim_start_matches("http://"));
        }
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener, site: Site) {
        for stream in listener.incoming().flatten() {
            if self.over.load(Ordering::SeqCst) {
                return;
            }
            let shared = Arc::clone(&self);
            thread::spawn(move || shared.serve(stream, site));
        }
    }

    fn serve(&self, stream: TcpStream, site: Site) -> Option<()> {
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.set_nodelay(true).ok()?;
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut stream = stream;
        while !self.over.load(Ordering::SeqCst) {
            let asked = self.read(&mut reader, site)?;
            let reply = (self.fault)(&asked, self.reply(&asked), &self.content_address);
            self.write(&mut stream, reply)?;
        }
        None
    }

    fn read(&self, reader: &mut impl BufRead, site: Site) -> Option<Asked> {
        let mut line = String::new();
        let mut next = |line: &mut String| {
            line.clear();
            reader.by_ref().take(16 << 10).read_line(line).ok().filter(|count| *count > 0)
        };
        next(&mut line)?;
        let target = line.strip_prefix("GET ")?.split(' ').next()?.to_owned();
        let mut headers = HashMap::new();
        while next(&mut line).is_some() && !line.trim().is_empty() {
            let (name, value) = line.split_once(':')?;
            headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
        }
        let mut all = self.asked.lock().unwrap();
        let before = all.iter().filter(|asked| asked.site == site && asked.target == target).count();
        let asked = Asked { site, target, headers, before };
        all.push(asked.clone());
        Some(asked)
    }

    /// What a sound hub says.
    fn reply(&self, asked: &Asked) -> Reply {
        if asked.is_list() {
            let known = asked.target.starts_with(&format!("/api/models/{REPO}/revision/"));
            return if known {
                Reply::json(&self.list())
            } else {
                Reply::status(404).with("x-error-code", "RepoNotFound")
            };
        }
        let prefix = format!("/{REPO}/resolve/{COMMIT}/");
        let path = match asked.site {
            Site::Hub => asked.target.strip_prefix(&prefix),
            Site::Content => asked.target.strip_prefix("/content/"),
        };
        let Some((path, bytes)) =
            self.files.iter().find(|(path, _)| Some(path.as_str()) == path_of(path, &asked.target))
        else {
            return Reply::status(404).with("x-error-code", if path.is_some() { "EntryNotFound" } else { "" });
        };
        match asked.site {
            Site::Hub if is_large(path) => Reply::status(302)
                .with("location", format!("{}/content/{}?signature=x", self.content_address, path.replace(' ', "%20")))
                .with("x-linked-etag", format!("\"{}\"", Sha256Digest::of(bytes)))
                .with("x-linked-size", bytes.len())
                .with("x-repo-commit", COMMIT),
            _ => content(bytes, asked.range()).with("etag", format!("\"{}\"", Sha256Digest::of(bytes))),
        }
    }

    fn list(&self) -> Value {
        let siblings = self.files.iter().map(|(path, bytes)| sibling(path, bytes));
        json!({
            "id": REPO,
            "sha": COMMIT,
            "gated": false,
            "cardData": { "license": "apache-2.0" },
            "siblings": siblings.collect::<Vec<_>>(),
        })
    }

    fn write(&self, stream: &mut TcpStream, reply: Reply) -> Option<()> {
        let has_length = reply.headers.iter().any(|(name, _)| name == "content-length");
        let mut head = format!("HTTP/1.1 {} Said\r\n", reply.status);
        reply.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        match reply.ending {
            Ending::Endless => head.push_str("transfer-encoding: chunked\r\n"),
            _ if has_length => {}
            _ => head.push_str(&format!("content-length: {}\r\n", reply.body.len())),
        }
        stream.write_all(format!("{head}\r\n").as_bytes()).ok()?;
        match reply.ending {
            Ending::Sound => stream.write_all(&reply.body).ok(),
            Ending::Cut(after) => {
                stream.write_all(&reply.body[..after.min(reply.body.len())]).ok()?;
                None
            }
            Ending::Silence(after) => {
                stream.write_all(&reply.body[..after.min(reply.body.len())]).ok()?;
                while !self.over.load(Ordering::SeqCst) {
                    thread::sleep(Duration::from_millis(20));
                }
                None
            }
            Ending::Slow(piece) => reply.body.chunks(piece).try_for_each(|piece| {
                thread::sleep(Duration::from_millis(5));
                stream.write_all(piece).ok()
            }),
            Ending::Endless => self.write_without_end(stream, &reply.body),
        }
    }

    fn write_without_end(&self, stream: &mut TcpStream, body: &[u8]) -> Option<()> {
        let mut chunk = body;
        while !self.over.load(Ordering::SeqCst) {
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).ok()?;
            stream.write_all(chunk).ok()?;
            stream.write_all(b"\r\n").ok()?;
            chunk = &[7; 1000];
        }
        None
    }
}

/// The path, if the target ends in it (escaped as the client escapes it, without the query).
fn path_of<'a>(path: &'a str, target: &str) -> Option<&'a str> {
    let target = target.split('?').next()?;
    target.ends_with(&format!("/{}", path.replace(' ', "%20"))).then_some(path)
}

fn is_large(path: &str) -> bool {
    path.ends_with(".gguf") || path.ends_with(".safetensors")
}

/// A file's line in the list.
pub(crate) fn sibling(path: &str, bytes: &[u8]) -> Value {
    let mut git = Digesting::git(bytes.len() as u64);
    git.update(bytes);
    let lfs = json!({ "sha256": Sha256Digest::of(bytes), "size": bytes.len(), "pointerSize": 134 });
    let mut sibling = json!({ "rfilename": path, "size": bytes.len(), "blobId": git.finish() });
    if is_large(path) {
        sibling["lfs"] = lfs;
    }
    sibling
}

/// Bytes, or the part of them that was asked for.
pub(crate) fn content(bytes: &[u8], range: Option<(usize, usize)>) -> Reply {
    match range {
        Some((first, _)) if first >= bytes.len() => Reply::status(416),
        Some((first, last)) => {
            let last = last.min(bytes.len() - 1);
            let body = bytes[first..=last].to_vec();
            Reply { body, ..Reply::status(206) }.with("content-range", format!("bytes {first}-{last}/{}", bytes.len()))
        }
        None => Reply { body: bytes.to_vec(), ..Reply::status(200) },
    }
}
