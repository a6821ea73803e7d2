//! The engine through its door: equal bytes under every circumstance, clean ends, clear refusals.

mod constraints;
mod equality;
mod facade;
mod one_answer;
mod prefix_cache_dir;

use std::ops::ControlFlow;
use std::path::PathBuf;

use engine::{
    Engine, EngineOptions, Error, Event, FinishReason, Measurement, Prompt, Request, SamplingParams, TokenId, Workload,
};

fn options() -> EngineOptions {
    EngineOptions { threads: Some(2), kv_memory_bytes: Some(64 << 20), ..EngineOptions::default() }
}

fn load(path: PathBuf) -> Engine {
    Engine::load(&path, &options(), &mut |_, _| ()).expect("the model loads")
}

fn llama() -> Engine {
    load(testkit::vectors("models/llama/model.gguf"))
}

fn request(length: u32, seed: u64) -> Request {
    let tokens = (0..length).map(|i| TokenId((i * 7 + seed as u32) % 40)).collect();
    let sampling = SamplingParams { temperature: 1.0, seed, ..SamplingParams::plain() };
    Request { sampling, max_tokens: Some(12), logprobs: true, ..Request::new(Prompt::Tokens(tokens)) }
}

/// Everything that a client sees of an answer, times left out.
fn answer(events: impl Iterator<Item = Event>) -> Vec<String> {
    events
        .map(|event| match event {
            Event::Finished { reason, usage, .. } => {
                format!("{reason:?} {} {}", usage.prompt_tokens, usage.completion_tokens)
            }
            Event::Token(token) => format!("{} {:08x}", token.id, token.logprob.to_bits()),
            other => format!("{other:?}"),
        })
        .collect()
}

#[test]
fn an_answer_is_the_same_alone_and_in_a_crowd() {
    let engine = llama();
    let lengths = [1, 3, 17, 31, 2, 9, 24, 5];
    let alone: Vec<_> =
        (0..8).map(|seed| answer(engine.submit(request(lengths[seed], seed as u64)).unwrap())).collect();
    let streams: Vec<_> = (0..8).map(|seed| engine.submit(request(lengths[seed], seed as u64)).unwrap()).collect();
    let crowd: Vec<_> = streams.into_iter().map(answer).collect();
    assert_eq!(alone, crowd);
    assert!(alone[0].len() > 3, "{alone:?}");
}

#[test]
fn an_answer_ends_for_the_reason_that_it_gives() {
    let engine = llama();
    let context = engine.card().context;
    let reason = |request| match engine.submit(request).unwrap().last() {
        Some(Event::Finished { reason, usage, .. }) => (reason, usage.completion_tokens),
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(request(5, 1)), (FinishReason::Length, 12));
    assert_eq!(reason(Request { max_tokens: Some(0), ..request(5, 1) }), (FinishReason::Length, 0));
    let long = |left| Request { max_tokens: None, ..request(context as u32 - left, 1) };
    assert_eq!(reason(long(3)), (FinishReason::Context, 3));
    assert_eq!(reason(long(1)), (FinishReason::Context, 1));
}

#[test]
fn what_does_not_fit_is_refused_with_both_numbers() {
    let engine = llama();
    let context = engine.card().context;
    let error = engine.submit(request(context as u32 + 1, 1)).unwrap_err();
    assert!(
        matches!(error, Error::ContextLength { prompt_tokens, context: c, .. } if prompt_tokens == context + 1 && c == context),
        "{error}"
    );
    // A prompt that fills the context can be scored, but not answered.
    let full = request(context as u32, 1);
    let Prompt::Tokens(tokens) = &full.prompt else { unreachable!() };
    engine.score(tokens, &mut |_, _| ControlFlow::Continue(())).unwrap();
    assert!(matches!(engine.submit(full.clone()).unwrap_err(), Error::ContextLength { .. }));
    assert!(engine.submit(Request { max_tokens: Some(0), ..full }).is_ok());
    let error = engine.submit(Request::new(Prompt::Tokens(vec![]))).unwrap_err();
    assert_eq!(error.to_string(), "the prompt is empty");
    let error = engine.submit(Request::new(Prompt::Tokens(vec![TokenId(1 << 20)]))).unwrap_err();
    assert!(error.to_string().contains("token id 1048576 is out of range"), "{error}");
    let error = engine.submit(Request::new(Prompt::Text("hello".into()))).unwrap_err();
    assert!(matches!(error, Error::NoTokenizer { .. }), "{error}");
}

#[test]
fn a_dropped_stream_frees_its_place() {
    let engine = llama();
    let expected = answer(engine.submit(request(5, 3)).unwrap());
    for _ in 0..200 {
        let mut stream = engine.submit(Request { max_tokens: None, ..request(5, 1) }).unwrap();
        assert!(matches!(stream.next(), Some(Event::Started { prompt_tokens: 5 })));
    }
    assert_eq!(answer(engine.submit(request(5, 3)).unwrap()), expected);
}

#[test]
fn a_context_that_cannot_be_is_refused_before_weights_are_read() {
    let model = testkit::vectors("models/llama/model.gguf");
    let rows = [(0, "between 1 and 128"), (129, "between 1 and 128, what the model was made for")];
    testkit::check_table(rows.map(|row| (row.0, row)), |(asked, message)| {
        let options = EngineOptions { context: Some(asked), ..options() };
        let error = Engine::load(&model, &options, &mut |_, _| panic!("weights are read")).unwrap_err().to_string();
        if error.contains(message) { Ok(()) } else { Err(error) }
    });
}

#[test]
fn a_score_can_be_broken_off() {
    let engine = llama();
    let tokens = vec![TokenId(1); 100];
    for last in [0, 31, 32, 99] {
        let mut seen = Vec::new();
        let broken = engine.score(&tokens, &mut |position, _| {
            seen.push(position);
            if position == last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(broken.is_ok() && seen.len() == last + 1, "{broken:?} {seen:?}");
    }
}

#[test]
fn workloads_beyond_memory_are_refused() {
    let engine = llama();
    let workloads = [
        (usize::MAX, Measurement::Prefill { tokens: 8 }),
        (0, Measurement::Prefill { tokens: usize::MAX }),
        (usize::MAX - 3, Measurement::Decode { tokens: 8, sequences: 2 }),
        (0, Measurement::Decode { tokens: 8, sequences: usize::MAX }),
    ];
    testkit::check_table(workloads.map(|row| (format!("{row:?}"), row)), |(depth, timed)| {
        match engine.bench().unwrap().measure(Workload { depth, timed }) {
            Err(Error::Refused(_)) => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
    assert!(engine.bench().unwrap().measure(Workload { depth: 8, timed: Measurement::Prefill { tokens: 8 } }).is_ok());
}

#[test]
fn workloads_take_turns_and_leave_nothing() {
    let options = EngineOptions { kv_memory_bytes: Some(1 << 18), ..options() };
    let engine = Engine::load(&testkit::vectors("models/llama/model.gguf"), &options, &mut |_, _| ()).unwrap();
    let capacity = engine.card().kv_tokens;
    let decode = |depth, sequences| Workload { depth, timed: Measurement::Decode { tokens: 4, sequences } };
    // The first ones fit beside each other; one of the last pair fills the memory alone.
    let long = Workload { depth: capacity - 8, timed: Measurement::Prefill { tokens: 8 } };
    let wide = decode(capacity / 8, 4);
    let bench = engine.bench().unwrap();
    for workload in [decode(0, 1), decode(40, 2), decode(0, 1), decode(40, 2), long, wide, long, wide] {
        assert!(bench.measure(workload).is_ok(), "{workload:?}");
    }
    // What does not fit leaves room for what does.
    assert!(bench.measure(decode(capacity, 1)).is_err() && bench.measure(long).is_ok());
    drop(bench);
    assert!(engine.bench().unwrap().measure(wide).is_ok());
    assert!(engine.submit(request(20, 1)).unwrap().any(|event| matches!(event, Event::Finished { .. })));
}

#[test]
fn scores_are_the_logits_of_the_forward_pass() {
    let engine = llama();
    let prompt = testkit::json(&testkit::vectors("models/prompt.json"));
    let ids: Vec<TokenId> = prompt.as_array().unwrap().iter().map(|id| TokenId(id.as_u64().unwrap() as u32)).collect();
    let mut ours = Vec::new();
    engine
        .score(&ids, &mut |position, logits| {
            assert_eq!(position * logits.len(), ours.len());
            ours.extend_from_slice(logits);
            ControlFlow::Continue(())
        })
        .unwrap();
    let theirs = testkit::floats(&testkit::vectors("models/llama/logits.f32"));
    let error = testkit::relative_norm(&ours, &theirs);
    assert!(error <= 1e-5, "{error:e}");
}

/// A really trained model continues a story exactly as its float64 reference does.
#[test]
fn stories_go_on_as_they_should() {
    let Some(folder) = testkit::shared("models/stories260k") else { return };
    let engine = load(folder.join("stories260k-f32.gguf"));
    let request = Request {
        sampling: SamplingParams::greedy(),
        max_tokens: Some(256),
        ..Request::new(Prompt::Text("Once upon a time".into()))
    };
    let mut story = String::from("Once upon a time");
    for event in engine.submit(request).unwrap() {
        if let Event::Text { text, .. } = event {
            story.push_str(&text);
        }
    }
    let golden = std::fs::read_to_string(folder.join("greedy_256.txt")).unwrap();
    let golden = golden.trim_end();
    assert!(story.starts_with(golden) && golden.len() > 400, "{story}");
}

/// Mistral 7B v0.1 ships a vocabulary without control tokens: the architecture says that its template is v1. Without
/// that word, or with a template of the file's own, nothing is guessed.
#[test]
fn a_first_generation_folder_gets_the_first_template() {
    let folder = std::env::temp_dir().join(format!("tramontane-first-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for file in ["config.json", "model.safetensors"] {
        std::fs::copy(testkit::vectors("models/mistral/hf").join(file), folder.join(file)).unwrap();
    }
    std::fs::copy(testkit::vectors("tokenizer/tokenizer.model.v1"), folder.join("tokenizer.model")).unwrap();
    // That model has fewer embeddings than the tokenizer tokens: a text could ask for one that is not there.
    let refused = Engine::load(&folder, &options(), &mut |_, _| ()).unwrap_err();
    assert!(refused.to_string().contains("799 tokens, but the table of embeddings has 40"), "{refused}");
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let longer = config.replace("\"vocab_size\": 40", "\"vocab_size\": 800");
    std::fs::write(folder.join("config.json"), longer).unwrap();
    let front = engine::TextFront::open(&folder, None);
    std::fs::remove_dir_all(&folder).unwrap();
    let reason = front.unwrap().template.reason().to_owned();
    assert!(reason.contains("template v1 is used"), "{reason}");
}
