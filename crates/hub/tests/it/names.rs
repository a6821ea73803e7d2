//! Names, digests and places from outside: what is taken, what is refused.

use std::ffi::OsString;
use std::path::Path;

use hub::{
    BlobDigest, Commit, Digesting, FileName, Folders, ModelName, Quant, RepoId, RepoPath, Revision, Sha256Digest,
};
use testkit::check_table;

type Parse = fn(&str) -> Result<String, hub::Error>;

const PARSERS: [(&str, Parse); 8] = [
    ("file", |text| FileName::parse(text).map(|name| name.to_string())),
    ("path", |text| RepoPath::parse(text).map(|name| name.to_string())),
    ("repo", |text| RepoId::parse(text).map(|name| name.to_string())),
    ("revision", |text| Revision::parse(text).map(|name| name.to_string())),
    ("commit", |text| Commit::parse(text).map(|name| name.to_string())),
    ("model", |text| ModelName::parse(text).map(|name| name.to_string())),
    ("quant", |text| Quant::parse(text).map(|name| name.to_string())),
    ("sha256", |text| Sha256Digest::parse(text).map(|name| name.to_string())),
];

fn parse(kind: &str, text: &str) -> Result<String, hub::Error> {
    let (_, parse) = PARSERS.iter().find(|(name, _)| *name == kind).unwrap();
    parse(text)
}

#[test]
fn taken() {
    let commit = "0123456789abcdef0123456789abcdef01234567";
    let sha256 = &format!("{commit}89abcdef0123456789abcdef");
    let rows = [
        ("file", "model-00001-of-00002.gguf", "model-00001-of-00002.gguf"),
        ("file", ".gitattributes", ".gitattributes"),
        ("file", "a b (1) [x]+@=,.bin", "a b (1) [x]+@=,.bin"),
        ("file", "comma.txt", "comma.txt"),
        ("file", "com10", "com10"),
        ("path", "BF16/x-00001-of-00002.gguf", "BF16/x-00001-of-00002.gguf"),
        ("repo", "mistralai/Ministral-3-3B-Instruct-2512-GGUF", "mistralai/Ministral-3-3B-Instruct-2512-GGUF"),
        ("repo", "a_b/c.d_e-1", "a_b/c.d_e-1"),
        ("revision", "main", "main"),
        ("revision", "refs/pr/3", "refs/pr/3"),
        ("revision", "v1.0+x", "v1.0+x"),
        ("commit", commit, commit),
        ("model", "ministral-3:3b", "ministral-3:3b"),
        ("model", "Mistral-Small", "mistral-small"),
        ("model", "user/repo", "user/repo"),
        ("model", "user/repo:q4_k_m", "user/repo:Q4_K_M"),
        ("model", "hf.co/user/repo:UD-Q4_K_XL", "user/repo:UD-Q4_K_XL"),
        ("model", "https://huggingface.co/user/repo/", "user/repo"),
        ("quant", "iq4_xs", "IQ4_XS"),
        ("sha256", sha256, sha256),
    ];
    check_table(rows.map(|row| (format!("{} {}", row.0, row.1), row)), |(kind, text, expected)| {
        match parse(kind, text) {
            Ok(name) if name == expected => Ok(()),
            Ok(name) => Err(format!("became {name}")),
            Err(error) => Err(error.to_string()),
        }
    });
}

/// Nothing of this is a name of anything.
const HOSTILE: &[&str] = &[
    "",
    ".",
    "..",
    "../x",
    "..\\x",
    "x/..",
    "x/../y",
    "/etc/passwd",
    "\\\\server\\share",
    "C:\\x",
    "C:x",
    "x:y:z",
    "x\0y",
    "x\ny",
    "x\x1b[2J",
    "x\u{202e}y",
    "x\u{2024}\u{2024}",
    "x\u{ff0e}",
    "é",
    "x.",
    "x ",
    " x",
    "-rf",
    "a//b",
    "a/",
    "/a",
    "con",
    "NUL.txt",
    "Com1",
    "lpt9.gguf",
    "a/aux",
    "a/nul.gguf",
    "~/x",
    "$HOME",
    "a;b",
    "a|b",
    "a*",
    "a?b",
    "%2e%2e",
    "a%2fb",
    "a\u{e0041}b",
    "CONOUT$",
];

#[test]
fn refused() {
    let long = "x".repeat(100_000);
    let mut rows: Vec<(&str, String)> = Vec::new();
    for kind in PARSERS.map(|(name, _)| name) {
        // These mean something to some of the kinds, and lead nowhere.
        let fine = |text: &str| match kind {
            "quant" => {
                text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)) && !text.is_empty()
            }
            _ => false,
        };
        rows.extend(HOSTILE.iter().filter(|text| !fine(text)).map(|text| (kind, (*text).to_owned())));
        rows.push((kind, long.clone()));
    }
    let hex = "0123456789abcdef".repeat(4);
    rows.extend(
        [
            &hex[1..],
            &format!("{hex}0"),
            &hex.to_uppercase(),
            &format!("sha256:{hex}"),
            &format!("sha256-{}", &hex[7..]),
        ]
        .map(|text| ("sha256", text.to_owned())),
    );
    rows.extend([&hex[..39], &hex[..41], &hex[..40].to_uppercase()].map(|text| ("commit", text.to_owned())));
    rows.extend(
        [
            "user",
            "user/repo/more",
            "us--er/repo",
            "user/re..po",
            ".user/repo",
            "user/repo.git",
            "user/con",
            "us er/repo",
        ]
        .map(|text| ("repo", text.to_owned())),
    );
    rows.extend(["main..x", "a b", "x@{1}", "refs//x", "a/b/../c"].map(|text| ("revision", text.to_owned())));
    rows.extend(
        [
            "a:b:c",
            "user/repo:",
            "user/repo:a:b",
            "hf.co/user",
            "https://evil.example/user/repo",
            "http://hf.co/a/b",
            "a/b@c",
        ]
        .map(|text| ("model", text.to_owned())),
    );
    let name = |(kind, text): &(&str, String)| format!("{kind} {:?}", text.chars().take(40).collect::<String>());
    check_table(rows.into_iter().map(|row| (name(&row), row)), |(kind, text)| match parse(kind, &text) {
        Ok(name) => Err(format!("became {name:?}")),
        Err(error) if error.to_string().len() > 300 => Err("the message is as long as the name".to_owned()),
        Err(_) => Ok(()),
    });
}

#[test]
fn digests_are_those_of_their_makers() {
    // FIPS 180-4's example, and what `git hash-object` says of the same bytes.
    let mut sha256 = Digesting::sha256();
    sha256.update(b"a");
    sha256.update(b"bc");
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(sha256.finish(), BlobDigest::parse(expected).unwrap());
    assert_eq!(Sha256Digest::of(b"abc").to_string(), expected);
    let mut git = Digesting::git(6);
    git.update(b"hello\n");
    assert_eq!(git.finish().to_string(), "ce013625030ba8dba906f756967f9e9ca394464a");
}

/// An environment.
type Variables = &'static [(&'static str, &'static str)];

#[test]
fn places() {
    // As huggingface_hub/constants.py reads the environment.
    let rows: [(Variables, &str, &str); 7] = [
        (&[("HOME", "/h")], "/h/.cache/huggingface/hub", "/h/.cache/huggingface/token"),
        (&[("HOME", "/h"), ("XDG_CACHE_HOME", "/c")], "/c/huggingface/hub", "/c/huggingface/token"),
        (&[("HOME", "/h"), ("HF_HOME", "~/f")], "/h/f/hub", "/h/f/token"),
        (&[("HOME", "/h"), ("HF_HOME", "")], "/h/.cache/huggingface/hub", "/h/.cache/huggingface/token"),
        (&[("HOME", "/h"), ("HF_HOME", "/f"), ("HF_HUB_CACHE", "/m")], "/m", "/f/token"),
        (&[("HOME", "/h"), ("HF_TOKEN_PATH", "/t")], "/h/.cache/huggingface/hub", "/t"),
        (&[("HF_HOME", "/f")], "/f/hub", "/f/token"),
    ];
    check_table(rows.map(|row| (format!("{:?}", row.0), row)), |(variables, cache, token)| {
        let value = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value));
        let folders = Folders::from_environment(value).map_err(|error| error.to_string())?;
        match (folders.hub_cache() == Path::new(cache), folders.token_file() == Path::new(token)) {
            (true, true) => Ok(()),
            _ => Err(format!("{folders:?}")),
        }
    });
    assert!(Folders::from_environment(|_| None).unwrap_err().to_string().contains("set HF_HOME"));
}

#[test]
fn the_cache_layout() {
    let folders = Folders::at("/cache");
    let repo = RepoId::parse("user/repo").unwrap();
    let folder = folders.repo(&repo);
    let commit = Commit::parse("0123456789abcdef0123456789abcdef01234567").unwrap();
    let digest = BlobDigest::parse("ce013625030ba8dba906f756967f9e9ca394464a").unwrap();
    let rows = [
        (folder.blob(&digest), "/cache/models--user--repo/blobs/ce013625030ba8dba906f756967f9e9ca394464a"),
        (
            folder.file(&commit, &RepoPath::parse("a/b.gguf").unwrap()),
            "/cache/models--user--repo/snapshots/0123456789abcdef0123456789abcdef01234567/a/b.gguf",
        ),
        (folder.reference(&Revision::parse("refs/pr/1").unwrap()), "/cache/models--user--repo/refs/refs/pr/1"),
        (folder.lock(&digest), "/cache/.locks/models--user--repo/ce013625030ba8dba906f756967f9e9ca394464a.lock"),
    ];
    for (path, expected) in rows {
        assert_eq!(path, Path::new(expected));
    }
    assert_eq!(RepoId::from_cache_folder("models--user--repo"), Some(repo));
    assert_eq!(RepoId::from_cache_folder("datasets--user--repo"), None);
}
