//! Tiles of products whose sums stay in registers: what both halves of attention are made of.

use std::ops::Range;

use crate::aligned::LINE;
use crate::attention::KvNumber;
use crate::lanes::{LANES, Lanes};

/// Work on neighbouring parts of vectors.
pub(super) trait Strips {
    /// Does `V` parts at once.
    fn strip<L: Lanes, const V: usize>(&mut self, lanes: L, first: usize);
}

/// Does all parts for `rows` rows, as many at once as stay in registers and at most `most`.
#[inline(always)]
pub(super) fn in_strips<L: Lanes>(lanes: L, rows: usize, parts: Range<usize>, most: usize, work: &mut impl Strips) {
    let Range { start: mut part, end } = parts;
    let fits = L::TILE[rows - 1].min(most);
    while part < end {
        let left = end - part;
        if fits >= 8 && left >= 8 {
            work.strip::<L, 8>(lanes, part);
            part += 8;
        } else if fits >= 4 && left >= 4 {
            work.strip::<L, 4>(lanes, part);
            part += 4;
        } else if fits == 3 && left >= 3 && left != 4 {
            work.strip::<L, 3>(lanes, part);
            part += 3;
        } else if fits >= 2 && left >= 2 {
            work.strip::<L, 2>(lanes, part);
            part += 2;
        } else {
            work.strip::<L, 1>(lanes, part);
            part += 1;
        }
    }
}

/// `R` rows of `V` parts.
pub(super) type Sums<L, const R: usize, const V: usize> = [[<L as Lanes>::Part; V]; R];

#[inline(always)]
pub(super) fn zeros<L: Lanes, const R: usize, const V: usize>(lanes: L) -> Sums<L, R, V> {
    [[lanes.splat_part(0.0); V]; R]
}

/// Reads rows of parts that lie `stride` apart.
#[inline(always)]
pub(super) fn load<L: Lanes, const R: usize, const V: usize>(lanes: L, rows: &[f32], stride: usize) -> Sums<L, R, V> {
    let width = LANES / L::PARTS;
    assert!(stride * (R - 1) + width * V <= rows.len());
    let mut sums = zeros::<L, R, V>(lanes);
    for r in 0..R {
        for v in 0..V {
            // SAFETY: it is there, see above.
            sums[r][v] = unsafe { lanes.load_part_at(rows.as_ptr().add(stride * r + width * v)) };
        }
    }
    sums
}

/// Writes rows of parts that lie `stride` apart.
#[inline(always)]
pub(super) fn store<L: Lanes, const R: usize, const V: usize>(
    lanes: L,
    sums: &Sums<L, R, V>,
    rows: &mut [f32],
    stride: usize,
) {
    let width = LANES / L::PARTS;
    assert!(stride * (R - 1) + width * V <= rows.len());
    for r in 0..R {
        for v in 0..V {
            // SAFETY: it is there, see above.
            unsafe { lanes.store_part_at(sums[r][v], rows.as_mut_ptr().add(stride * r + width * v)) };
        }
    }
}

/// Products of rows of numbers with columns of parts, `len` of each.
pub(super) struct Products<'a, N, const V: usize> {
    /// Row `r` has its numbers at `stride · r ..`, one after the other.
    pub(super) x: &'a [f32],
    pub(super) stride: usize,
    /// Column `v` has its parts at `at[v] ..`, `step` numbers from one to the next.
    pub(super) y: &'a [N],
    pub(super) at: [usize; V],
    pub(super) step: usize,
    pub(super) len: usize,
}

impl<N: KvNumber, const V: usize> Products<'_, N, V> {
    /// Adds the products, in order, to the sums of each row and column.
    ///
    /// Meanwhile asks for as many bytes as it reads, line by line, from the places in `ahead`, one after the other.
    #[inline(always)]
    pub(super) fn add_to<L: Lanes, const R: usize>(&self, lanes: L, sums: &mut Sums<L, R, V>, ahead: &[&[N]]) {
        let &Self { x, stride, y, at, step, len } = self;
        let (width, line) = (V * LANES / L::PARTS, LINE / size_of::<N>());
        if len == 0 {
            return;
        }
        assert!(stride * (R - 1) + len <= x.len());
        let last = y.len().checked_sub(step * (len - 1) + LANES / L::PARTS).expect("as many parts as numbers");
        assert!(at.iter().all(|&at| at <= last));
        let (mut i, mut ahead) = (0, ahead.iter());
        while i < len {
            let (mut place, end) = match ahead.next() {
                Some(place) => (place.as_ptr(), len.min(i + place.len() / width)),
                None => (y.as_ptr(), len),
            };
            while i < end {
                for at in (0..width).step_by(line) {
                    lanes.prefetch(place.wrapping_add(at));
                }
                place = place.wrapping_add(width);
                // SAFETY: `i` is below `len`, so all that is read lies inside the slices, see above.
                unsafe {
                    let mut parts = [lanes.splat_part(0.0); V];
                    for v in 0..V {
                        parts[v] = N::load_part_at(lanes, y.as_ptr().add(at[v] + step * i));
                    }
                    lanes.add_products(x.as_ptr().add(i), stride, &parts, sums);
                }
                i += 1;
            }
        }
    }
}
