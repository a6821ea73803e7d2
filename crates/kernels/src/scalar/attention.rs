//! Attention (arXiv 1706.03762) in chunks that are merged as in arXiv 2205.14135.

use super::exp::exp;
use super::fold;
use crate::attention::{ChunkBlocks, KV_BLOCK_TOKENS, KvNumber, Partial, Queries, padded, partial_numbers};
use crate::lanes::LANES;

/// Partial results of all rows that see something of the chunk.
pub(crate) fn attend_chunk<N: KvNumber>(
    kv: &ChunkBlocks<'_, N>,
    queries: &Queries<'_>,
    scaled: &[f32],
    chunk: usize,
    partials: &mut [f32],
) {
    let rows = scaled.chunks_exact(queries.head_dim).zip(partials.chunks_exact_mut(partial_numbers(queries.head_dim)));
    for (row, (query, partial)) in rows.enumerate() {
        let visible = queries.visible_in_chunk(row, chunk);
        let scores: Vec<f32> = visible.clone().map(|key| dot(kv, query, key)).collect();
        let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let weights: Vec<f32> = scores.iter().map(|score| exp(score - largest)).collect();
        let Partial { weighted, largest: out_largest, sum } = Partial::new(partial);
        *out_largest = largest;
        *sum = sum_of_weights(visible.start, &weights);
        weighted.fill(0.0);
        for (key, &weight) in visible.zip(&weights) {
            add_value(kv, key, weight, &mut weighted[..queries.head_dim]);
        }
    }
}

/// `Σ query[d] · key[d]`, in the order of `d`, each product added by fused multiply-add.
fn dot<N: KvNumber>(kv: &ChunkBlocks<'_, N>, query: &[f32], key: usize) -> f32 {
    let keys = kv.keys(key / KV_BLOCK_TOKENS);
    query
        .iter()
        .zip(keys.chunks(KV_BLOCK_TOKENS))
        .fold(0.0, |sum, (q, keys)| q.mul_add(keys[key % KV_BLOCK_TOKENS].widen(), sum))
}

/// Weights of keys `first ..`: key `i` of the chunk goes to partial sum `i mod 16`, in order.
fn sum_of_weights(first: usize, weights: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    for (key, weight) in (first..).zip(weights) {
        sums[key % LANES] += weight;
    }
    fold(sums, |a, b| a + b)
}

fn add_value<N: KvNumber>(kv: &ChunkBlocks<'_, N>, key: usize, weight: f32, weighted: &mut [f32]) {
    let values = kv.values(key / KV_BLOCK_TOKENS);
    let value = &values[key % KV_BLOCK_TOKENS * padded(weighted.len())..];
    for (sum, v) in weighted.iter_mut().zip(value) {
        *sum = weight.mul_add(v.widen(), *sum);
    }
}

/// `into`, the chunks so far, takes in `from`, the next.
pub(crate) fn merge(from: &[f32], into: &mut [f32]) {
    let (old, new) = merge_ends(from, into);
    for (into, from) in Partial::new(into).weighted.iter_mut().zip(from) {
        *into = from.mul_add(new, *into * old);
    }
}

/// Merges largest score and sum of weights; returns the factors of the old and the new weighted sum.
#[inline(always)]
pub(crate) fn merge_ends(from: &[f32], into: &mut [f32]) -> (f32, f32) {
    let (from_largest, from_sum) = Partial::ends(from);
    let Partial { largest, sum, .. } = Partial::new(into);
    let both = from_largest.max(*largest);
    let (old, new) = (exp(*largest - both), exp(from_largest - both));
    *sum = from_sum.mul_add(new, *sum * old);
    *largest = both;
    (old, new)
}

/// `out = weighted / sum`
pub(crate) fn finish(merged: &[f32], out: &mut [f32]) {
    let (_, sum) = Partial::ends(merged);
    for (out, weighted) in out.iter_mut().zip(merged) {
        *out = weighted / sum;
    }
}
