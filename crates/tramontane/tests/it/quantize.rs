//! `quantize`: files that give the same logits, and everything that it refuses.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::program::{Run, argument, folder, tramontane};

/// A file for the output of one row of a table.
fn place(name: &str) -> PathBuf {
    folder("quantize").join(format!("{}.gguf", name.replace('/', "-")))
}

/// Whether there is neither the file nor the beginning of it.
fn nothing_begun(out: &Path) -> bool {
    let name = argument(out).rsplit('/').next().unwrap().to_owned();
    let files = std::fs::read_dir(out.parent().unwrap()).unwrap();
    files.into_iter().all(|file| !file.unwrap().file_name().to_str().unwrap().starts_with(&name))
}

fn quantize(model: &Path, out: &Path, more: &[&str]) -> Run {
    tramontane(&[&["quantize", argument(model), argument(out), "--force"], more].concat())
}

/// Logits of the prompt of vectors/models.
fn logits(model: &Path, out: &Path) -> Result<Vec<f32>, String> {
    logits_with(model, out, &[])
}

fn logits_with(model: &Path, out: &Path, more: &[&str]) -> Result<Vec<f32>, String> {
    let prompt = testkit::vectors("models/prompt.json");
    let file = out.with_extension("safetensors");
    let scored = ["score", argument(model), "--tokens", argument(&prompt), "--logits", argument(&file)];
    match tramontane(&[&scored, more].concat()) {
        Run { code: Some(0), .. } => Ok(testkit::safetensors(&file)["logits"].values.clone()),
        run => Err(format!("{run:?}")),
    }
}

/// Every layout and architecture. f32 changes nothing at all, nor does bf16 where the weights are bf16 or FP8.
#[test]
fn exact_weights_give_the_same_bits() {
    let names = [
        "llama/hf",
        "llama/mistral",
        "llama/model.gguf",
        "mistral-heads/hf",
        "mistral-window/hf",
        "ministral/mistral",
        "ministral3/hf",
        "ministral3-scaled/hf",
        "ministral3-scaled/model.gguf",
        "mistral3-tied/mistral",
        "mixtral/hf",
        "mixtral/mistral",
        "mixtral/model.gguf",
        "helium/hf",
        "odd-bf16/hf",
        "fp8/mistral",
        "fp8-tiles/hf",
    ];
    testkit::check_table(names.map(|name| (name, name)), |name| {
        let (model, out) = (testkit::vectors("models").join(name), place(&format!("exact-{name}")));
        let mix = if name.contains("bf16") || name.contains("fp8") { "bf16" } else { "f32" };
        let run = quantize(&model, &out, &["--type", mix]);
        if run.code != Some(0) {
            return Err(format!("{run:?}"));
        }
        if logits(&model, &out)? == logits(&out, &out)? { Ok(()) } else { Err("other logits".to_owned()) }
    });
}

/// Fewer bits cost what they should, and a file that goes through the program again comes out the same.
#[test]
fn fewer_bits_cost_little() {
    let rows = [("f16", 1e-3), ("bf16", 1e-2), ("q8_0", 5e-2), ("q6_k", 5e-2), ("q5_k_m", 0.15), ("q4_k_m", 0.2)];
    testkit::check_table(rows.map(|row| (row.0, row)), |(mix, bound)| {
        let (model, out) = (testkit::vectors("models/odd-bf16/hf"), place(&format!("fewer-{mix}")));
        let run = quantize(&model, &out, &["--type", mix]);
        if run.code != Some(0) {
            return Err(format!("{run:?}"));
        }
        let theirs = testkit::floats(&testkit::vectors("models/odd-bf16/logits.f32"));
        let error = testkit::relative_norm(&logits(&out, &out)?, &theirs);
        let again = place(&format!("again-{mix}"));
        quantize(&out, &again, &["--type", mix]).text();
        let same = std::fs::read(&out).unwrap() == std::fs::read(&again).unwrap();
        if error <= bound && same { Ok(()) } else { Err(format!("off by {error:e}; the same again: {same}")) }
    });
}

/// `--quantize` while loading is `quantize` and loading the file, to the bit.
#[test]
fn rounded_while_loading_or_before() {
    let models =
        ["llama/hf", "ministral3/hf", "mistral3-tied/mistral", "mixtral/hf", "mixtral/model.gguf", "odd-bf16/hf"];
    let mixes = ["f16", "q8_0", "q4_k_m", "q2_k", "iq4_xs", "mxfp4_moe"];
    let rows = models.iter().flat_map(|model| mixes.map(|mix| (format!("{model} {mix}"), (model, mix))));
    testkit::check_table(rows, |(name, mix)| {
        let (model, out) = (testkit::vectors("models").join(name), place(&format!("loaded-{mix}-{name}")));
        quantize(&model, &out, &["--type", mix]).text();
        let same = logits_with(&model, &out, &["--quantize", mix])? == logits(&out, &out)?;
        if same { Ok(()) } else { Err("other logits".to_owned()) }
    });
    let q8 = testkit::vectors("models/q8_0/model.gguf");
    let twice = logits_with(&q8, &place("twice-loaded"), &["--quantize", "q4_0"]).unwrap_err();
    assert!(twice.contains("is q8_0 already") && twice.contains("code: Some(1)"), "{twice}");
    assert!(logits_with(&q8, &place("wrong-type"), &["--quantize", "q9"]).unwrap_err().contains("q9 is no type"));
}

/// The report, and that rows which no block divides are not passed over in silence.
#[test]
fn the_report_adds_up() {
    let out = place("report");
    let run = quantize(&testkit::vectors("models/mixtral/hf"), &out, &["--type", "q4_k_m", "--json"]);
    let report = run.json();
    assert_eq!(report["type"], "q4_k_m");
    assert_eq!(report["bytes_out"], std::fs::metadata(&out).unwrap().len());
    let list = |key: &str| report[key].as_array().unwrap().clone();
    let tensors: u64 = list("formats").iter().map(|row| row["tensors"].as_u64().unwrap()).sum();
    assert_eq!(tensors, 13);
    let bits = report["bits_per_weight"].as_f64().unwrap();
    assert!(bits > 4.0 && bits < 16.0, "{report}");
    let said = |text: &str| list("notes").iter().any(|note| note.as_str().unwrap().contains(text));
    assert!(said("q5_0 instead of q4_k, whose blocks do not divide rows of 32 weights"), "{report}");
    assert!(said("f16 instead of"), "{report}");
    assert!(run.stderr.contains("instead of q4_k"), "{}", run.stderr);
}

#[test]
fn tokenizers_go_along() {
    let folder = folder("quantize").join("with-tokenizer");
    for tokenizer in ["tokenizer.model.v3", "tekken_v7.json"] {
        let model = folder.join(tokenizer);
        std::fs::create_dir_all(&model).unwrap();
        widened(&model);
        let name = if tokenizer.ends_with(".json") { "tekken.json" } else { tokenizer };
        std::fs::copy(testkit::vectors("tokenizer").join(tokenizer), model.join(name)).unwrap();
        let out = place(tokenizer);
        assert_eq!(quantize(&model, &out, &["--type", "q8_0"]).code, Some(0));
        let text = "Déjà vu: 12 [INST]\n  x";
        let ids = |model: &Path| tramontane(&["tokenize", argument(model), text, "--json"]).json();
        assert_eq!(ids(&out), ids(&model), "{tokenizer}");
    }
}

#[test]
fn the_tokenizer_of_another_model_is_refused() {
    let model = folder("quantize").join("other-tokenizer");
    std::fs::create_dir_all(&model).unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(testkit::vectors("models/llama/hf").join(name), model.join(name)).unwrap();
    }
    std::fs::copy(testkit::vectors("tokenizer/tokenizer.model.v3"), model.join("tokenizer.model.v3")).unwrap();
    let out = place("other-tokenizer");
    let run = quantize(&model, &out, &["--type", "q8_0"]);
    assert!(run.code == Some(1) && run.stderr.contains("it belongs to another model"), "{run:?}");
    assert!(!out.exists());
}

/// Measured on a text, kept, and read again; other weights than without, and never those of another model.
#[test]
fn importance_from_a_text_and_from_a_file() {
    let model = folder("quantize").join("importance");
    std::fs::create_dir_all(&model).unwrap();
    widened(&model);
    std::fs::copy(testkit::vectors("tokenizer/tekken_v7.json"), model.join("tekken.json")).unwrap();
    let (text, kept) = (model.join("text.txt"), model.join("kept.gguf"));
    std::fs::write(&text, "Once upon a time there was a north wind. ".repeat(40)).unwrap();
    let (measured, again, plain) = (place("measured"), place("measured-again"), place("unmeasured"));
    let more = ["--type", "q4_0", "--json", "--imatrix", argument(&text), "--save-imatrix", argument(&kept)];
    let report = quantize(&model, &measured, &more).json();
    assert_eq!(report["importance"]["matrices"], 14, "{report}");
    assert!(report["importance"]["chunks"].as_u64().unwrap() > 1, "{report}");
    quantize(&model, &again, &["--type", "q4_0", "--imatrix", argument(&kept)]).text();
    quantize(&model, &plain, &["--type", "q4_0"]).text();
    let weights = |file: &Path| {
        let file = std::fs::read(file).unwrap();
        file[checkpoint::gguf::parse(&file, "").unwrap().tensors[0].offset as usize..].to_vec()
    };
    assert!(weights(&measured) == weights(&again) && weights(&measured) != weights(&plain));
    let key = |file: &Path, key: &str| {
        let keys = checkpoint::gguf::parse(&std::fs::read(file).unwrap(), "").unwrap().keys;
        keys.text(key).map(str::to_owned)
    };
    assert_eq!(key(&again, "quantize.imatrix.file").as_deref(), Some("kept.gguf"));
    assert_eq!(key(&again, "quantize.imatrix.dataset").as_deref(), Some("text.txt"));
    assert_eq!(key(&plain, "quantize.imatrix.file"), None);

    let (broken, new) = (testkit::vectors("checkpoint/importance.gguf"), place("never"));
    let gguf = argument(&measured);
    let rows: [(&[&str], i32, &str); 5] = [
        (&["--imatrix", argument(&broken)], 1, "the importance of blk.0.attn_q.weight is for 8 columns, not 32"),
        (&["--imatrix", gguf], 1, "a GGUF file, but not an importance matrix"),
        (&["--imatrix", "missing.txt"], 1, "missing.txt"),
        (&["--imatrix", argument(&text), "--save-imatrix", gguf], 1, "is there already"),
        (&["--save-imatrix", "x.gguf"], 2, "--imatrix <FILE>"),
    ];
    testkit::check_table(rows.map(|row| (row.0.join(" "), row)), |(more, code, message)| {
        let run = tramontane(&[&["quantize", argument(&model), argument(&new), "--type", "q4_0"], more].concat());
        let right = run.code == Some(code) && run.stderr.contains(message) && !new.exists();
        if right { Ok(()) } else { Err(format!("{run:?}")) }
    });
    let run = quantize(&testkit::vectors("models/llama/hf"), &new, &["--type", "q4_0", "--imatrix", argument(&text)]);
    assert!(run.code == Some(1) && run.stderr.contains("no tokenizer"), "{run:?}");
}

/// The tiny llama with a table of embeddings that is large enough for any of the small tokenizers.
fn widened(folder: &Path) {
    let model = testkit::vectors("models/llama/hf");
    let config: Value = testkit::json(&model.join("config.json"));
    let (mut config, rows) = (config.as_object().unwrap().clone(), 4096);
    config.insert("vocab_size".to_owned(), rows.into());
    std::fs::write(folder.join("config.json"), Value::Object(config).to_string()).unwrap();
    let tensors = testkit::safetensors(&model.join("model.safetensors"));
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, array) in &tensors {
        let (mut shape, mut values) = (array.shape.clone(), array.values.clone());
        if shape.len() == 2 && shape[0] == 40 {
            shape[0] = rows;
            values.resize(rows * shape[1], 0.0);
        }
        let start = data.len();
        data.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        let entry = serde_json::json!({ "dtype": "F32", "shape": shape, "data_offsets": [start, data.len()] });
        header.insert(name.clone(), entry);
    }
    let header = Value::Object(header).to_string();
    let file = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat();
    std::fs::write(folder.join("model.safetensors"), file).unwrap();
}

/// `OUT.partial` is a name like any other: what is read may have it, or be led to by it; and two at once do not meet.
#[test]
fn files_beside_the_output_stay() {
    let folder = folder("quantize-beside");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let source = std::fs::read(testkit::vectors("models/llama/model.gguf")).unwrap();
    let (out, scores) = (folder.join("out.gguf"), folder.join("out.safetensors"));
    let (model, led_to) = (folder.join("out.gguf.partial"), folder.join("letter"));
    std::fs::write(&model, &source).unwrap();
    std::fs::write(&led_to, "a letter").unwrap();
    std::os::unix::fs::symlink(&led_to, folder.join("out.safetensors.partial")).unwrap();
    // Its ending hides from the program that it is a model.
    let named = folder.join("named.gguf");
    std::os::unix::fs::symlink(&model, &named).unwrap();
    std::thread::scope(|scope| {
        let run = || quantize(&named, &out, &["--type", "f32"]);
        let (one, other) = (scope.spawn(run), scope.spawn(run));
        [one, other].into_iter().for_each(|run| assert_eq!(run.join().unwrap().code, Some(0)));
    });
    assert_eq!(logits(&out, &out).unwrap(), logits(&named, &named).unwrap());
    assert!(scores.exists() && std::fs::read(&model).unwrap() == source);
    assert_eq!(std::fs::read_to_string(&led_to).unwrap(), "a letter");
}

/// Weights, the other files of a folder, the text of `--imatrix`; and one output by another.
#[test]
fn what_is_read_is_not_replaced() {
    let folder = folder("quantize-inputs");
    let _ = std::fs::remove_dir_all(&folder);
    let model = folder.join("model");
    std::fs::create_dir_all(&model).unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(testkit::vectors("models/llama/hf").join(name), model.join(name)).unwrap();
    }
    std::fs::copy(testkit::vectors("tokenizer/tekken_v7.json"), model.join("tekken.json")).unwrap();
    std::fs::write(model.join("text.txt"), "a text").unwrap();
    std::os::unix::fs::symlink(model.join("model.safetensors"), folder.join("link")).unwrap();
    let bytes = || {
        let files = std::fs::read_dir(&model).unwrap().map(|file| file.unwrap().path());
        let mut files: Vec<_> = files.map(|path| (path.clone(), std::fs::read(path).unwrap())).collect();
        files.sort();
        files
    };
    let before = bytes();
    let place = |name: &str| argument(&folder.join(name)).to_owned();
    let [input, text, out] = ["model", "model/text.txt", "out.gguf"].map(place);
    let rows: [(&str, Option<&str>, &str); 8] = [
        ("model/config.json", None, "config.json is what is read"),
        ("model/tekken.json", None, "tekken.json is what is read"),
        ("model/../model/model.safetensors", None, "model.safetensors is what is read"),
        ("link", None, "link is what is read"),
        ("model/text.txt", None, "text.txt is what is read"),
        ("out.gguf", Some("model/model.safetensors"), "model.safetensors is what is read"),
        ("out.gguf", Some("model/text.txt"), "text.txt is what is read"),
        ("out.gguf", Some("model/../out.gguf"), "out.gguf is what OUT is too"),
    ];
    testkit::check_table(rows.map(|row| (row.2, row)), |(name, matrix, message)| {
        let (given, matrix) = (place(name), matrix.map(place));
        let mut arguments = vec!["quantize", &input, &given, "--type", "q8_0", "--force", "--imatrix", &text];
        arguments.extend(matrix.iter().flat_map(|matrix| ["--save-imatrix", matrix]));
        let run = tramontane(&arguments);
        let right = run.code == Some(2) && run.stderr.contains(message) && !Path::new(&out).exists();
        if right { Ok(()) } else { Err(format!("{run:?}")) }
    });
    assert!(bytes() == before);
    let device = tramontane(&["quantize", &input, "/dev/null", "--type", "q8_0", "--force"]);
    assert!(device.code == Some(2) && device.stderr.contains("a device or a pipe"), "{device:?}");
}

/// A pipe in the place of a tokenizer, which nobody writes into, is an error and not a wait.
#[test]
fn a_tokenizer_that_is_a_pipe() {
    let model = folder("quantize-pipe");
    let _ = std::fs::remove_dir_all(&model);
    std::fs::create_dir_all(&model).unwrap();
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(testkit::vectors("models/llama/hf").join(name), model.join(name)).unwrap();
    }
    let pipe = model.join("tekken.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let out = place("pipe");
    for arguments in [
        &["quantize", argument(&model), argument(&out), "--type", "q8_0"] as &[&str],
        &["tokenize", argument(&model), "hi"],
        &["tokenize", argument(&pipe), "hi"],
    ] {
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tramontane"));
        let child = child.args(arguments).env("HOME", folder("home")).stderr(std::process::Stdio::piped());
        let mut child = child.spawn().unwrap();
        let start = std::time::Instant::now();
        while child.try_wait().unwrap().is_none() {
            if start.elapsed() > std::time::Duration::from_secs(60) {
                child.kill().unwrap();
                panic!("{arguments:?} waits");
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(1) && said.contains("not a regular file"), "{arguments:?}: {said}");
    }
}

#[test]
fn refusals() {
    let (model, q8) = (testkit::vectors("models/llama/model.gguf"), testkit::vectors("models/q8_0/model.gguf"));
    let there = place("there");
    std::fs::write(&there, "something of somebody").unwrap();
    let own = place("own");
    std::fs::copy(&model, &own).unwrap();
    let new = place("new");
    let folder = folder("quantize");
    let [model, q8, there, own, new, folder] = [&model, &q8, &there, &own, &new, &folder].map(|path| argument(path));
    let rows: &[(&[&str], i32, &str)] = &[
        (&[model, new], 2, "--type"),
        (&[model, new, "--type", "q9_k"], 2, "q9_k is no type: there are f32, f16"),
        (&[model, new, "--type", "q8_0", "--threads", "0"], 2, "--threads is 0"),
        (&[model, there, "--type", "q8_0"], 1, "there.gguf is there already"),
        (&[own, own, "--type", "q8_0", "--force"], 2, "own.gguf is what is read"),
        (&[model, folder, "--type", "q8_0", "--force"], 2, "is a folder"),
        (&[model, "missing/x.gguf", "--type", "q8_0"], 1, "missing/x.gguf"),
        (&["missing.gguf", new, "--type", "q8_0"], 1, "missing.gguf"),
        (&[q8, new, "--type", "q4_0"], 1, "is q8_0 already, and rounding twice loses more than once"),
    ];
    testkit::check_table(rows.iter().map(|row| (row.0.join(" "), row)), |(arguments, code, message)| {
        let run = tramontane(&[&["quantize"], *arguments].concat());
        let right = run.code == Some(*code) && run.stderr.contains(message) && run.stdout.is_empty();
        if right { Ok(()) } else { Err(format!("{run:?}")) }
    });
    assert_eq!(std::fs::read_to_string(there).unwrap(), "something of somebody");
    assert!(nothing_begun(Path::new(new)));
    let again =
        tramontane(&["quantize", q8, argument(&place("twice")), "--type", "q4_0", "--allow-requantize", "--force"]);
    assert_eq!(again.code, Some(0), "{again:?}");
}

/// A weight that f16 cannot hold, or nothing can, ends it all, and nothing is left behind.
#[test]
fn weights_that_do_not_fit() {
    let model = folder("quantize").join("huge");
    std::fs::create_dir_all(&model).unwrap();
    let source = testkit::vectors("models/llama/hf");
    std::fs::copy(source.join("config.json"), model.join("config.json")).unwrap();
    let whole = std::fs::read(source.join("model.safetensors")).unwrap();
    let tensors = checkpoint::safetensors::parse(&whole, "").unwrap();
    let rows = [
        ("model.embed_tokens.weight", 1e30f32, "f16", "does not fit f16"),
        ("model.embed_tokens.weight", 1e30f32, "q8_0", "does not fit q8_0"),
        ("model.embed_tokens.weight", f32::NAN, "bf16", "not a finite number"),
        ("model.norm.weight", f32::INFINITY, "f32", "output_norm.weight: a weight is not a finite number"),
    ];
    testkit::check_table(rows.map(|row| (row.3, row)), |(name, value, mix, message)| {
        let at = tensors.iter().find(|tensor| tensor.name == name).unwrap().offset as usize;
        let mut file = whole.clone();
        file[at..at + 4].copy_from_slice(&value.to_le_bytes());
        std::fs::write(model.join("model.safetensors"), &file).unwrap();
        let out = place("huge");
        // Of an earlier run of the tests.
        let _ = std::fs::remove_file(&out);
        let run = quantize(&model, &out, &["--type", mix]);
        let gone = nothing_begun(&out);
        if run.code == Some(1) && run.stderr.contains(message) && gone { Ok(()) } else { Err(format!("{run:?}")) }
    });
}
