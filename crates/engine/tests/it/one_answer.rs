//! The answer of a request alone is its answer in a batch of 32 random others, after a cache hit, streamed, guessed ahead,
//! sent back for want of memory, read in other chunks, by other threads, on another instruction set: to the byte.
//!
//! Brise answers here, with a real vocabulary, so that text, stop strings, constraints and tools take part.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::grammar::Spec;
use engine::prompt::{Conversation, Message};
use engine::{
    Counters, Engine, EngineOptions, Event, EventStream, Prompt, Request, SamplingParams, Speculation, Tenant, TokenId,
};
use serde_json::json;
use testkit::Random;

use crate::options;

const OTHERS: usize = 32;
const PATIENCE: Duration = Duration::from_secs(120);

/// All that a client sees of an answer: the text, each token with its probabilities, calls, the end.
#[derive(Clone, Debug, Default, PartialEq)]
struct Answer {
    text: String,
    tokens: Vec<Chosen>,
    rest: Vec<String>,
}

/// A token, the bits of its log-probability, and the same of the likeliest ones.
#[derive(Clone, Debug, PartialEq)]
struct Chosen {
    id: TokenId,
    logprob: u32,
    top: Vec<(TokenId, u32)>,
}

/// Beside it, how it came about.
#[derive(Clone, Copy, Debug, Default)]
struct Way {
    cached: usize,
    drafted: usize,
    accepted: usize,
}

#[test]
fn one_answer_whatever_happens() {
    let home = brise(EngineOptions { speculate: Speculation::Off, ..options() });
    let cases = cases(&home);
    let strangers = (1000..).map(Tenant);
    let (expected, ways): (Vec<Answer>, Vec<Way>) =
        strangers.zip(&cases).map(|(tenant, case)| finish(ask(&home, tenant, case))).unzip();
    assert!(ways.iter().all(|way| way.cached + way.drafted == 0), "alone is with nothing known before: {ways:?}");
    is_a_test(&home, &cases, &expected);
    let same = |what: &str, got: &[Answer]| {
        let rows = cases.iter().zip(&expected).zip(got);
        rows.for_each(|((case, expected), got)| assert_eq!(got, expected, "{what}: {}", case.name));
    };

    same("on one account", &one_by_one(&home, Tenant(1), &cases).0);
    let (warm, ways) = one_by_one(&home, Tenant(1), &cases);
    same("after a cache hit", &warm);
    assert!(ways.iter().all(|way| way.cached > 0), "{ways:?}");

    let (guessed, ways) = one_by_one(&home, Tenant(3), &cases.iter().map(Case::guessing).collect::<Vec<_>>());
    same("guessed ahead", &guessed);
    let predicting: Vec<Case> =
        cases.iter().zip(&expected).map(|(case, answer)| case.predicting(&answer.text)).collect();
    let (predicted, more) = one_by_one(&home, Tenant(4), &predicting);
    same("predicted", &predicted);
    let sum = |pick: fn(&Way) -> usize| ways.iter().chain(&more).map(pick).sum::<usize>();
    let (drafted, accepted) = (sum(|way| way.drafted), sum(|way| way.accepted));
    assert!(0 < accepted && accepted < drafted, "{accepted} of {drafted} guesses were right: this is no test");

    same("in a batch of 32 random others", &in_a_crowd(&home, &cases));
    same("for want of memory", &for_want_of_memory(&home, &cases, &expected));
    for (chunk, threads) in [(1, 1), (7, 2), (33, 3), (100, 2)] {
        let options = EngineOptions { chunk: NonZeroUsize::new(chunk), threads: Some(threads), ..options() };
        same(&format!("in chunks of {chunk}, by {threads} threads"), &together(&brise(options), &cases));
    }
    // One of them is enough for the specification's slow kernels.
    let scalar = brise(EngineOptions { isa: Some("scalar".to_owned()), ..options() });
    same("on another instruction set", &together(&scalar, &cases[..1]));
}

#[derive(Clone)]
struct Case {
    name: &'static str,
    request: Request,
}

impl Case {
    fn guessing(&self) -> Self {
        Self { request: Request { speculate: Some(true), ..self.request.clone() }, ..*self }
    }

    /// What it will say, with a wrong start: it is found again.
    fn predicting(&self, text: &str) -> Self {
        let prediction = Some(format!("Nonsense first. {text}"));
        Self { request: Request { prediction, ..self.guessing().request }, ..*self }
    }
}

/// Greedy and drawn, with penalties, bias, stop strings, constraints.
fn cases(engine: &Engine) -> Vec<Case> {
    let constraint = |spec| Some(engine.grammar().unwrap().compile(&spec).unwrap());
    let schema = json!({
        "type": "object",
        "properties": {"name": {"type": "string", "maxLength": 20}, "sizes": {"type": "array", "items": {"type": "integer"}, "maxItems": 3}},
        "required": ["name", "sizes"],
        "additionalProperties": false
    });
    let story = "The wind blows from the north-west. The wind blows over the sea, over the hills and over the houses. \
                 Why does the wind blow over the sea? Say it three times.";
    let drawn = |seed| SamplingParams { temperature: 0.9, top_p: 0.95, seed, ..SamplingParams::plain() };
    let chat = |text: &str, sampling: SamplingParams| Request {
        sampling: SamplingParams { top_logprobs: 2, ..sampling },
        max_tokens: Some(60),
        logprobs: true,
        speculate: Some(false),
        ..Request::new(Prompt::Conversation(Box::new(Conversation::new([Message::user(text)]))))
    };
    // Plain text goes on to the last token: its end is made improbable.
    let ends: Vec<_> = engine.text().tokenizer().unwrap().eos().into_iter().map(|id| (id, -100.0)).collect();
    let raw = |sampling| Request {
        prompt: Prompt::Text(story.repeat(2)),
        ..chat("", SamplingParams { logit_bias: ends.clone(), ..sampling })
    };
    let penalties =
        SamplingParams { frequency_penalty: 0.4, presence_penalty: 0.2, repetition_penalty: 1.1, ..drawn(5) };
    let rows = [
        ("greedy", chat(story, SamplingParams::greedy())),
        ("drawn", chat(story, drawn(4))),
        ("drawn with penalties", chat(story, penalties)),
        ("greedy, plain text", raw(SamplingParams::greedy())),
        ("drawn, plain text", raw(drawn(6))),
        ("stop string", Request { stop: vec![middle(engine, raw(drawn(7)))], ..raw(drawn(7)) }),
        (
            "greedy, schema",
            Request {
                constraint: constraint(Spec::JsonSchema(schema.clone())),
                ..chat(story, SamplingParams::greedy())
            },
        ),
        ("drawn, schema", Request { constraint: constraint(Spec::JsonSchema(schema)), ..chat(story, drawn(8)) }),
        (
            "drawn, regex",
            Request { constraint: constraint(Spec::Regex("( ?[a-z]{1,9}){20,40}\\.".into())), ..raw(drawn(9)) },
        ),
    ];
    rows.map(|(name, request)| Case { name, request }).into()
}

/// A few characters from the middle of the answer.
fn middle(engine: &Engine, request: Request) -> String {
    let text = finish(engine.submit(request).unwrap()).0.text;
    text.chars().skip(text.chars().count() / 2).take(4).collect()
}

/// A comparison that nothing could fail is none: answers are long, and another seed gives another answer. A text that is
/// put together from streamed pieces is that of its tokens.
fn is_a_test(engine: &Engine, cases: &[Case], expected: &[Answer]) {
    let mut others = 0;
    for (case, answer) in cases.iter().zip(expected) {
        let tokens: Vec<TokenId> = answer.tokens.iter().map(|token| token.id).collect();
        if case.request.stop.is_empty() {
            let whole = engine.text().tokenizer().unwrap().decode(&tokens);
            assert_eq!(answer.text.trim_start(), whole.trim_start(), "{}", case.name);
        }
        let mut other = case.clone();
        other.request.sampling.seed += 1;
        others += usize::from(finish(ask(engine, Tenant(1), &other)).0 != *answer);
    }
    let tokens: usize = expected.iter().map(|answer| answer.tokens.len()).sum();
    assert!(tokens > 20 * cases.len() && others > 2, "{tokens} tokens, {others} other answers: {expected:?}");
}

fn brise(options: EngineOptions) -> Engine {
    let path: PathBuf = testkit::root().join("models/brise/brise-q8_0.gguf");
    Engine::load(&path, &options, &mut |_, _| ()).unwrap()
}

fn ask(engine: &Engine, tenant: Tenant, case: &Case) -> EventStream {
    engine.submit(Request { tenant, ..case.request.clone() }).unwrap()
}

fn finish(events: EventStream) -> (Answer, Way) {
    let (mut answer, mut way) = (Answer::default(), Way::default());
    let bits = |logprob: f32| logprob.to_bits();
    for event in events {
        match event {
            Event::Text { text, .. } => answer.text.push_str(&text),
            Event::Token(token) => {
                let top = token.top.iter().map(|&(id, logprob)| (id, bits(logprob))).collect();
                answer.tokens.push(Chosen { id: token.id, logprob: bits(token.logprob), top });
            }
            Event::Finished { reason, stop, usage, .. } => {
                let (cached, drafted, accepted) = (usage.cached_tokens, usage.drafted_tokens, usage.accepted_tokens);
                way = Way { cached, drafted, accepted };
                answer.rest.push(format!("{reason:?} {stop:?} {}", usage.completion_tokens));
            }
            other => answer.rest.push(format!("{other:?}")),
        }
    }
    (answer, way)
}

fn one_by_one(engine: &Engine, tenant: Tenant, cases: &[Case]) -> (Vec<Answer>, Vec<Way>) {
    cases.iter().map(|case| finish(ask(engine, tenant, case))).unzip()
}

fn together(engine: &Engine, cases: &[Case]) -> Vec<Answer> {
    let streams: Vec<_> = cases.iter().map(|case| ask(engine, Tenant(1), case)).collect();
    streams.into_iter().map(|stream| finish(stream).0).collect()
}

/// The others are all being answered before the first case arrives, and still after the last has ended.
fn in_a_crowd(engine: &Engine, cases: &[Case]) -> Vec<Answer> {
    let mut others: Vec<_> = (0..OTHERS as u64).map(|seed| engine.submit(random(engine, seed)).unwrap()).collect();
    let under_way = |stream: &mut EventStream| stream.any(|event| matches!(event, Event::Token(_)));
    assert!(others.iter_mut().all(under_way));
    let answers = together(engine, cases);
    // The last case may still be in the books.
    assert!(engine.status().running >= OTHERS, "the others ended before");
    answers
}

/// Goes on to the end of the context: nothing in it is an end.
fn random(engine: &Engine, seed: u64) -> Request {
    let mut random = Random::new(seed);
    let tokenizer = engine.text().tokenizer().unwrap();
    let length = 1 + random.below(150);
    let tokens = (0..length).map(|_| TokenId((100 + random.below(8000)) as u32)).collect();
    let ends = tokenizer.eos().into_iter().map(|id| (id, -100.0)).collect();
    let sampling = SamplingParams {
        temperature: [0.0, 0.7, 1.3][random.below(3)],
        repetition_penalty: [1.0, 1.2][random.below(2)],
        logit_bias: ends,
        seed,
        ..SamplingParams::plain()
    };
    let speculate = Some(random.below(2) == 0);
    let tenant = Tenant(100 + random.below(5) as u64);
    Request { sampling, speculate, tenant, logprobs: true, ..Request::new(Prompt::Tokens(tokens)) }
}

/// Room for hardly more than one of them: each is sent back and computed anew.
fn for_want_of_memory(home: &Engine, cases: &[Case], expected: &[Answer]) -> Vec<Answer> {
    let block = (home.card().kv_bytes_per_token * 32) as u64;
    let longest = expected
        .iter()
        .zip(cases)
        .map(|(answer, case)| home.render(&case.request.prompt).unwrap().len() + answer.tokens.len());
    let blocks = longest.max().unwrap().div_ceil(32) as u64 + 3;
    let tight = brise(EngineOptions { kv_memory_bytes: Some(blocks * block), ..options() });
    let answers = together(&tight, cases);
    let start = Instant::now();
    let Counters { preemptions, .. } = loop {
        let status = tight.status();
        if status.running == 0 || start.elapsed() > PATIENCE {
            break status.counters;
        }
    };
    assert!(preemptions > 0, "there was room for all: this is no test");
    answers
}
