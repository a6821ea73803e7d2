//! `score`, `show` and `bench` on the tiny checkpoints of vectors/models.

use serde_json::{Value, json};

use crate::program::{argument, folder, stories, tramontane, with};

#[test]
fn logits_meet_the_reference() {
    let rows = ["llama/model.gguf", "llama/hf", "llama/mistral", "mixtral/hf", "ministral3/hf"];
    testkit::check_table(rows.map(|name| (name, name)), |name| {
        let model = testkit::vectors("models").join(name);
        let out = folder("models").join(format!("{}.safetensors", name.replace('/', "-")));
        let prompt = testkit::vectors("models/prompt.json");
        let scored = tramontane(&[
            "score",
            argument(&model),
            "--tokens",
            argument(&prompt),
            "--logits",
            argument(&out),
            "--json",
        ]);
        let (scored, logits) = (scored.json(), testkit::safetensors(&out)["logits"].clone());
        let theirs = testkit::floats(&model.parent().unwrap().join("logits.f32"));
        let error = testkit::relative_norm(&logits.values, &theirs);
        let expected = logprobs(&scored["tokens"], &logits.values, logits.shape[1]);
        let ours: Vec<f64> = scored["logprobs"].as_array().unwrap()[1..].iter().map(|l| l.as_f64().unwrap()).collect();
        let off = ours.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let perplexity = (-ours.iter().sum::<f64>() / ours.len() as f64).exp();
        let ratio = scored["perplexity"].as_f64().unwrap() / perplexity;
        let right = error <= 1e-5 && off < 1e-5 && (ratio - 1.0).abs() < 1e-9 && scored["logprobs"][0].is_null();
        let whole = ours.len() + 1 == logits.shape[0] && logits.shape[0] == scored["tokens"].as_array().unwrap().len();
        if right && whole { Ok(()) } else { Err(format!("{error:e} {off:e} {ratio} {scored}")) }
    });
}

/// Log-softmax in f64, of each token under the row before it.
fn logprobs(tokens: &Value, logits: &[f32], vocab: usize) -> Vec<f64> {
    let tokens = tokens.as_array().unwrap()[1..].iter().map(|t| t.as_u64().unwrap() as usize);
    let rows = logits.chunks(vocab).zip(tokens);
    rows.map(|(row, token)| {
        let total: f64 = row.iter().map(|&l| f64::from(l).exp()).sum();
        f64::from(row[token]) - total.ln()
    })
    .collect()
}

#[test]
fn score_refuses_what_it_cannot_score() {
    let model = testkit::vectors("models/llama/model.gguf");
    let rows = [
        ("[1, 100000]", "token id 100000 is out of range"),
        ("[1, -2]", "not a JSON array of token ids"),
        ("{}", "standard input is not a JSON array of token ids"),
        ("[]", "empty"),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(ids, message)| {
        let run = with(&["score", argument(&model), "--tokens", "-"], ids, &[]);
        if run.code == Some(1) && run.stderr.contains(message) { Ok(()) } else { Err(format!("{run:?}")) }
    });
}

/// A file that is not complete is not left lying about, and a device is not replaced by a file.
#[cfg(unix)]
#[test]
fn logits_are_written_whole_or_not_at_all() {
    let model = testkit::vectors("models/llama/model.gguf");
    let folder = folder("logits");
    let out = folder.join("out.safetensors");
    let score = |ids: &str, out: &str| {
        let _ = std::fs::remove_file(folder.join("out.safetensors"));
        with(&["score", argument(&model), "--tokens", "-", "--logits", out], ids, &[])
    };
    let left = || {
        let mut names: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(score("[1, 2]", argument(&out)).code, Some(0));
    assert_eq!(left(), ["out.safetensors"]);
    assert_eq!(score("[1, 100000]", argument(&out)).code, Some(1));
    assert!(left().is_empty(), "{:?}", left());
    std::os::unix::fs::symlink("/dev/full", &out).unwrap();
    let run = with(&["score", argument(&model), "--tokens", "-", "--logits", argument(&out)], "[1, 2]", &[]);
    assert!(run.code == Some(1) && run.stderr.contains("No space left"), "{run:?}");
    assert!(left() == ["out.safetensors"] && out.is_symlink(), "{:?}", left());
    std::fs::remove_file(&out).unwrap();
}

#[test]
fn a_text_is_scored() {
    let Some(model) = stories() else { return };
    let scored = with(&["score", &model, "--file", "-", "--json"], "Once upon a time", &[]).json();
    assert_eq!(scored["tokens"], json!([1, 403, 407, 261, 378]));
    assert!(scored["perplexity"].as_f64().unwrap() < 3.0, "{scored}");
    let text = with(&["score", &model, "--file", "-"], "Once upon a time", &[]);
    assert!(text.text().contains("perplexity"), "{text:?}");
}

#[test]
fn show_knows_the_shape() {
    let model = testkit::vectors("models/mixtral/hf");
    let shown = tramontane(&["show", argument(&model), "--json"]).json();
    assert_eq!(shown["architecture"], "mixtral");
    assert_eq!(shown["layout"], "Hugging Face safetensors");
    assert_eq!(shown["config"]["experts"], json!({ "count": 8, "used": 2 }));
    assert_eq!(shown["tokenizer"], Value::Null);
    let text = tramontane(&["show", argument(&model)]);
    assert!(text.text().contains("8, 2 used for each token"), "{text:?}");
}

#[test]
fn bench_runs_what_it_is_asked_for() {
    let model = testkit::vectors("models/llama/model.gguf");
    let arguments = ["bench", argument(&model), "--interactive", "--threads", "1"];
    let run = with(&arguments, "tg4\ntg4@d8xb2\npp8\nread\n", &[]);
    let lines: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let names: Vec<_> = lines.iter().map(|line| line["test"].as_str()).collect();
    assert_eq!(names, [None, Some("tg4"), Some("tg4@d8×b2"), Some("pp8"), None], "{run:?}");
    assert_eq!((&lines[0]["ready"], &lines[0]["threads"]), (&json!(true), &json!(1)));
    for (line, tokens) in lines[1..4].iter().zip([4.0, 8.0, 8.0]) {
        let number = |name: &str| line[name].as_f64().unwrap();
        assert!((number("tokens_per_second") * number("seconds") / tokens - 1.0).abs() < 1e-9, "{line}");
    }
    assert!(lines[4]["bytes_per_second"].as_f64().is_none_or(|rate| rate > 0.0), "{run:?}");
    let run = with(&arguments, "tg4\npp8xb2\ntg4\n", &[]);
    assert!(
        run.code == Some(2) && run.stdout.lines().count() == 2 && run.stderr.contains("\"pp8xb2\" is no test"),
        "{run:?}"
    );
}

#[test]
fn bench_says_texts_again() {
    let folder = folder("replay");
    let file = folder.join("texts.jsonl");
    // The same token again and again: guesses that are right, as long as they pay.
    let texts = [
        json!({ "name": "ids", "prompt": [1, 5, 5, 5, 5], "answer": vec![5; 60] }),
        json!({ "name": "text", "prompt": "Bonjour, bonjour, ", "answer": "bonjour, bonjour, bonjour." }),
    ];
    std::fs::write(&file, texts.map(|text| text.to_string()).join("\n\n")).unwrap();
    let bench = ["bench", "brise", "--threads", "1", "--repetitions", "2", "--replay", argument(&file)];
    let rows = tramontane(&[&bench[..], &["--json"]].concat()).json();
    for (row, name) in rows.as_array().unwrap().iter().zip(["ids", "text"]) {
        let number = |key: &str| row[key].as_u64().unwrap();
        assert!(row["test"] == name && number("accepted_tokens") <= number("drafted_tokens"), "{row}");
        for key in ["tokens_per_second", "unguessed_tokens_per_second", "ratio"] {
            assert!(row[key]["median"].as_f64().unwrap() > 0.0, "{row}");
        }
    }
    assert_eq!((&rows[0]["tokens"], rows.as_array().unwrap().len()), (&json!(60), 2));
    assert!(tramontane(&bench).text().contains("guesses right, 60 tokens"), "{rows}");
    for (line, message) in [
        ("{}", "texts.jsonl:1 is not"),
        (r#"{"name": "a", "prompt": [1], "answer": [2]}"#, "at least two tokens"),
        (r#"{"name": "a", "prompt": [], "answer": [2, 3]}"#, "empty"),
        (r#"{"name": "a", "prompt": [1], "answer": [2, 99999999]}"#, "99999999"),
        ("", "has no texts"),
    ] {
        std::fs::write(&file, line).unwrap();
        let run = tramontane(&bench);
        assert!(run.code != Some(0) && run.stderr.contains(message), "{line}: {run:?}");
    }
}

#[test]
fn bench_rows_have_their_shape() {
    let model = testkit::vectors("models/llama/model.gguf");
    let plot = folder("models").join("roofline.svg");
    let rows = tramontane(&[
        "bench",
        "--plot",
        argument(&plot),
        argument(&model),
        "--prompt",
        "8",
        "--generate",
        "4",
        "--depth",
        "0,8",
        "--batch",
        "1,2",
        "--repetitions",
        "2",
        "--threads",
        "1",
        "--json",
    ])
    .json();
    let rows = rows.as_array().unwrap();
    let names: Vec<_> = rows.iter().map(|row| row["test"].as_str().unwrap()).collect();
    assert_eq!(names, ["pp8", "tg4", "tg4×b2", "pp8@d8", "tg4@d8", "tg4@d8×b2"]);
    for row in rows {
        let rate = |name: &str| row["tokens_per_second"][name].as_f64().unwrap();
        assert!(0.0 < rate("min") && rate("min") <= rate("median") && rate("median") <= rate("max"), "{row}");
        assert_eq!(row["threads"], 1);
        for key in ["bound", "isa", "model", "load_ms", "peak_rss_bytes"] {
            assert!(row.get(key).is_some(), "{key}: {row}");
        }
        let number = |name: &str| row[name].as_f64().unwrap();
        let share = rate("median") / number("roofline");
        assert!(share > 0.0 && (number("share") / share - 1.0).abs() < 1e-9, "{row}");
        assert!(number("intensity") > 0.0 && row["ceilings"]["int8_per_second"].as_f64().unwrap() > 0.0, "{row}");
    }
    // Two layers with 5376 weights each, 1280 of the output, all multiplied and added; two tokens seen on average.
    let operations = rows[1]["operations_per_second"].as_f64().unwrap();
    let per_token = operations / rows[1]["tokens_per_second"]["median"].as_f64().unwrap();
    assert_eq!(per_token.round(), 2.0 * (2.0 * 5376.0 + 1280.0) + 4.0 * 2.0 * 2.0 * 4.0 * 8.0);
    let picture = std::fs::read_to_string(plot).unwrap();
    assert!(names.iter().all(|name| picture.contains(&format!(">{name} · "))), "{picture}");
}

/// What a model's makers recommend for sampling holds until somebody says otherwise.
#[test]
fn recommended_sampling_is_the_default() {
    let run = |extra: &[&str]| {
        let arguments = ["run", "brise", "Tell me a story.", "--max-tokens", "40", "--json"];
        tramontane(&[&arguments[..], extra].concat()).json()["text"].clone()
    };
    assert_eq!(tramontane(&["show", "brise", "--json"]).json()["recommended"], json!({ "temperature": 0.0 }));
    let greedy = run(&["--seed", "3"]);
    assert_eq!(greedy, run(&["--seed", "4"]));
    assert_eq!(greedy, run(&["--temperature", "0"]));
    assert_ne!(greedy, run(&["--temperature", "5", "--seed", "3"]));
}

/// The same from a folder, where a value that makes no sense is said to be left out.
#[test]
fn generation_config_recommends() {
    let model = folder("recommended");
    for entry in std::fs::read_dir(testkit::vectors("models/llama/hf")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), model.join(entry.file_name())).unwrap();
    }
    std::fs::write(model.join("generation_config.json"), r#"{"temperature": 0.15, "top_p": 7}"#).unwrap();
    let shown = tramontane(&["show", argument(&model), "--json"]).json();
    assert_eq!(shown["recommended"], json!({ "temperature": 0.15 }));
    assert!(shown["notes"].to_string().contains("the files recommend top_p 7, which is out of range"), "{shown}");
}
