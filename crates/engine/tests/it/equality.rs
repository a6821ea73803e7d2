//! One request, one answer, to the last bit: alone, in a crowd, after a cache hit, after a preemption, as one of several
//! answers to a prompt, for any tenant, guessed ahead or not.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::{Engine, EngineOptions, Event, Prompt, Request, SamplingParams, Speculation, Tenant, TokenId, Usage};

use crate::{load, options};

const MODELS: [&str; 7] = [
    "llama/model.gguf",
    "q4_k_m/model.gguf",
    "mistral-window/hf",
    "ministral3-scaled/model.gguf",
    "mistral3-tied/hf",
    "mixtral/hf",
    "helium/hf",
];

/// Prompts that begin alike, some of them all the way; greedy and not; with and without penalties.
fn requests() -> Vec<Request> {
    let lengths = [1, 33, 64, 70, 70, 96, 100, 40, 65, 31];
    let request = |(index, length): (usize, u32)| {
        let odd = index % 2 == 1;
        let tokens =
            (0..length).map(|i| TokenId(if i < 50 { i * 7 % 40 } else { (i + index as u32 / 3) % 40 })).collect();
        let sampling = SamplingParams {
            temperature: if odd { 0.8 } else { 0.0 },
            frequency_penalty: if index % 4 == 3 { 0.5 } else { 0.0 },
            repetition_penalty: if index % 4 == 2 { 1.1 } else { 1.0 },
            top_logprobs: 2,
            seed: index as u64,
            ..SamplingParams::plain()
        };
        Request { sampling, max_tokens: Some(28), logprobs: true, ..Request::new(Prompt::Tokens(tokens)) }
    };
    (0..).zip(lengths).map(|(index, length)| request((index, length))).collect()
}

/// Whatever a client sees of an answer, and what it took.
fn answer(events: impl Iterator<Item = Event>) -> (Vec<String>, Usage) {
    let mut total = Usage::default();
    let seen = events.map(|event| match event {
        Event::Finished { reason, usage, stop, .. } => {
            total = usage;
            format!("{reason:?} {stop:?} {} {}", usage.prompt_tokens, usage.completion_tokens)
        }
        Event::Token(token) => {
            let top: Vec<_> = token.top.iter().map(|(id, logprob)| (id.0, logprob.to_bits())).collect();
            format!("{} {:08x} {top:?}", token.id, token.logprob.to_bits())
        }
        other => format!("{other:?}"),
    });
    (seen.collect(), total)
}

fn seen(engine: &Engine, request: Request) -> Vec<String> {
    answer(engine.submit(request).unwrap()).0
}

/// Nobody has ever asked on this account: nothing is cached for it.
fn stranger() -> Tenant {
    static NEXT: AtomicU64 = AtomicU64::new(1000);
    Tenant(NEXT.fetch_add(1, Ordering::Relaxed))
}

fn model(name: &str) -> PathBuf {
    testkit::vectors("models").join(name)
}

fn plain(name: &str) -> Engine {
    let options = EngineOptions { speculate: Speculation::Off, ..options() };
    Engine::load(&model(name), &options, &mut |_, _| ()).unwrap()
}

/// Each request alone, with nothing cached and nothing guessed.
fn alone(engine: &Engine) -> Vec<Vec<String>> {
    let ask = |request| seen(engine, Request { tenant: stranger(), speculate: Some(false), ..request });
    requests().into_iter().map(ask).collect()
}

/// All requests at once.
fn together(engine: &Engine, change: impl Fn(Request) -> Request) -> Vec<(Vec<String>, Usage)> {
    let streams: Vec<_> = requests().into_iter().map(|request| engine.submit(change(request)).unwrap()).collect();
    streams.into_iter().map(answer).collect()
}

fn first(answers: Vec<(Vec<String>, Usage)>) -> Vec<Vec<String>> {
    answers.into_iter().map(|(seen, _)| seen).collect()
}

#[test]
fn alone_in_a_crowd_and_after_a_cache_hit() {
    testkit::check_table(MODELS.map(|name| (name, name)), |name| {
        let engine = plain(name);
        let expected = alone(&engine);
        let same = |what: &str, got: Vec<Vec<String>>| if got == expected { Ok(()) } else { Err(what.to_owned()) };
        same("in a crowd of one tenant", first(together(&engine, |r| r)))?;
        let warm = together(&engine, |r| r);
        let cached: Vec<_> = warm.iter().map(|(_, usage)| usage.cached_tokens).collect();
        same("after a cache hit", first(warm))?;
        if cached != [0, 32, 32, 64, 64, 64, 96, 32, 64, 0] {
            return Err(format!("cached: {cached:?}"));
        }
        same("in a crowd of strangers", first(together(&engine, |r| Request { tenant: stranger(), ..r })))
    });
}

#[test]
fn after_a_preemption() {
    testkit::check_table(MODELS.map(|name| (name, name)), |name| {
        let roomy = plain(name);
        let expected = alone(&roomy);
        // Room for little more than one conversation.
        let block = (roomy.card().kv_bytes_per_token * 32) as u64;
        let options = EngineOptions { kv_memory_bytes: Some(5 * block), ..options() };
        let tight = Engine::load(&model(name), &options, &mut |_, _| ()).unwrap();
        for round in 0..2 {
            let got = first(together(&tight, |r| Request { tenant: Tenant(r.sampling.seed % 3), ..r }));
            if got != expected {
                return Err(format!("round {round}"));
            }
        }
        let counters = tight.status().counters;
        if counters.preemptions == 0 || counters.evicted_blocks == 0 { Err(format!("{counters:?}")) } else { Ok(()) }
    });
}

#[test]
fn several_answers_to_one_prompt_share_it() {
    let engine = load(model("llama/model.gguf"));
    let prompt: Vec<TokenId> = (0..90).map(|i| TokenId(i * 11 % 40)).collect();
    let request = |seed, tenant| Request {
        sampling: SamplingParams { temperature: 1.0, seed, ..SamplingParams::plain() },
        max_tokens: Some(20),
        logprobs: true,
        tenant,
        ..Request::new(Prompt::Tokens(prompt.clone()))
    };
    let expected: Vec<_> = (0..6).map(|seed| seen(&engine, request(seed, stranger()))).collect();
    let before = engine.status().counters.cached_tokens;
    let (tenant, start) = (stranger(), 0);
    let streams: Vec<_> = (start..6).map(|seed| engine.submit(request(seed, tenant)).unwrap()).collect();
    let (got, usages): (Vec<_>, Vec<_>) = streams.into_iter().map(answer).unzip();
    assert_eq!(got, expected);
    assert_eq!(usages.iter().map(|usage| usage.cached_tokens).collect::<Vec<_>>(), [0, 64, 64, 64, 64, 64]);
    assert!(engine.status().counters.cached_tokens >= before + 5 * 64);
}

#[test]
fn guessed_ahead_or_not() {
    testkit::check_table(MODELS.map(|name| (name, name)), |name| {
        let engine = load(model(name));
        let expected = alone(&engine);
        let ask =
            |request| answer(engine.submit(Request { tenant: stranger(), speculate: Some(true), ..request }).unwrap());
        let got: Vec<_> = requests().into_iter().map(ask).collect();
        let (drafted, accepted) =
            got.iter().fold((0, 0), |sum, (_, usage)| (sum.0 + usage.drafted_tokens, sum.1 + usage.accepted_tokens));
        if first(got) != expected {
            return Err("alone".into());
        }
        if first(together(&engine, |r| Request { speculate: Some(true), ..r })) != expected {
            return Err("in a crowd".into());
        }
        if drafted == 0 || accepted == 0 || accepted == drafted {
            return Err(format!("the requests are no test: {accepted} of {drafted} guesses were right"));
        }
        Ok(())
    });
}

/// A real vocabulary: stop strings, predictions and constraints.
#[test]
fn guessed_ahead_with_stop_strings_predictions_and_constraints() {
    let Some(folder) = testkit::shared("models/stories260k") else { return };
    let engine = load(folder.join("stories260k-f32.gguf"));
    let base = Request {
        sampling: SamplingParams::greedy(),
        max_tokens: Some(120),
        logprobs: true,
        ..Request::new(Prompt::Text("Once upon a time there was a cat. Once upon a time there was".into()))
    };
    let told = |request: &Request| {
        let events = engine.submit(Request { tenant: stranger(), ..request.clone() }).unwrap();
        answer(events)
    };
    let text = |seen: &[String]| seen.join("\n");
    let (story, _) = told(&Request { speculate: Some(false), ..base.clone() });
    let whole: String = engine
        .submit(base.clone())
        .unwrap()
        .filter_map(|event| if let Event::Text { text, .. } = event { Some(text) } else { None })
        .collect();
    let regex =
        engine.grammar().map(|compiler| compiler.compile(&grammar::Spec::Regex("( [a-z]+){1,30}\\.".into())).unwrap());
    let stop = whole[whole.len() / 2..].chars().skip_while(|c| !c.is_ascii()).take(4).collect::<String>();
    let mut rows = vec![
        ("as it is", base.clone()),
        ("predicted", Request { prediction: Some(whole.clone()), ..base.clone() }),
        ("predicted wrongly", Request { prediction: Some("The quick brown fox".repeat(9)), ..base.clone() }),
        ("stopped", Request { stop: vec![stop], prediction: Some(whole.clone()), ..base.clone() }),
        (
            "warm",
            Request {
                sampling: SamplingParams { temperature: 0.9, seed: 5, ..SamplingParams::plain() },
                prediction: Some(whole),
                ..base.clone()
            },
        ),
    ];
    if let Ok(constraint) = regex {
        rows.push(("constrained", Request { constraint: Some(constraint), ..base.clone() }));
    }
    testkit::check_table(rows, |request| {
        let (expected, _) = told(&Request { speculate: Some(false), ..request.clone() });
        let (got, usage) = told(&Request { speculate: Some(true), ..request.clone() });
        if got != expected {
            return Err(format!("{}\n---\n{}", text(&got), text(&expected)));
        }
        if usage.drafted_tokens == 0 { Err("nothing was guessed".into()) } else { Ok(()) }
    });
    let (predicted, usage) = told(&Request { prediction: Some(text_of(&engine, &base)), ..base });
    assert_eq!(predicted, story);
    assert!(usage.accepted_tokens > 80, "a right prediction is taken over: {usage:?}");
}

fn text_of(engine: &Engine, request: &Request) -> String {
    let texts = engine.submit(request.clone()).unwrap().filter_map(|event| match event {
        Event::Text { text, .. } => Some(text),
        _ => None,
    });
    texts.collect()
}
