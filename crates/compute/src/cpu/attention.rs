//! How attention is shared among threads.
//!
//! Long spans (prefill): a slice has some rows of one key-value head's group, and goes through all their chunks. Short
//! spans (decode): a slice has one chunk, for all rows of the span, and leaves partial results; a second region merges
//! them. Both give the same bits (`kernels::attend`).

use std::cell::RefCell;
use std::ops::Range;

use kernels::{
    AttentionSpace, Bands, Grid, KvHead, Queries, Tile, attend, attend_chunk, merge_chunks, partial_numbers,
};

use super::{CpuBackend, CpuKvPool, CpuTensor, lock};
use crate::{AttentionShape, KvLayout, KvSpan};

/// Partial results of short spans.
#[derive(Debug, Default)]
pub(super) struct Space(Vec<f32>);

impl CpuBackend {
    pub(super) fn attend(
        &self,
        pool: &CpuKvPool,
        layer: usize,
        spans: &[KvSpan<'_>],
        shape: &AttentionShape,
        q: &CpuTensor,
        out: &mut CpuTensor,
    ) {
        check(pool.layout(), shape, q, out);
        let step = Step { backend: self, pool, layer, spans, shape, q };
        let threads = if step.work() < super::SHARED_WORK { 1 } else { self.num_threads() };
        let cuts = step.cuts(threads);
        let partials = &mut lock(&self.attention).0;
        partials.resize(cuts.num_partials * step.partials_width(), 0.0);
        step.attend(&cuts, partials, out);
        step.merge(&cuts, partials, out);
    }
}

fn check(layout: &KvLayout, shape: &AttentionShape, q: &CpuTensor, out: &CpuTensor) {
    assert_eq!((layout.n_kv_heads, layout.head_dim), (shape.n_kv_heads, shape.head_dim), "heads of pool and layer");
    assert!(shape.n_heads.is_multiple_of(shape.n_kv_heads), "{} heads share {}", shape.n_heads, shape.n_kv_heads);
    assert_eq!(q.cols(), shape.n_heads * shape.head_dim, "heads in a row of queries");
    out.assert_shape(q.rows(), q.cols());
}

/// One call of attention.
struct Step<'a> {
    backend: &'a CpuBackend,
    pool: &'a CpuKvPool,
    layer: usize,
    spans: &'a [KvSpan<'a>],
    shape: &'a AttentionShape,
    q: &'a CpuTensor,
}

/// Who does what. All ranges ascend.
#[derive(Default)]
struct Cuts {
    /// Rows that go through all their chunks at once.
    whole: Vec<Range<usize>>,
    /// The span of each item of `whole`.
    whole_spans: Vec<usize>,
    /// Rows of the partial results: for each chunk of a span a row for each of the span's rows.
    chunks: Vec<Range<usize>>,
    /// Span and chunk of each item of `chunks`.
    chunk_spans: Vec<(usize, usize)>,
    /// Rows whose partial results are to be merged, each alone.
    merged: Vec<Range<usize>>,
    /// Span of each item of `merged`, and where in `chunks` the span begins.
    merged_spans: Vec<(usize, usize)>,
    num_partials: usize,
}

impl Step<'_> {
    /// Multiply-adds, roughly.
    fn work(&self) -> usize {
        let keys = |span: &KvSpan<'_>| {
            let last = span.first_position + span.rows.len();
            span.rows.len() * self.shape.window.map_or(last, |window| last.min(window.get()))
        };
        self.spans.iter().map(keys).sum::<usize>() * self.q.cols() * 2
    }

    fn cuts(&self, threads: usize) -> Cuts {
        let mut cuts = Cuts::default();
        for (index, span) in self.spans.iter().enumerate() {
            let chunks = self.queries(span, &span.rows, 0).chunks();
            let bands = span.rows.len().div_ceil(BAND_ROWS);
            let slices = bands * self.shape.n_kv_heads;
            let wants_chunks = chunks.len() > 1 && threads > 1 && (bands == 1 || slices < 2 * threads);
            if wants_chunks && self.has_room(&cuts, span, chunks.len()) {
                let first_chunk = cuts.chunks.len();
                for chunk in chunks {
                    let first = cuts.num_partials;
                    cuts.num_partials += span.rows.len();
                    cuts.chunks.push(first..cuts.num_partials);
                    cuts.chunk_spans.push((index, chunk));
                }
                cuts.merged.extend(span.rows.clone().map(|row| row..row + 1));
                cuts.merged_spans.resize(cuts.merged.len(), (index, first_chunk));
            } else {
                let band = if wants_chunks { self.thin_band(span, threads) } else { BAND_ROWS };
                let starts = span.rows.clone().step_by(band);
                cuts.whole.extend(starts.map(|start| start..span.rows.end.min(start + band)));
                cuts.whole_spans.resize(cuts.whole.len(), index);
            }
        }
        cuts
    }

    /// The partial results of a span have room beside the others. Those of a single row always have: they are a small part
    /// of the keys and values that they come from.
    fn has_room(&self, cuts: &Cuts, span: &KvSpan<'_>, chunks: usize) -> bool {
        let most = PARTIAL_BYTES / (self.partials_width() * size_of::<f32>());
        let more = span.rows.len().saturating_mul(chunks);
        cuts.num_partials.saturating_add(more) <= most || (cuts.num_partials == 0 && span.rows.len() == 1)
    }

    /// Rows of a slice where there is no room for partial results: as many as leave each thread two slices.
    fn thin_band(&self, span: &KvSpan<'_>, threads: usize) -> usize {
        let bands = (2 * threads).div_ceil(self.shape.n_kv_heads);
        span.rows.len().div_ceil(bands).clamp(1, BAND_ROWS)
    }

    /// Goes through all keys: whole rows into `out`, chunks into `partials`.
    fn attend(&self, cuts: &Cuts, partials: &mut [f32], out: &mut CpuTensor) {
        let (group, width) = (self.group_width(), self.partials_width());
        let mut grids = [
            Grid::new(out.numbers_mut(), self.q.cols(), Bands::List(&cuts.whole), group),
            Grid::new(partials, width, Bands::List(&cuts.chunks), width / self.shape.n_kv_heads),
        ];
        let work = |grid: usize, mut tile: Tile<'_>| {
            SPACE.with_borrow_mut(|space| match grid {
                0 => {
                    let span = &self.spans[cuts.whole_spans[tile.band()]];
                    let head = tile.cols().start / group;
                    let queries = self.queries(span, &tile.rows(), head);
                    attend(self.backend.isa, &self.kv(span, head), &queries, space, &mut tile);
                }
                _ => {
                    let (span, chunk) = cuts.chunk_spans[tile.band()];
                    let span = &self.spans[span];
                    let head = tile.cols().start / (width / self.shape.n_kv_heads);
                    let queries = self.queries(span, &span.rows, head);
                    attend_chunk(self.backend.isa, &self.kv(span, head), &queries, chunk, space, &mut tile);
                }
            });
        };
        self.backend.threads_for(self.work()).for_each_tile(&mut grids, work);
    }

    fn merge(&self, cuts: &Cuts, partials: &[f32], out: &mut CpuTensor) {
        if cuts.merged.is_empty() {
            return;
        }
        let (group, width) = (self.group_width(), self.partials_width());
        let head_width = width / self.shape.n_kv_heads;
        let grid = Grid::new(out.numbers_mut(), self.q.cols(), Bands::List(&cuts.merged), group);
        let threads = self.backend.threads_for(cuts.num_partials * width);
        threads.for_each_tile(&mut [grid], |_, mut tile| {
            let (row, head) = (tile.rows().start, tile.cols().start / group);
            let (span, first_chunk) = cuts.merged_spans[tile.band()];
            let span = &self.spans[span];
            let span_chunks = self.queries(span, &span.rows, head).chunks();
            let chunks = self.queries(span, &tile.rows(), head).chunks();
            let chunks = first_chunk + chunks.start - span_chunks.start..first_chunk + chunks.end - span_chunks.start;
            let results = cuts.chunks[chunks].iter().map(|rows| {
                let partial_row = rows.start + row - span.rows.start;
                &partials[partial_row * width + head * head_width..][..head_width]
            });
            SPACE.with_borrow_mut(|space| {
                merge_chunks(self.backend.isa, self.shape.head_dim, results, space, tile.row_mut(row));
            });
        });
    }

    fn kv<'s>(&'s self, span: &KvSpan<'s>, head: usize) -> KvHead<'s> {
        let numbers = self.pool.layer(self.layer);
        KvHead { numbers, blocks: span.blocks, head, n_kv_heads: self.shape.n_kv_heads }
    }

    /// Some rows of a span, and the heads that share key-value head `head`.
    fn queries(&self, span: &KvSpan<'_>, rows: &Range<usize>, head: usize) -> Queries<'_> {
        let position = |row: usize| span.first_position + row - span.rows.start;
        Queries {
            numbers: &self.q.numbers()[rows.start * self.q.cols() + head * self.group_width()..],
            stride: self.q.cols(),
            heads: self.shape.n_heads / self.shape.n_kv_heads,
            head_dim: self.shape.head_dim,
            positions: position(rows.start)..position(rows.end),
            scale: self.shape.scale,
            window: self.shape.window,
        }
    }

    /// Numbers of a row that belong to one key-value head.
    fn group_width(&self) -> usize {
        self.q.cols() / self.shape.n_kv_heads
    }

    /// Numbers of the partial results of one row for one chunk.
    fn partials_width(&self) -> usize {
        self.shape.n_heads * partial_numbers(self.shape.head_dim)
    }
}

thread_local! {
    /// Kept from slice to slice.
    static SPACE: RefCell<AttentionSpace> = RefCell::default();
}

/// Rows of a slice of a long span, which use each chunk of keys and values while it is in the cache.
const BAND_ROWS: usize = 16;

/// What partial results may take: beside the KV memory, so it is no more than this, whatever the context and the threads.
const PARTIAL_BYTES: usize = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Backend, CpuOptions, KvType};

    /// Rows and chunks of many, at a long context: within the bound, and every row is somebody's.
    #[test]
    fn partial_results_are_bounded() {
        let backend = CpuBackend::new(CpuOptions { threads: Some(1), isa: Some("scalar") }).unwrap();
        let (n_heads, n_kv_heads, head_dim) = (32, 8, 128);
        let layout = KvLayout { n_layers: 1, n_kv_heads, head_dim, kv_type: KvType::F32 };
        let pool = backend.kv_pool(&layout, 1).unwrap();
        let shape = AttentionShape { n_heads, n_kv_heads, head_dim, scale: 1.0, window: None };
        let rows = [(1, 1_000_000), (16, 1_000_000), (16, 10_000), (200, 10_000), (16, 10), (1, 500_000)];
        for spans in [&rows[..1], &rows[1..2], &rows[2..3], &rows[3..4], &rows[..]] {
            let mut end = 0;
            let spans: Vec<_> = spans
                .iter()
                .map(|&(count, first_position)| {
                    end += count;
                    KvSpan { rows: end - count..end, first_position, blocks: &[] }
                })
                .collect();
            let q = backend.tensor(end, n_heads * head_dim);
            let step = Step { backend: &backend, pool: &pool, layer: 0, spans: &spans, shape: &shape, q: &q };
            for threads in [1, 2, 17, 64] {
                let cuts = step.cuts(threads);
                let bytes = cuts.num_partials * step.partials_width() * size_of::<f32>();
                let first = &spans[0];
                let of_one = if first.rows.len() == 1 { 2 * PARTIAL_BYTES } else { 0 };
                assert!(bytes <= PARTIAL_BYTES + of_one, "{threads} threads: {bytes}");
                let mut served: Vec<usize> = cuts.whole.iter().chain(&cuts.merged).cloned().flatten().collect();
                served.sort_unstable();
                assert!(served.into_iter().eq(0..end), "{threads} threads");
            }
        }
    }
}
