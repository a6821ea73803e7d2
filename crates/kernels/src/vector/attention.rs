//! Attention, sixteen keys or sixteen head dimensions at a time, several query rows for each key and value loaded.

use std::array::from_fn;
use std::ops::Range;

use super::exp::exp;
use crate::attention::{CHUNK_TOKENS, ChunkBlocks, KV_BLOCK_TOKENS, KvNumber, Partial, Queries, partial_numbers};
use crate::lanes::{LANES, Lanes};
use crate::scalar::attention::merge_ends;

#[inline(always)]
pub(crate) fn attend_chunk<L: Lanes, N: KvNumber>(
    lanes: L,
    kv: &ChunkBlocks<'_, N>,
    queries: &Queries<'_>,
    scaled: &[f32],
    chunk: usize,
    partials: &mut [f32],
) {
    let (head_dim, width) = (queries.head_dim, partial_numbers(queries.head_dim));
    let tiles = scaled.chunks(L::TILE_ROWS * head_dim).zip(partials.chunks_mut(L::TILE_ROWS * width));
    for (tile, (scaled, partials)) in tiles.enumerate() {
        let rows = Rows { queries, scaled, first: tile * L::TILE_ROWS, chunk };
        // Rows are compiled in, so that their sums stay in registers.
        match scaled.len() / head_dim {
            1 => rows.attend::<L, N, 1>(lanes, kv, partials),
            2 => rows.attend::<L, N, 2>(lanes, kv, partials),
            3 => rows.attend::<L, N, 3>(lanes, kv, partials),
            4 => rows.attend::<L, N, 4>(lanes, kv, partials),
            5 => rows.attend::<L, N, 5>(lanes, kv, partials),
            6 => rows.attend::<L, N, 6>(lanes, kv, partials),
            7 if L::TILE_ROWS > 6 => rows.attend::<L, N, 7>(lanes, kv, partials),
            8 if L::TILE_ROWS > 6 => rows.attend::<L, N, 8>(lanes, kv, partials),
            rows => unreachable!("a tile of {rows} rows"),
        }
    }
}

/// The rows of a tile.
struct Rows<'a> {
    queries: &'a Queries<'a>,
    scaled: &'a [f32],
    first: usize,
    chunk: usize,
}

type Scores = [f32; CHUNK_TOKENS];

impl Rows<'_> {
    #[inline(always)]
    fn attend<L: Lanes, N: KvNumber, const R: usize>(&self, lanes: L, kv: &ChunkBlocks<'_, N>, partials: &mut [f32]) {
        let head_dim = self.queries.head_dim;
        let visible: [Range<usize>; R] = from_fn(|r| self.queries.visible_in_chunk(self.first + r, self.chunk));
        // Later rows see later keys.
        let (any, all) = (visible[0].start..visible[R - 1].end, visible[R - 1].start..visible[0].end);
        if any.is_empty() {
            return;
        }
        let mut scores = [[0.0; CHUNK_TOKENS]; R];
        let query: [&[f32]; R] = from_fn(|r| &self.scaled[r * head_dim..][..head_dim]);
        for i in any.start / KV_BLOCK_TOKENS..any.end.div_ceil(KV_BLOCK_TOKENS) {
            if L::WIDE_TILE {
                dots::<L, N, R, 2>(lanes, kv.keys(i), &query, i, &mut scores);
            } else {
                dots::<L, N, R, 1>(lanes, kv.keys(i), &query, i, &mut scores);
            }
        }
        let mut rows = partials.chunks_exact_mut(partial_numbers(head_dim));
        let rows: [Partial<'_>; R] = from_fn(|_| Partial::new(rows.next().expect("a partial result for each row")));
        for r in 0..R {
            (*rows[r].largest, *rows[r].sum) = weigh(lanes, &mut scores[r], &visible[r]);
            rows[r].weighted.fill(0.0);
        }
        let mut weighted = rows.map(|row| row.weighted);
        // A key that only some rows see must not touch the others: its value may be anything.
        let all = if all.is_empty() { any.end..any.end } else { all };
        for r in 0..R {
            let before = visible[r].start..visible[r].end.min(all.start);
            add_values::<L, N, 1>(lanes, kv, [&scores[r]], before, &mut [&mut *weighted[r]]);
        }
        add_values::<L, N, R>(lanes, kv, from_fn(|r| &scores[r]), all.clone(), &mut weighted);
        for r in 0..R {
            let after = visible[r].start.max(all.end)..visible[r].end;
            add_values::<L, N, 1>(lanes, kv, [&scores[r]], after, &mut [&mut *weighted[r]]);
        }
    }
}

/// Scores of one KV block, `V` vectors of keys at a time.
#[inline(always)]
fn dots<L: Lanes, N: KvNumber, const R: usize, const V: usize>(
    lanes: L,
    keys: &[[N; KV_BLOCK_TOKENS]],
    query: &[&[f32]; R],
    block: usize,
    scores: &mut [Scores; R],
) {
    for part in 0..KV_BLOCK_TOKENS / (V * LANES) {
        let mut sums = [[lanes.splat(0.0); V]; R];
        for (d, keys) in keys.iter().enumerate() {
            let (keys, _) = keys.as_chunks();
            for v in 0..V {
                let key = N::load(lanes, &keys[part * V + v]);
                for r in 0..R {
                    sums[r][v] = lanes.fma(lanes.splat(query[r][d]), key, sums[r][v]);
                }
            }
        }
        for r in 0..R {
            let (scores, _) = scores[r].as_chunks_mut();
            for v in 0..V {
                lanes.store(sums[r][v], &mut scores[block * (KV_BLOCK_TOKENS / LANES) + part * V + v]);
            }
        }
    }
}

/// Turns the visible scores of a row into weights; returns the largest score and the sum of weights.
#[inline(always)]
fn weigh<L: Lanes>(lanes: L, scores: &mut Scores, visible: &Range<usize>) -> (f32, f32) {
    let hidden = lanes.splat(f32::NEG_INFINITY);
    let vectors = visible.start / LANES..visible.end.div_ceil(LANES);
    let (scores, _) = scores.as_chunks_mut();
    let mut largest = hidden;
    for i in vectors.clone() {
        let mut x = lanes.load(&scores[i]);
        if i * LANES < visible.start || visible.end < (i + 1) * LANES {
            let key = lanes.add(lanes.numbers(), lanes.splat((i * LANES) as f32));
            x = lanes.where_less(key, lanes.splat(visible.end as f32), x, hidden);
            x = lanes.where_less(key, lanes.splat(visible.start as f32), hidden, x);
            lanes.store(x, &mut scores[i]);
        }
        largest = lanes.max(largest, x);
    }
    let largest = lanes.largest(largest);
    let mut sums = lanes.splat(0.0);
    for i in vectors {
        // exp(-∞) is exactly 0: what is hidden adds nothing.
        let weight = exp(lanes, lanes.sub(lanes.load(&scores[i]), lanes.splat(largest)));
        sums = lanes.add(sums, weight);
        lanes.store(weight, &mut scores[i]);
    }
    (largest, lanes.sum(sums))
}

/// Adds the weighted values of some keys to each row's sum.
#[inline(always)]
fn add_values<L: Lanes, N: KvNumber, const R: usize>(
    lanes: L,
    kv: &ChunkBlocks<'_, N>,
    weights: [&Scores; R],
    keys: Range<usize>,
    weighted: &mut [&mut [f32]; R],
) {
    if keys.is_empty() {
        return;
    }
    let width = weighted[0].len();
    let mut first = 0;
    if L::WIDE_TILE {
        while first + 2 * LANES <= width {
            add_columns::<L, N, R, 2>(lanes, kv, &weights, &keys, first, weighted);
            first += 2 * LANES;
        }
    }
    while first < width {
        add_columns::<L, N, R, 1>(lanes, kv, &weights, &keys, first, weighted);
        first += LANES;
    }
}

/// The same, for `V` vectors of head dimensions.
#[inline(always)]
fn add_columns<L: Lanes, N: KvNumber, const R: usize, const V: usize>(
    lanes: L,
    kv: &ChunkBlocks<'_, N>,
    weights: &[&Scores; R],
    keys: &Range<usize>,
    first: usize,
    weighted: &mut [&mut [f32]; R],
) {
    let width = weighted[0].len();
    let mut sums = [[lanes.splat(0.0); V]; R];
    for r in 0..R {
        for v in 0..V {
            sums[r][v] = lanes.load(chunk_at(&weighted[r][first + v * LANES..]));
        }
    }
    for i in keys.start / KV_BLOCK_TOKENS..keys.end.div_ceil(KV_BLOCK_TOKENS) {
        let block = i * KV_BLOCK_TOKENS;
        let weights: [&[f32; KV_BLOCK_TOKENS]; R] = from_fn(|r| &weights[r].as_chunks().0[i]);
        let values = &kv.values(i)[first..];
        for key in keys.start.saturating_sub(block)..KV_BLOCK_TOKENS.min(keys.end - block) {
            let value = &values[key * width..][..V * LANES];
            for v in 0..V {
                let value = N::load(lanes, chunk_at(&value[v * LANES..]));
                for r in 0..R {
                    sums[r][v] = lanes.fma(lanes.splat(weights[r][key]), value, sums[r][v]);
                }
            }
        }
    }
    for r in 0..R {
        for v in 0..V {
            let (out, _) = weighted[r][first + v * LANES..].split_first_chunk_mut().expect("padded to whole vectors");
            lanes.store(sums[r][v], out);
        }
    }
}

#[inline(always)]
fn chunk_at<T>(x: &[T]) -> &[T; LANES] {
    x.first_chunk().expect("padded to whole vectors")
}

#[inline(always)]
pub(crate) fn merge<L: Lanes>(lanes: L, from: &[f32], into: &mut [f32]) {
    let (old, new) = merge_ends(from, into);
    let (old, new) = (lanes.splat(old), lanes.splat(new));
    let (into, _) = Partial::new(into).weighted.as_chunks_mut();
    for (into, from) in into.iter_mut().zip(from.as_chunks().0) {
        let scaled = lanes.mul(lanes.load(into), old);
        lanes.store(lanes.fma(lanes.load(from), new, scaled), into);
    }
}

#[inline(always)]
pub(crate) fn finish<L: Lanes>(lanes: L, merged: &[f32], out: &mut [f32]) {
    let sum = lanes.splat(Partial::ends(merged).1);
    let (merged, _) = merged.as_chunks();
    let (out, rest) = out.as_chunks_mut();
    for (out, merged) in out.iter_mut().zip(merged) {
        lanes.store(lanes.div(lanes.load(merged), sum), out);
    }
    if !rest.is_empty() {
        lanes.store_part(lanes.div(lanes.load(&merged[out.len()]), sum), rest);
    }
}
