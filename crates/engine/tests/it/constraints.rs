//! Constrained answers: valid to the end, the same bytes under every circumstance, and readable as what they are.

use engine::grammar::{Choice, Compiler, Constraint, Spec, Start, Tool, Tools};
use engine::prompt::{Conversation, Message, parse_answer};
use engine::{
    Engine, Event, FinishReason, Prompt, Request, SamplingParams, TemplateVersion, TextKind, TokenId, Tokenizer,
};
use serde_json::{Map, Value, json};
use testkit::{Random, check_table};

use crate::{answer, load};

fn brise() -> Engine {
    load(testkit::root().join("models/brise/brise-q8_0.gguf"))
}

fn schema() -> Spec {
    Spec::JsonSchema(json!({
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "sizes": {"type": "array", "items": {"type": "integer"}, "maxItems": 3}},
        "required": ["name", "sizes"],
        "additionalProperties": false
    }))
}

fn ask(text: &str, seed: u64, constraint: Option<Constraint>) -> Request {
    let sampling = SamplingParams { temperature: 1.5, seed, ..SamplingParams::plain() };
    let conversation = Conversation::new([Message::user(text)]);
    let prompt = Prompt::Conversation(Box::new(conversation));
    Request { sampling, constraint, max_tokens: Some(400), ..Request::new(prompt) }
}

/// The text of an answer and why it ended.
fn text(engine: &Engine, request: Request) -> (String, FinishReason) {
    let mut text = String::new();
    for event in engine.submit(request).unwrap() {
        match event {
            Event::Text { text: more, kind: TextKind::Content, .. } => text.push_str(&more),
            Event::Finished { reason, .. } => return (text, reason),
            Event::Failed(error) => panic!("{error}"),
            _ => {}
        }
    }
    panic!("no end: {text}")
}

#[test]
fn answers_follow_the_schema_alone_and_in_a_crowd() {
    let engine = brise();
    let compiler = engine.grammar().unwrap();
    let request = |seed| {
        let spec = if seed % 2 == 0 { schema() } else { Spec::Regex("(yes|no), [a-z ]{1,30}!".into()) };
        Request { logprobs: true, ..ask("A list, please.", seed, Some(compiler.compile(&spec).unwrap())) }
    };
    let alone: Vec<_> = (0..6).map(|seed| answer(engine.submit(request(seed)).unwrap())).collect();
    let free = engine.submit(ask("Something else", 9, None)).unwrap();
    let streams: Vec<_> = (0..6).map(|seed| engine.submit(request(seed)).unwrap()).collect();
    let crowd: Vec<_> = streams.into_iter().map(answer).collect();
    drop(free);
    assert_eq!(alone, crowd);
    let mut whole = 0;
    for seed in 0..6 {
        let (text, reason) = text(&engine, request(seed));
        if reason == FinishReason::Stop && seed % 2 == 0 {
            whole += 1;
            let value: Value = serde_json::from_str(&text).unwrap();
            assert!(value["name"].is_string() && value["sizes"].as_array().unwrap().len() <= 3, "{text}");
        } else if reason == FinishReason::Stop {
            assert!(text.ends_with('!') && (text.starts_with("yes, ") || text.starts_with("no, ")), "{text}");
        }
    }
    assert!(whole > 0, "{alone:?}");
}

#[test]
fn an_answer_ends_where_its_constraint_does() {
    let engine = brise();
    let compile = |spec| Some(engine.grammar().unwrap().compile(&spec).unwrap());
    let fixed = |max_tokens| Request { max_tokens, ..ask("?", 1, compile(Spec::Regex("one two three".into()))) };
    assert_eq!(text(&engine, fixed(None)), ("one two three".into(), FinishReason::Stop));
    let (cut, reason) = text(&engine, fixed(Some(2)));
    assert_eq!(reason, FinishReason::Length);
    assert!("one two three".starts_with(&cut) && cut.len() < 13, "{cut}");
    let raw = Request { prompt: Prompt::Text("One, two".into()), ..fixed(None) };
    assert_eq!(text(&engine, raw), ("one two three".into(), FinishReason::Stop));
    let used = Request { constraint: compile(schema()), ..fixed(None) };
    assert_eq!(text(&engine, used.clone()), text(&engine, used), "a constraint is not used up by an answer");
}

#[test]
fn required_tools_are_called() {
    let engine = brise();
    let Some(version) = engine.text().template.version() else { panic!("{}", engine.card().template) };
    let spec = Spec::Tools(tools(version));
    let constraint = engine.grammar().unwrap().compile(&spec).unwrap();
    let mut called = 0;
    for seed in 0..4 {
        for event in engine.submit(ask("What is the weather?", seed, Some(constraint.clone()))).unwrap() {
            match event {
                Event::ToolCall(call) => {
                    called += 1;
                    assert_eq!(call.name, "weather");
                    let arguments: Value = serde_json::from_str(&call.arguments).unwrap();
                    assert!(arguments["days"].as_i64().is_some_and(|days| (1..=9).contains(&days)), "{arguments}");
                }
                Event::Finished { reason, .. } => {
                    assert!(matches!(reason, FinishReason::ToolCalls | FinishReason::Length), "{reason:?}");
                }
                Event::Failed(error) => panic!("{error}"),
                _ => {}
            }
        }
    }
    assert!(called > 0);
}

fn tools(version: TemplateVersion) -> Tools {
    let parameters = json!({
        "type": "object",
        "properties": {"days": {"type": "integer", "minimum": 1, "maximum": 9}, "city": {"type": "string", "maxLength": 30}},
        "required": ["days"],
        "additionalProperties": false
    });
    let tools = vec![Tool { name: "weather".into(), parameters, strict: true }];
    Tools { version, tools, choice: Choice::Required, parallel: true, answer: None }
}

/// What the grammars allow, the parser of answers must understand: for every template and kind of tokenizer.
#[test]
fn whatever_is_drawn_under_the_grammar_of_a_template_is_a_call() {
    let templates = ["spm v2", "spm v3", "spm v7", "tekken v3", "tekken v7", "tekken v11", "tekken v13", "tekken v15"];
    check_table(templates.map(|name| (name, name)), |name| {
        let (kind, version) = name.split_once(' ').unwrap();
        let tokenizer = tokenizer(kind, version);
        let version = TemplateVersion::from_name(version).unwrap();
        let constraint = Compiler::new(&tokenizer).unwrap().compile(&Spec::Tools(tools(version))).unwrap();
        let mut whole = 0;
        for seed in 0..30 {
            let Some(tokens) = draw(constraint.clone(), &tokenizer, seed) else { continue };
            whole += 1;
            let answer = parse_answer(&tokenizer, version, &tokens, || "abcdefghi".into());
            let calls = answer.map_err(|e| format!("{seed}: {e}"))?.tool_calls;
            if calls.is_empty() || calls.iter().any(|call| call.name != "weather") {
                return Err(format!("{seed}: {calls:?}"));
            }
        }
        if whole > 5 { Ok(()) } else { Err(format!("only {whole} ended")) }
    });
}

/// Tokens taken at random from the masks, up to an end.
fn draw(mut constraint: Constraint, tokenizer: &Tokenizer, seed: u64) -> Option<Vec<TokenId>> {
    let mut random = Random::new(seed);
    let mut tokens = Vec::new();
    constraint.begin(Start::Text).unwrap();
    while tokens.len() < 300 {
        let mask = constraint.mask(tokenizer.vocab_size()).unwrap();
        let is_end = |token: &TokenId| Some(*token) == tokenizer.eos();
        let allowed: Vec<_> = (0..mask.len() as u32).map(TokenId).filter(|&t| mask.allows(t)).collect();
        if allowed.iter().any(is_end) && (allowed.len() == 1 || random.below(2) == 0) {
            return Some(tokens);
        }
        let allowed: Vec<_> = allowed.into_iter().filter(|token| !is_end(token)).collect();
        let token = allowed[random.below(allowed.len())];
        constraint.accept(token).unwrap();
        tokens.push(token);
    }
    None
}

/// One of the small tokenizers that the prompts were checked with.
fn tokenizer(kind: &str, version: &str) -> Tokenizer {
    if kind == "spm" {
        let bytes = std::fs::read(testkit::vectors(&format!("prompt/spm.{version}"))).unwrap();
        return Tokenizer::from_spm(&bytes, &format!("tokenizer.model.{version}")).unwrap();
    }
    let Value::Object(mut file) = testkit::json(&testkit::vectors("prompt/tekken.json")) else { panic!() };
    let Value::Object(mut fields) = testkit::json(&testkit::vectors("prompt/versions.json"))[version].take() else {
        panic!("{version}")
    };
    let version: Map<_, _> = [("version".to_owned(), fields.remove("version").unwrap())].into_iter().collect();
    file["config"].as_object_mut().unwrap().extend(version);
    file.extend(fields);
    Tokenizer::from_tekken(&serde_json::to_vec(&file).unwrap()).unwrap()
}
