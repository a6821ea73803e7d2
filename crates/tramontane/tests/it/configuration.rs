//! config.toml, the environment, and flags: who beats whom.

use crate::program::{argument, folder, with};

#[test]
fn the_file_is_named_with_the_line() {
    let path = folder("configuration").join("wrong.toml");
    std::fs::write(&path, "threads = 2\n\ntempratur = 0.5\n").unwrap();
    let run = with(&["run", "x.gguf", "hi"], "", &[("TRAMONTANE_CONFIG", argument(&path))]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("wrong.toml:3: unknown field `tempratur`"), "{run:?}");
}

/// In every command, `quantize` too, which has flags of its own.
#[test]
fn numbers_that_cannot_be() {
    let path = folder("configuration").join("zero.toml");
    std::fs::write(&path, "seed = 1\nthreads = 0\n").unwrap();
    for command in [&["run", "x.gguf", "hi"] as &[&str], &["quantize", "x.gguf", "y.gguf", "--type", "q8_0"]] {
        let run = with(command, "", &[("TRAMONTANE_CONFIG", argument(&path))]);
        assert!(run.code == Some(2) && run.stderr.contains("zero.toml:2: it is 0"), "{run:?}");
    }
}

/// A name that is no text is not passed over for the default.
#[test]
fn variables_that_are_no_text() {
    use std::os::unix::ffi::OsStrExt as _;

    let value = std::ffi::OsStr::from_bytes(b"model-\xff.gguf");
    for name in ["TRAMONTANE_MODEL", "TRAMONTANE_TEMPLATE", "TRAMONTANE_SYSTEM"] {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tramontane"));
        let output = command.args(["run", "two words"]).env("HOME", folder("home")).env(name, value).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(2) && said.contains(&format!("{name} is model-")), "{said}");
    }
}

#[test]
fn a_named_file_must_be_there() {
    let run = with(&["run", "x.gguf", "hi"], "", &[("TRAMONTANE_CONFIG", "missing.toml")]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("missing.toml cannot be read"), "{run:?}");
}

/// Every source gives a number out of range, so that the message tells which one was taken.
#[test]
fn flag_beats_environment_beats_file() {
    let home = folder("configuration/home");
    std::fs::create_dir_all(home.join(".config/tramontane")).unwrap();
    std::fs::write(home.join(".config/tramontane/config.toml"), "model = \"file.gguf\"\ntemperature = 11\n").unwrap();
    let environment = [("XDG_CONFIG_HOME", ""), ("HOME", argument(&home))];
    let temperature = |arguments: &[&str], more: &[(&str, &str)]| {
        let run = with(arguments, "hi", &[&environment, more].concat());
        run.stderr.split_whitespace().nth(3).unwrap_or_default().trim_end_matches(':').to_owned()
    };
    assert_eq!(temperature(&["run"], &[]), "11");
    assert_eq!(temperature(&["run"], &[("TRAMONTANE_TEMPERATURE", "12")]), "12");
    assert_eq!(temperature(&["run", "--temperature", "13"], &[("TRAMONTANE_TEMPERATURE", "12")]), "13");
    let model = |arguments: &[&str], more: &[(&str, &str)]| {
        let run = with(arguments, "hi", &[&environment, more].concat());
        run.stderr.split_whitespace().nth(1).unwrap_or_default().trim_end_matches(':').to_owned()
    };
    let valid = ("TRAMONTANE_TEMPERATURE", "1");
    assert_eq!(model(&["run"], &[valid]), "file.gguf");
    assert_eq!(model(&["run"], &[valid, ("TRAMONTANE_MODEL", "environment.gguf")]), "environment.gguf");
    assert_eq!(model(&["run", "flag.gguf"], &[valid, ("TRAMONTANE_MODEL", "environment.gguf")]), "flag.gguf");
    assert_eq!(model(&["run", "two words"], &[valid]), "file.gguf", "a prompt, not a model");
}
