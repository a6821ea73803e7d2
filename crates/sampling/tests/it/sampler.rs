//! Choice: ties, determinism, bad logits, the lazy order against a full sort.

use sampling::{Error, Sampler, SamplingParams, TokenMask, log_probability, uniform};
use testkit::Random;
use tokenizer::TokenId;

const VOCAB: usize = 131_072;

#[test]
fn greedy_takes_the_lower_id_on_a_tie() {
    let mut sampler = Sampler::new(SamplingParams::greedy(), 6).unwrap();
    let sampled = sampler.sample(&mut [1.0, 5.0, -0.0, 5.0, f32::NEG_INFINITY, 0.0], 0, None).unwrap();
    assert_eq!(sampled.token, TokenId(1));
    let mut sampler = Sampler::new(SamplingParams::greedy(), 3).unwrap();
    assert_eq!(sampler.sample(&mut [f32::NEG_INFINITY, -0.0, 0.0], 0, None).unwrap().token, TokenId(1));
}

#[test]
fn bad_logits_are_refused() {
    let mut sampler = Sampler::new(SamplingParams::default(), 3).unwrap();
    let mut run = |logits: &mut [f32], mask| sampler.sample(logits, 0, mask).map(|s| s.token);
    assert!(matches!(run(&mut [0.0, f32::NAN, 1.0], None), Err(Error::NotFinite { token: TokenId(1), .. })));
    assert!(matches!(run(&mut [0.0, 1.0, f32::INFINITY], None), Err(Error::NotFinite { token: TokenId(2), .. })));
    assert_eq!(run(&mut [f32::NEG_INFINITY; 3], None), Err(Error::NoCandidate));
    assert_eq!(run(&mut [0.0; 2], None), Err(Error::Length { what: "logits", len: 2, vocab_size: 3 }));
    let (nothing, wrong) = (TokenMask::none(3), TokenMask::all(4));
    assert_eq!(run(&mut [0.0; 3], Some(&nothing)), Err(Error::NoCandidate));
    assert_eq!(run(&mut [0.0; 3], Some(&wrong)), Err(Error::Length { what: "mask", len: 4, vocab_size: 3 }));
}

#[test]
fn mask_decides_and_logprobs_stay_raw() {
    let mut mask = TokenMask::none(4);
    mask.allow(TokenId(2));
    let params = SamplingParams { top_logprobs: 2, logit_bias: vec![(TokenId(2), 50.0)], ..SamplingParams::default() };
    let sampled = Sampler::new(params, 4).unwrap().sample(&mut [1.0, 2.0, 0.0, 2.0], 3, Some(&mask)).unwrap();
    let ln_total = (1f64.exp() + 2.0 * 2f64.exp() + 1.0).ln();
    assert_eq!(sampled.token, TokenId(2));
    assert!((f64::from(sampled.logprob) + ln_total).abs() < 1e-6);
    assert_eq!(log_probability(&[1.0, 2.0, 0.0, 2.0], TokenId(2)), Ok(sampled.logprob));
    assert!(log_probability(&[1.0, f32::NAN], TokenId(0)).is_err() && log_probability(&[1.0], TokenId(1)).is_err());
    assert_eq!(sampled.top.iter().map(|t| t.0).collect::<Vec<_>>(), [TokenId(1), TokenId(3)]);
    assert!((f64::from(sampled.top[1].1) - (2.0 - ln_total)).abs() < 1e-6);
}

#[test]
fn the_repetition_window_forgets() {
    let params = SamplingParams { repetition_penalty: 2.0, repetition_last_n: Some(2), ..SamplingParams::greedy() };
    let mut sampler = Sampler::new(params, 4).unwrap();
    let mut next = |seen: &[u32]| {
        seen.iter().for_each(|&t| sampler.accept(TokenId(t)));
        sampler.sample(&mut [4.0, 3.0, 2.5, 0.0], 0, None).unwrap().token.0
    };
    assert_eq!([next(&[]), next(&[0]), next(&[1]), next(&[2])], [0, 1, 2, 0]);
}

#[test]
fn lazy_order_equals_a_full_sort() {
    let mut random = Random::new(5);
    // Few different values, so that ties abound.
    let logits: Vec<f32> = (0..VOCAB).map(|_| (random.float() * 24.0).round() / 2.0).collect();
    let rows = [(0, 1.0), (50, 1.0), (0, 0.9), (0, 0.001), (40_000, 0.999), (100_000, 1.0)];
    testkit::check_table(rows.map(|r| (format!("{r:?}"), r)), |(top_k, top_p)| {
        let params = SamplingParams { temperature: 1.7, top_k, top_p, seed: 11, ..SamplingParams::plain() };
        let mut sampler = Sampler::new(params.clone(), VOCAB)?;
        for position in 0..20 {
            let token = sampler.sample(&mut logits.clone(), position, None)?.token;
            assert_eq!(token, naive(&logits, &params, position), "position {position}");
        }
        Ok::<(), Error>(())
    });
}

/// Sorts everything, sums one by one, uses the platform's exponential.
fn naive(logits: &[f32], params: &SamplingParams, position: u64) -> TokenId {
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&a, &b| logits[b].total_cmp(&logits[a]).then(a.cmp(&b)));
    let weight = |&id: &usize| (f64::from(logits[id]) / f64::from(params.temperature)).exp();
    if params.top_k > 0 {
        order.truncate(params.top_k);
    }
    if params.top_p < 1.0 {
        let wanted = f64::from(params.top_p) * order.iter().map(weight).sum::<f64>();
        let mut sum = 0.0;
        order.retain(|id| {
            let keep = sum < wanted;
            sum += weight(id);
            keep
        });
    }
    let target = uniform(params.seed, position) * order.iter().map(weight).sum::<f64>();
    let mut sum = 0.0;
    let chosen = order.iter().find(|id| {
        sum += weight(id);
        sum > target
    });
    TokenId(*chosen.unwrap() as u32)
}

#[test]
fn frequencies_follow_the_distribution() {
    let logits = [0.0, 1.0, 2.0, -1.0];
    let mut sampler = Sampler::new(SamplingParams { seed: 99, ..SamplingParams::plain() }, 4).unwrap();
    let expected = sampler.distribution(&mut logits.clone(), None).unwrap();
    let mut counts = [0.0; 4];
    for position in 0..20_000 {
        counts[sampler.sample(&mut logits.clone(), position, None).unwrap().token.index()] += 1.0 / 20_000.0;
    }
    for (token, probability) in expected {
        assert!((counts[token.index()] - probability).abs() < 0.01, "{token}: {counts:?}");
    }
}

/// Golden: changes when a result can change, and then the numerics id must change too.
#[test]
fn same_seed_same_tokens() {
    let mut random = Random::new(1);
    let rows: Vec<Vec<f32>> = (0..12).map(|_| random.floats(1000).iter().map(|x| x * 8.0).collect()).collect();
    let run = |seed| -> Vec<u32> {
        let mut sampler = Sampler::new(SamplingParams { seed, ..SamplingParams::default() }, 1000).unwrap();
        let rows = rows.iter().enumerate();
        rows.map(|(p, row)| sampler.sample(&mut row.clone(), p as u64, None).unwrap().token.0).collect()
    };
    assert_eq!(run(42), run(42));
    assert_ne!(run(42), run(43));
    assert_eq!(run(42), GOLDEN);
}

const GOLDEN: [u32; 12] = [396, 918, 988, 919, 717, 818, 494, 576, 545, 76, 9, 434];
