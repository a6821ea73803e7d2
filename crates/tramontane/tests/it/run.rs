//! `run`: one answer, on the trained model that lies beside the repository.

use crate::program::{argument, folder, stories, tramontane, with};

#[test]
fn greedy_continuation_is_the_golden_one() {
    let Some(model) = stories() else { return };
    let golden = testkit::shared("models/stories260k/greedy_256.txt").expect("beside the model");
    let golden = std::fs::read_to_string(golden).unwrap();
    // The line feeds at its end are those of the program that wrote it.
    let story = golden.trim_end_matches('\n').strip_prefix("Once upon a time").unwrap();
    // The begin of the story is four tokens long.
    let arguments = ["run", &model, "--raw", "Once upon a time", "--temperature", "0", "--max-tokens", "252"];
    let run = tramontane(&arguments);
    assert_eq!(run.text(), story, "{}", run.stderr);
    assert!(run.stderr.contains("the answer was cut: --max-tokens is 252"), "{}", run.stderr);
    for isa in ["scalar", "avx2"] {
        let forced = with(&arguments, "", &[("TRAMONTANE_ISA", isa), ("TRAMONTANE_THREADS", "2")]);
        assert!(forced.code == Some(1) || forced.stdout == run.stdout, "{isa}: {forced:?}");
    }
}

#[test]
fn the_prompt_may_come_through_standard_input() {
    let Some(model) = stories() else { return };
    let argument = |prompt: &str, input: &str| {
        let arguments = ["run", &model, "--raw", "--temperature", "0", "--max-tokens", "20", prompt];
        let arguments = &arguments[..if prompt.is_empty() { 7 } else { 8 }];
        with(arguments, input, &[]).text().to_owned()
    };
    let whole = argument("Once upon a time", "");
    assert!(whole.starts_with(", there was"), "{whole}");
    assert_eq!(argument("", "Once upon a time"), whole);
    assert_eq!(argument("Once upon", " a time"), whole);
}

/// Whatever the place, both parts together are the story: no space is lost between them.
#[test]
fn a_continuation_goes_on_where_the_prompt_ends() {
    let Some(model) = stories() else { return };
    let story = "Once upon a time, there was a little girl named Lily.";
    let prompts =
        ["Once", "Once upon", "Once upon a", "Once upon a time,", "Once upon a time, there was a little girl"];
    testkit::check_table(prompts.map(|prompt| (prompt, prompt)), |prompt| {
        let run = tramontane(&["run", &model, "--raw", prompt, "--temperature", "0", "--max-tokens", "20"]);
        let whole = format!("{prompt}{}", run.text());
        if whole.starts_with(&story[..40]) { Ok(()) } else { Err(whole) }
    });
}

#[test]
fn seeds_decide() {
    let Some(model) = stories() else { return };
    let story = |seed: &str| {
        let arguments = ["run", &model, "--raw", "Once", "--max-tokens", "40", "--temperature", "1", "--seed", seed];
        tramontane(&arguments).text().to_owned()
    };
    assert_eq!(story("7"), story("7"));
    assert_ne!(story("7"), story("8"));
}

#[test]
fn json_and_stats_and_stop() {
    let Some(model) = stories() else { return };
    let run = tramontane(&[
        "run",
        &model,
        "--raw",
        "Once upon a time",
        "--temperature",
        "0",
        "--seed",
        "3",
        "--stop",
        "Lily",
        "--json",
        "--stats",
    ]);
    let answer = run.json();
    assert_eq!(answer["text"], ", there was a little girl named ");
    assert_eq!(answer["finish_reason"], "stop");
    assert_eq!(answer["seed"], 3);
    assert_eq!(answer["usage"]["prompt_tokens"], 5);
    assert!(answer["timings"]["prefill_ms"].as_f64().unwrap() > 0.0, "{answer}");
    assert!(run.stderr.contains("prompt 5 tokens") && run.stderr.contains("seed 3"), "{}", run.stderr);
}

#[test]
fn a_full_context_is_said() {
    let Some(model) = stories() else { return };
    let run = tramontane(&["run", &model, "--raw", "Once upon a time", "--temperature", "0", "--context", "16"]);
    assert_eq!(run.code, Some(0));
    assert!(run.stderr.contains("the context of 16 tokens is full"), "{run:?}");
    let long = "Once upon a time ".repeat(20);
    let run = tramontane(&["run", &model, "--raw", &long, "--context", "16"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stderr.contains("the context holds 16"), "{run:?}");
}

#[test]
fn without_a_template_a_conversation_is_refused() {
    let Some(model) = stories() else { return };
    let run = tramontane(&["run", &model, "Tell me a story."]);
    assert_eq!(run.code, Some(1), "{run:?}");
    assert_eq!(run.stderr.matches("--raw").count(), 1, "{run:?}");
    let run = tramontane(&["run", &model, "Tell me a story.", "--template", "v1", "--max-tokens", "5"]);
    assert!(run.text().ends_with('\n'), "{run:?}");
    let model = testkit::vectors("models/llama/model.gguf");
    let run = tramontane(&["run", argument(&model), "Hello"]);
    assert_eq!((run.code, run.stdout.as_str()), (Some(1), ""), "no tokenizer");
}

/// With the model that is inside the program, whatever it has learnt.
#[test]
fn an_answer_has_the_form_that_is_asked_for() {
    let folder = folder("forms");
    let (schema, grammar) = (folder.join("schema.json"), folder.join("grammar.lark"));
    let text = r#"{"type": "object", "properties": {"names": {"type": "array", "items": {"enum": ["Lily", "Tom"]}, "maxItems": 3}}, "required": ["names"], "additionalProperties": false}"#;
    std::fs::write(&schema, text).unwrap();
    std::fs::write(&grammar, "start: (\"ha\" | \"ho\") ~ 3 END\nEND: /[!?]/\n").unwrap();
    let run = |flag: &[&str]| {
        let base = ["run", "brise", "Who laughs?", "--temperature", "0", "--seed", "1", "--max-tokens", "200"];
        tramontane(&[&base, flag].concat()).text().trim_end().to_owned()
    };
    let answer: serde_json::Value = serde_json::from_str(&run(&["--schema", argument(&schema)])).unwrap();
    assert!(answer["names"].as_array().is_some_and(|names| names.len() <= 3), "{answer}");
    let laughter = run(&["--grammar", argument(&grammar)]);
    assert!(laughter.len() == 7 && laughter.starts_with('h') && laughter.ends_with(['!', '?']), "{laughter}");
    let word = run(&["--regex", "(yes|no)"]);
    assert!(word == "yes" || word == "no", "{word}");
    let raw = run(&["--raw", "--regex", " and [a-z]{3}"]);
    assert!(raw.starts_with(" and ") && raw.len() == 8, "{raw:?}");
}
