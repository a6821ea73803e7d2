//! Every filter, alone and together, against vectors/sampling/cases.json.

use sampling::{Sampler, SamplingParams};
use serde_json::Value;
use tokenizer::TokenId;

#[test]
fn distributions_equal_the_reference() {
    let cases = testkit::json(&testkit::vectors("sampling/cases.json"));
    let rows = cases.as_array().unwrap().iter().map(|case| (case["params"].to_string(), case));
    testkit::check_table(rows, |case| {
        let mut logits: Vec<f32> = numbers(&case["logits"]).map(|x| x as f32).collect();
        let mut sampler = Sampler::new(params(&case["params"]), logits.len()).map_err(|e| e.to_string())?;
        sampler.prompt(&tokens(&case["prompt"]));
        tokens(&case["answer"]).into_iter().for_each(|t| sampler.accept(t));
        let mut ours = sampler.distribution(&mut logits, None).map_err(|e| e.to_string())?;
        ours.sort_by_key(|&(token, _)| token);
        let theirs: Vec<(TokenId, f64)> =
            case["left"].as_array().unwrap().iter().map(|row| (token(&row[0]), row[1].as_f64().unwrap())).collect();
        let same = ours.iter().map(|r| r.0).eq(theirs.iter().map(|r| r.0));
        let near = ours.iter().zip(&theirs).all(|(a, b)| (a.1 - b.1).abs() <= 1e-5 * b.1.max(1e-30));
        if same && near { Ok(()) } else { Err(format!("{ours:?}\nexpected {theirs:?}")) }
    });
}

fn params(value: &Value) -> SamplingParams {
    let mut params = SamplingParams::plain();
    for (name, value) in value.as_object().unwrap() {
        let number = value.as_f64().map(|x| x as f32);
        match name.as_str() {
            "temperature" => params.temperature = number.unwrap(),
            "top_k" => params.top_k = value.as_u64().unwrap() as usize,
            "top_p" => params.top_p = number.unwrap(),
            "min_p" => params.min_p = number.unwrap(),
            "typical_p" => params.typical_p = number.unwrap(),
            "repetition_penalty" => params.repetition_penalty = number.unwrap(),
            "presence_penalty" => params.presence_penalty = number.unwrap(),
            "frequency_penalty" => params.frequency_penalty = number.unwrap(),
            "logit_bias" => {
                let rows = value.as_array().unwrap().iter();
                params.logit_bias = rows.map(|r| (token(&r[0]), r[1].as_f64().unwrap() as f32)).collect();
            }
            other => panic!("unknown parameter {other}"),
        }
    }
    params
}

fn numbers(list: &Value) -> impl Iterator<Item = f64> + '_ {
    list.as_array().unwrap().iter().map(|x| x.as_f64().unwrap())
}

fn tokens(list: &Value) -> Vec<TokenId> {
    list.as_array().unwrap().iter().map(token).collect()
}

fn token(value: &Value) -> TokenId {
    TokenId(value.as_u64().unwrap() as u32)
}
