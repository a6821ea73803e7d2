//! What matrices are multiplied with, against the hooks of `transformers` (`vectors/models/importance.json`).

use std::collections::BTreeMap;

use checkpoint::Checkpoint;
use compute::{CpuBackend, CpuOptions, KvLayout, KvType, Observed};
use model::Transformer;
use sched::Batch;
use testkit::check_table;
use tokenizer::TokenId;

use crate::vectors::prompt;

/// Rows that a matrix met, and the sums of squares of their columns.
type Sums = BTreeMap<String, (usize, Vec<f32>)>;

#[test]
fn inputs_meet_the_reference() {
    let theirs = testkit::json(&testkit::vectors("models/importance.json"));
    let rows = ["llama", "mixtral"].map(|name| (name, name));
    check_table(rows, |name| {
        let (ours, theirs) = (observed(name), theirs[name].as_object().unwrap());
        let names: Vec<_> = theirs.iter().filter(|(_, x)| x["rows"] != 0).map(|(name, _)| name.as_str()).collect();
        if !ours.keys().map(String::as_str).eq(sorted(names)) {
            return Err(format!("other matrices: {:?}", ours.keys()));
        }
        for (name, (rows, sums)) in ours {
            let expected: Vec<f32> =
                theirs[&name]["sums"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect();
            let error = testkit::relative_norm(&sums, &expected);
            if theirs[&name]["rows"] != rows || error > 1e-5 {
                return Err(format!("{name}: {rows} rows, off by {error:e}"));
            }
        }
        Ok(())
    });
}

fn observed(name: &str) -> Sums {
    let checkpoint = Checkpoint::open(testkit::vectors(&format!("models/{name}/hf"))).unwrap();
    let (mut found, tokens) = (Sums::new(), prompt());
    let watch = |names: &[&str], cols: usize, x: &[f32]| {
        for name in names {
            let (rows, sums) = found.entry((*name).to_owned()).or_insert_with(|| (0, vec![0.0; cols]));
            *rows += x.len() / cols;
            x.chunks_exact(cols).for_each(|row| sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x * x));
        }
    };
    let options = CpuOptions { isa: Some("scalar"), threads: Some(1) };
    let backend = Observed::new(CpuBackend::new(options).unwrap(), Box::new(watch));
    let model = Transformer::load(&checkpoint, backend, &mut |_, _| {}).unwrap();
    let blocks: Vec<u32> = (0..tokens.len().div_ceil(KvLayout::BLOCK_TOKENS) as u32).collect();
    let tokens: Vec<TokenId> = tokens.into_iter().map(TokenId).collect();
    let mut batch = Batch::single(&tokens, 0, &blocks);
    batch.logits_rows.clear();
    model.forward(&batch, &mut model.kv_pool(KvType::F32, blocks.len()).unwrap());
    drop(model);
    // Without rows there is nothing to sum: the output matrix, experts that nobody chose.
    found.retain(|_, (rows, _)| *rows > 0);
    found
}

fn sorted(mut names: Vec<&str>) -> Vec<&str> {
    names.sort_unstable();
    names
}
