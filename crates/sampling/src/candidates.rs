//! The tokens still in the running, in a total order, looked up and sorted only as far as anybody looks.
//!
//! A vocabulary has 131,072 entries and a choice seldom looks past the first hundred. So tokens are taken out of the logits in
//! tiers, the best first, and a tier is sorted from its front.
//!
//! Invariant: `keys[..sorted]` are the first of all candidates by (logit descending, id ascending); `keys[sorted..]` come
//! after them, in any order, and hold whatever else is above `floor`; below it lies what no one has asked for.

use tokenizer::TokenId;

use crate::exponential::{exp, largest, sum_exp};

/// Candidates and their weights `exp((logit − max) / temperature)`.
pub(crate) struct Candidates<'a> {
    logits: &'a [f32],
    /// One key a token; ascending keys are descending logits, then ascending ids.
    keys: &'a mut Vec<u64>,
    sorted: usize,
    /// Tokens at or below it are not among the keys yet; −∞: nothing is missing.
    floor: f32,
    max: f32,
    inverse_temperature: f64,
    /// Sum of the weights of all candidates, looked up or not.
    total: f64,
}

/// The first tier reaches down to weights of e⁻⁸; each further one twice as far.
const FIRST_TIER: f64 = 8.0;

impl<'a> Candidates<'a> {
    /// All tokens whose logit is above −∞; `None` where there is none. `keys` is scratch memory, `logits` has no NaN.
    pub(crate) fn new(logits: &'a [f32], temperature: f32, keys: &'a mut Vec<u64>) -> Option<Self> {
        let max = largest(logits);
        if max == f32::NEG_INFINITY {
            return None;
        }
        keys.clear();
        let inverse_temperature = 1.0 / f64::from(temperature);
        let total = sum_exp(logits, max, inverse_temperature);
        Some(Self { logits, keys, sorted: 0, floor: f32::INFINITY, max, inverse_temperature, total })
    }

    /// Keeps the `k` most probable; 0 keeps all.
    pub(crate) fn top_k(&mut self, k: usize) {
        if k > 0 && k < self.logits.len() {
            let kept = self.sort_to(k);
            self.truncate(kept);
        }
    }

    /// Keeps the fewest most probable whose share reaches `p`; at least one.
    pub(crate) fn top_p(&mut self, p: f32) {
        if p >= 1.0 {
            return;
        }
        let wanted = f64::from(p) * self.total;
        let (mut kept, mut sum) = (0, 0.0);
        while kept == 0 || sum < wanted {
            let Some(key) = self.key_at(kept) else { break };
            sum += self.weight(key);
            kept += 1;
        }
        self.truncate(kept);
    }

    /// Keeps those at least `p` times as probable as the most probable one.
    pub(crate) fn min_p(&mut self, p: f32) {
        if p <= 0.0 {
            return;
        }
        let mut kept = 0;
        // The largest weight is exp(0) = 1.
        while self.key_at(kept).is_some_and(|key| self.weight(key) >= f64::from(p)) {
            kept += 1;
        }
        self.truncate(kept);
    }

    /// Keeps those whose surprise −ln p is nearest to the entropy, until their share reaches `p`; at least one.
    pub(crate) fn typical_p(&mut self, p: f32) {
        if p >= 1.0 {
            return;
        }
        self.sort_to(usize::MAX);
        let ln_total = libm::log(self.total);
        let surprise = |c: &Self, key| ln_total - c.exponent(key);
        let weights: Vec<f64> = self.keys.iter().map(|&key| self.weight(key)).collect();
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
    pub(crate) fn choose(&mut self, uniform: f64) -> Option<TokenId> {
        let target = uniform * self.total;
        let (mut index, mut sum) = (0, 0.0);
        while let Some(key) = self.key_at(index) {
            sum += self.weight(key);
            if sum > target {
                return Some(id_of(key));
            }
            index += 1;
        }
        // Only the rounding of the sums leads here: the first is always a right answer.
        self.keys.first().map(|&key| id_of(key))
    }

    /// The first `n` candidates, best first.
    pub(crate) fn first(&mut self, n: usize) -> impl Iterator<Item = (TokenId, f32)> + '_ {
        let n = self.sort_to(n);
        self.keys[..n].iter().map(|&key| (id_of(key), logit_of(key)))
    }

    /// All candidates with their probabilities, best first.
    pub(crate) fn distribution(&mut self) -> Vec<(TokenId, f64)> {
        self.sort_to(usize::MAX);
        self.keys.iter().map(|&key| (id_of(key), self.weight(key) / self.total)).collect()
    }

    /// The candidate with this many before it.
    fn key_at(&mut self, index: usize) -> Option<u64> {
        if index >= self.sorted {
            // Twice as far each time: the sorting stays near-linear however far the caller walks.
            self.sort_to((2 * index).max(64));
        }
        self.keys[..self.sorted].get(index).copied()
    }

    /// Sorts the first `n` candidates; how many there are, if that is less.
    fn sort_to(&mut self, n: usize) -> usize {
        while self.keys.len() < n && self.floor > f32::NEG_INFINITY {
            self.lower_floor();
        }
        let n = n.min(self.keys.len());
        if n > self.sorted {
            let rest = &mut self.keys[self.sorted..];
            let wanted = n - self.sorted;
            if wanted < rest.len() {
                rest.select_nth_unstable(wanted);
            }
            rest[..wanted].sort_unstable();
            self.sorted = n;
        }
        n
    }

    /// Takes in the next tier: all its keys come after those that are there.
    fn lower_floor(&mut self) {
        let above = self.floor;
        let depth = f64::from(self.max - above) * self.inverse_temperature;
        let depth = if above == f32::INFINITY { FIRST_TIER } else { 2.0 * depth.max(FIRST_TIER) };
        let floor = (f64::from(self.max) - depth / self.inverse_temperature) as f32;
        // A step too small or too large to matter: all the rest.
        self.floor = if floor < above && depth < 500.0 { floor } else { f32::NEG_INFINITY };
        for (id, &logit) in self.logits.iter().enumerate() {
            if logit > self.floor && logit <= above {
                self.keys.push(key(logit, id as u32));
            }
        }
    }

    /// Drops all behind the first `n` sorted keys and sums their weights anew, in order.
    fn truncate(&mut self, n: usize) {
        self.keys.truncate(n);
        self.sorted = n;
        self.floor = f32::NEG_INFINITY;
        self.total = self.keys.iter().map(|&key| self.weight(key)).sum();
    }

    fn weight(&self, key: u64) -> f64 {
        exp(self.exponent(key))
    }

    /// `(logit − max) / temperature`.
    fn exponent(&self, key: u64) -> f64 {
        (f64::from(logit_of(key)) - f64::from(self.max)) * self.inverse_temperature
    }
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
