//! The small tokenizers of `vectors/tokenizer`, and the texts by rule.

use serde_json::Value;
use testkit::Random;
use tokenizer::{GgufVocab, TokenId, Tokenizer};

/// Names of the tokenizer files, of every kind.
pub(crate) const FILES: [&str; 12] = [
    "tokenizer.model.v1",
    "tokenizer.model.v2",
    "tokenizer.model.v3",
    "tokenizer.model.v7",
    "plain.model",
    "unigram.model",
    "folding.model",
    "tekken_v3.json",
    "tekken_v7.json",
    "tekken_v11.json",
    "tekken_v13.json",
    "tekken_v15.json",
];

pub(crate) fn json(name: &str) -> Value {
    testkit::json(&testkit::vectors("tokenizer").join(name))
}

pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(testkit::vectors("tokenizer").join(name)).unwrap()
}

pub(crate) fn open(name: &str) -> Tokenizer {
    Tokenizer::open(testkit::vectors("tokenizer").join(name)).unwrap()
}

pub(crate) fn gguf(name: &str) -> GgufVocab {
    let all = json("gguf.json");
    let vocab = &all[name];
    let list = |key: &str| vocab[key].as_array().cloned().unwrap_or_default();
    let id = |key: &str| vocab[key].as_u64().map(|id| id as u32);
    GgufVocab {
        model: vocab["model"].as_str().unwrap().to_owned(),
        pre: vocab["pre"].as_str().map(str::to_owned),
        tokens: list("tokens").iter().map(|token| token.as_str().unwrap().to_owned()).collect(),
        scores: list("scores").iter().map(|score| score.as_f64().unwrap() as f32).collect(),
        token_types: list("token_types").iter().map(|kind| kind.as_i64().unwrap() as i32).collect(),
        bos_id: id("bos_id"),
        eos_id: id("eos_id"),
        unknown_id: id("unknown_id"),
        padding_id: id("padding_id"),
        add_space_prefix: None,
    }
}

pub(crate) fn ids(list: &Value) -> Vec<TokenId> {
    list.as_array().unwrap().iter().map(|id| TokenId(id.as_u64().unwrap() as u32)).collect()
}

pub(crate) fn strings(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The texts that `vectors/tokenizer/texts.py` makes by rule, from the data in `golden.json`.
pub(crate) struct Rule {
    words: Vec<String>,
    pools: Vec<(usize, usize)>,
    random: (usize, usize),
    long: Vec<(String, usize)>,
}

impl Rule {
    pub(crate) fn new(golden: &Value) -> Self {
        let size = |value: &Value| value.as_u64().unwrap() as usize;
        let pairs = |key: &str| golden[key].as_array().unwrap().clone();
        Self {
            words: strings(&golden["words"]),
            pools: pairs("pools").iter().map(|pool| (size(&pool[0]), size(&pool[1]))).collect(),
            random: (size(&golden["random"][0]), size(&golden["random"][1])),
            long: pairs("long_rule")
                .iter()
                .map(|rule| (rule[0].as_str().unwrap().to_owned(), size(&rule[1])))
                .collect(),
        }
    }

    pub(crate) fn long_texts(&self) -> impl Iterator<Item = String> {
        self.long.iter().map(|(unit, count)| unit.repeat(*count))
    }

    /// Random texts in the blocks that are hashed together.
    pub(crate) fn random_blocks(&self) -> impl Iterator<Item = Vec<String>> {
        let mut random = Random::new(1);
        let (count, block) = self.random;
        (0..count / block).map(move |_| (0..block).map(|_| self.random_text(&mut random)).collect())
    }

    fn random_text(&self, random: &mut Random) -> String {
        let parts = random.below(24);
        (0..parts).map(|_| self.random_part(random)).collect()
    }

    fn random_part(&self, random: &mut Random) -> String {
        if random.below(2) == 0 {
            return self.words[random.below(self.words.len())].clone();
        }
        let (start, end) = self.pools[random.below(self.pools.len())];
        let character = char::from_u32((start + random.below(end - start)) as u32).unwrap();
        character.to_string().repeat([1, 1, 1, 2, 7][random.below(5)])
    }
}

/// FNV-1a over the ids of some texts, each ended by `u32::MAX`.
pub(crate) fn hash(texts: impl IntoIterator<Item = Vec<TokenId>>) -> String {
    let ids = texts.into_iter().flat_map(|ids| ids.into_iter().map(|id| id.0).chain([u32::MAX]));
    let bytes = ids.flat_map(u32::to_le_bytes);
    let state =
        bytes.fold(0xcbf2_9ce4_8422_2325u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{state:016x}")
}
