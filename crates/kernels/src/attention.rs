//! Attention of one group of query heads over the keys and values of one head of one sequence.
//!
//! The unit of arithmetic is the *chunk*: [`CHUNK_TOKENS`] neighbouring positions, counted from position 0. A query row
//! has a partial result for each chunk that holds a key it sees (largest score, sum of weights, weighted sum of values),
//! and its attention is those partial results merged in order. That is the whole of what may be split among threads:
//! [`attend`] goes through all chunks of some rows, [`attend_chunk`] leaves one chunk's partial results for
//! [`merge_chunks`], and both ways give the same bits, because the same partial results are merged in the same order.
//!
//! Which numbers are added in which order: `scalar/attention.rs` and docs/numerics.md.

use std::num::NonZeroUsize;
use std::ops::Range;

use crate::isa::Isa;
use crate::lanes::{LANES, Lanes, Operation};
use crate::shared::Tile;
use crate::{scalar, vector};

/// Positions in a KV block.
pub const KV_BLOCK_TOKENS: usize = 32;

/// Positions in a chunk, a whole number of KV blocks. Part of the arithmetic.
pub const CHUNK_TOKENS: usize = 256;

/// Numbers in one KV block of one head: keys `[head_dim][32]`, then values `[32][head_dim rounded up to 16]`, the padding
/// zero.
pub const fn kv_block_numbers(head_dim: usize) -> usize {
    KV_BLOCK_TOKENS * (head_dim + padded(head_dim))
}

/// Numbers in a partial result of one query row.
pub const fn partial_numbers(head_dim: usize) -> usize {
    padded(head_dim) + LANES
}

/// Keys and values of a layer: all heads of KV block 0, all heads of KV block 1, ….
#[derive(Clone, Copy, Debug)]
pub enum KvNumbers<'a> {
    /// As computed.
    F32(&'a [f32]),
    /// Rounded to f16.
    F16(&'a [u16]),
}

/// Keys and values of one key-value head of one sequence.
#[derive(Clone, Copy, Debug)]
pub struct KvHead<'a> {
    /// The layer's.
    pub numbers: KvNumbers<'a>,
    /// Which KV block holds positions `32·i ..`.
    pub blocks: &'a [u32],
    /// The head's index.
    pub head: usize,
    /// Heads of a KV block.
    pub n_kv_heads: usize,
}

/// Queries of neighbouring positions, and of the heads that share a key-value head.
///
/// Each pair of position and head is a row; rows are ordered by position, then by head.
#[derive(Clone, Debug)]
pub struct Queries<'a> {
    /// Begins with the first position's first head of the group.
    pub numbers: &'a [f32],
    /// Numbers from one position to the next.
    pub stride: usize,
    /// Heads of the group; they stand side by side.
    pub heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Positions in the sequence.
    pub positions: Range<usize>,
    /// Multiplies the queries.
    pub scale: f32,
    /// Position `p` sees `p - window + 1 ..= p`; `None` sees all up to itself.
    pub window: Option<NonZeroUsize>,
}

impl Queries<'_> {
    /// Chunks that hold a key which some row sees.
    pub fn chunks(&self) -> Range<usize> {
        let first = self.visible(self.positions.start).start;
        first / CHUNK_TOKENS..self.positions.end.div_ceil(CHUNK_TOKENS)
    }

    fn num_rows(&self) -> usize {
        self.positions.len() * self.heads
    }

    /// What position `p` sees.
    fn visible(&self, p: usize) -> Range<usize> {
        let window = self.window.map_or(usize::MAX, NonZeroUsize::get);
        (p + 1).saturating_sub(window)..p + 1
    }

    /// What row `row` sees of a chunk, counted from the chunk's first position; empty where it sees nothing.
    pub(crate) fn visible_in_chunk(&self, row: usize, chunk: usize) -> Range<usize> {
        let first = chunk * CHUNK_TOKENS;
        let Range { start, end } = self.visible(self.positions.start + row / self.heads);
        let end = end.saturating_sub(first).min(CHUNK_TOKENS);
        start.saturating_sub(first).min(end)..end
    }
}

/// Memory that attention works in; kept by the caller so that it is not allocated each time.
#[derive(Debug, Default)]
pub struct AttentionSpace {
    /// Queries times `scale`, row after row.
    scaled: Vec<f32>,
    /// Partial results of one chunk.
    partials: Vec<f32>,
    /// Partial results merged so far.
    merged: Vec<f32>,
}

/// Attention of all rows: `out` has a row for each position, `heads · head_dim` wide.
pub fn attend(isa: Isa, kv: &KvHead<'_>, queries: &Queries<'_>, space: &mut AttentionSpace, out: &mut Tile<'_>) {
    let width = partial_numbers(queries.head_dim);
    let AttentionSpace { scaled, partials, merged } = space;
    scale(isa, queries, scaled);
    partials.resize(queries.num_rows() * width, 0.0);
    empty(merged, queries.num_rows(), queries.head_dim);
    for chunk in queries.chunks() {
        isa.run(AttendChunk { kv, queries, scaled, chunk, partials });
        let rows = partials.chunks_exact(width).zip(merged.chunks_exact_mut(width)).enumerate();
        for (_, (from, into)) in rows.filter(|(row, _)| !queries.visible_in_chunk(*row, chunk).is_empty()) {
            isa.run(Merge { from, into });
        }
    }
    for (row, merged) in out.rows().zip(merged.chunks_exact(width * queries.heads)) {
        finish(isa, merged, queries.head_dim, out.row_mut(row));
    }
}

/// Partial results of all rows for one chunk: `out` has a row for each position, [`partial_numbers`] wide for each head.
/// A position that sees nothing of the chunk has no result: its numbers mean nothing.
pub fn attend_chunk(
    isa: Isa,
    kv: &KvHead<'_>,
    queries: &Queries<'_>,
    chunk: usize,
    space: &mut AttentionSpace,
    out: &mut Tile<'_>,
) {
    let width = partial_numbers(queries.head_dim);
    let AttentionSpace { scaled, partials, .. } = space;
    scale(isa, queries, scaled);
    partials.resize(queries.num_rows() * width, 0.0);
    isa.run(AttendChunk { kv, queries, scaled, chunk, partials });
    for (row, partials) in out.rows().zip(partials.chunks_exact(width * queries.heads)) {
        out.row_mut(row).copy_from_slice(partials);
    }
}

/// Attention of the heads of one position, `out`, from the partial results of its chunks: each item has those of all heads.
pub fn merge_chunks<'p>(
    isa: Isa,
    head_dim: usize,
    partials: impl Iterator<Item = &'p [f32]>,
    space: &mut AttentionSpace,
    out: &mut [f32],
) {
    let width = partial_numbers(head_dim);
    empty(&mut space.merged, out.len() / head_dim, head_dim);
    for chunk in partials {
        for (from, into) in chunk.chunks_exact(width).zip(space.merged.chunks_exact_mut(width)) {
            isa.run(Merge { from, into });
        }
    }
    finish(isa, &space.merged, head_dim, out);
}

fn scale(isa: Isa, queries: &Queries<'_>, scaled: &mut Vec<f32>) {
    scaled.clear();
    let width = queries.heads * queries.head_dim;
    for position in queries.numbers.chunks(queries.stride).take(queries.positions.len()) {
        scaled.extend_from_slice(&position[..width]);
    }
    crate::rows::scale(isa, scaled, queries.scale);
}

/// Results of no chunk at all.
fn empty(merged: &mut Vec<f32>, rows: usize, head_dim: usize) {
    merged.clear();
    merged.resize(rows * partial_numbers(head_dim), 0.0);
    for row in merged.chunks_exact_mut(partial_numbers(head_dim)) {
        *Partial::new(row).largest = f32::NEG_INFINITY;
    }
}

/// The heads of one position.
fn finish(isa: Isa, merged: &[f32], head_dim: usize, out: &mut [f32]) {
    let heads = merged.chunks_exact(partial_numbers(head_dim)).zip(out.chunks_exact_mut(head_dim));
    heads.for_each(|(merged, out)| isa.run(Finish { merged, out }));
}

pub(crate) const fn padded(head_dim: usize) -> usize {
    head_dim.next_multiple_of(LANES)
}

/// The parts of a partial result, in the order in which they lie in memory; padding follows.
pub(crate) struct Partial<'a> {
    /// Weighted sum of values, padded with zeros.
    pub(crate) weighted: &'a mut [f32],
    /// Largest score.
    pub(crate) largest: &'a mut f32,
    /// Sum of weights.
    pub(crate) sum: &'a mut f32,
}

impl<'a> Partial<'a> {
    #[inline(always)]
    pub(crate) fn new(row: &'a mut [f32]) -> Self {
        let (weighted, [largest, sum, ..]) = row.split_last_chunk_mut::<LANES>().expect("a partial result");
        Self { weighted, largest, sum }
    }

    /// Largest score and sum of weights.
    #[inline(always)]
    pub(crate) fn ends(row: &[f32]) -> (f32, f32) {
        let weighted = row.len() - LANES;
        (row[weighted], row[weighted + 1])
    }
}

/// A type that keys and values are stored in.
pub(crate) trait KvNumber: Copy {
    fn widen(self) -> f32;
    /// The numbers at `x`, widened exactly.
    ///
    /// # Safety
    /// `x` begins a part of a vector.
    unsafe fn load_part_at<L: Lanes>(lanes: L, x: *const Self) -> L::Part;
}

impl KvNumber for f32 {
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }

    #[inline(always)]
    unsafe fn load_part_at<L: Lanes>(lanes: L, x: *const f32) -> L::Part {
        // SAFETY: the caller's.
        unsafe { lanes.load_part_at(x) }
    }
}

/// f16.
impl KvNumber for u16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        quant::f16_to_f32(self)
    }

    #[inline(always)]
    unsafe fn load_part_at<L: Lanes>(lanes: L, x: *const u16) -> L::Part {
        // SAFETY: the caller's.
        unsafe { lanes.load_part_at_f16(x) }
    }
}

/// The KV blocks of one chunk of one head.
#[derive(Clone, Copy)]
pub(crate) struct ChunkBlocks<'a, N> {
    numbers: &'a [N],
    blocks: &'a [u32],
    head: usize,
    n_kv_heads: usize,
    head_dim: usize,
}

impl<'a, N> ChunkBlocks<'a, N> {
    fn new(numbers: &'a [N], kv: &KvHead<'a>, chunk: usize, head_dim: usize) -> Self {
        let first = chunk * (CHUNK_TOKENS / KV_BLOCK_TOKENS);
        let blocks = &kv.blocks[first..kv.blocks.len().min(first + CHUNK_TOKENS / KV_BLOCK_TOKENS)];
        Self { numbers, blocks, head: kv.head, n_kv_heads: kv.n_kv_heads, head_dim }
    }

    /// Keys of the chunk's KV block `i`: `[head_dim][32]`.
    #[inline(always)]
    pub(crate) fn keys(&self, i: usize) -> &'a [N] {
        &self.block(i)[..self.head_dim * KV_BLOCK_TOKENS]
    }

    /// Values of the chunk's KV block `i`: `[32][head_dim, padded]`.
    #[inline(always)]
    pub(crate) fn values(&self, i: usize) -> &'a [N] {
        &self.block(i)[self.head_dim * KV_BLOCK_TOKENS..]
    }

    /// What is likely to be read after this chunk, as long as the values of a KV block: the next head has the chunk's next slice.
    #[inline(always)]
    pub(crate) fn next(&self) -> &'a [N] {
        let next = Self { head: (self.head + 1) % self.n_kv_heads, ..*self };
        &next.block(0)[..KV_BLOCK_TOKENS * padded(self.head_dim)]
    }

    /// Numbers of the values of one position.
    #[inline(always)]
    pub(crate) fn padded_head_dim(&self) -> usize {
        padded(self.head_dim)
    }

    /// Keys and values of the layer.
    #[inline(always)]
    pub(crate) fn numbers(&self) -> &'a [N] {
        self.numbers
    }

    /// Where the keys of the chunk's KV block `i` begin.
    #[inline(always)]
    pub(crate) fn keys_at(&self, i: usize) -> usize {
        (self.blocks[i] as usize * self.n_kv_heads + self.head) * kv_block_numbers(self.head_dim)
    }

    #[inline(always)]
    fn block(&self, i: usize) -> &'a [N] {
        &self.numbers[self.keys_at(i)..][..kv_block_numbers(self.head_dim)]
    }
}

struct AttendChunk<'a> {
    kv: &'a KvHead<'a>,
    queries: &'a Queries<'a>,
    scaled: &'a [f32],
    chunk: usize,
    partials: &'a mut [f32],
}

impl Operation for AttendChunk<'_> {
    fn scalar(self) {
        let Self { kv, queries, scaled, chunk, partials } = self;
        let head_dim = queries.head_dim;
        match kv.numbers {
            KvNumbers::F32(numbers) => {
                let blocks = ChunkBlocks::new(numbers, kv, chunk, head_dim);
                scalar::attention::attend_chunk(&blocks, queries, scaled, chunk, partials);
            }
            KvNumbers::F16(numbers) => {
                let blocks = ChunkBlocks::new(numbers, kv, chunk, head_dim);
                scalar::attention::attend_chunk(&blocks, queries, scaled, chunk, partials);
            }
        }
    }

    #[inline(always)]
    fn vector<L: Lanes>(self, lanes: L) {
        let Self { kv, queries, scaled, chunk, partials } = self;
        let head_dim = queries.head_dim;
        match kv.numbers {
            KvNumbers::F32(numbers) => {
                let blocks = ChunkBlocks::new(numbers, kv, chunk, head_dim);
                vector::attention::attend_chunk(lanes, &blocks, queries, scaled, chunk, partials);
            }
            KvNumbers::F16(numbers) => {
                let blocks = ChunkBlocks::new(numbers, kv, chunk, head_dim);
                vector::attention::attend_chunk(lanes, &blocks, queries, scaled, chunk, partials);
            }
        }
    }
}

/// Merges the partial result of the next chunk into that of all chunks before it.
struct Merge<'a> {
    from: &'a [f32],
    into: &'a mut [f32],
}

impl Operation for Merge<'_> {
    fn scalar(self) {
        scalar::attention::merge(self.from, self.into);
    }

    #[inline(always)]
    fn vector<L: Lanes>(self, lanes: L) {
        vector::attention::merge(lanes, self.from, self.into);
    }
}

/// Divides by the sum of weights.
struct Finish<'a> {
    merged: &'a [f32],
    out: &'a mut [f32],
}

impl Operation for Finish<'_> {
    fn scalar(self) {
        scalar::attention::finish(self.merged, self.out);
    }

    #[inline(always)]
    fn vector<L: Lanes>(self, lanes: L) {
        vector::attention::finish(lanes, self.merged, self.out);
    }
}
