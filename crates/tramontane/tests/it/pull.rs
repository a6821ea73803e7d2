//! `pull`, from a test hub: what is said, what is written, how it ends.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::disk::{self, COMMIT, tiny};
use crate::hub::{Asked, Ending, REPO, Reply, TestHub, sound};
use crate::program::{Run, argument, tramontane, with};

const FILE: &str = "Tiny-Q4_K_M.gguf";

fn pull(hub: &TestHub, home: &Path, arguments: &[&str]) -> Run {
    let all: Vec<&str> = ["pull"].into_iter().chain(arguments.iter().copied()).collect();
    with(&all, "", &environment(hub, home))
}

fn environment<'a>(hub: &'a TestHub, home: &'a Path) -> [(&'a str, &'a str); 5] {
    // A proxy that is not there: what is on this machine is asked directly.
    let proxy = ("HTTPS_PROXY", "http://127.0.0.1:9");
    let home = argument(home);
    [("HF_ENDPOINT", &hub.address), ("HF_HOME", home), ("HF_TOKEN", "hf_secret"), ("HOME", home), proxy]
}

#[test]
fn a_model_comes_and_runs() {
    let (home, model) = (disk::folder("command-pull"), tiny());
    let hub = TestHub::start(&[(FILE, &model), ("README.md", b"read me")], sound);
    let plan = pull(&hub, &home, &[REPO, "--dry-run"]);
    assert!(plan.code == Some(0) && plan.stderr.contains("why Q4_K_M: ") && plan.stdout.is_empty(), "{plan:?}");
    assert!(!home.join("hub").exists());

    let first = pull(&hub, &home, &[REPO]);
    let path = first.text().trim_end().to_owned();
    assert_eq!(fs::read(&path).unwrap(), model);
    assert!(first.stderr.contains("is here: ") && first.stderr.contains("licence apache-2.0"), "{first:?}");
    assert_eq!(hub.token_leak(), None);

    let again = pull(&hub, &home, &[&format!("{REPO}:q4_k_m"), "--json"]);
    let lines: Vec<Value> = again.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["event"], &lines[0]["revision"]), (&"plan".into(), &COMMIT.into()));
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["event"], &last["fetched_bytes"], &last["path"]),
        (&"done".into(), &0.into(), &path.as_str().into())
    );
    assert_eq!(again.stderr, "");

    let variables = environment(&hub, &home);
    let shown = with(&["show", REPO, "--json"], "", &variables).json();
    assert_eq!(shown["architecture"], "llama", "{shown}");
    let offline: Vec<_> = variables.into_iter().chain([("HF_HUB_OFFLINE", "1")]).collect();
    assert_eq!(with(&["pull", REPO], "", &offline).text().trim_end(), path);
    let other = with(&["pull", "someone/else"], "", &offline);
    assert!(other.code == Some(1) && other.stderr.contains("HF_HUB_OFFLINE is set"), "{other:?}");
}

#[test]
fn what_another_store_has_is_not_copied() {
    let (home, model) = (disk::folder("command-pull-twin"), tiny());
    let hub = TestHub::start(&[(FILE, &model)], sound);
    let theirs = home.join(".lmstudio/models/someone/Tiny-GGUF").join(FILE);
    disk::write(&theirs, &model);
    let run = pull(&hub, &home, &[REPO]);
    assert_eq!(run.text().trim_end(), theirs.to_str().unwrap());
    assert!(run.stderr.contains("on this machine already, so nothing is fetched"), "{run:?}");
    assert!(!home.join("hub").exists());
    // Another file of that name and length is another file.
    disk::write(&theirs, vec![0; model.len()]);
    assert!(pull(&hub, &home, &[REPO]).stderr.contains("fetched and verified"));
    disk::write(&theirs, &model);
    assert!(pull(&hub, &home, &[REPO, "--anyway"]).stderr.contains("was here already"));
}

#[test]
fn refusals() {
    let home = disk::folder("command-pull-refused");
    let hub = TestHub::start(&[("README.md", b"read me")], sound);
    // (arguments, exit code, part of the message)
    let rows: [(&[&str], i32, &str); 8] = [
        (&[], 2, "NAME"),
        (&["../x"], 2, "is not a repository"),
        (&["no-such-name:1b"], 1, "the short names are ministral-3:3b"),
        (&["someone/else"], 1, "there is no such repository: check the name"),
        (&[REPO], 1, "neither GGUF files nor safetensors"),
        (&[REPO, "--revision", "../main"], 2, "is not a revision"),
        (&[REPO, "--connections", "0"], 2, "0 is not in 1..=16"),
        (&["--names", REPO], 2, "cannot be used with"),
    ];
    testkit::check_table(rows.map(|row| (row.0.join(" "), row)), |(arguments, code, part)| {
        let run = pull(&hub, &home, arguments);
        match run.code == Some(code) && run.stderr.contains(part) && run.stdout.is_empty() {
            true => Ok(()),
            false => Err(format!("{run:?}")),
        }
    });
    let elsewhere = with(&["pull", REPO], "", &[("HF_ENDPOINT", "http://mirror.example")]);
    assert!(elsewhere.stderr.contains("plain http is for this machine only"), "{elsewhere:?}");
}

#[test]
fn the_short_names() {
    assert!(tramontane(&["pull", "--names"]).text().contains("ministral-3:3b"));
    let names = tramontane(&["pull", "--names", "--json"]).json();
    let names = names.as_array().unwrap();
    // Those that the documentation and the helps name.
    for name in ["ministral-3:3b", "mistral-small", "devstral-small", "magistral-small", "nemo", "mistral:7b"] {
        let row = names.iter().find(|row| row["name"] == name).unwrap_or_else(|| panic!("{name}"));
        let pinned = row["revision"] != "main" || row["files"][0]["sha256"].is_string();
        assert!(pinned && row["license"] == "apache-2.0" && row["repo"].is_string(), "{row}");
    }
}

#[test]
fn a_proxy_is_asked_for_the_hub() {
    let home = disk::folder("command-pull-proxy");
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_tramontane"))
        .args(["pull", "nemo"])
        .envs([("HTTPS_PROXY", address.as_str()), ("HF_HOME", argument(&home)), ("HF_TOKEN", "hf_secret")])
        .env_remove("HF_ENDPOINT")
        .env_remove("NO_PROXY")
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let (stream, _) = proxy.accept().unwrap();
    let asked: Vec<_> =
        BufReader::new(stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(asked[0], "CONNECT huggingface.co:443 HTTP/1.1");
    // The token is for the hub, behind its certificate.
    assert!(!asked.iter().any(|line| line.contains("hf_secret")), "{asked:?}");
}

/// Sends the first bytes, and then nothing.
fn silent(asked: &Asked, reply: Reply, _: &str) -> Reply {
    if asked.is_content() { reply.ending(Ending::Silence(10_000)) } else { reply }
}

#[test]
#[cfg(unix)]
fn stopped_it_says_how_to_go_on() {
    let (home, model) = (disk::folder("command-pull-stopped"), tiny());
    let hub = TestHub::start(&[(FILE, &model)], silent);
    let mut child = Command::new(env!("CARGO_BIN_EXE_tramontane"))
        .args(["pull", REPO, "--json"])
        .envs(environment(&hub, &home))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.contains("\"fetching\"")), "no progress was told");
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("are kept; `tramontane pull someone/Tiny-GGUF` goes on from there"), "{stderr}");
    drop(hub);
    let sound_again = TestHub::start(&[(FILE, &model)], sound);
    assert_eq!(fs::read(pull(&sound_again, &home, &[REPO]).text().trim_end()).unwrap(), model);
}
