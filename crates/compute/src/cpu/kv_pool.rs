//! Keys and values in memory, and how new ones get there.
//!
//! Layer by layer; in a layer KV block by KV block; in a block head by head; the numbers of a head as `kernels` wants them
//! (keys transposed, so that sixteen of them meet a query at once).

use std::ops::Range;

use kernels::{Bands, Grid, Isa, KvNumbers, Tile, ZeroedNumbers, kv_block_numbers};

use super::{CpuBackend, CpuTensor};
use crate::{Error, KvLayout, KvSpan, KvType};

/// KV blocks of all layers. Memory that was never written takes no room.
#[derive(Debug)]
pub struct CpuKvPool {
    layout: KvLayout,
    /// Numbers of one layer.
    layer: usize,
    numbers: Numbers,
}

#[derive(Debug)]
enum Numbers {
    F32(ZeroedNumbers<f32>),
    F16(ZeroedNumbers<u16>),
}

impl CpuKvPool {
    pub(super) fn new(layout: &KvLayout, blocks: usize) -> Result<Self, Error> {
        let block = layout.n_kv_heads.checked_mul(kv_block_numbers(layout.head_dim));
        let layer = block.and_then(|numbers| numbers.checked_mul(blocks));
        let len = layer.and_then(|numbers| numbers.checked_mul(layout.n_layers));
        let refused =
            || Error::Memory { what: "the key-value cache", bytes: layout.block_bytes().saturating_mul(blocks) };
        let (layer, len) = layer.zip(len).ok_or_else(refused)?;
        let numbers = match layout.kv_type {
            KvType::F32 => ZeroedNumbers::new(len).map(Numbers::F32),
            KvType::F16 => ZeroedNumbers::new(len).map(Numbers::F16),
        };
        Ok(Self { layout: *layout, layer, numbers: numbers.map_err(|_| refused())? })
    }

    pub(super) fn layout(&self) -> &KvLayout {
        &self.layout
    }

    /// The numbers of a layer.
    pub(super) fn layer(&self, layer: usize) -> KvNumbers<'_> {
        match &self.numbers {
            Numbers::F32(numbers) => KvNumbers::F32(&numbers[self.range(layer)]),
            Numbers::F16(numbers) => KvNumbers::F16(&numbers[self.range(layer)]),
        }
    }

    /// The numbers of a block, layer by layer, lowest bytes first.
    pub(super) fn block(&self, block: u32) -> Vec<u8> {
        let ranges = self.block_ranges(block);
        match &self.numbers {
            Numbers::F32(all) => ranges.flat_map(|range| &all[range]).flat_map(|number| number.to_le_bytes()).collect(),
            Numbers::F16(all) => ranges.flat_map(|range| &all[range]).flat_map(|number| number.to_le_bytes()).collect(),
        }
    }

    pub(super) fn set_block(&mut self, block: u32, bytes: &[u8]) {
        assert_eq!(bytes.len(), self.layout.block_bytes(), "as many bytes as a block has");
        let ranges = self.block_ranges(block);
        match &mut self.numbers {
            Numbers::F32(all) => {
                let (numbers, _) = bytes.as_chunks();
                fill(all, ranges, numbers.iter().map(|number| f32::from_le_bytes(*number)));
            }
            Numbers::F16(all) => {
                let (numbers, _) = bytes.as_chunks();
                fill(all, ranges, numbers.iter().map(|number| u16::from_le_bytes(*number)));
            }
        }
    }

    /// Where the numbers of a block are, layer by layer.
    fn block_ranges(&self, block: u32) -> impl Iterator<Item = Range<usize>> + use<> {
        let size = self.layout.n_kv_heads * kv_block_numbers(self.layout.head_dim);
        let (layer, first) = (self.layer, block as usize * size);
        (0..self.layout.n_layers).map(move |index| index * layer + first..index * layer + first + size)
    }

    fn range(&self, layer: usize) -> Range<usize> {
        layer * self.layer..(layer + 1) * self.layer
    }
}

fn fill<N: Copy>(all: &mut [N], ranges: impl Iterator<Item = Range<usize>>, mut numbers: impl Iterator<Item = N>) {
    for range in ranges {
        all[range].iter_mut().zip(&mut numbers).for_each(|(place, number)| *place = number);
    }
}

/// Rows that go to one KV block.
struct Part {
    block: usize,
    /// Of the batch.
    rows: Range<usize>,
    /// Where in the block the first row goes.
    slot: usize,
}

impl CpuBackend {
    pub(super) fn store_kv(
        &self,
        pool: &mut CpuKvPool,
        layer: usize,
        spans: &[KvSpan<'_>],
        k: &CpuTensor,
        v: &CpuTensor,
    ) {
        let (layout, range) = (pool.layout, pool.range(layer));
        v.assert_shape(k.rows(), layout.n_kv_heads * layout.head_dim);
        k.assert_shape(v.rows(), v.cols());
        let mut parts: Vec<Part> = spans.iter().flat_map(parts_of).collect();
        parts.sort_by_key(|part| part.block);
        match &mut pool.numbers {
            Numbers::F32(numbers) => self.store_parts(&mut numbers[range], &layout, &parts, k, v),
            Numbers::F16(numbers) => self.store_parts(&mut numbers[range], &layout, &parts, k, v),
        }
    }

    fn store_parts<N: Stored>(
        &self,
        numbers: &mut [N],
        layout: &KvLayout,
        parts: &[Part],
        k: &CpuTensor,
        v: &CpuTensor,
    ) {
        let head_numbers = kv_block_numbers(layout.head_dim);
        let bands: Vec<Range<usize>> = parts.iter().map(|part| part.block..part.block + 1).collect();
        let grid = Grid::new(numbers, layout.n_kv_heads * head_numbers, Bands::List(&bands), head_numbers);
        let work = parts.iter().map(|part| part.rows.len()).sum::<usize>() * k.cols() * 4;
        self.threads_for(work).for_each_tile(&mut [grid], |_, mut tile: Tile<'_, N>| {
            let Part { block, rows, slot } = &parts[tile.band()];
            let head = tile.cols().start / head_numbers * layout.head_dim;
            let (keys, values) = tile.row_mut(*block).split_at_mut(layout.head_dim * KvLayout::BLOCK_TOKENS);
            for (slot, row) in (*slot..).zip(rows.clone()) {
                store_key(self.isa, &k.row(row)[head..][..layout.head_dim], keys, slot);
                let value = &mut values[slot * layout.head_dim.next_multiple_of(LANES)..][..layout.head_dim];
                N::store(self.isa, &v.row(row)[head..][..layout.head_dim], value);
            }
        });
    }
}

fn parts_of(span: &KvSpan<'_>) -> impl Iterator<Item = Part> {
    let last = span.first_position + span.rows.len();
    let (start, first) = (span.rows.start, span.first_position);
    span.blocks.iter().enumerate().filter_map(move |(i, &block)| {
        let tokens = i * KvLayout::BLOCK_TOKENS..(i + 1) * KvLayout::BLOCK_TOKENS;
        let (from, to) = (first.max(tokens.start), last.min(tokens.end));
        let rows = || start + from - first..start + to - first;
        (from < to).then(|| Part { block: block as usize, rows: rows(), slot: from - tokens.start })
    })
}

/// Column `slot` of `keys`, `[head_dim][32]`.
fn store_key<N: Stored>(isa: Isa, key: &[f32], keys: &mut [N], slot: usize) {
    for (key, rows) in key.chunks(LANES).zip(keys.chunks_mut(KvLayout::BLOCK_TOKENS * LANES)) {
        let mut numbers = [N::default(); LANES];
        N::store(isa, key, &mut numbers[..key.len()]);
        for (row, number) in rows.chunks_exact_mut(KvLayout::BLOCK_TOKENS).zip(numbers) {
            row[slot] = number;
        }
    }
}

/// A type that keys and values are stored in.
trait Stored: Copy + Default + Send {
    fn store(isa: Isa, x: &[f32], out: &mut [Self]);
}

impl Stored for f32 {
    fn store(_: Isa, x: &[f32], out: &mut [f32]) {
        out.copy_from_slice(x);
    }
}

/// f16.
impl Stored for u16 {
    fn store(isa: Isa, x: &[f32], out: &mut [u16]) {
        kernels::narrow(isa, x, out);
    }
}

/// Rows of values are padded to a multiple of this.
const LANES: usize = 16;
