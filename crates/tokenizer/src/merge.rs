//! Byte-pair merging: of all neighbours that together are in the vocabulary, the most urgent pair becomes one symbol
//! (the leftmost of equals), again and again until none is left.
//!
//! Both tokenizers merge like this, from bytes (Tekken) or characters (SentencePiece), with a rank by id or by score.
//! A short piece is searched from the start for each merge; a long one keeps its pairs in a heap, so that a megabyte
//! without a place to cut takes n log n steps and not n².

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// From this many symbols on, the heap is quicker.
const LONG: usize = 48;
/// A pair that is not in the vocabulary.
const NEVER: u32 = u32::MAX;

/// The memory of the algorithm, kept between pieces.
#[derive(Default)]
pub(crate) struct Merger {
    /// Where each symbol begins, and the rank of the pair that it makes with the next.
    symbols: Vec<(u32, u32)>,
    links: Vec<Link>,
    heap: BinaryHeap<Reverse<(u32, u32, u32)>>,
}

/// A symbol of a long piece, in a list of symbols.
#[derive(Clone, Copy)]
struct Link {
    /// [`NEVER`] once it has been merged into the one before.
    start: u32,
    before: u32,
    after: u32,
}

impl Merger {
    /// Merges `text`, whose symbols begin at `starts` (the first at 0), and calls `symbol` with the symbols left, in order.
    ///
    /// `rank` of two neighbours taken together: lower is more urgent, `None` is not in the vocabulary. `text` is at
    /// most [`crate::limits::MERGE_BYTES`] long.
    pub(crate) fn merge<'a>(
        &mut self,
        text: &'a [u8],
        starts: impl Iterator<Item = usize>,
        rank: impl Fn(&[u8]) -> Option<u32>,
        mut symbol: impl FnMut(&'a [u8]),
    ) {
        let rank = |start: u32, end: u32| {
            let pair = text.get(start as usize..end as usize).unwrap_or_default();
            rank(pair).unwrap_or(NEVER)
        };
        self.symbols.clear();
        self.symbols.extend(starts.map(|start| (start as u32, NEVER)));
        if self.symbols.len() < LONG {
            self.merge_short(text.len() as u32, rank);
        } else {
            self.merge_long(text.len() as u32, rank);
        }
        let mut ends = self.symbols.iter().skip(1).map(|&(start, _)| start as usize).chain([text.len()]);
        for &(start, _) in &self.symbols {
            let end = ends.next().unwrap_or(text.len());
            symbol(text.get(start as usize..end).unwrap_or_default());
        }
    }

    /// Where symbol `at` begins; the end of the text after the last.
    fn start(&self, at: usize, end: u32) -> u32 {
        self.symbols.get(at).map_or(end, |&(start, _)| start)
    }

    fn merge_short(&mut self, end: u32, rank: impl Fn(u32, u32) -> u32) {
        for at in 0..self.symbols.len() {
            self.rank_pair(at, end, &rank);
        }
        while let Some((at, &(_, least))) = self.symbols.iter().enumerate().min_by_key(|(_, (_, rank))| *rank) {
            if least == NEVER {
                break;
            }
            self.symbols.remove(at + 1);
            self.rank_pair(at, end, &rank);
            if let Some(before) = at.checked_sub(1) {
                self.rank_pair(before, end, &rank);
            }
        }
    }

    fn rank_pair(&mut self, at: usize, end: u32, rank: &impl Fn(u32, u32) -> u32) {
        let is_last = at + 1 >= self.symbols.len();
        let pair_end = self.start(at + 2, end);
        if let Some(symbol) = self.symbols.get_mut(at) {
            symbol.1 = if is_last { NEVER } else { rank(symbol.0, pair_end) };
        }
    }

    fn merge_long(&mut self, end: u32, rank: impl Fn(u32, u32) -> u32) {
        self.link();
        for at in 0..self.links.len() as u32 {
            self.push_pair(at, end, &rank);
        }
        while let Some(Reverse((_, left, pair_end))) = self.heap.pop() {
            // A pair is stale once one of its two has changed: symbols only grow, so the end tells.
            if self.pair(left, end).is_none_or(|(_, now)| now != pair_end) {
                continue;
            }
            self.absorb_next(left);
            self.push_pair(left, end, &rank);
            if let Some(before) = self.links.get(left as usize).map(|link| link.before) {
                self.push_pair(before, end, &rank);
            }
        }
        self.symbols.clear();
        self.symbols.extend(self.links.iter().filter(|link| link.start != NEVER).map(|link| (link.start, NEVER)));
    }

    fn link(&mut self) {
        self.links.clear();
        let count = self.symbols.len();
        self.links.extend(self.symbols.iter().enumerate().map(|(at, &(start, _))| Link {
            start,
            before: at.checked_sub(1).map_or(NEVER, |before| before as u32),
            after: if at + 1 < count { (at + 1) as u32 } else { NEVER },
        }));
    }

    /// Start and end of symbol `left` together with the one after it, where both are alive.
    fn pair(&self, left: u32, end: u32) -> Option<(u32, u32)> {
        let left = self.links.get(left as usize).filter(|link| link.start != NEVER)?;
        let right = self.links.get(left.after as usize)?;
        Some((left.start, self.links.get(right.after as usize).map_or(end, |link| link.start)))
    }

    fn push_pair(&mut self, left: u32, end: u32, rank: &impl Fn(u32, u32) -> u32) {
        let Some((start, pair_end)) = self.pair(left, end) else { return };
        match rank(start, pair_end) {
            NEVER => {}
            urgent => self.heap.push(Reverse((urgent, left, pair_end))),
        }
    }

    fn absorb_next(&mut self, left: u32) {
        let Some(right) = self.links.get(left as usize).map(|link| link.after) else { return };
        let Some(gone) = self.links.get_mut(right as usize) else { return };
        gone.start = NEVER;
        let after = gone.after;
        if let Some(link) = self.links.get_mut(left as usize) {
            link.after = after;
        }
        if let Some(link) = self.links.get_mut(after as usize) {
            link.before = left;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Random;

    /// A rank for a third of all short strings, with many ties.
    fn rank(pair: &[u8]) -> Option<u32> {
        let hash = pair.iter().fold(7u32, |h, &b| h.wrapping_mul(31).wrapping_add(u32::from(b)));
        (pair.len() < 9 && hash.is_multiple_of(3)).then_some(hash % 11)
    }

    fn merged(text: &[u8], long: bool) -> Vec<(u32, u32)> {
        let mut merger =
            Merger { symbols: (0..text.len() as u32).map(|at| (at, NEVER)).collect(), ..Merger::default() };
        let (end, rank) = (text.len() as u32, |a: u32, b: u32| rank(&text[a as usize..b as usize]).unwrap_or(NEVER));
        if long {
            merger.merge_long(end, rank)
        } else {
            merger.merge_short(end, rank)
        }
        merger.symbols
    }

    #[test]
    fn short_and_long_ways_agree() {
        let mut random = Random::new(1);
        for length in 0..400 {
            let text: Vec<u8> = (0..length).map(|_| b'a' + random.below(3) as u8).collect();
            assert_eq!(merged(&text, false), merged(&text, true), "{text:?}");
        }
    }
}
