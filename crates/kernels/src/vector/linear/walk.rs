//! In which order a tile goes through its groups of weights, and how far ahead it asks for them.
//!
//! Weights that come from memory are multiplied faster than they arrive, so what counts is that the processor always has
//! enough lines on their way. Two manners, by measurement (docs/performance-trials.md):
//!
//! - *in order*: the groups as they lie in memory, so that a tile, and a thread's next tile, is one long read which the
//!   processor's own prefetching follows. Best on AMD's Zen 5: 92 to 99 % of a plain read, where two distant streams reach 81 to 92 %.
//! - *apart*: from four distant places of the tile at once. Best in trials on Intel's Xeon with AMX: 77 % of a plain read, 61 % in
//!   order.
//!
//! A single row with vectors of half a line takes its groups in turns, on any processor: [`super::turns`].

use std::ops::Range;
use std::sync::OnceLock;

use super::blocks;
use crate::packed::{GROUP, Lines, PackedMatrix};

/// Most groups of a step: what has to be prepared of the inputs is shared by so many.
pub(super) const WIDEST: usize = 4;

/// Rows for which the weights' way from memory is what takes time.
const FEW_ROWS: usize = 16;

/// See the text of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    InOrder,
    Apart,
}

impl Manner {
    /// What suits this processor.
    pub(super) fn detect() -> Self {
        static MANNER: OnceLock<Manner> = OnceLock::new();
        *MANNER.get_or_init(|| if is_intel() { Self::Apart } else { Self::InOrder })
    }
}

#[cfg(target_arch = "x86_64")]
fn is_intel() -> bool {
    let name = std::arch::x86_64::__cpuid(0);
    [name.ebx, name.edx, name.ecx].map(u32::to_le_bytes).as_flattened() == b"GenuineIntel"
}

#[cfg(not(target_arch = "x86_64"))]
fn is_intel() -> bool {
    false
}

/// Groups of a step. Narrow vectors make many strips of a group, and a step has room for `MAX_STRIPS`.
fn widest(lanes: usize) -> usize {
    WIDEST.min(blocks::MAX_STRIPS * lanes / GROUP)
}

/// The steps through some groups: [`WIDEST`] groups at most in each, every group once.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    groups: Range<usize>,
    /// Groups of a step.
    width: usize,
    /// From one group of a step to the next, and from one step to the next.
    apart: usize,
    stride: usize,
    /// Bytes, within a group.
    ahead: usize,
}

/// How far ahead to ask when so many groups are read side by side in order, their codes streamed ([`super::codes::is_streamed`]) or not: with
/// less lines come too late, with more too many are on their way at once. By measurement.
const fn ahead(width: usize, streamed: bool) -> usize {
    match (width, streamed) {
        (WIDEST.., _) => 4 << 10,
        (_, true) => 5 << 10,
        _ => 7 << 10,
    }
}

impl Walk {
    /// Through `groups`, for `rows` rows of inputs, with vectors of `lanes` rows, of which `strips` are multiplied side by side.
    pub(super) fn new(
        manner: Manner,
        groups: Range<usize>,
        rows: usize,
        (lanes, strips): (usize, usize),
        streamed: bool,
    ) -> Self {
        let widest = widest(lanes);
        let in_order = |width: usize| {
            let ahead = ahead(width, streamed);
            Self { groups: groups.clone(), width, apart: 1, stride: width, ahead }
        };
        match manner {
            _ if rows > FEW_ROWS => in_order(widest),
            Manner::InOrder => in_order((strips * lanes / GROUP).clamp(1, widest)),
            Manner::Apart => Self::apart(groups, widest, 2 << 10),
        }
    }

    /// Through `groups` from as many distant places as a step has room for, asking just ahead: for a single row of inputs, where vectors have
    /// fewer `lanes` than a group has rows, on any processor ([`super::turns`]).
    pub(super) fn near(groups: Range<usize>, lanes: usize) -> Self {
        Self::apart(groups, widest(lanes), 512)
    }

    fn apart(groups: Range<usize>, width: usize, ahead: usize) -> Self {
        let apart = groups.len().div_ceil(width).max(1);
        Self { groups, width, apart, stride: 1, ahead }
    }

    pub(super) fn num_steps(&self) -> usize {
        if self.apart == 1 { self.groups.len().div_ceil(self.width) } else { self.apart }
    }

    /// The groups of a step.
    pub(super) fn step<'w>(&self, weights: &'w PackedMatrix, step: usize) -> Step<'w> {
        let first = self.groups.start + step * self.stride;
        let mut groups = [(first, weights.group(first)); WIDEST];
        let mut len = 1;
        while len < self.width && first + len * self.apart < self.groups.end {
            let group = first + len * self.apart;
            groups[len] = (group, weights.group(group));
            len += 1;
        }
        Step { groups, len }
    }

    /// How far behind a line of a step lies the one that should be asked for now, in bytes. `left` is how much of the line's group,
    /// of `group_bytes`, is not yet multiplied: at its end, what comes next is in the step's next group.
    #[inline(always)]
    pub(super) fn ahead(&self, left: usize, group_bytes: usize) -> usize {
        self.ahead + if left > self.ahead { 0 } else { (self.stride - 1) * group_bytes }
    }
}

/// Up to [`WIDEST`] groups of weights, at least one.
#[derive(Clone, Copy)]
pub(super) struct Step<'w> {
    groups: [(usize, &'w Lines); WIDEST],
    len: usize,
}

impl<'w> Step<'w> {
    #[inline(always)]
    pub(super) fn num_groups(&self) -> usize {
        self.len
    }

    /// All lines of a group.
    #[inline(always)]
    pub(super) fn lines(&self, group: usize) -> &'w Lines {
        self.groups[group].1
    }

    /// Vectors of `lanes` rows.
    #[inline(always)]
    pub(super) fn num_strips(&self, lanes: usize) -> usize {
        self.len * (GROUP / lanes)
    }

    /// Group of a strip, its lines, and the strip's part of them.
    #[inline(always)]
    pub(super) fn strip(&self, index: usize, lanes: usize) -> (usize, &'w Lines, usize) {
        let parts = GROUP / lanes;
        let (group, lines) = self.groups[index / parts];
        (group, lines, index % parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_is_in_one_step() {
        let weights = PackedMatrix::from_rows(quant::Format::F16, 16 * 23, 1, &[0; 16 * 23 * 2]).unwrap();
        for manner in [Manner::InOrder, Manner::Apart] {
            for (lanes, strips) in [(16, 2), (8, 1), (4, 2)] {
                for (rows, len) in
                    [1, 2, 8, 16, 17, 32].into_iter().flat_map(|rows| (0..20).map(move |len| (rows, len)))
                {
                    let walk = Walk::new(manner, 3..3 + len, rows, (lanes, strips), false);
                    for walk in [walk, Walk::near(3..3 + len, lanes)] {
                        let steps = (0..walk.num_steps()).map(|step| walk.step(&weights, step));
                        let mut seen: Vec<usize> =
                            steps.flat_map(|step| step.groups.map(|(group, _)| group)[..step.len].to_vec()).collect();
                        seen.sort_unstable();
                        assert_eq!(seen, (3..3 + len).collect::<Vec<_>>(), "{walk:?}, {lanes} lanes, {rows} rows");
                    }
                }
            }
        }
    }
}
