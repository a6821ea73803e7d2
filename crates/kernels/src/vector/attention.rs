//! Attention, sixteen keys or sixteen head dimensions at a time, several query rows for each key and value loaded.

use std::array::from_fn;
use std::ops::Range;

use super::exp::exp;
use crate::aligned::LINE;
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
        let blocks = any.start / KV_BLOCK_TOKENS..any.end.div_ceil(KV_BLOCK_TOKENS);
        score::<L, N, R>(lanes, kv, &query, blocks, &mut scores);
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

/// Scores of some KV blocks. While keys are read, the next ones are asked for, and at the end the first values.
#[inline(always)]
fn score<L: Lanes, N: KvNumber, const R: usize>(
    lanes: L,
    kv: &ChunkBlocks<'_, N>,
    query: &[&[f32]; R],
    blocks: Range<usize>,
    scores: &mut [Scores; R],
) {
    let Range { start: mut i, end } = blocks;
    let ahead = |next: usize| match next < end {
        true => kv.keys(next),
        false => kv.values((blocks.start + next - end).min(end - 1)).as_chunks().0,
    };
    // Few rows have few sums, each a chain of additions: a second block keeps the processor busy meanwhile.
    while L::TILE_SUMS >= 4 * R && i + 2 <= end {
        let keys = [kv.keys(i), kv.keys(i + 1)];
        dots::<L, N, R, 2, 2>(lanes, keys, [ahead(i + 2), ahead(i + 3)], query, i, scores);
        i += 2;
    }
    while i < end {
        if L::TILE_SUMS >= 2 * R {
            dots::<L, N, R, 1, 2>(lanes, [kv.keys(i)], [ahead(i + 1)], query, i, scores);
        } else {
            dots::<L, N, R, 1, 1>(lanes, [kv.keys(i)], [ahead(i + 1)], query, i, scores);
        }
        i += 1;
    }
}

/// Scores of `B` neighbouring KV blocks, `V` vectors of keys of each at a time. `ahead` is as long as the keys and is read soon.
#[inline(always)]
fn dots<L: Lanes, N: KvNumber, const R: usize, const B: usize, const V: usize>(
    lanes: L,
    keys: [&[[N; KV_BLOCK_TOKENS]]; B],
    ahead: [&[[N; KV_BLOCK_TOKENS]]; B],
    query: &[&[f32]; R],
    block: usize,
    scores: &mut [Scores; R],
) {
    let head_dim = query[0].len();
    let (keys, ahead) = (keys.map(|keys| &keys[..head_dim]), ahead.map(|ahead| &ahead[..head_dim]));
    for part in 0..KV_BLOCK_TOKENS / (V * LANES) {
        let mut sums = [[[lanes.splat(0.0); V]; R]; B];
        for d in 0..head_dim {
            for b in 0..B {
                ask(lanes, &ahead[b][d]);
                let (keys, _) = keys[b][d].as_chunks();
                for v in 0..V {
                    let key = N::load(lanes, &keys[part * V + v]);
                    for r in 0..R {
                        sums[b][r][v] = lanes.fma(lanes.splat(query[r][d]), key, sums[b][r][v]);
                    }
                }
            }
        }
        for b in 0..B {
            for r in 0..R {
                let (scores, _) = scores[r].as_chunks_mut();
                for v in 0..V {
                    let first = (block + b) * (KV_BLOCK_TOKENS / LANES) + part * V;
                    lanes.store(sums[b][r][v], &mut scores[first + v]);
                }
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

/// Adds the weighted values of some keys to each row's sum, KV block by KV block: a block is read from memory once, and the
/// next one is asked for meanwhile.
#[inline(always)]
fn add_values<L: Lanes, N: KvNumber, const R: usize>(
    lanes: L,
    kv: &ChunkBlocks<'_, N>,
    weights: [&Scores; R],
    keys: Range<usize>,
    weighted: &mut [&mut [f32]; R],
) {
    let blocks = keys.start / KV_BLOCK_TOKENS..keys.end.div_ceil(KV_BLOCK_TOKENS);
    for i in if keys.is_empty() { 0..0 } else { blocks.clone() } {
        let first = i * KV_BLOCK_TOKENS;
        let keys = keys.start.saturating_sub(first)..KV_BLOCK_TOKENS.min(keys.end - first);
        let ahead = if i + 1 < blocks.end { kv.values(i + 1) } else { kv.next() };
        let values = Values { numbers: kv.values(i), ahead, weights: from_fn(|r| &weights[r].as_chunks().0[i]), keys };
        let mut done = 0;
        if L::TILE_SUMS >= 8 * R {
            done = values.add_columns::<L, 8>(lanes, done, weighted);
        }
        if L::TILE_SUMS >= 4 * R {
            done = values.add_columns::<L, 4>(lanes, done, weighted);
        }
        if L::TILE_SUMS >= 2 * R {
            done = values.add_columns::<L, 2>(lanes, done, weighted);
        }
        values.add_columns::<L, 1>(lanes, done, weighted);
    }
}

/// Values of a KV block, and their weights for each row.
struct Values<'a, N, const R: usize> {
    numbers: &'a [N],
    /// As long as the values, read soon.
    ahead: &'a [N],
    weights: [&'a [f32; KV_BLOCK_TOKENS]; R],
    keys: Range<usize>,
}

impl<N: KvNumber, const R: usize> Values<'_, N, R> {
    /// Adds head dimensions `first ..`, `V` vectors at a time; returns how far that went.
    #[inline(always)]
    fn add_columns<L: Lanes, const V: usize>(
        &self,
        lanes: L,
        mut first: usize,
        weighted: &mut [&mut [f32]; R],
    ) -> usize {
        let width = weighted[0].len();
        while first + V * LANES <= width {
            let mut sums = [[lanes.splat(0.0); V]; R];
            for r in 0..R {
                for v in 0..V {
                    sums[r][v] = lanes.load(chunk_at(&weighted[r][first + v * LANES..]));
                }
            }
            for key in self.keys.clone() {
                let at = key * width + first;
                let (values, ahead) = (&self.numbers[at..][..V * LANES], &self.ahead[at..][..V * LANES]);
                ask(lanes, ahead);
                for v in 0..V {
                    let value = N::load(lanes, chunk_at(&values[v * LANES..]));
                    for r in 0..R {
                        sums[r][v] = lanes.fma(lanes.splat(self.weights[r][key]), value, sums[r][v]);
                    }
                }
            }
            for r in 0..R {
                for v in 0..V {
                    let out = weighted[r][first + v * LANES..].first_chunk_mut().expect("padded to whole vectors");
                    lanes.store(sums[r][v], out);
                }
            }
            first += V * LANES;
        }
        first
    }
}

/// Asks for the lines of some numbers.
#[inline(always)]
fn ask<L: Lanes, N>(lanes: L, numbers: &[N]) {
    for line in numbers.chunks(LINE / size_of::<N>()) {
        lanes.prefetch(&line[0]);
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
