//! Changed files, seeded: whatever the bytes are, everything that reads them returns.

use prompt::{Conversation, Purpose, Template, parse_answer, render_template};
use testkit::{Random, json, vectors};
use tokenizer::{TemplateVersion, TokenId};

use crate::tokenizers;

#[test]
fn chat_templates() {
    let read = |name| std::fs::read(vectors(&format!("prompt/templates/{name}.jinja"))).unwrap();
    let seeds = ["chatml", "headers", "turns", "python"].map(read);
    let mut random = Random::new(1);
    for round in 0..400 {
        let _ = render_template(&changed(&seeds[round % seeds.len()], &mut random));
    }
}

#[test]
fn conversations() {
    let cases = json(&vectors("prompt/cases.json"));
    let seeds: Vec<String> =
        cases["conversations"].as_object().unwrap().values().map(|case| case["request"].to_string()).collect();
    let names = ["spm v1", "spm v2", "spm v3", "tekken v7", "tekken v11", "tekken v13", "tekken v15"];
    let tokenizers = names.map(tokenizers::small);
    let mut random = Random::new(2);
    for round in 0..4000 {
        let text = changed(seeds[round % seeds.len()].as_bytes(), &mut random);
        let Ok(conversation) = Conversation::from_json(&String::from_utf8_lossy(&text)) else { continue };
        for tokenizer in &tokenizers {
            let template = Template::new(tokenizer, tokenizer.version().unwrap());
            let _ = template.render(&conversation, Purpose::Serving);
        }
    }
}

#[test]
fn answers() {
    let tokenizer = tokenizers::small("tekken v13");
    let mut random = Random::new(3);
    for _ in 0..2000 {
        let mut token = || {
            let end = if random.below(3) == 0 { 36 } else { tokenizer.vocab_size() + 1 };
            TokenId(u32::try_from(random.below(end)).unwrap())
        };
        let tokens: Vec<TokenId> = (0..30).map(|_| token()).collect();
        for version in TemplateVersion::ALL {
            let _ = parse_answer(&tokenizer, version, &tokens, String::new);
        }
    }
}

/// A file with a few bytes flipped, cut out, or doubled elsewhere.
fn changed(file: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for _ in 0..=random.below(8) {
        let (at, length) = (random.below(bytes.len()), random.below(40));
        let end = (at + length).min(bytes.len());
        match random.below(4) {
            0 => bytes[at] = random.bits() as u8,
            1 => drop(bytes.drain(at..end)),
            2 => {
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                drop(bytes.splice(to..to, part));
            }
            _ => bytes.swap(at, end - 1),
        }
        if bytes.is_empty() {
            bytes.push(b'{');
        }
    }
    bytes
}
