//! Attention, sixteen keys or sixteen head dimensions at a time, several query rows for each key and value loaded.

mod tiles;

use std::array::from_fn;
use std::ops::Range;

use self::tiles::{Products, Strips, in_strips};
use super::exp::exp_of_negative;
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
    let tiles = scaled.chunks(L::TILE.len() * head_dim).zip(partials.chunks_mut(L::TILE.len() * width));
    for (tile, (scaled, partials)) in tiles.enumerate() {
        let rows = Rows { queries, scaled, first: tile * L::TILE.len(), chunk };
        // Rows are compiled in, so that their sums stay in registers.
        match scaled.len() / head_dim {
            1 => rows.attend::<L, N, 1>(lanes, kv, partials),
            2 => rows.attend::<L, N, 2>(lanes, kv, partials),
            3 => rows.attend::<L, N, 3>(lanes, kv, partials),
            4 => rows.attend::<L, N, 4>(lanes, kv, partials),
            5 => rows.attend::<L, N, 5>(lanes, kv, partials),
            6 => rows.attend::<L, N, 6>(lanes, kv, partials),
            7 if L::TILE.len() > 6 => rows.attend::<L, N, 7>(lanes, kv, partials),
            8 if L::TILE.len() > 6 => rows.attend::<L, N, 8>(lanes, kv, partials),
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
        let blocks = any.start / KV_BLOCK_TOKENS..any.end.div_ceil(KV_BLOCK_TOKENS);
        let parts = blocks.start * key_parts::<L>()..blocks.end * key_parts::<L>();
        let mut scoring =
            Scoring::<N, R> { kv, blocks, queries: self.scaled, head_dim, scores: scores.as_flattened_mut() };
        in_strips(lanes, R, parts, 2 * key_parts::<L>(), &mut scoring);
        let width = partial_numbers(head_dim);
        for r in 0..R {
            let Partial { weighted, largest, sum } = Partial::new(&mut partials[r * width..(r + 1) * width]);
            (*largest, *sum) = weigh(lanes, &mut scores[r], &visible[r]);
            weighted.fill(0.0);
        }
        // A key that only some rows see must not touch the others: its value may be anything.
        let all = if all.is_empty() { any.end..any.end } else { all };
        for r in 0..R {
            let before = visible[r].start..visible[r].end.min(all.start);
            add_values::<L, N, 1>(lanes, kv, &scores[r], before, &mut partials[r * width..]);
        }
        add_values::<L, N, R>(lanes, kv, scores.as_flattened(), all.clone(), partials);
        for r in 0..R {
            let after = visible[r].start.max(all.end)..visible[r].end;
            add_values::<L, N, 1>(lanes, kv, &scores[r], after, &mut partials[r * width..]);
        }
    }
}

/// How long before they are read keys are asked for, at least, in bytes that are read meanwhile: memory may take its time. Much more
/// would not stay in a first-level cache of 32 KiB.
const LEAD_BYTES: usize = 8 << 10;

/// Scores of some KV blocks.
struct Scoring<'a, N, const R: usize> {
    kv: &'a ChunkBlocks<'a, N>,
    blocks: Range<usize>,
    /// Row after row.
    queries: &'a [f32],
    head_dim: usize,
    /// A row's lie [`CHUNK_TOKENS`] further than the last one's.
    scores: &'a mut [f32],
}

impl<'a, N: KvNumber, const R: usize> Scoring<'a, N, R> {
    /// What is read in the turn of KV block `block`: keys, and after the last ones values.
    #[inline(always)]
    fn in_turn(&self, block: usize) -> &'a [N] {
        let Range { start, end } = self.blocks;
        match block < end {
            true => self.kv.keys(block),
            false => self.kv.values((start + block - end).min(end - 1)),
        }
    }
}

impl<N: KvNumber, const R: usize> Strips for Scoring<'_, N, R> {
    #[inline(always)]
    fn strip<L: Lanes, const V: usize>(&mut self, lanes: L, first: usize) {
        let (per_block, width) = (key_parts::<L>(), LANES / L::PARTS);
        // A strip asks for as much as it reads, which may begin within a block and end in the next one or the one after that.
        let least = (LEAD_BYTES / (KV_BLOCK_TOKENS * self.head_dim * size_of::<N>())).max(1);
        let next = first / per_block + V.div_ceil(per_block) - 1 + least;
        let ahead: [&[N]; 3] = from_fn(|i| &self.in_turn(next + i)[..KV_BLOCK_TOKENS * self.head_dim]);
        let begin = first % per_block * width * self.head_dim;
        let products = Products {
            x: self.queries,
            stride: self.head_dim,
            y: self.kv.numbers(),
            at: from_fn(|v| self.kv.keys_at((first + v) / per_block) + (first + v) % per_block * width),
            step: KV_BLOCK_TOKENS,
            len: self.head_dim,
        };
        let mut sums = tiles::zeros::<L, R, V>(lanes);
        products.add_to(lanes, &mut sums, &[&ahead[0][begin..], ahead[1], ahead[2]]);
        tiles::store(lanes, &sums, &mut self.scores[first * width..], CHUNK_TOKENS);
    }
}

/// Parts of the keys of a KV block.
#[inline(always)]
const fn key_parts<L: Lanes>() -> usize {
    KV_BLOCK_TOKENS / LANES * L::PARTS
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
        let weight = exp_of_negative(lanes, lanes.sub(lanes.load(&scores[i]), lanes.splat(largest)));
        sums = lanes.add(sums, weight);
        lanes.store(weight, &mut scores[i]);
    }
    (largest, lanes.sum(sums))
}

/// Adds the weighted values of some keys to each row's sum, KV block by KV block: a block is read from memory once.
#[inline(always)]
fn add_values<L: Lanes, N: KvNumber, const R: usize>(
    lanes: L,
    kv: &ChunkBlocks<'_, N>,
    weights: &[f32],
    keys: Range<usize>,
    weighted: &mut [f32],
) {
    if keys.is_empty() {
        return;
    }
    let (width, blocks) = (kv.padded_head_dim(), keys.start / KV_BLOCK_TOKENS..keys.end.div_ceil(KV_BLOCK_TOKENS));
    for i in blocks.clone() {
        let first = i * KV_BLOCK_TOKENS;
        let keys = keys.start.max(first) - first..KV_BLOCK_TOKENS.min(keys.end - first);
        let ahead = if i + 1 < blocks.end { kv.values(i + 1) } else { kv.next() };
        let mut values = Values::<N, R> {
            numbers: &kv.values(i)[width * keys.start..width * keys.end],
            ahead,
            weights: &weights[first + keys.start..],
            keys: keys.len(),
            width,
            weighted,
        };
        in_strips(lanes, R, 0..width / LANES * L::PARTS, 8, &mut values);
    }
}

/// Values of some keys of a KV block, and their weights for each row.
struct Values<'a, N, const R: usize> {
    numbers: &'a [N],
    /// As long as a block's values.
    ahead: &'a [N],
    /// A row's lie [`CHUNK_TOKENS`] further than the last one's.
    weights: &'a [f32],
    keys: usize,
    /// Numbers of the values of one key.
    width: usize,
    /// Partial results, row after row.
    weighted: &'a mut [f32],
}

impl<N: KvNumber, const R: usize> Strips for Values<'_, N, R> {
    #[inline(always)]
    fn strip<L: Lanes, const V: usize>(&mut self, lanes: L, first: usize) {
        let width = LANES / L::PARTS;
        let first = first * width;
        let stride = partial_numbers(self.width);
        let products = Products {
            x: self.weights,
            stride: CHUNK_TOKENS,
            y: self.numbers,
            at: from_fn(|v| first + width * v),
            step: self.width,
            len: self.keys,
        };
        let mut sums = tiles::load::<L, R, V>(lanes, &self.weighted[first..], stride);
        // Line by line, whatever the order in which values are used: that is what processors foresee.
        products.add_to(lanes, &mut sums, &[&self.ahead[first * self.keys..]]);
        tiles::store(lanes, &sums, &mut self.weighted[first..], stride);
    }
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
