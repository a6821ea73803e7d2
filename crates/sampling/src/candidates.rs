//! The tokens still in the running, in a total order, sorted only as far as anybody looks.
//!
//! Invariant: the set is either untouched, in the order of token ids, or sorted from the front by (logit descending, id
//! ascending) up to `sorted`. A vocabulary has 131,072 entries and a choice seldom looks past the first hundred.

use tokenizer::TokenId;

use crate::exponential::{exp, largest, sum_exp};

/// Candidates and their weights `exp((logit − max) / temperature)`.
pub(crate) struct Candidates<'a> {
    /// One key a token; ascending keys are descending logits, then ascending ids.
    keys: &'a mut Vec<u64>,
    sorted: usize,
    max: f32,
    inverse_temperature: f64,
    /// Sum of the weights of all keys.
    total: f64,
}

impl<'a> Candidates<'a> {
    /// All tokens whose logit is above −∞; `None` where there is none. `keys` is scratch memory, `logits` has no NaN.
    pub(crate) fn new(logits: &[f32], temperature: f32, keys: &'a mut Vec<u64>) -> Option<Self> {
        let max = largest(logits);
        if max == f32::NEG_INFINITY {
            return None;
        }
        keys.clear();
        let finite = logits.iter().enumerate().filter(|(_, l)| **l > f32::NEG_INFINITY);
        keys.extend(finite.map(|(id, &logit)| key(logit, id as u32)));
        let inverse_temperature = 1.0 / f64::from(temperature);
        let total = sum_exp(logits, max, inverse_temperature);
        Some(Self { keys, sorted: 0, max, inverse_temperature, total })
    }

    /// Keeps the `k` most probable; 0 keeps all.
    pub(crate) fn top_k(&mut self, k: usize) {
        if k > 0 && k < self.keys.len() {
            self.sort_to(k);
            self.truncate(k);
        }
    }

    /// Keeps the fewest most probable whose share reaches `p`; at least one.
    pub(crate) fn top_p(&mut self, p: f32) {
        if p >= 1.0 {
            return;
        }
        let wanted = f64::from(p) * self.total;
        let (mut kept, mut sum) = (0, 0.0);
        while kept < self.keys.len() && (kept == 0 || sum < wanted) {
            sum += self.weight_at(kept);
            kept += 1;
        }
        self.sort_to(kept);
        self.truncate(kept);
    }

    /// Keeps those at least `p` times as probable as the most probable one.
    pub(crate) fn min_p(&mut self, p: f32) {
        if p <= 0.0 {
            return;
        }
        // The largest weight is exp(0) = 1.
        let (max, factor) = (self.max, self.inverse_temperature);
        self.keys.retain(|&k| weight(k, max, factor) >= f64::from(p));
        self.sort_to(self.keys.len());
        self.truncate(self.keys.len());
    }

    /// Keeps those whose surprise −ln p is nearest to the entropy, until their share reaches `p`; at least one.
    pub(crate) fn typical_p(&mut self, p: f32) {
        if p >= 1.0 {
            return;
        }
        self.sort_to(self.keys.len());
        let ln_total = libm::log(self.total);
        let surprise = |c: &Self, key| ln_total - (f64::from(logit_of(key)) - f64::from(c.max)) * c.inverse_temperature;
        let weights: Vec<f64> = self.keys.iter().map(|&k| weight(k, self.max, self.inverse_temperature)).collect();
        let entropy = self.keys.iter().zip(&weights).map(|(&k, w)| w * surprise(self, k)).sum::<f64>() / self.total;
        let mut order: Vec<(f64, usize)> =
            self.keys.iter().enumerate().map(|(i, &k)| ((surprise(self, k) - entropy).abs(), i)).collect();
        order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let (mut kept, mut sum) = (Vec::new(), 0.0);
        for (_, index) in order {
            kept.push(self.keys[index]);
            sum += weights[index];
            if sum >= f64::from(p) * self.total {
                break;
            }
        }
        *self.keys = kept;
        self.keys.sort_unstable();
        self.truncate(self.keys.len());
    }

    /// The candidate where the running share passes `uniform` in `[0, 1)`.
    pub(crate) fn choose(&mut self, uniform: f64) -> TokenId {
        let target = uniform * self.total;
        let mut sum = 0.0;
        for index in 0..self.keys.len() {
            sum += self.weight_at(index);
            if sum > target {
                return id_of(self.keys[index]);
            }
        }
        // Only the rounding of the sums leads here: the first is always a right answer.
        id_of(self.keys[0])
    }

    /// The first `n` candidates, best first.
    pub(crate) fn first(&mut self, n: usize) -> impl Iterator<Item = (TokenId, f32)> + '_ {
        let n = n.min(self.keys.len());
        self.sort_to(n);
        self.keys[..n].iter().map(|&k| (id_of(k), logit_of(k)))
    }

    /// All candidates with their probabilities, best first.
    pub(crate) fn distribution(&mut self) -> Vec<(TokenId, f64)> {
        (0..self.keys.len())
            .map(|i| {
                let weight = self.weight_at(i);
                (id_of(self.keys[i]), weight / self.total)
            })
            .collect()
    }

    fn weight_at(&mut self, index: usize) -> f64 {
        if index >= self.sorted {
            // Twice as far each time: the sorting stays near-linear however far the caller walks.
            self.sort_to((2 * index).max(64).min(self.keys.len()));
        }
        weight(self.keys[index], self.max, self.inverse_temperature)
    }

    /// Makes the first `n` keys the `n` smallest, in order.
    fn sort_to(&mut self, n: usize) {
        if n <= self.sorted {
            return;
        }
        let rest = &mut self.keys[self.sorted..];
        let wanted = n - self.sorted;
        if wanted < rest.len() {
            rest.select_nth_unstable(wanted);
        }
        rest[..wanted].sort_unstable();
        self.sorted = n;
    }

    /// Drops all behind the first `n` sorted keys and sums their weights anew, in order.
    fn truncate(&mut self, n: usize) {
        self.keys.truncate(n);
        self.sorted = n;
        self.total = self.keys.iter().map(|&k| weight(k, self.max, self.inverse_temperature)).sum();
    }
}

fn weight(key: u64, max: f32, inverse_temperature: f64) -> f64 {
    exp((f64::from(logit_of(key)) - f64::from(max)) * inverse_temperature)
}

/// Order-preserving bits of the logit, inverted, above the id. −0 and +0 are one value.
fn key(logit: f32, id: u32) -> u64 {
    let bits = (logit + 0.0).to_bits();
    let ascending = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(!ascending) << 32 | u64::from(id)
}

fn logit_of(key: u64) -> f32 {
    let ascending = !((key >> 32) as u32);
    f32::from_bits(if ascending >> 31 == 1 { ascending ^ 1 << 31 } else { !ascending })
}

fn id_of(key: u64) -> TokenId {
    TokenId(key as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_keep_order_and_value() {
        let values = [f32::MAX, 3.5, 1e-40, 0.0, -1e-40, -2.0, f32::MIN];
        for pair in values.windows(2) {
            assert!(key(pair[0], 9) < key(pair[1], 3), "{pair:?}");
        }
        for value in values {
            assert_eq!(logit_of(key(value, 7)), value);
            assert_eq!(id_of(key(value, 7)), TokenId(7));
        }
        assert!(key(-0.0, 1) < key(0.0, 2), "a tie goes to the lower id");
    }
}
