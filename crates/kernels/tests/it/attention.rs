//! Attention: the same bits on every instruction set and however it is cut, near softmax in f64.

use std::num::NonZeroUsize;

use kernels::{
    AttentionSpace, Bands, Grid, Isa, KV_BLOCK_TOKENS, KvHead, KvNumbers, Pool, Queries, attend, attend_chunk,
    kv_block_numbers, merge_chunks, partial_numbers,
};
use testkit::{Random, relative_norm};

/// Random queries, keys and values of one sequence; KV blocks out of order, and noise where nothing was stored.
struct Case {
    heads: usize,
    head_dim: usize,
    first: usize,
    tokens: usize,
    window: Option<NonZeroUsize>,
    q: Vec<f32>,
    /// `[positions][head_dim]`
    keys: Vec<f32>,
    values: Vec<f32>,
    kv: Vec<f32>,
    kv_f16: Vec<u16>,
    blocks: Vec<u32>,
}

const N_KV_HEADS: usize = 3;
const HEAD: usize = 1;

impl Case {
    fn new(heads: usize, head_dim: usize, first: usize, tokens: usize, window: usize) -> Self {
        let mut random = Random::new((heads * 1000 + head_dim * 100 + first + tokens + window) as u64);
        let mut draw = |len: usize, size: f32| (0..len).map(|_| random.float() * size * 2.0).collect::<Vec<f32>>();
        let last = first + tokens;
        let num_blocks = last.div_ceil(KV_BLOCK_TOKENS);
        let f16 = |x: Vec<f32>| x.into_iter().map(|x| quant::f16_to_f32(quant::f32_to_f16(x))).collect::<Vec<f32>>();
        let (q, keys, values) =
            (draw(heads * head_dim * tokens, 2.0), f16(draw(head_dim * last, 1.0)), f16(draw(head_dim * last, 1.0)));
        let mut case = Self {
            heads,
            head_dim,
            first,
            tokens,
            window: NonZeroUsize::new(window),
            q,
            keys,
            values,
            // What nobody wrote may hold anything.
            kv: vec![f32::NAN; (num_blocks + 1) * N_KV_HEADS * kv_block_numbers(head_dim)],
            kv_f16: Vec::new(),
            blocks: (1..=num_blocks as u32).rev().collect(),
        };
        (0..last).for_each(|position| case.store(position));
        case.kv_f16 = case.kv.iter().map(|&x| quant::f32_to_f16(x)).collect();
        case
    }

    fn store(&mut self, position: usize) {
        let (width, padded) = (self.head_dim, self.head_dim.next_multiple_of(16));
        let block = self.blocks[position / KV_BLOCK_TOKENS] as usize;
        let start = (block * N_KV_HEADS + HEAD) * kv_block_numbers(width);
        let slot = position % KV_BLOCK_TOKENS;
        let values = start + KV_BLOCK_TOKENS * width + slot * padded;
        self.kv[values..values + padded].fill(0.0);
        for d in 0..width {
            self.kv[start + d * KV_BLOCK_TOKENS + slot] = self.keys[position * width + d];
            self.kv[values + d] = self.values[position * width + d];
        }
    }

    fn kv(&self, f16: bool) -> KvHead<'_> {
        let numbers = if f16 { KvNumbers::F16(&self.kv_f16) } else { KvNumbers::F32(&self.kv) };
        KvHead { numbers, blocks: &self.blocks, head: HEAD, n_kv_heads: N_KV_HEADS }
    }

    /// Queries of `tokens` rows from row `row` on.
    fn queries(&self, row: usize, tokens: usize) -> Queries<'_> {
        let stride = self.heads * self.head_dim;
        Queries {
            numbers: &self.q[row * stride..],
            stride,
            heads: self.heads,
            head_dim: self.head_dim,
            positions: self.first + row..self.first + row + tokens,
            scale: 1.0 / (self.head_dim as f32).sqrt(),
            window: self.window,
        }
    }

    /// `step` rows at a time.
    fn attend(&self, isa: Isa, f16: bool, step: usize) -> Vec<f32> {
        let width = self.heads * self.head_dim;
        let mut out = vec![0.0; self.tokens * width];
        Pool::new(1).unwrap().for_each_tile(
            &mut [Grid::new(&mut out, width, Bands::Every(step), width)],
            |_, mut tile| {
                let queries = self.queries(tile.rows().start, tile.rows().len());
                attend(isa, &self.kv(f16), &queries, &mut AttentionSpace::default(), &mut tile);
            },
        );
        out
    }

    /// Chunk by chunk, merged afterwards.
    fn attend_in_chunks(&self, isa: Isa, f16: bool) -> Vec<f32> {
        let mut space = AttentionSpace::default();
        let mut out = vec![0.0; self.tokens * self.heads * self.head_dim];
        for (row, out) in out.chunks_exact_mut(self.heads * self.head_dim).enumerate() {
            let queries = self.queries(row, 1);
            let width = self.heads * partial_numbers(self.head_dim);
            let mut partials = vec![f32::NAN; queries.chunks().len() * width];
            let first = queries.chunks().start;
            let grid = Grid::new(&mut partials, width, Bands::Every(1), width);
            Pool::new(1).unwrap().for_each_tile(&mut [grid], |_, mut tile| {
                let (chunk, space) = (first + tile.band(), &mut AttentionSpace::default());
                attend_chunk(isa, &self.kv(f16), &queries, chunk, space, &mut tile);
            });
            merge_chunks(isa, self.head_dim, partials.chunks_exact(width), &mut space, out);
        }
        out
    }

    /// Softmax in f64.
    fn reference(&self) -> Vec<f32> {
        let width = self.head_dim;
        let row = |row: usize, head: usize| {
            let q = &self.q[(row * self.heads + head) * width..][..width];
            let position = self.first + row;
            let first = self.window.map_or(0, |window| (position + 1).saturating_sub(window.get()));
            let dot = |k: &[f32]| q.iter().zip(k).map(|(&q, &k)| f64::from(q) * f64::from(k)).sum::<f64>();
            let score = |key: usize| dot(&self.keys[key * width..][..width]) / (width as f64).sqrt();
            let scores: Vec<f64> = (first..=position).map(score).collect();
            let largest = scores.iter().copied().fold(f64::MIN, f64::max);
            let weights: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
            let value = |key: usize, d: usize| f64::from(self.values[key * width + d]);
            let sum = |d: usize| (first..).zip(&weights).map(|(key, weight)| weight * value(key, d)).sum::<f64>();
            (0..width).map(|d| (sum(d) / weights.iter().sum::<f64>()) as f32).collect::<Vec<f32>>()
        };
        (0..self.tokens).flat_map(|r| (0..self.heads).flat_map(move |h| row(r, h))).collect()
    }
}

#[test]
fn near_softmax_and_the_same_bits_however_cut() {
    // heads, head_dim, first position, tokens, window
    let cases = [
        (1, 2, 0, 1, 0),
        (1, 16, 0, 5, 0),
        (4, 24, 0, 40, 0),
        (2, 32, 250, 20, 0),
        (4, 128, 511, 3, 0),
        (4, 64, 700, 2, 0),
        (8, 80, 300, 9, 0),
        (6, 128, 1000, 1, 0),
        (3, 34, 0, 70, 7),
        (4, 32, 500, 30, 1),
        (2, 48, 240, 40, 256),
        (5, 24, 770, 11, 259),
        (7, 16, 255, 2, 2),
    ];
    for (heads, head_dim, first, tokens, window) in cases {
        let case = Case::new(heads, head_dim, first, tokens, window);
        let expected = case.attend(Isa::Scalar, false, tokens);
        let error = relative_norm(&expected, &case.reference());
        assert!(error < 3e-6, "{heads} heads, width {head_dim}, {first} + {tokens}, window {window}: {error:e}");
        for isa in Isa::available() {
            for f16 in [false, true] {
                let name = || format!("{}, {heads} × {head_dim}, {first} + {tokens}, window {window}", isa.name());
                for step in [1, 2, 7, tokens] {
                    assert!(same(&case.attend(isa, f16, step), &expected), "{}, {step} rows at a time", name());
                }
                assert!(same(&case.attend_in_chunks(isa, f16), &expected), "{}, merged afterwards", name());
            }
        }
    }
}

/// Weights from 1 down to where they become 0.
#[test]
fn scores_far_apart() {
    for heads in 1..=8 {
        let mut case = Case::new(heads, 64, 400, 4, 0);
        case.q.iter_mut().for_each(|q| *q *= 40.0);
        let expected = case.attend(Isa::Scalar, false, 4);
        let error = relative_norm(&expected, &case.reference());
        assert!(error < 3e-5, "{heads} heads: {error:e}");
        for isa in Isa::available() {
            assert!(same(&case.attend(isa, true, 4), &expected), "{}, {heads} heads", isa.name());
        }
    }
}

fn same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}
