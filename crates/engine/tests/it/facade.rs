//! Sinks, cancellation, deadlines, status, embeddings.

use std::ops::ControlFlow;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use engine::{Event, FinishReason, Pooling, Request, TokenId};

use crate::{llama, request};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_sink_hears_what_a_stream_hears() {
    let engine = llama();
    let stream: Vec<_> = engine.submit(request(9, 4)).unwrap().map(shown).collect();
    let (sender, heard) = channel();
    let sink = move |event| sender.send(shown(event)).map_or(ControlFlow::Break(()), ControlFlow::Continue);
    let cancel = engine.submit_to(request(9, 4), Box::new(sink)).unwrap();
    assert_eq!(heard.iter().collect::<Vec<_>>(), stream, "and the sink is dropped at the end");
    drop(cancel);
}

/// Times and what the cache spared differ from run to run.
fn shown(event: Event) -> String {
    match event {
        Event::Finished { reason, usage, .. } => format!("{reason:?} {}", usage.completion_tokens),
        other => format!("{other:?}"),
    }
}

#[test]
fn a_cancelled_request_ends_without_a_word() {
    let engine = llama();
    for by_break in [true, false] {
        let (sender, heard) = channel();
        let sink = move |event| {
            let _ = sender.send(shown(event));
            if by_break { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let endless = Request { max_tokens: None, ..request(3, 1) };
        let cancel = engine.submit_to(endless, Box::new(sink)).unwrap();
        assert_eq!(heard.recv_timeout(PATIENCE).unwrap(), "Started { prompt_tokens: 3 }");
        let cancel = if by_break { Some(cancel) } else { None };
        let last = std::iter::from_fn(|| match heard.recv_timeout(PATIENCE) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("the sink is not dropped"),
        })
        .last();
        // A short answer may have been complete before the word came.
        assert!(!by_break || last.is_none(), "{last:?}");
        drop(cancel);
    }
}

#[test]
fn what_a_cancelled_request_computed_is_kept_and_its_blocks_are_free() {
    let engine = llama();
    let mut stream = engine.submit(Request { max_tokens: None, ..request(70, 1) }).unwrap();
    assert!(stream.any(|event| matches!(event, Event::Token(_))), "its prompt is read");
    drop(stream);
    let start = Instant::now();
    let status = loop {
        let status = engine.status();
        // What came last may not be in the books yet.
        if status.running == 0 && status.counters.prefill_tokens >= 70 {
            break status;
        }
        assert!(start.elapsed() < PATIENCE, "{status:?}");
    };
    assert!(status.kv_blocks_used == 0 && status.kv_blocks_cached >= 2, "{status:?}");
    let last = engine.submit(request(70, 1)).unwrap().last();
    match last {
        Some(Event::Finished { usage, .. }) => assert_eq!(usage.cached_tokens, 64),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_answer_ends_at_its_deadline_with_what_there_is() {
    let engine = llama();
    let past = Request { deadline: Some(Instant::now()), ..request(5, 1) };
    match engine.submit(past).unwrap().last() {
        Some(Event::Finished { reason: FinishReason::Deadline, usage, .. }) => {
            assert_eq!((usage.prompt_tokens, usage.completion_tokens), (5, 0));
        }
        other => panic!("{other:?}"),
    }
    let far = Request { deadline: Some(Instant::now() + Duration::from_secs(3600)), ..request(5, 1) };
    assert_eq!(engine.submit(far).unwrap().map(shown).last().unwrap(), "Length 12");
}

#[test]
fn status_counts_what_was_done() {
    let engine = llama();
    for event in engine.submit(request(70, 1)).unwrap() {
        drop(event);
    }
    // The worker writes it down after the step that ended the answer.
    let start = Instant::now();
    let status = loop {
        let status = engine.status();
        if status.running == 0 && status.counters.decode_tokens == 12 {
            break status;
        }
        assert!(start.elapsed() < PATIENCE, "{status:?}");
        std::thread::sleep(Duration::from_millis(1));
    };
    assert_eq!((status.waiting, status.kv_blocks_used), (0, 0));
    assert_eq!(status.kv_blocks_total * status.kv_block_tokens, engine.card().kv_tokens);
    assert!(status.counters.prefill_tokens > 0 && status.counters.steps >= 12, "{status:?}");
}

#[test]
fn a_vector_is_the_same_alone_and_beside_others() {
    let engine = llama();
    let texts: Vec<Vec<TokenId>> =
        (0..40).map(|n| (0..1 + n * 3 % 128).map(|i| TokenId((i * 5 + n) as u32 % 40)).collect()).collect();
    for pooling in [Pooling::Last, Pooling::Mean] {
        let streams: Vec<_> = (0..4).map(|seed| engine.submit(request(20, seed)).unwrap()).collect();
        let together = engine.embed(&texts, pooling).unwrap();
        drop(streams);
        for (text, vector) in texts.iter().zip(&together) {
            let alone = engine.embed(std::slice::from_ref(text), pooling).unwrap();
            assert_eq!(&alone[0], vector, "{pooling:?} {}", text.len());
            let length: f32 = vector.iter().map(|x| x * x).sum();
            assert!((length - 1.0).abs() < 1e-5, "{length}");
        }
    }
    let one = [vec![TokenId(3)]];
    assert_eq!(engine.embed(&one, Pooling::Last).unwrap(), engine.embed(&one, Pooling::Mean).unwrap());
    assert!(engine.embed(&[vec![TokenId(1)], vec![]], Pooling::Last).is_err());
    assert_eq!(engine.card().pooling, Pooling::Last);
}
