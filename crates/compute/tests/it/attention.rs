//! Attention over stored keys and values: several sequences in a batch, windows, all ways to cut the work.

use std::num::NonZeroUsize;
use std::ops::Range;

use compute::{AttentionShape, Backend, CpuBackend, CpuKvPool, KvLayout, KvSpan, KvType};
use testkit::relative_norm;

use crate::{backends, bits, name, random, tensor};

/// A sequence and its KV blocks.
struct Sequence {
    tokens: usize,
    blocks: Vec<u32>,
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

struct Case {
    shape: AttentionShape,
    kv_type: KvType,
    sequences: Vec<Sequence>,
}

const LAYERS: usize = 2;
const LAYER: usize = 1;

impl Case {
    fn new(heads: [usize; 3], window: usize, kv_type: KvType, lengths: &[usize]) -> Self {
        let [n_heads, n_kv_heads, head_dim] = heads;
        let scale = 1.0 / (head_dim as f32).sqrt();
        let shape = AttentionShape { n_heads, n_kv_heads, head_dim, scale, window: NonZeroUsize::new(window) };
        // Blocks of the sequences alternate, so that no sequence has neighbours only.
        let sequence = |(i, &tokens): (usize, &usize)| Sequence {
            tokens,
            blocks: (0..tokens.div_ceil(32)).rev().map(|b| (b * lengths.len() + i) as u32).collect(),
            q: random(i as u64 * 3, tokens * n_heads * head_dim).iter().map(|x| x * 4.0).collect(),
            k: random(i as u64 * 3 + 1, tokens * n_kv_heads * head_dim),
            v: random(i as u64 * 3 + 2, tokens * n_kv_heads * head_dim),
        };
        Self { shape, kv_type, sequences: lengths.iter().enumerate().map(sequence).collect() }
    }

    fn pool(&self, backend: &CpuBackend) -> CpuKvPool {
        let (n_kv_heads, head_dim) = (self.shape.n_kv_heads, self.shape.head_dim);
        let layout = KvLayout { n_layers: LAYERS, n_kv_heads, head_dim, kv_type: self.kv_type };
        let blocks = self.sequences.iter().flat_map(|s| &s.blocks).max().unwrap() + 1;
        backend.kv_pool(&layout, blocks as usize).unwrap()
    }

    /// One step with these tokens of each sequence: stores keys and values, returns the rows of each sequence.
    fn step(&self, backend: &CpuBackend, pool: &mut CpuKvPool, tokens: &[Range<usize>]) -> Vec<Vec<f32>> {
        let AttentionShape { n_heads, n_kv_heads, head_dim, .. } = self.shape;
        let rows = |numbers: fn(&Sequence) -> &[f32], cols: usize| {
            let parts = self.sequences.iter().zip(tokens);
            let rows: Vec<f32> = parts.flat_map(|(s, t)| numbers(s)[t.start * cols..t.end * cols].to_vec()).collect();
            tensor(backend, cols, &rows)
        };
        let (q_cols, kv_cols) = (n_heads * head_dim, n_kv_heads * head_dim);
        let (q, k, v) = (rows(|s| &s.q, q_cols), rows(|s| &s.k, kv_cols), rows(|s| &s.v, kv_cols));
        let mut row = 0;
        let spans: Vec<KvSpan<'_>> = self
            .sequences
            .iter()
            .zip(tokens)
            .filter(|(_, tokens)| !tokens.is_empty())
            .map(|(sequence, tokens)| {
                row += tokens.len();
                let blocks = &sequence.blocks[..tokens.end.div_ceil(32)];
                KvSpan { rows: row - tokens.len()..row, first_position: tokens.start, blocks }
            })
            .collect();
        backend.kv_write(pool, LAYER, &spans, &k, &v);
        let mut out = backend.tensor(q.rows(), q_cols);
        backend.attention(pool, LAYER, &spans, &self.shape, &q, &mut out);
        let mut out = backend.read(&out).into_owned().into_iter();
        tokens.iter().map(|tokens| out.by_ref().take(tokens.len() * q_cols).collect()).collect()
    }

    /// All tokens, `step` of each sequence at a time.
    fn run(&self, backend: &CpuBackend, step: usize) -> Vec<Vec<f32>> {
        let mut pool = self.pool(backend);
        let mut out = vec![Vec::new(); self.sequences.len()];
        let longest = self.sequences.iter().map(|s| s.tokens).max().unwrap();
        for start in (0..longest).step_by(step) {
            let tokens: Vec<Range<usize>> =
                self.sequences.iter().map(|s| start.min(s.tokens)..(start + step).min(s.tokens)).collect();
            let rows = self.step(backend, &mut pool, &tokens);
            out.iter_mut().zip(rows).for_each(|(out, rows)| out.extend(rows));
        }
        out
    }

    /// A prompt, then the rest token by token.
    fn run_prompt_then_tokens(&self, backend: &CpuBackend, sequence: usize, prompt: usize) -> Vec<f32> {
        let mut pool = self.pool(backend);
        let length = self.sequences[sequence].tokens;
        let mut out = Vec::new();
        for tokens in std::iter::once(0..prompt).chain((prompt..length).map(|token| token..token + 1)) {
            let mut all = vec![0..0; self.sequences.len()];
            all[sequence] = tokens;
            out.extend(self.step(backend, &mut pool, &all).swap_remove(sequence));
        }
        out
    }

    /// Softmax in f64, of the last tokens of a sequence.
    fn exact(&self, sequence: &Sequence, tokens: usize) -> Vec<f32> {
        let AttentionShape { n_heads, n_kv_heads, head_dim, window, .. } = self.shape;
        let kv = |numbers: &[f32], token: usize, head: usize, d: usize| {
            f64::from(numbers[(token * n_kv_heads + head) * head_dim + d])
        };
        let head = |token: usize, head: usize| {
            let kv_head = head / (n_heads / n_kv_heads);
            let q = &sequence.q[(token * n_heads + head) * head_dim..][..head_dim];
            let first = window.map_or(0, |window| (token + 1).saturating_sub(window.get()));
            let score = |key: usize| {
                let products = q.iter().enumerate().map(|(d, &q)| f64::from(q) * kv(&sequence.k, key, kv_head, d));
                (products.sum::<f64>() / (head_dim as f64).sqrt()).exp()
            };
            let weights: Vec<f64> = (first..=token).map(score).collect();
            let total: f64 = weights.iter().sum();
            let value = |d: usize| {
                (first..).zip(&weights).map(|(key, w)| w * kv(&sequence.v, key, kv_head, d)).sum::<f64>() / total
            };
            (0..head_dim).map(|d| value(d) as f32).collect::<Vec<f32>>()
        };
        (sequence.tokens - tokens..sequence.tokens)
            .flat_map(|token| (0..n_heads).flat_map(move |h| head(token, h)))
            .collect()
    }
}

#[test]
fn near_softmax_and_the_same_bits_however_the_work_is_cut() {
    // [query heads, key-value heads, head width], window, lengths of the sequences
    let cases: [([usize; 3], usize, &[usize]); 7] = [
        ([1, 1, 2], 0, &[1]),
        ([4, 2, 24], 0, &[70, 33, 1]),
        ([4, 4, 16], 9, &[50, 64]),
        ([6, 2, 32], 0, &[300, 5]),
        ([4, 1, 16], 260, &[600]),
        ([8, 2, 64], 0, &[290, 20, 258]),
        ([2, 1, 128], 0, &[530]),
    ];
    let backends = backends();
    for (heads, window, lengths) in cases {
        for kv_type in [KvType::F32, KvType::F16] {
            let case = Case::new(heads, window, kv_type, lengths);
            let what = format!("{heads:?}, window {window}, {lengths:?}, {kv_type:?}");
            let longest = *lengths.iter().max().unwrap();
            let expected = case.run(&backends[0], longest);
            for (sequence, got) in case.sequences.iter().zip(&expected) {
                let exact = case.exact(sequence, sequence.tokens.min(40));
                let error = relative_norm(&got[got.len() - exact.len()..], &exact);
                let bound = if kv_type == KvType::F32 { 3e-6 } else { 1e-2 };
                assert!(error < bound, "{what}: {error:e}");
            }
            for backend in &backends {
                // The specification is slow; it needs to be compared once per thread count.
                let steps = if backend.isa_name() == "scalar" { &[33][..] } else { &[longest, 33, 100] };
                for &step in steps {
                    let same = case.run(backend, step).iter().zip(&expected).all(|(a, b)| bits(a) == bits(b));
                    assert!(same, "{what}: {}, {step} tokens at a time", name(backend));
                }
                for (i, expected) in expected.iter().enumerate() {
                    let alone = case.run_prompt_then_tokens(backend, i, lengths[i].saturating_sub(12).max(1));
                    assert!(bits(&alone) == bits(expected), "{what}: {}, sequence {i} alone", name(backend));
                }
            }
        }
    }
}
