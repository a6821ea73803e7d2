//! Plain numbers: one addition an input, in order, for tiles of sums that stay in registers.

use std::marker::PhantomData;

use quant::Format;

use super::blocks::{MAX_STRIPS, write};
use super::walk::Step;
use super::{Block, MANY};
use crate::Tile;
use crate::aligned::LINE;
use crate::packed::Lines;
use crate::products::{FormatType, Products, ProductsOperation};

/// A block of weights that are plain numbers.
pub(super) struct Numbers<'a, 'b, 'c, F> {
    block: &'a Block<'b>,
    out: &'a mut Tile<'c>,
    format: PhantomData<F>,
}

/// Inputs that are multiplied before the next rows. All of them where that was measured to be faster: sums then go to registers and back
/// once, and the weights that the next rows read again come from the second-level cache in time. F32, which memory is slowest to
/// bring, would leave it idle meanwhile; of a few inputs the weights are still in the first-level cache.
const fn depth<P: Products, F: FormatType>() -> usize {
    match (P::LANES, F::FORMAT) {
        (8, Format::F16 | Format::BF16) => usize::MAX,
        _ => 128,
    }
}

/// Strips that are multiplied side by side: each output is one chain of additions, so there have to be several (eight, for a
/// processor that begins two at a time and ends each four cycles later), as many as the sums of some rows leave registers for.
pub(super) const fn strips<P: Products>(rows: usize) -> usize {
    if rows <= 2 || P::LANES != 8 { 4 } else { 2 }
}

/// Rows of a block, [`MANY`] at most: where tiles have six rows or five, as many as make whole tiles of both.
pub(super) const fn many<P: Products>() -> usize {
    if P::LANES == 8 { 30 } else { MANY }
}

/// A vector's worth of a group.
#[derive(Clone, Copy)]
struct Strip<'a> {
    group: &'a Lines,
    part: usize,
    /// How far ahead lines are asked for, in bytes.
    ahead: usize,
}

impl<'a, 'b, 'c, F: FormatType> Numbers<'a, 'b, 'c, F> {
    pub(super) fn new(block: &'a Block<'b>, out: &'a mut Tile<'c>) -> Self {
        Self { block, out, format: PhantomData }
    }
}

impl<F: FormatType> ProductsOperation for Numbers<'_, '_, '_, F> {
    #[inline(always)]
    fn run<P: Products>(self, products: P) {
        let Self { block, out, .. } = self;
        let empty: &[[u8; 4]] = &[];
        let mut rows = [empty; MANY];
        for row in 0..block.rows.len().min(MANY) {
            rows[row] = block.activations.numbers(block.rows.start + row);
        }
        let rows = &rows[..block.rows.len().min(MANY)];
        for step in 0..block.walk.num_steps() {
            let step = block.walk.step(block.weights, step);
            let mut sums = [[products.splat_float(0.0); MANY]; MAX_STRIPS];
            for first in (0..block.weights.cols()).step_by(const { depth::<P, F>() }) {
                let depth = const { depth::<P, F>() }.min(block.weights.cols() - first);
                if strips::<P>(block.rows.len()) == 4 {
                    add_inputs::<P, F, 4>(products, block, &step, rows, (first, depth), &mut sums);
                } else {
                    add_inputs::<P, F, 2>(products, block, &step, rows, (first, depth), &mut sums);
                }
            }
            write(products, block, &step, &sums, out);
        }
    }
}

/// Adds `depth` inputs from `first` on, `N` strips at a time.
#[inline(always)]
fn add_inputs<P: Products, F: FormatType, const N: usize>(
    products: P,
    block: &Block<'_>,
    step: &Step<'_>,
    rows: &[&[[u8; 4]]],
    inputs: (usize, usize),
    sums: &mut [[P::Float; MANY]; MAX_STRIPS],
) {
    let num_strips = step.num_strips(P::LANES);
    let mut index = 0;
    while index < num_strips {
        let first = strip::<P>(block, step, index, inputs);
        if index + N <= num_strips {
            let mut strips = [first; N];
            for n in 1..N {
                strips[n] = strip::<P>(block, step, index + n, inputs);
            }
            add_rows::<P, F, N>(products, rows, strips, inputs, &mut sums[index..]);
            index += N;
        } else {
            add_rows::<P, F, 1>(products, rows, [first], inputs, &mut sums[index..]);
            index += 1;
        }
    }
}

#[inline(always)]
fn strip<'a, P: Products>(block: &Block<'a>, step: &Step<'a>, index: usize, (first, _): (usize, usize)) -> Strip<'a> {
    let (_, group, part) = step.strip(index, P::LANES);
    let bytes = group.as_flattened().len();
    Strip { group, part, ahead: block.walk.ahead(bytes - bytes / block.weights.cols() * first, bytes) }
}

#[inline(always)]
fn add_rows<P: Products, F: FormatType, const N: usize>(
    products: P,
    rows: &[&[[u8; 4]]],
    strips: [Strip<'_>; N],
    inputs: (usize, usize),
    sums: &mut [[P::Float; MANY]],
) {
    match const { inputs_of_line(F::FORMAT) } {
        1 => add_tiles::<P, F, N, AT_ONCE>(products, rows, strips, inputs, sums),
        _ => add_tiles::<P, F, N, { AT_ONCE / 2 }>(products, rows, strips, inputs, sums),
    }
}

/// Inputs that are multiplied in a round of the innermost loop, so that the loop itself takes little.
const AT_ONCE: usize = 4;

/// Most rows of a tile, so that the sums of `n` strips stay in registers. Of F16, the compiler wants one more.
const fn tile_rows<P: Products, F: FormatType>(n: usize) -> usize {
    match (P::LANES == 8 && n == 2, F::FORMAT) {
        (true, Format::F16) => 5,
        (true, _) => 6,
        (false, _) => 4,
    }
}

/// Adds inputs of all rows, where [`AT_ONCE`] inputs have `L` lines.
#[inline(always)]
fn add_tiles<P: Products, F: FormatType, const N: usize, const L: usize>(
    products: P,
    rows: &[&[[u8; 4]]],
    strips: [Strip<'_>; N],
    inputs: (usize, usize),
    sums: &mut [[P::Float; MANY]],
) {
    let most = const { tile_rows::<P, F>(N) };
    let mut row = 0;
    while row < rows.len() {
        // As few tiles as can be, and as even: a small one has too few chains of additions.
        let left = rows.len() - row;
        row += match left.div_ceil(left.div_ceil(most)) {
            6 if most >= 6 => add_tile::<P, F, N, L, 6>(products, rows, strips, inputs, row, sums),
            5 if most >= 5 => add_tile::<P, F, N, L, 5>(products, rows, strips, inputs, row, sums),
            4 => add_tile::<P, F, N, L, 4>(products, rows, strips, inputs, row, sums),
            3 => add_tile::<P, F, N, L, 3>(products, rows, strips, inputs, row, sums),
            2 => add_tile::<P, F, N, L, 2>(products, rows, strips, inputs, row, sums),
            _ => add_tile::<P, F, N, L, 1>(products, rows, strips, inputs, row, sums),
        };
    }
}

/// Adds inputs of `ROWS` rows from `row` on; returns how many.
#[inline(always)]
fn add_tile<P: Products, F: FormatType, const N: usize, const L: usize, const ROWS: usize>(
    products: P,
    rows: &[&[[u8; 4]]],
    strips: [Strip<'_>; N],
    (first, depth): (usize, usize),
    row: usize,
    sums: &mut [[P::Float; MANY]],
) -> usize {
    let mut tile = [[products.splat_float(0.0); N]; ROWS];
    // Of known lengths, so that no index need be checked.
    let rounds = depth / AT_ONCE;
    let no_lines: &[[[u8; LINE]; L]] = &[];
    let no_inputs: &[[[u8; 4]; AT_ONCE]] = &[];
    let (mut lines, mut inputs) = ([no_lines; N], [no_inputs; ROWS]);
    let per_line = const { inputs_of_line(F::FORMAT) };
    for n in 0..N {
        lines[n] = &strips[n].group[first / per_line..].as_chunks().0[..rounds];
    }
    for r in 0..ROWS {
        inputs[r] = &rows[row + r][first..].as_chunks().0[..rounds];
        for n in 0..N {
            tile[r][n] = sums[n][row + r];
        }
    }
    for round in 0..rounds {
        for n in 0..N {
            if row == 0 && strips[n].part == 0 {
                for line in 0..L {
                    products.prefetch(&lines[n][round][line], strips[n].ahead);
                }
            }
        }
        for i in 0..AT_ONCE {
            let mut weights = [products.splat_float(0.0); N];
            for n in 0..N {
                weights[n] = weight::<P, F>(products, &lines[n][round][i / per_line], i % per_line, strips[n].part);
            }
            let mut x = [[0; 4]; ROWS];
            for r in 0..ROWS {
                x[r] = inputs[r][round][i];
            }
            add_input(products, weights, x, &mut tile);
        }
    }
    for i in first + AT_ONCE * rounds..first + depth {
        let mut weights = [products.splat_float(0.0); N];
        for n in 0..N {
            weights[n] = weight::<P, F>(products, &strips[n].group[i / per_line], i % per_line, strips[n].part);
        }
        let mut x = [[0; 4]; ROWS];
        for r in 0..ROWS {
            x[r] = rows[row + r][i];
        }
        add_input(products, weights, x, &mut tile);
    }
    for r in 0..ROWS {
        for n in 0..N {
            sums[n][row + r] = tile[r][n];
        }
    }
    ROWS
}

/// The weights of input `k` of a line.
#[inline(always)]
fn weight<P: Products, F: FormatType>(products: P, line: &[u8; LINE], k: usize, part: usize) -> P::Float {
    match F::FORMAT {
        Format::F32 => products.as_float(products.load(line, part)),
        Format::F16 => products.halves(line, k, part),
        _ => products.as_float(products.shift_left(products.words(line, k, part), 16)),
    }
}

/// Adds an input, `x` of each row.
#[inline(always)]
fn add_input<P: Products, const N: usize, const ROWS: usize>(
    products: P,
    weights: [P::Float; N],
    x: [[u8; 4]; ROWS],
    tile: &mut [[P::Float; N]; ROWS],
) {
    for r in 0..ROWS {
        let x = products.splat_float(f32::from_ne_bytes(x[r]));
        for n in 0..N {
            tile[r][n] = products.fma(weights[n], x, tile[r][n]);
        }
    }
}

/// How many inputs' weights a line holds: 1 or 2.
const fn inputs_of_line(format: Format) -> usize {
    4 / format.block_bytes()
}
