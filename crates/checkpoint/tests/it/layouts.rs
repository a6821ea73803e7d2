//! What the vectors do not have: experts stacked in other ways, folders that hold more than a model, YaRN in GGUF keys.

use std::path::Path;
use std::sync::Arc;

use checkpoint::gguf::{self, Keys, TensorSpec, Value, Writer};
use checkpoint::{Checkpoint, Layout, RopeScaling, TokenizerSource};
use quant::{Format, RowSource};

use crate::folder::Folder;
use crate::tiny;

/// All rows of all tensors, by name.
fn contents(checkpoint: &Checkpoint) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = checkpoint.tensors().map(|tensor| (tensor.name().to_owned(), rows(tensor))).collect();
    all.sort();
    all
}

fn rows(tensor: &dyn RowSource) -> Vec<u8> {
    let mut bytes = vec![0; tensor.rows() * tensor.format().row_bytes(tensor.cols()).unwrap()];
    tensor.read_rows(0..tensor.rows(), &mut bytes).unwrap();
    bytes
}

/// A safetensors file of f32 tensors.
fn safetensors(tensors: &[(String, Vec<usize>, Vec<u8>)]) -> Vec<u8> {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, shape, bytes) in tensors {
        let offsets = [end, end + bytes.len()];
        end += bytes.len();
        header.insert(name.clone(), serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": offsets}));
    }
    let header = serde_json::Value::Object(header).to_string();
    let data: Vec<u8> = tensors.iter().flat_map(|(_, _, bytes)| bytes.clone()).collect();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &data].concat()
}

/// Mixtral as `transformers` 5 holds it in memory: w1 and w3 of all experts in one tensor, w2 in another.
#[test]
fn experts_stacked_by_transformers_5() {
    let plain = Checkpoint::open(testkit::vectors("models/mixtral/hf")).unwrap();
    let config = &plain.config;
    let (experts, dim, hidden) = (config.experts.unwrap().count, config.dim, config.hidden_dim);
    let expert = |e: usize, matrix: &str| {
        rows(plain.tensor(&format!("layers.0.feed_forward.experts.{e}.{matrix}.weight")).unwrap())
    };
    let pairs = (0..experts).flat_map(|e| [expert(e, "w1"), expert(e, "w3")].concat()).collect();
    let downs = (0..experts).flat_map(|e| expert(e, "w2")).collect();
    let vector = testkit::vectors("models/mixtral/hf");
    let mut tensors = vec![
        ("model.layers.0.mlp.experts.gate_up_proj".to_owned(), vec![experts, 2 * hidden, dim], pairs),
        ("model.layers.0.mlp.experts.down_proj".to_owned(), vec![experts, dim, hidden], downs),
    ];
    let file = std::fs::read(vector.join("model.safetensors")).unwrap();
    for tensor in checkpoint::safetensors::parse(&file, "").unwrap() {
        if !tensor.name.contains("experts") {
            let name = tensor.name.replace("block_sparse_moe", "mlp");
            let bytes = file[tensor.offset as usize..(tensor.offset + tensor.bytes) as usize].to_vec();
            tensors.push((name, tensor.dims, bytes));
        }
    }
    let config_json = std::fs::read(vector.join("config.json")).unwrap();
    let folder = Folder::new(&[("config.json", &config_json), ("model.safetensors", &safetensors(&tensors))]);
    let stacked = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(contents(&stacked), contents(&plain));
}

/// The first GGUF files of Mixtral had a tensor for each expert.
#[test]
fn experts_one_by_one_in_gguf() {
    let path = testkit::vectors("models/mixtral/model.gguf");
    let file = std::fs::read(&path).unwrap();
    let parsed = gguf::parse(&file, "mixtral").unwrap();
    let mut specs = Vec::new();
    let mut data = Vec::new();
    for tensor in &parsed.tensors {
        let bytes = &file[tensor.offset as usize..(tensor.offset + tensor.bytes) as usize];
        let (experts, dims) = match tensor.dims.as_slice() {
            [cols, rows, experts] => (*experts, vec![*cols, *rows]),
            dims => (1, dims.to_vec()),
        };
        for (e, bytes) in bytes.chunks(bytes.len() / experts).enumerate() {
            let name = tensor.name.replace("_exps.", &format!(".{e}."));
            specs.push(TensorSpec { name, dims: dims.clone(), format: tensor.format });
            data.push(bytes);
        }
    }
    assert!(specs.len() > parsed.tensors.len());
    let mut writer = Writer::start(Vec::new(), &parsed.keys, &specs).unwrap();
    data.iter().for_each(|bytes| writer.append(bytes).unwrap());
    let legacy = Checkpoint::from_gguf(Arc::new(writer.finish().unwrap()), "legacy").unwrap();
    assert_eq!(contents(&legacy), contents(&Checkpoint::open(&path).unwrap()));
}

fn read(path: &str) -> Vec<u8> {
    std::fs::read(testkit::vectors("models").join(path)).unwrap()
}

#[test]
fn a_folder_with_both_layouts_says_which_was_taken() {
    let (config, model) = (read("llama/hf/config.json"), read("llama/hf/model.safetensors"));
    let (params, consolidated) = (read("llama/mistral/params.json"), read("llama/mistral/consolidated.safetensors"));
    let folder = Folder::new(&[
        ("config.json", &config),
        ("model.safetensors", &model),
        ("params.json", &params),
        ("consolidated.safetensors", &consolidated),
    ]);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    assert_eq!(checkpoint.layout, Layout::Mistral);
    assert_eq!(
        checkpoint.notes,
        ["the folder holds the model twice: Mistral safetensors was taken, Hugging Face safetensors was not"]
    );
    assert_eq!(checkpoint.about.files.len(), 1);
}

#[test]
fn a_folder_with_one_gguf_file_opens_it() {
    let whole = tiny::whole();
    let folder = Folder::new(&[("tiny.gguf", &whole), ("mmproj-tiny.gguf", b"GGUF"), ("README.md", b"# tiny")]);
    assert_eq!(Checkpoint::open(folder.path()).unwrap().layout, Layout::Gguf);
    assert_eq!(
        Checkpoint::open(testkit::vectors("checkpoint").join("split-00002-of-00003.gguf")).unwrap().about.files.len(),
        3
    );
}

#[test]
fn tokenizers_of_folders() {
    let (config, model) = (read("llama/hf/config.json"), read("llama/hf/model.safetensors"));
    let rows: [(&[&str], Option<&str>); 6] = [
        (&["tokenizer.model", "tekken.json", "tokenizer.json"], Some("tekken.json")),
        (&["tokenizer.json", "tokenizer.model"], Some("tokenizer.model")),
        (&["tokenizer.model", "tokenizer.model.v3"], Some("tokenizer.model.v3")),
        (&["tokenizer.model.v7m1", "tokenizer.model.v3"], Some("tokenizer.model.v7m1")),
        (&["mistral_instruct_tokenizer_241114.model.v7"], Some("mistral_instruct_tokenizer_241114.model.v7")),
        (&["tokenizer.json"], None),
    ];
    testkit::check_table(rows.map(|row| (row.0.join(" "), row)), |(names, expected)| {
        let mut files: Vec<(&str, &[u8])> = vec![("config.json", &config), ("model.safetensors", &model)];
        files.extend(names.iter().map(|name| (*name, b"{}".as_slice())));
        let folder = Folder::new(&files);
        match (Checkpoint::open(folder.path()).map_err(|error| error.to_string())?.tokenizer, expected) {
            (TokenizerSource::File(path), Some(name)) if path == folder.path().join(name) => Ok(()),
            (TokenizerSource::None { looked_for }, None) if looked_for.contains("download tekken.json") => Ok(()),
            (other, _) => Err(format!("{other:?}")),
        }
    });
}

#[test]
fn tokens_that_a_folder_adds() {
    let (config, model) = (read("llama/hf/config.json"), read("llama/hf/model.safetensors"));
    let vocab_size = Checkpoint::open(testkit::vectors("models/llama/hf")).unwrap().config.vocab_size as u32;
    let last = vocab_size - 1;
    let legacy = format!(r#"{{"<|im_end|>": {}, "<t>": {last}}}"#, last - 1);
    let decoder = format!(r#"{{"added_tokens_decoder": {{"{last}": {{"content": "<s2>", "special": true}}}}}}"#);
    let beyond = format!(r#"{{"<pad>": {vocab_size}}}"#);
    let end = format!(r#"{{"eos_token_id": [2, {last}]}}"#);
    let added = |id: u32, content: &str, special: bool| (id, content.to_owned(), special);
    let own = Some(2);
    let rows: [(&[(&str, &str)], _, _); 6] = [
        (&[], vec![], own),
        (&[("added_tokens.json", &legacy)], vec![added(last - 1, "<|im_end|>", false), added(last, "<t>", false)], own),
        (
            &[
                ("added_tokens.json", &legacy),
                ("special_tokens_map.json", r#"{"eos_token": {"content": "<|im_end|>"}}"#),
            ],
            vec![added(last - 1, "<|im_end|>", true), added(last, "<t>", false)],
            own,
        ),
        (&[("tokenizer_config.json", &decoder)], vec![added(last, "<s2>", true)], own),
        (&[("added_tokens.json", &beyond)], vec![], own),
        (
            &[("tokenizer_config.json", &decoder), ("generation_config.json", &end)],
            vec![added(last, "<s2>", true)],
            Some(last),
        ),
    ];
    testkit::check_table(rows.map(|row| (format!("{:?}", row.0), row)), |(files, tokens, eos_id)| {
        let mut all: Vec<(&str, &[u8])> = vec![("config.json", &config), ("model.safetensors", &model)];
        all.extend(files.iter().map(|(name, text)| (*name, text.as_bytes())));
        let folder = Folder::new(&all);
        let opened = Checkpoint::open(folder.path()).map_err(|error| error.to_string())?;
        let is_noted = opened.notes.iter().any(|note| note.contains("were left out"));
        let found = opened.added_tokens;
        match (
            found.tokens == tokens && found.eos_id == eos_id,
            is_noted == (files == [("added_tokens.json", &*beyond)]),
        ) {
            (true, true) => Ok(()),
            _ => Err(format!("{found:?} {:?}", opened.notes)),
        }
    });
    for (file, text) in
        [("added_tokens.json", r#"{"<a>": -1}"#), ("tokenizer_config.json", r#"{"added_tokens_decoder": {"x": {}}}"#)]
    {
        let folder = Folder::new(&[("config.json", &config), ("model.safetensors", &model), (file, text.as_bytes())]);
        let error = Checkpoint::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(file) && error.contains("no token has such an id"), "{error}");
    }
}

/// A GGUF file made of a folder has them too.
#[test]
fn added_tokens_go_into_a_gguf_file() {
    let (config, model) = (read("llama/hf/config.json"), read("llama/hf/model.safetensors"));
    let added = r#"{"added_tokens_decoder": {"2": {"content": "<new>", "special": true}, "4": {"content": "<|end|>"}, "5": {"content": "<t>"}}}"#;
    let folder = Folder::new(&[
        ("config.json", &config),
        ("model.safetensors", &model),
        ("tokenizer_config.json", added.as_bytes()),
        ("generation_config.json", br#"{"eos_token_id": 4}"#),
    ]);
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let vocab = gguf::GgufVocab {
        model: "llama".to_owned(),
        tokens: ["<unk>", "<s>", "[control_2]", "a"].map(str::to_owned).to_vec(),
        scores: vec![0.0; 4],
        token_types: vec![2, 3, 3, 1],
        eos_id: Some(2),
        ..Default::default()
    };
    let keys = gguf::keys(&checkpoint, Some(&vocab)).unwrap();
    let value = |key: &str| keys.value(&format!("tokenizer.ggml.{key}")).unwrap();
    let tokens: Vec<&str> = value("tokens").array().unwrap().strings().unwrap().iter().take(7).collect();
    assert_eq!(tokens, ["<unk>", "<s>", "<new>", "a", "<|end|>", "<t>", "[PAD6]"]);
    let types: Vec<_> =
        value("token_type").array().unwrap().values().filter_map(|kind| kind.integer()).take(7).collect();
    assert_eq!(types, [2, 3, 3, 1, 3, 4, 5]);
    assert_eq!(value("eos_token_id").integer(), Some(4));
}

#[test]
fn chat_templates_of_folders() {
    let (config, model) = (read("llama/hf/config.json"), read("llama/hf/model.safetensors"));
    let rows: [(&str, &str, Option<&str>); 6] = [
        ("chat_template.jinja", "{{ a }}", Some("{{ a }}")),
        ("chat_template.json", r#"{"chat_template": "{{ b }}"}"#, Some("{{ b }}")),
        ("tokenizer_config.json", r#"{"a": [1, {}], "chat_template": "{{ c }}"}"#, Some("{{ c }}")),
        (
            "tokenizer_config.json",
            r#"{"chat_template": [{"name": "rag", "template": "r"}, {"name": "default", "template": "d"}]}"#,
            Some("d"),
        ),
        ("tokenizer_config.json", r#"{"chat_template": [{"name": "rag", "template": "r"}]}"#, None),
        ("tokenizer_config.json", "{}", None),
    ];
    testkit::check_table(rows.map(|row| (row.1, row)), |(name, text, expected)| {
        let files = [("config.json", config.as_slice()), ("model.safetensors", &model), (name, text.as_bytes())];
        let template = Checkpoint::open(Folder::new(&files).path()).map_err(|error| error.to_string())?.chat_template;
        if template.as_deref() == expected { Ok(()) } else { Err(format!("{template:?}")) }
    });
}

/// Keys of YaRN as llama.cpp's converters write them, with the factor of cosines and sines that llama.cpp computes.
#[test]
fn yarn_magnitude_in_gguf() {
    let magnitude = 1.0 + 0.1 * 16_f64.ln();
    let rows = [
        ("no key: the paper's", "finetuned", 0.0, magnitude),
        ("weight 0, as Medium 3.5 and apply_scale: true have it", "yarn_log_multiplier", 0.0, magnitude),
        ("weight 1, as Ministral 3 and apply_scale: false have it", "yarn_log_multiplier", 1.0, 1.0),
        ("weight 0.5", "yarn_log_multiplier", 0.5, magnitude / (1.0 + 0.05 * 16_f64.ln())),
        ("times attn_factor", "attn_factor", 0.5, 0.5 * magnitude),
        ("attention_factor given in config.json", "yarn_attn_factor", 1.25, 1.25),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(_, key, value, expected)| {
        let mut keys = tiny::keys();
        keys.set("llama.rope.scaling.type", Value::String("yarn".to_owned()));
        keys.set("llama.rope.scaling.factor", Value::F32(16.0));
        keys.set(&format!("llama.rope.scaling.{key}"), Value::F32(value));
        match gguf_config(&keys).rope.scaling {
            RopeScaling::Yarn { attention_factor, original_context: 64.0, .. }
                if (attention_factor - expected).abs() < 1e-15 =>
            {
                Ok(())
            }
            other => Err(format!("{other:?}, not {expected}")),
        }
    });
}

fn gguf_config(keys: &Keys) -> checkpoint::Config {
    let bytes = tiny::file(keys, &tiny::tensors());
    gguf::config(&gguf::parse(&bytes, "tiny.gguf").unwrap(), "tiny.gguf").unwrap()
}

#[test]
fn windows_in_gguf() {
    let layers = |pattern: Option<Value>| {
        let mut keys = tiny::keys();
        keys.set("llama.block_count", Value::U32(4));
        keys.set("llama.attention.sliding_window", Value::U32(32));
        pattern.into_iter().for_each(|value| keys.set("llama.attention.sliding_window_pattern", value));
        gguf_config(&keys).windows.iter().map(|window| window.map_or(0, |size| size.get())).collect::<Vec<_>>()
    };
    let flags = |flags: &[bool]| Some(Value::Array(gguf::Array::of_bool(flags)));
    assert_eq!(layers(None), [32, 32, 32, 32]);
    assert_eq!(layers(flags(&[false, true, true, false])), [0, 32, 32, 0]);
    assert_eq!(layers(Some(Value::U32(2))), [32, 0, 32, 0]);
}

#[test]
fn other_facts_for_people() {
    let checkpoint = Checkpoint::open(testkit::vectors("models/fp8/hf")).unwrap();
    assert!(checkpoint.tensors().any(|tensor| tensor.format() == Format::BF16));
    let unused = "the files hold scales for activations in 8 bits";
    assert!(checkpoint.notes.iter().any(|note| note.starts_with(unused)), "{:?}", checkpoint.notes);
    let tower = Checkpoint::open(testkit::vectors("models/mistral3-tied/hf")).unwrap();
    assert!(tower.notes.iter().any(|note| note.contains("a vision tower (")), "{:?}", tower.notes);
    assert!(tower.about.size_bytes > tower.weight_bytes());
    assert!(Path::new(&tower.about.files[0]).exists());
}
