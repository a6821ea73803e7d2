//! What is refused, and how it is said.

use sampling::SamplingParams;
use tokenizer::TokenId;

type Change = fn(&mut SamplingParams);

#[test]
fn refused_with_name_and_range() {
    let rows: [(&str, Change); 17] = [
        ("temperature is NaN: it must be between 0 and 10", |p| p.temperature = f32::NAN),
        ("temperature is inf: it must be between 0 and 10", |p| p.temperature = f32::INFINITY),
        ("temperature is -1: it must be between 0 and 10", |p| p.temperature = -1.0),
        ("temperature is 11: it must be between 0 and 10", |p| p.temperature = 11.0),
        ("top_p is -0.5: it must be between 0 and 1", |p| p.top_p = -0.5),
        ("top_p is NaN: it must be between 0 and 1", |p| p.top_p = f32::NAN),
        ("min_p is 2: it must be between 0 and 1", |p| p.min_p = 2.0),
        ("typical_p is 1.5: it must be between 0 and 1", |p| p.typical_p = 1.5),
        ("repetition_penalty is 0: it must be above 0 and at most 10", |p| p.repetition_penalty = 0.0),
        ("repetition_penalty is -inf: it must be above 0 and at most 10", |p| p.repetition_penalty = f32::NEG_INFINITY),
        ("presence_penalty is 2.5: it must be between -2 and 2", |p| p.presence_penalty = 2.5),
        ("frequency_penalty is NaN: it must be between -2 and 2", |p| p.frequency_penalty = f32::NAN),
        ("top_logprobs has 101 entries: at most 100 are allowed", |p| p.top_logprobs = 101),
        ("logit_bias names token 10, but the vocabulary ends at 10", |p| p.logit_bias = vec![(TokenId(10), 1.0)]),
        ("logit_bias is NaN: it must be between -100 and 100", |p| p.logit_bias = vec![(TokenId(1), f32::NAN)]),
        ("logit_bias names token 1 twice: give each token one bias", |p| p.logit_bias = vec![(TokenId(1), 1.0); 2]),
        ("logit_bias has 2000 entries: at most 1024 are allowed", |p| p.logit_bias = vec![(TokenId(1), 1.0); 2000]),
    ];
    testkit::check_table(rows.map(|(message, change)| (message, (message, change))), |(message, change)| {
        let mut params = SamplingParams::default();
        change(&mut params);
        match params.validate(10) {
            Err(error) if error.to_string() == message => Ok(()),
            other => Err(format!("{other:?}")),
        }
    });
}

#[test]
fn borders_are_allowed() {
    let changes: [Change; 8] = [
        |p| p.temperature = 0.0,
        |p| p.temperature = 1e-45,
        |p| p.temperature = 10.0,
        |p| p.top_k = usize::MAX,
        |p| p.top_p = 0.0,
        |p| p.min_p = 1.0,
        |p| p.typical_p = 0.0,
        |p| p.presence_penalty = -2.0,
    ];
    testkit::check_table(changes.into_iter().enumerate(), |change| {
        let mut params = SamplingParams::default();
        change(&mut params);
        let mut logits = [1.0, 3.0, 2.0, f32::MIN, f32::NEG_INFINITY];
        let mut sampler = sampling::Sampler::new(params, logits.len())?;
        sampler.sample(&mut logits, 0, None).map(|_| ())
    });
}
