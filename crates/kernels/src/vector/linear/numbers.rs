//! Plain numbers: one addition an input, in order, for tiles of sums that stay in registers.

use std::marker::PhantomData;

use quant::Format;

use super::blocks::{MAX_STRIPS, write};
use super::walk::Step;
use super::{Block, MANY};
use crate::Tile;
use crate::packed::Lines;
use crate::products::{FormatType, Products, ProductsOperation};

/// A block of weights that are plain numbers.
pub(super) struct Numbers<'a, 'b, 'c, F> {
    block: &'a Block<'b>,
    out: &'a mut Tile<'c>,
    format: PhantomData<F>,
}

/// Inputs that are multiplied before the next rows: their weights stay in the first-level cache.
const DEPTH: usize = 128;

/// Strips that are multiplied side by side: each output is one chain of additions, so there have to be several, as many as the
/// sums of some rows leave registers for.
pub(super) const fn strips<P: Products>(rows: usize) -> usize {
    if rows == 1 || P::LANES != 8 { 4 } else { 2 }
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
        for step in 0..block.walk.num_steps() {
            let step = block.walk.step(block.weights, step);
            let mut sums = [[products.splat_float(0.0); MANY]; MAX_STRIPS];
            for first in (0..block.weights.cols()).step_by(DEPTH) {
                let depth = DEPTH.min(block.weights.cols() - first);
                if strips::<P>(block.rows.len()) == 4 {
                    add_inputs::<P, F, 4>(products, block, &step, (first, depth), &mut sums);
                } else {
                    add_inputs::<P, F, 2>(products, block, &step, (first, depth), &mut sums);
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
            add_rows::<P, F, N>(products, block, strips, inputs, &mut sums[index..]);
            index += N;
        } else {
            add_rows::<P, F, 1>(products, block, [first], inputs, &mut sums[index..]);
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
    block: &Block<'_>,
    strips: [Strip<'_>; N],
    inputs: (usize, usize),
    sums: &mut [[P::Float; MANY]],
) {
    let (mut row, rows) = (0, block.rows.len());
    while row < rows {
        // Twice eight lanes leave registers for the sums of six rows; 8 are better taken as 4 and 4.
        row += match rows - row {
            left @ 6.. if const { P::LANES == 8 && N == 2 } && left != 8 => {
                add_tile::<P, F, N, 6>(products, block, strips, inputs, row, sums)
            }
            4.. => add_tile::<P, F, N, 4>(products, block, strips, inputs, row, sums),
            2.. => add_tile::<P, F, N, 2>(products, block, strips, inputs, row, sums),
            _ => add_tile::<P, F, N, 1>(products, block, strips, inputs, row, sums),
        };
    }
}

/// Adds inputs of `ROWS` rows from `row` on; returns how many.
#[inline(always)]
fn add_tile<P: Products, F: FormatType, const N: usize, const ROWS: usize>(
    products: P,
    block: &Block<'_>,
    strips: [Strip<'_>; N],
    (first, depth): (usize, usize),
    row: usize,
    sums: &mut [[P::Float; MANY]],
) -> usize {
    let mut tile = [[products.splat_float(0.0); N]; ROWS];
    let empty: &[[u8; 4]] = &[];
    let mut inputs = [empty; ROWS];
    for r in 0..ROWS {
        inputs[r] = &block.activations.numbers(block.rows.start + row + r)[first..first + depth];
        for n in 0..N {
            tile[r][n] = sums[n][row + r];
        }
    }
    let per_line = const { inputs_of_line(F::FORMAT) };
    let whole = depth / per_line;
    // Of known lengths, so that no index need be checked.
    let (mut lines, mut inputs_of_lines) = ([strips[0].group; N], inputs);
    for n in 0..N {
        lines[n] = &strips[n].group[first / per_line..][..whole];
    }
    for r in 0..ROWS {
        inputs_of_lines[r] = &inputs[r][..per_line * whole];
    }
    for line in 0..whole {
        for n in 0..N {
            if row == 0 && strips[n].part == 0 {
                products.prefetch(&lines[n][line], strips[n].ahead);
            }
        }
        for k in 0..per_line {
            add_input::<P, F, N, ROWS>(products, &strips, &lines, (line, k), &inputs_of_lines, &mut tile);
        }
    }
    if per_line * whole < depth {
        for n in 0..N {
            lines[n] = &strips[n].group[first / per_line + whole..];
        }
        let last = inputs.map(|inputs| &inputs[per_line * whole..]);
        add_input::<P, F, N, ROWS>(products, &strips, &lines, (0, 0), &last, &mut tile);
    }
    for r in 0..ROWS {
        for n in 0..N {
            sums[n][row + r] = tile[r][n];
        }
    }
    ROWS
}

/// Adds input `k` of line `line`.
#[inline(always)]
fn add_input<P: Products, F: FormatType, const N: usize, const ROWS: usize>(
    products: P,
    strips: &[Strip<'_>; N],
    lines: &[&Lines; N],
    (line, k): (usize, usize),
    inputs: &[&[[u8; 4]]; ROWS],
    tile: &mut [[P::Float; N]; ROWS],
) {
    let mut weights = [products.splat_float(0.0); N];
    for n in 0..N {
        let (line, part) = (&lines[n][line], strips[n].part);
        weights[n] = match F::FORMAT {
            Format::F32 => products.as_float(products.load(line, part)),
            Format::F16 => products.halves(line, k, part),
            _ => products.as_float(products.shift_left(products.words(line, k, part), 16)),
        };
    }
    for r in 0..ROWS {
        let x = products.splat_float(f32::from_ne_bytes(inputs[r][const { inputs_of_line(F::FORMAT) } * line + k]));
        for n in 0..N {
            tile[r][n] = products.fma(weights[n], x, tile[r][n]);
        }
    }
}

/// How many inputs' weights a line holds.
const fn inputs_of_line(format: Format) -> usize {
    4 / format.block_bytes()
}
