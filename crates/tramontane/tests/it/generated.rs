//! What comes from the definitions: help, completions, manual pages; and `doctor`.

use crate::program::{folder, tramontane, with};

const COMMANDS: [&str; 17] = [
    "bench",
    "bundle",
    "chat",
    "completions",
    "doctor",
    "key",
    "list",
    "man",
    "pull",
    "quantize",
    "rm",
    "run",
    "score",
    "serve",
    "show",
    "tokenize",
    "verify",
];

/// Against `help/*.txt`; with `TRAMONTANE_BLESS=1` in the environment the files are written instead.
#[test]
fn help_is_as_it_was() {
    let pages = COMMANDS.iter().map(|&name| (name, vec![name, "--help"])).chain([("tramontane", vec!["--help"])]);
    testkit::check_table(pages.map(|(name, arguments)| (name, (name, arguments))), |(name, arguments)| {
        let path = testkit::root().join(format!("crates/tramontane/tests/it/help/{name}.txt"));
        let run = tramontane(&arguments);
        let text = run.text().lines().map(str::trim_end).collect::<Vec<_>>().join("\n") + "\n";
        if std::env::var_os("TRAMONTANE_BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        if text == expected { Ok(()) } else { Err(format!("{} says\n{text}", path.display())) }
    });
}

#[test]
fn every_command_shows_an_example() {
    testkit::check_table(COMMANDS.map(|name| (name, name)), |name| {
        let run = tramontane(&[name, "--help"]);
        let example = format!("\n  tramontane {name}");
        if run.text().contains(&example) { Ok(()) } else { Err(run.stdout) }
    });
}

#[test]
fn completions_for_every_shell() {
    testkit::check_table(["bash", "zsh", "fish", "elvish", "powershell"].map(|s| (s, s)), |shell| {
        let run = tramontane(&["completions", shell]);
        if run.text().contains("top-p") { Ok(()) } else { Err(run.stdout) }
    });
}

#[test]
fn manual_pages() {
    assert!(tramontane(&["man"]).text().contains(".TH tramontane 1"));
    assert!(tramontane(&["man", "run"]).text().contains("tramontane\\-run"));
    let pages = folder("pages");
    assert_eq!(tramontane(&["man", "--all", pages.to_str().unwrap()]).code, Some(0));
    for name in COMMANDS {
        assert!(pages.join(format!("tramontane-{name}.1")).exists(), "{name}");
    }
}

#[test]
fn doctor_says_that_nothing_leaves_the_machine() {
    let found = with(&["doctor", "--json"], "", &[("HF_ENDPOINT", ""), ("HTTPS_PROXY", "")]).json();
    assert_eq!(found["leaves_the_machine"], serde_json::json!([]));
    assert_eq!(found["connects"], serde_json::json!([{ "command": "pull", "to": "https://huggingface.co" }]));
    assert!(found["numerics"]["f16"].as_str().unwrap().starts_with("tn-"), "{found}");
    assert!(found["isa"]["available"].as_array().unwrap().contains(&found["isa"]["chosen"]));
    assert!(found["threads"].as_u64().unwrap() > 0);
    let text = tramontane(&["doctor"]).stdout;
    assert!(text.contains("nothing leaves the machine") && !text.contains('\x1b'), "{text}");
}
