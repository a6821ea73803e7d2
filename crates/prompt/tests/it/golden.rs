//! Prompts equal mistral-common's, token for token, and so do its refusals.

use prompt::{Conversation, Error, Purpose, Rendered, Template};
use serde_json::Value;
use testkit::{check_table, json, shared, vectors};
use tokenizer::{TemplateVersion, Tokenizer};

use crate::tokenizers;

#[test]
fn small_tokenizers() {
    let cases = json(&vectors("prompt/cases.json"));
    let golden = json(&vectors("prompt/golden.json"));
    let mut rows = Vec::new();
    for (name, expected) in golden.as_object().unwrap() {
        let tokenizer = std::rc::Rc::new(tokenizers::small(name));
        for (case, expected) in expected.as_object().unwrap() {
            rows.push((format!("{name}: {case}"), (tokenizer.clone(), version(name), &cases, case, expected)));
        }
    }
    check_table(rows, |(tokenizer, version, cases, case, expected)| {
        compare(attempt(&tokenizer, version, cases, case), expected)
    });
}

#[test]
fn real_tokenizers() {
    let mut cases = json(&vectors("prompt/cases.json"));
    let Some(samples) = shared("conformance/mistral-common/samples") else { return };
    for sample in std::fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path()) {
        let name = format!("sample: {}", sample.file_name().unwrap().display());
        let request = json(&sample.join("sample.json"));
        cases["conversations"][&name] = serde_json::json!({ "purpose": "test", "request": request });
    }
    let golden = json(&vectors("prompt/real.json"));
    for (name, expected) in golden.as_object().unwrap() {
        let Some(tokenizer) = tokenizers::real(name) else { return };
        let rows = expected.as_object().unwrap().iter();
        check_table(rows.map(|(case, expected)| (format!("{name}: {case}"), (case, expected))), |(case, expected)| {
            compare(attempt(&tokenizer, version(name), &cases, case), expected)
        });
    }
}

/// One of the samples shows spaces as spaces.
fn plain(text: &str) -> String {
    text.replace('▁', " ")
}

/// The files that mistral-common's own tests compare with.
#[test]
fn conformance_samples() {
    let Some(samples) = shared("conformance/mistral-common/samples") else { return };
    for name in ["v1", "v2", "v3"] {
        let Some(tokenizer) = tokenizers::real(&format!("spm {name}")) else { return };
        let template = Template::new(&tokenizer, TemplateVersion::from_name(name).unwrap());
        let folders = std::fs::read_dir(&samples).unwrap().map(|entry| entry.unwrap().path());
        let with_tokens = folders.filter(|folder| folder.join(format!("tokens_{name}.json")).exists());
        check_table(with_tokens.map(|folder| (format!("{name}: {}", folder.display()), folder)), |folder| {
            let chat = std::fs::read_to_string(folder.join("sample.json")).unwrap();
            let conversation = Conversation::from_json(&chat).map_err(|error| error.to_string())?;
            let ours = template.render(&conversation, Purpose::Test).map_err(|error| error.to_string())?;
            let mut theirs = json(&folder.join(format!("tokens_{name}.json")));
            let theirs: Vec<u32> = serde_json::from_value(theirs["tokens"].take()).unwrap();
            let text = std::fs::read_to_string(folder.join(format!("text_{name}.txt"))).unwrap();
            let is_equal = ours.tokens.iter().map(|token| token.0).eq(theirs) && plain(&ours.text) == plain(&text);
            if is_equal { Ok(()) } else { Err(format!("\n  ours   {}\n  theirs {text}", ours.text)) }
        });
    }
}

fn version(name: &str) -> TemplateVersion {
    let version = name.split(' ').nth(1).unwrap();
    TemplateVersion::from_name(version.split('-').next().unwrap()).unwrap()
}

fn attempt(tokenizer: &Tokenizer, version: TemplateVersion, cases: &Value, case: &str) -> Result<Rendered, Error> {
    let template = Template::new(tokenizer, version);
    if let Some(name) = case.strip_prefix("fim: ") {
        let texts = &cases["fim"][name];
        return template.render_fim(texts[0].as_str().unwrap(), texts[1].as_str());
    }
    let case = &cases["conversations"][case];
    let purpose = match case["purpose"].as_str().unwrap() {
        "serving" => Purpose::Serving,
        "finetuning" => Purpose::Finetuning,
        _ => Purpose::Test,
    };
    template.render(&Conversation::from_json(&case["request"].to_string())?, purpose)
}

fn compare(ours: Result<Rendered, Error>, theirs: &Value) -> Result<(), String> {
    match (ours, theirs["error"].as_str()) {
        (Ok(ours), None) => {
            let tokens = ours.tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
            if let Some(hash) = theirs["hash"].as_str() {
                let is_equal = fnv(&tokens) == hash;
                return if is_equal { Ok(()) } else { Err(format!("other tokens than theirs for {}", ours.text)) };
            }
            let text = theirs["text"].as_str().unwrap();
            if ours.text != text {
                return Err(format!("\n  ours   {}\n  theirs {text}", ours.text));
            }
            let is_equal = tokens == theirs["tokens"].as_str().unwrap();
            if is_equal { Ok(()) } else { Err(format!("\n  ours   {tokens}\n  theirs {}", theirs["tokens"])) }
        }
        // mistral-common's own sample `parallel_calls` has them; its code does not.
        (Ok(_), Some("Tokenizer v2 does not support multiple tool results for one assistant turn.")) => Ok(()),
        (Ok(ours), Some(error)) => Err(format!("\n  ours   {}\n  theirs refused: {error}", ours.text)),
        // mistral-common leaves the tools out without a word.
        (Err(Error::NoTools), None) => Ok(()),
        (Err(error), None) => Err(format!("\n  ours   refused: {error}\n  theirs {}", theirs["text"])),
        (Err(ours), Some(theirs)) if same_refusal(&ours, theirs) => Ok(()),
        (Err(ours), Some(theirs)) => Err(format!("\n  ours   refused: {ours}\n  theirs refused: {theirs}")),
    }
}

/// The same message; or, where mistral-common shows its own insides, the same meaning.
fn same_refusal(ours: &Error, theirs: &str) -> bool {
    match ours {
        Error::EmptyAssistant => theirs.starts_with("Invalid assistant message: "),
        Error::NoThinkTokens => theirs.to_lowercase().contains("think"),
        ours => ours.to_string() == theirs,
    }
}

/// The hash of a prompt's tokens, as `make.py` reckons it.
fn fnv(text: &str) -> String {
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}
