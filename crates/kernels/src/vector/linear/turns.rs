//! A single row of inputs, where a vector is a part of a line: groups that lie apart take turns, 32 inputs each.
//!
//! The processors with such vectors follow several reads at once, if each goes through memory line by line and does not jump (measured on
//! AMD's Zen 3, docs/performance-trials.md). So all parts of a line are multiplied before the next line; and since the scales of a chunk are its
//! last lines, sums of products wait for them.

use std::marker::PhantomData;

use super::Block;
use super::blocks::{MAX_STRIPS, Prepared, is_late, prepare, write};
use super::codes::{Strip, Unpacked};
use super::walk::{Step, WIDEST};
use super::{blocks32, blocks256};
use crate::Tile;
use crate::activations::Record;
use crate::aligned::LINE;
use crate::packed::{BLOCKS, CHUNK, GROUP, Layout, Lines};
use crate::products::{FormatType, MAX_UNSCALED, Products, ProductsOperation, code_offset, num_unscaled};

/// A block of weights of format `F`, of groups in `PARTS` parts, and a single row.
pub(super) struct Turns<'a, 'b, 'c, F, const PARTS: usize> {
    block: &'a Block<'b>,
    out: &'a mut Tile<'c>,
    format: PhantomData<F>,
}

impl<'a, 'b, 'c, F: FormatType, const PARTS: usize> Turns<'a, 'b, 'c, F, PARTS> {
    pub(super) fn new(block: &'a Block<'b>, out: &'a mut Tile<'c>) -> Self {
        assert!(block.rows.len() == 1, "{} rows where one takes turns", block.rows.len());
        Self { block, out, format: PhantomData }
    }
}

/// Where a step works.
struct Scratch<P: Products, const PARTS: usize> {
    /// Of a chunk, for each part of each group.
    unscaled: [[[P::Int; BLOCKS * MAX_UNSCALED]; PARTS]; WIDEST],
    /// Of each strip, in the order of the step.
    sums: [[P::Float; 1]; MAX_STRIPS],
}

impl<F: FormatType, const PARTS: usize> ProductsOperation for Turns<'_, '_, '_, F, PARTS> {
    #[inline(always)]
    fn run<P: Products>(self, products: P) {
        assert!(P::LANES * PARTS == GROUP, "{PARTS} parts of {} lanes", P::LANES);
        let Self { block, out, .. } = self;
        let records = block.activations.row_records(block.rows.start);
        let mut scratch = Scratch::<P, PARTS> {
            unscaled: [[[products.splat(0); BLOCKS * MAX_UNSCALED]; PARTS]; WIDEST],
            sums: [[products.splat_float(0.0)]; MAX_STRIPS],
        };
        let chunk_bytes = const { Layout::of(F::FORMAT).lines() } * LINE;
        let num_chunks = block.weights.cols().div_ceil(CHUNK);
        for step in 0..block.walk.num_steps() {
            let step = block.walk.step(block.weights, step);
            scratch.sums.fill([products.splat_float(0.0)]);
            for chunk in 0..num_chunks {
                let record = records.get(chunk);
                let prepared = prepare::<F>(&record, is_late::<P, F>());
                let ahead = block.walk.ahead((num_chunks - chunk) * chunk_bytes, num_chunks * chunk_bytes);
                let chunk = Chunk { step: &step, number: chunk, record: &record, prepared: &prepared, ahead };
                add_chunk::<P, F, PARTS>(products, chunk, &mut scratch);
            }
            write(products, block, &step, &scratch.sums, out);
        }
    }
}

/// A chunk of all groups of a step, and its inputs.
#[derive(Clone, Copy)]
struct Chunk<'a> {
    step: &'a Step<'a>,
    number: usize,
    record: &'a Record<'a>,
    prepared: &'a Prepared,
    /// How far ahead lines are asked for, in bytes.
    ahead: usize,
}

impl<'a> Chunk<'a> {
    /// The chunk's lines of a group.
    #[inline(always)]
    fn lines<F: FormatType>(&self, group: usize) -> &'a Lines {
        let lines = const { Layout::of(F::FORMAT).lines() };
        &self.step.lines(group)[self.number * lines..][..lines]
    }
}

#[inline(always)]
fn add_chunk<P: Products, F: FormatType, const PARTS: usize>(
    products: P,
    chunk: Chunk<'_>,
    scratch: &mut Scratch<P, PARTS>,
) {
    let num_groups = chunk.step.num_groups().min(WIDEST);
    let (codes, each) = const { (Layout::of(F::FORMAT).scales(), num_unscaled::<P, F>()) };
    let mut lines = [chunk.lines::<F>(0); WIDEST];
    for group in 1..num_groups {
        lines[group] = chunk.lines::<F>(group);
    }
    for block in 0..BLOCKS {
        let corrections = corrections::<P, F>(products, chunk.prepared, block);
        for group in 0..num_groups {
            // Said once more, so that no index into them need be checked.
            let lines = &lines[group][..const { Layout::of(F::FORMAT).lines() }];
            let weights = Unpacked::<P, F, PARTS>::new(products, parts(lines), block);
            let unscaled = products.unscaled_dots::<F, PARTS>(corrections, &weights, chunk.record, 8 * block);
            for part in 0..PARTS {
                for i in 0..each {
                    scratch.unscaled[group][part][each * block + i] = unscaled[part][i];
                }
            }
            ask(products, &lines[codes / BLOCKS * block..][..codes / BLOCKS], chunk.ahead);
        }
    }
    for group in 0..num_groups {
        let lines = &lines[group][..const { Layout::of(F::FORMAT).lines() }];
        ask(products, &lines[codes..], chunk.ahead);
        let strips = parts::<PARTS>(lines);
        for part in 0..PARTS {
            let (dots, [sum]) = (&scratch.unscaled[group][part], &mut scratch.sums[PARTS * group + part]);
            match F::FORMAT.block_weights() {
                32 => blocks32::add_dots::<P, F>(products, strips[part], dots, (chunk.record, chunk.prepared), sum),
                _ => blocks256::add_dots::<P, F>(products, strips[part], dots, (chunk.record, chunk.prepared), sum),
            }
        }
    }
}

#[inline(always)]
fn parts<const PARTS: usize>(lines: &Lines) -> [Strip<'_>; PARTS] {
    let mut strips = [Strip { lines, part: 0 }; PARTS];
    for part in 0..PARTS {
        strips[part].part = part;
    }
    strips
}

/// What the sums of a block begin with, one for each of its scales.
#[inline(always)]
fn corrections<P: Products, F: FormatType>(products: P, prepared: &Prepared, block: usize) -> [P::Int; 2] {
    let mut corrections = [products.splat(0); 2];
    if code_offset(F::FORMAT) > 0 && !is_late::<P, F>() {
        let count = const { 32 / F::FORMAT.sub_block() };
        for j in 0..count {
            corrections[j] = products.splat(prepared[count * block + j]);
        }
    }
    corrections
}

/// Asks for what lies `ahead` bytes behind some lines. All at once: requests among the loads keep the compiler from moving these, and it
/// runs out of registers.
#[inline(always)]
fn ask<P: Products>(products: P, lines: &Lines, ahead: usize) {
    for line in lines {
        products.prefetch(line, ahead);
    }
}
