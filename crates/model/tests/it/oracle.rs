//! The whole model in one file: every formula as the papers write it, in f64, nothing shared, nothing fast.
//!
//! Reads the same [`Checkpoint`] as [`model::Transformer`], and has no other line in common with it. All tokens of one sequence go
//! through at once. Block formats are decoded to plain numbers, and their inputs rounded where that is asked for.

use std::f64::consts::PI;

use checkpoint::{Checkpoint, Config, RopeScaling};
use quant::{RowSource, decode_row};

/// What happens to the inputs of matrices in block formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inputs {
    /// Nothing, as in the reference.
    Exact,
    /// They are rounded to 8 bits, a scale for each of the matrix's blocks (docs/numerics.md).
    Int8,
}

/// Logits `[tokens, vocab]` of one sequence.
pub(crate) fn logits(checkpoint: &Checkpoint, tokens: &[u32], inputs: Inputs) -> Vec<f32> {
    let oracle = Oracle { checkpoint, config: &checkpoint.config, inputs };
    let embeddings = oracle.matrix("tok_embeddings");
    let mut x: Rows = tokens.iter().map(|&token| embeddings[token as usize].clone()).collect();
    for layer in 0..oracle.config.n_layers {
        let at = |part: &str| format!("layers.{layer}.{part}");
        let attended = oracle.attention(layer, &oracle.norm(&x, &at("attention_norm")));
        x = sum(&x, &attended);
        let fed = oracle.feed_forward(&oracle.norm(&x, &at("ffn_norm")), &at("feed_forward"));
        x = sum(&x, &fed);
    }
    let output = if oracle.config.tied_embeddings { "tok_embeddings" } else { "output" };
    let logits = oracle.times(&oracle.norm(&x, "norm"), output);
    logits.into_iter().flatten().map(|x| x as f32).collect()
}

type Rows = Vec<Vec<f64>>;

struct Oracle<'a> {
    checkpoint: &'a Checkpoint,
    config: &'a Config,
    inputs: Inputs,
}

impl Oracle<'_> {
    fn matrix(&self, name: &str) -> Rows {
        let tensor = self.checkpoint.tensor(&format!("{name}.weight")).unwrap();
        let mut bytes = vec![0; tensor.format().row_bytes(tensor.cols()).unwrap()];
        let mut floats = vec![0.0; tensor.cols()];
        let row = |n| {
            tensor.read_rows(n..n + 1, &mut bytes).unwrap();
            decode_row(tensor.format(), &bytes, &mut floats).unwrap();
            floats.iter().map(|&x| f64::from(x)).collect()
        };
        (0..tensor.rows()).map(row).collect()
    }

    /// `x · weightᵀ`.
    fn times(&self, x: &Rows, name: &str) -> Rows {
        let weight = self.matrix(name);
        let block = self.checkpoint.tensor(&format!("{name}.weight")).unwrap().format().block_weights();
        let rounds = self.inputs == Inputs::Int8 && block > 1;
        let input = |row: &Vec<f64>| if rounds { rounded(row, block) } else { row.clone() };
        x.iter().map(input).map(|row| weight.iter().map(|w| dot(&row, w)).collect()).collect()
    }

    /// RMSNorm: `x / sqrt(mean(x²) + eps) · weight`.
    fn norm(&self, x: &Rows, name: &str) -> Rows {
        let weight = &self.matrix(name)[0];
        let norm = |row: &Vec<f64>| {
            let mean = row.iter().map(|x| x * x).sum::<f64>() / row.len() as f64;
            let scale = 1.0 / (mean + f64::from(self.config.norm_eps)).sqrt();
            row.iter().zip(weight).map(|(x, w)| x * scale * w).collect()
        };
        x.iter().map(norm).collect()
    }

    /// Grouped-query attention over the past, or over a window of it.
    fn attention(&self, layer: usize, x: &Rows) -> Rows {
        let Config { n_heads, n_kv_heads, head_dim, .. } = *self.config;
        let product = |name: &str| self.times(x, &format!("layers.{layer}.attention.{name}"));
        let (mut q, mut k, v) = (product("wq"), product("wk"), product("wv"));
        for position in 0..x.len() {
            self.rotate(&mut q[position], position);
            self.rotate(&mut k[position], position);
            let scaling = self.config.query_scaling;
            let factor =
                scaling.map_or(1.0, |s| 1.0 + s.beta * (1.0 + (position as f64 / s.original_context).floor()).ln());
            q[position].iter_mut().for_each(|q| *q *= factor);
        }
        let mut mixed = vec![vec![0.0; n_heads * head_dim]; x.len()];
        for (position, row) in mixed.iter_mut().enumerate() {
            let first = self.config.windows[layer].map_or(0, |window| (position + 1).saturating_sub(window.get()));
            for (head, out) in row.chunks_exact_mut(head_dim).enumerate() {
                let own = head * head_dim..(head + 1) * head_dim;
                let group = head / (n_heads / n_kv_heads);
                let shared = group * head_dim..(group + 1) * head_dim;
                let score = |other: usize| dot(&q[position][own.clone()], &k[other][shared.clone()]);
                let scores: Vec<f64> = (first..=position).map(|p| score(p) / (head_dim as f64).sqrt()).collect();
                for (other, weight) in (first..).zip(softmax(&scores)) {
                    out.iter_mut().zip(&v[other][shared.clone()]).for_each(|(o, v)| *o += weight * v);
                }
            }
        }
        self.times(&mixed, &format!("layers.{layer}.attention.wo"))
    }

    /// Rotary embedding (arXiv 2104.09864): adjacent pairs are complex numbers, turned by `position · frequency`.
    fn rotate(&self, row: &mut [f64], position: usize) {
        let head_dim = self.config.head_dim;
        for (index, pair) in row.as_chunks_mut::<2>().0.iter_mut().enumerate() {
            let (frequency, magnitude) = self.frequency(index % (head_dim / 2));
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            *pair = [(pair[0] * cos - pair[1] * sin) * magnitude, (pair[0] * sin + pair[1] * cos) * magnitude];
        }
    }

    /// Radians per position of a pair, and the factor that its numbers take.
    fn frequency(&self, pair: usize) -> (f64, f64) {
        let (theta, dim) = (self.config.rope.theta, self.config.head_dim as f64);
        let plain = theta.powf(-2.0 * pair as f64 / dim);
        match self.config.rope.scaling {
            RopeScaling::Linear { factor } => (plain / factor, 1.0),
            // YaRN (arXiv 2309.00071): pairs between those that turn `beta_slow` and `beta_fast` times are mixed.
            RopeScaling::Yarn { factor, original_context, beta_fast, beta_slow, attention_factor } => {
                let turning = |turns: f64| dim * (original_context / (turns * 2.0 * PI)).ln() / (2.0 * theta.ln());
                let low = turning(beta_fast).floor().max(0.0);
                let high = turning(beta_slow).ceil().min(dim - 1.0);
                let stretched = ((pair as f64 - low) / (high - low).max(0.001)).clamp(0.0, 1.0);
                (plain * (1.0 - stretched) + plain / factor * stretched, attention_factor)
            }
            _ => (plain, 1.0),
        }
    }

    /// SwiGLU, or a weighted sum of the chosen experts' (arXiv 2401.04088).
    fn feed_forward(&self, x: &Rows, part: &str) -> Rows {
        let Some(experts) = self.config.experts else { return self.swiglu(x, part) };
        let chosen: Vec<_> = self.times(x, &format!("{part}.gate")).iter().map(|g| top(g, experts.used)).collect();
        let mut out = vec![vec![0.0; self.config.dim]; x.len()];
        for expert in 0..experts.count {
            let answers = self.swiglu(x, &format!("{part}.experts.{expert}"));
            for (row, out) in out.iter_mut().enumerate() {
                let weight: f64 = chosen[row].iter().filter(|(e, _)| *e == expert).map(|(_, weight)| weight).sum();
                out.iter_mut().zip(&answers[row]).for_each(|(o, a)| *o += weight * a);
            }
        }
        out
    }

    fn swiglu(&self, x: &Rows, part: &str) -> Rows {
        let [w1, w2, w3] = ["w1", "w2", "w3"].map(|name| format!("{part}.{name}"));
        let gated =
            |(gate, up): (Vec<f64>, Vec<f64>)| gate.iter().zip(up).map(|(g, u)| g / (1.0 + (-g).exp()) * u).collect();
        let inner: Rows = self.times(x, &w1).into_iter().zip(self.times(x, &w3)).map(gated).collect();
        self.times(&inner, &w2)
    }
}

/// The `used` largest, with their softmax among themselves.
fn top(gate: &[f64], used: usize) -> Vec<(usize, f64)> {
    let mut order: Vec<usize> = (0..gate.len()).collect();
    order.sort_by(|&a, &b| gate[b].total_cmp(&gate[a]));
    let weights = softmax(&order[..used].iter().map(|&e| gate[e]).collect::<Vec<_>>());
    order.into_iter().zip(weights).collect()
}

fn softmax(scores: &[f64]) -> Vec<f64> {
    let largest = scores.iter().copied().fold(f64::MIN, f64::max);
    let exps: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
    let sum: f64 = exps.iter().sum();
    exps.iter().map(|e| e / sum).collect()
}

/// Each block as 8-bit codes times the scale that makes its largest number 127.
fn rounded(row: &[f64], block: usize) -> Vec<f64> {
    let round = |numbers: &[f64]| -> Vec<f64> {
        let scale = numbers.iter().fold(0.0, |largest: f64, x| largest.max(x.abs())) / 127.0;
        numbers.iter().map(|x| if scale > 0.0 { (x / scale).round_ties_even() * scale } else { 0.0 }).collect()
    };
    row.chunks(block).flat_map(round).collect()
}

fn sum(a: &Rows, b: &Rows) -> Rows {
    a.iter().zip(b).map(|(a, b)| a.iter().zip(b).map(|(a, b)| a + b).collect()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
