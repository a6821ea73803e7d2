//! Exit codes, and the messages that go with them.

use crate::program::{argument, folder, tramontane, with};

#[test]
fn codes_and_messages() {
    let garbage = folder("exits").join("garbage.gguf");
    std::fs::write(&garbage, "this is no model").unwrap();
    let empty = folder("exits").join("empty");
    std::fs::create_dir_all(&empty).unwrap();
    let (schema, grammar) = (folder("exits").join("schema.json"), folder("exits").join("grammar.lark"));
    std::fs::write(&schema, r#"{"type": "array", "items": {"not": {}}}"#).unwrap();
    std::fs::write(&grammar, "start: <[2]>").unwrap();
    let (garbage, empty) = (argument(&garbage), argument(&empty));
    let (schema, grammar) = (argument(&schema), argument(&grammar));
    let rows: &[(&[&str], i32, &str)] = &[
        (&["--version"], 0, ""),
        (&["run", "--help"], 0, ""),
        (&[], 2, "Usage: tramontane <COMMAND>"),
        (&["serv"], 2, "unrecognized subcommand 'serv'"),
        (&["run", "--temperatur", "1"], 2, "'--temperature'"),
        (&["run", "x.gguf"], 2, "there is no prompt"),
        (&["run", "x.gguf", "hi"], 1, "x.gguf: there is no such file or folder"),
        (&["run", "ministral-3:3b", "hi"], 1, "pull it with `tramontane pull ministral-3:3b`"),
        (&["run", garbage, "hi"], 1, "garbage.gguf"),
        (&["run", empty, "hi"], 1, "empty"),
        (&["run", garbage, "hi", "--schema", "missing.json"], 1, "missing.json"),
        (&["run", garbage, "hi", "--schema", garbage], 2, "garbage.gguf is not JSON"),
        (&["run", garbage, "hi", "--schema", schema], 2, "the schema's keyword `not` at `#/items`"),
        (&["run", garbage, "hi", "--regex", "a", "--schema", schema], 2, "cannot be used with"),
        (&["run", garbage, "hi", "--grammar", grammar], 2, "names a token"),
        (&["run", "brise", "hi", "--regex", "(?=a)b"], 2, "look-around"),
        (&["chat", garbage, "--schema", schema], 2, "use `run`"),
        (&["run", garbage, "hi", "--temperature", "nan"], 2, "temperature is NaN: it must be between 0 and 10"),
        (&["run", garbage, "hi", "--temperature", "-1"], 2, "temperature is -1: it must be between 0 and 10"),
        (&["run", garbage, "hi", "--seed", "-1"], 2, "'-1' for '--seed"),
        (&["run", garbage, "hi", "--top-p", "1.5"], 2, "top_p is 1.5: it must be between 0 and 1"),
        (&["run", garbage, "hi", "--max-tokens", "0"], 2, "--max-tokens is 0"),
        (&["run", garbage, "hi", "--stop", ""], 2, "stop string 0 is 0 bytes long"),
        (&["run", garbage, "hi", "--template", "v9"], 2, "v9 is no template version"),
        (&["run", garbage, "hi", "--kv-type", "f8"], 2, "'f8'"),
        (&["run", garbage, "hi", "--threads", "0"], 2, "--threads is 0"),
        (&["run", garbage, "hi", "--context", "0"], 2, "--context is 0"),
        (&["run", garbage, "hi", "--isa", "abacus"], 2, "--isa is abacus: this processor has scalar"),
        (&["run", garbage, "hi", "--kv-memory", "8X"], 2, "--kv-memory is 8X: a size is expected"),
        (&["run", garbage, "hi", "--raw", "--system", "x"], 2, "cannot be used with"),
        (&["score", garbage], 2, "--file"),
        (&["score", garbage, "--file", "missing.txt"], 1, "missing.txt"),
        (&["bench", garbage, "--repetitions", "0"], 2, "--repetitions is 0"),
        (&["bench", garbage, "--prompt", "0", "--generate", "0"], 2, "there is nothing to measure"),
        (&["tokenize", garbage, "hi"], 1, "garbage.gguf"),
        (&["show", garbage], 1, "garbage.gguf"),
        (&["man", "nothing"], 2, "tramontane has no command nothing"),
        (&["completions", "fishh"], 2, "'fishh'"),
    ];
    testkit::check_table(rows.iter().map(|row| (row.0.join(" "), row)), |(arguments, code, message)| {
        let run = tramontane(arguments);
        let said = run.stderr.contains(message) && (*code == 0 || run.stdout.is_empty());
        if run.code == Some(*code) && said { Ok(()) } else { Err(format!("{run:?}")) }
    });
}

/// A key that could not be shown is none, and nothing panics where output is full.
#[test]
fn keys_that_nobody_sees() {
    let home = folder("exits/keys");
    let _ = std::fs::remove_dir_all(&home);
    std::fs::create_dir_all(&home).unwrap();
    let key = |arguments: &[&str], out: &str| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tramontane"));
        command.arg("key").args(arguments).env("HOME", &home).env_remove("XDG_CONFIG_HOME");
        let out = match out {
            "" => std::process::Stdio::piped(),
            path => std::fs::File::options().write(true).open(path).unwrap().into(),
        };
        let output = command.stdout(out).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, _, said) = key(&["add", "alice"], "/dev/full");
    assert!(code == Some(1) && said.contains("so it was revoked"), "{code:?} {said}");
    assert_eq!(key(&["list", "--json"], "").1.trim(), "[]");
    assert_eq!(key(&["add", "alice"], "").0, Some(0));
    assert_eq!(key(&["list"], "/dev/full").0, Some(1));
}

#[test]
fn an_empty_variable_is_not_set() {
    let model = testkit::vectors("models/llama/model.gguf");
    let names = ["ISA", "THREADS", "CONTEXT", "KV_TYPE", "CONFIG"].map(|name| format!("TRAMONTANE_{name}"));
    testkit::check_table(names.each_ref().map(|name| (name, name)), |name| {
        let run = with(&["score", argument(&model), "--tokens", "-"], "[1, 2]", &[(name, "")]);
        if run.code == Some(0) { Ok(()) } else { Err(format!("{run:?}")) }
    });
    let run = with(&["run", "x.gguf", "hi"], "", &[("TRAMONTANE_TEMPERATURE", ""), ("TRAMONTANE_SEED", "")]);
    assert!(run.stderr.contains("no such file"), "{run:?}");
    let run = with(&["run", "x.gguf", "hi"], "", &[("TRAMONTANE_STATS", "1")]);
    assert!(run.stderr.contains("no such file"), "{run:?}");
}

#[test]
fn isa_is_forced_or_refused() {
    let chosen = with(&["doctor", "--json"], "", &[("TRAMONTANE_ISA", "scalar")]).json()["isa"]["chosen"].clone();
    assert_eq!(chosen, "scalar");
    let run = with(&["doctor"], "", &[("TRAMONTANE_ISA", "abacus")]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("abacus") && run.stderr.contains("scalar"), "{run:?}");
}
