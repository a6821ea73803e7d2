//! The model store from the command line: `list`, `show`, `verify`, `rm`, `bundle`, and names wherever MODEL stands.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::program::{Run, argument, folder, with};

const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

/// A home with a pulled model, one of Ollama's, and a broken file.
struct Home {
    path: PathBuf,
    sha256: String,
}

impl Home {
    fn new(test: &str) -> Self {
        let path = folder("store").join(test);
        let _ = fs::remove_dir_all(&path);
        let bytes = fs::read(testkit::vectors("models/llama/model.gguf")).unwrap();
        let home = Self { path, sha256: sha256(&bytes) };
        let repo = home.repo();
        let (blob, own) = (repo.join("blobs").join(&home.sha256), repo.join("tramontane"));
        let snapshot = repo.join("snapshots").join(COMMIT);
        [blob.parent().unwrap(), &own, &snapshot, &repo.join("refs"), &home.path.join("models")]
            .into_iter()
            .for_each(|folder| fs::create_dir_all(folder).unwrap());
        fs::write(&blob, &bytes).unwrap();
        symlink(format!("../../blobs/{}", home.sha256), snapshot.join("tiny-Q8_0.gguf")).unwrap();
        fs::write(repo.join("refs/main"), COMMIT).unwrap();
        let file = json!({
            "path": "tiny-Q8_0.gguf", "size_bytes": bytes.len(), "blob": home.sha256, "sha256": home.sha256, "fetched": true,
        });
        let manifest = json!({
            "version": 1, "name": "someone/tiny:Q8_0", "repo": "someone/tiny", "commit": COMMIT, "revision": "main",
            "quant": "Q8_0", "source": "https://huggingface.co", "license": "apache-2.0", "fetched_at": 1_784_635_200,
            "files": [file],
        });
        fs::write(own.join(format!("{COMMIT}.Q8_0.json")), manifest.to_string()).unwrap();
        fs::write(home.path.join("models/broken.gguf"), &bytes[..2000]).unwrap();
        home
    }

    fn repo(&self) -> PathBuf {
        self.path.join(".cache/huggingface/hub/models--someone--tiny")
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let models = self.path.join("models");
        let nowhere = self.path.join("nowhere");
        with(
            arguments,
            "",
            &[
                ("HOME", argument(&self.path)),
                ("TRAMONTANE_MODELS_DIRS", argument(&models)),
                ("OLLAMA_MODELS", argument(&nowhere)),
                ("HF_HOME", ""),
                ("HF_HUB_CACHE", ""),
                ("LLAMA_CACHE", ""),
                ("XDG_CACHE_HOME", ""),
            ],
        )
    }
}

fn sha256(bytes: &[u8]) -> String {
    hub::Sha256Digest::of(bytes).to_string()
}

fn row<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}: {list}"))
}

#[test]
fn list_tells_sound_models_from_broken_ones() {
    let home = Home::new("list");
    let list = home.run(&["list", "--json"]).json();
    assert_eq!(list.as_array().unwrap().len(), 3);
    let tiny = row(&list, "someone/tiny:Q8_0");
    assert_eq!(
        (&tiny["place"], &tiny["quantization"], &tiny["pulled"]),
        (&json!("Hugging Face"), &json!("Q8_0"), &json!(true))
    );
    assert_eq!(
        (&tiny["architecture"], &tiny["license"], &tiny["problem"]),
        (&json!("llama"), &json!("apache-2.0"), &Value::Null)
    );
    assert!(tiny["parameters"].as_u64().unwrap() > 0 && tiny["context_length"].as_u64().unwrap() > 0);
    assert_eq!(row(&list, "brise")["place"], "built in");
    assert!(row(&list, "broken")["problem"].as_str().unwrap().starts_with("is damaged"), "{list}");
    let text = home.run(&["list"]).stdout;
    assert!(text.starts_with("NAME") && text.contains("\nsomeone/tiny:Q8_0 "), "{text}");
    assert!(text.contains("\nFound, but not to be run:\nbroken (models_dirs): is damaged"), "{text}");
}

#[test]
fn names_stand_wherever_models_do() {
    let home = Home::new("names");
    for word in ["someone/tiny:Q8_0", "someone/tiny", "hf.co/Someone/Tiny:q8_0"] {
        let shown = home.run(&["show", word, "--json"]).json();
        assert_eq!(shown["architecture"], "llama", "{word}");
        let tokens =
            home.run(&["score", word, "--tokens", argument(&testkit::vectors("models/prompt.json")), "--json"]);
        assert!(tokens.json()["perplexity"].as_f64().unwrap() > 0.0);
    }
    let rows = [
        ("someone/tinny", "near it: someone/tiny:Q8_0"),
        ("mistral:7b", "pull it with `tramontane pull mistral:7b`"),
        ("broken", "broken.gguf is damaged"),
    ];
    for (word, message) in rows {
        let run = home.run(&["show", word]);
        assert!(run.code == Some(1) && run.stderr.contains(message), "{word}: {run:?}");
    }
}

#[test]
fn show_is_a_passport() {
    let home = Home::new("show");
    let shown = home.run(&["show", "someone/tiny", "--json"]).json();
    let origin = &shown["origin"];
    assert_eq!((&origin["repo"], &origin["revision"]), (&json!("someone/tiny"), &json!(COMMIT)));
    assert_eq!((&origin["files"][0]["sha256"], &shown["license"]), (&json!(home.sha256), &json!("apache-2.0")));
    assert_eq!(origin["manifest"]["source"], "https://huggingface.co");
    let bytes: u64 = shown["format_bytes"].as_object().unwrap().values().map(|bytes| bytes.as_u64().unwrap()).sum();
    assert!(bytes > 0 && bytes < shown["size_bytes"].as_u64().unwrap());
    let text = home.run(&["show", "someone/tiny"]).stdout;
    let lines = [
        format!("origin       someone/tiny at {COMMIT}\n"),
        "fetched      as someone/tiny:Q8_0 from https://huggingface.co, 2026-07-21\n".to_owned(),
        format!("recorded     sha256 {}  tiny-Q8_0.gguf\n", home.sha256),
    ];
    assert!(lines.iter().all(|line| text.contains(line)), "{text}");
    assert_eq!(home.run(&["show", "brise", "--json"]).json()["origin"], Value::Null);
}

#[test]
fn verify_finds_what_changed() {
    let home = Home::new("verify");
    let good = home.run(&["verify", "someone/tiny", "--json"]).json();
    assert_eq!((&good["good"], &good["signature"]["verdict"]), (&json!(true), &json!("none")));
    assert_eq!(good["files"][0]["records"], json!(["the hub's hash", "manifest"]));
    let unsigned = home.run(&["verify", "someone/tiny", "--public-key", argument(&vector("p256.pub.pem"))]);
    assert!(unsigned.code == Some(1) && unsigned.stdout.contains("the model is not signed"), "{unsigned:?}");
    let blob = home.repo().join("blobs").join(&home.sha256);
    let mut bytes = fs::read(&blob).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&blob, bytes).unwrap();
    let bad = home.run(&["verify", "someone/tiny"]);
    assert!(bad.code == Some(1) && bad.stdout.contains("DIFFERS   tiny-Q8_0.gguf"), "{bad:?}");
    assert!(bad.stderr.contains("is not what it should be"), "{bad:?}");
}

fn vector(name: &str) -> PathBuf {
    testkit::vectors("hub/signed").join(name)
}

#[test]
fn verify_checks_signatures() {
    let home = Home::new("signed");
    let model = vector("model");
    let run = |key: &str, signature: &str| {
        let (key, signature) = (vector(key), vector(signature));
        home.run(&[
            "verify",
            argument(&model),
            "--public-key",
            argument(&key),
            "--signature",
            argument(&signature),
            "--json",
        ])
    };
    let good = run("p256.pub.pem", "p256.sig").json();
    assert_eq!((&good["good"], &good["signature"]["verdict"]), (&json!(true), &json!("good")));
    assert_eq!(good["files"].as_array().unwrap().len(), 3);
    let bad = run("stranger.pub.pem", "p256.sig");
    assert!(bad.code == Some(1) && bad.stdout.contains("another key"), "{bad:?}");
}

#[test]
fn rm_asks_and_removes_only_what_was_pulled() {
    let home = Home::new("rm");
    let unasked = home.run(&["rm", "someone/tiny"]);
    assert!(unasked.code == Some(2) && unasked.stderr.contains("--yes"), "{unasked:?}");
    let planned = home.run(&["rm", "someone/tiny", "--dry-run", "--json"]).json();
    assert_eq!((&planned[0]["removed"], &planned[0]["blobs"]), (&json!(false), &json!([home.sha256])));
    assert!(home.repo().exists());
    let others = home.run(&["rm", "broken", "--yes"]);
    assert!(others.code == Some(1) && others.stderr.contains("models_dirs has it"), "{others:?}");
    assert_eq!(home.run(&["rm", "someone/tiny", "--yes", "--json"]).json()[0]["removed"], true);
    assert!(!home.repo().exists());
    let brise = home.run(&["rm", "brise", "--yes"]);
    assert!(brise.code == Some(2) && brise.stderr.contains("part of the program"), "{brise:?}");
}

#[test]
fn rm_gives_back_what_a_cut_download_left() {
    let home = Home::new("rm-cut");
    let cut = home.repo().with_file_name("models--someone--cut");
    let part = cut.join("tramontane").join(format!("{}.part", home.sha256));
    fs::create_dir_all(part.parent().unwrap()).unwrap();
    fs::write(&part, "half of it").unwrap();
    let planned = home.run(&["rm", "someone/cut:Q4_0", "--dry-run", "--json"]).json();
    assert_eq!(planned[0]["name"], "what cut downloads of someone/cut left");
    assert!(part.exists());
    assert_eq!(home.run(&["rm", "someone/cut:Q4_0", "--yes", "--json"]).json()[0]["removed"], true);
    assert!(!cut.exists());
    let nothing = home.run(&["rm", "someone/cut:Q4_0", "--yes"]);
    assert!(nothing.code == Some(1) && nothing.stderr.contains("is not on this machine"), "{nothing:?}");
}

/// Where another program has a model of that name, or several models bear it.
#[test]
fn rm_of_a_cut_download_among_other_models() {
    let home = Home::new("rm-cut-others");
    let bytes = fs::read(testkit::vectors("models/llama/model.gguf")).unwrap();
    let parts = ["cut", "tiny"].map(|repo| {
        let repo = home.repo().with_file_name(format!("models--someone--{repo}"));
        let part = repo.join("tramontane").join(format!("{}.part", sha256(b"another")));
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        fs::write(&part, "half of it").unwrap();
        part
    });
    let theirs = ["cut", "tiny"].map(|repo| {
        let file = home.path.join(format!(".lmstudio/models/someone/{repo}/x-Q4_0.gguf"));
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &bytes[..2000]).unwrap();
        file
    });
    let several = home.run(&["rm", "someone/tiny", "--yes"]);
    assert!(several.code == Some(1) && several.stderr.contains("means several models"), "{several:?}");
    assert!(parts[1].exists());
    assert_eq!(home.run(&["rm", "someone/cut:Q4_0", "--yes", "--json"]).json()[0]["removed"], true);
    assert!(!parts[0].exists() && theirs.iter().all(|file| file.exists()));
    let again = home.run(&["rm", "someone/cut:Q4_0", "--yes"]);
    assert!(again.code == Some(1) && again.stderr.contains("LM Studio has it"), "{again:?}");
}

#[test]
fn verify_of_a_model_that_is_not_whole() {
    let home = Home::new("verify-cut");
    fs::remove_dir_all(home.repo().join("blobs")).unwrap();
    let gone = home.run(&["verify", "someone/tiny", "--json"]);
    let report: Value = serde_json::from_str(&gone.stdout).unwrap();
    assert!(gone.code == Some(1) && report["good"] == false, "{gone:?}");
}

#[test]
fn bundles_carry_models_and_the_program() {
    let home = Home::new("bundle");
    let file = home.path.join("tiny.bundle");
    let made = home.run(&["bundle", "create", "someone/tiny", "-o", argument(&file), "--json"]).json();
    assert_eq!(made["models"][0]["name"], "someone/tiny:Q8_0");
    let again = home.run(&["bundle", "create", "someone/tiny", "-o", argument(&file)]);
    assert!(again.code == Some(1) && again.stderr.contains("something of this name is there"), "{again:?}");
    assert!(home.run(&["bundle", "verify", argument(&file)]).text().contains("every hash as it should be"));
    let program = fs::read(env!("CARGO_BIN_EXE_tramontane")).unwrap();
    let start = made["program_start"].as_u64().unwrap() as usize;
    assert!(fs::read(&file).unwrap()[start..start + program.len()] == program);

    home.run(&["rm", "someone/tiny", "--yes"]);
    let out = home.path.join("tramontane");
    let stranger = home.run(&["bundle", "add", argument(&file), "nobody/nothing"]);
    assert!(stranger.code == Some(2) && stranger.stderr.contains("holds someone/tiny:Q8_0"), "{stranger:?}");
    fs::write(&out, "of somebody").unwrap();
    let taken = home.run(&["bundle", "add", argument(&file), "--program", argument(&out)]);
    assert!(taken.code == Some(1) && taken.stderr.contains("something of this name is there"), "{taken:?}");
    assert!(!home.repo().exists() && fs::read(&out).unwrap() == b"of somebody");
    fs::remove_file(&out).unwrap();
    let added = home.run(&["bundle", "add", argument(&file), "--program", argument(&out), "--json"]).json();
    assert_eq!(added["added"][0]["manifest"]["source"], "bundle");
    assert!(fs::read(&out).unwrap() == program);
    assert_eq!(home.run(&["verify", "someone/tiny", "--json"]).json()["good"], true);
    damage(&file);
    let damaged = home.run(&["bundle", "verify", argument(&file)]);
    assert!(damaged.code == Some(1) && damaged.stderr.contains("copy the bundle again"), "{damaged:?}");
}

fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(file, bytes).unwrap();
}
