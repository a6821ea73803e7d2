//! How fast attention is, and what a region of the thread pool costs: `cargo bench -p kernels --bench attention`.
//!
//! Prints a line for each case: bytes of keys and values read per second (decode), multiply-adds per second times two
//! (prefill). The fastest of several runs counts: the machine may be doing other things.

use std::ops::Range;
use std::time::{Duration, Instant};

use kernels::{
    AttentionSpace, Bands, CHUNK_TOKENS, Grid, Isa, KvHead, KvNumbers, Pool, Queries, attend, attend_chunk,
    kv_block_numbers, merge_chunks, partial_numbers, usable_cores,
};

const HEADS: usize = 32;
const KV_HEADS: usize = 8;
const GROUP: usize = HEADS / KV_HEADS;
const HEAD_DIM: usize = 128;

fn main() {
    let threads = [1, usable_cores()];
    for threads in &threads[..if usable_cores() > 1 { 2 } else { 1 }] {
        let pool = Pool::new(*threads).expect("threads");
        region(&pool);
        for isa in Isa::available() {
            if isa == Isa::Scalar {
                continue;
            }
            for depth in [2048, 8192] {
                decode(&pool, isa, depth);
            }
            for tokens in [512, 2048] {
                prefill(&pool, isa, tokens);
            }
        }
    }
}

fn region(pool: &Pool) {
    let time = fastest(|| (0..1000).for_each(|_| pool.run(pool.num_threads(), |_| {})));
    println!("{} threads: region {:.0} ns", pool.num_threads(), time.as_secs_f64() * 1e6);
}

/// One token at position `depth - 1`, chunk by chunk, over more layers than the cache holds.
fn decode(pool: &Pool, isa: Isa, depth: usize) {
    let layers = (64 << 20) / (depth * KV_HEADS * HEAD_DIM * 4) + 1;
    let kv: Vec<Vec<u16>> = (0..layers).map(|_| stored(depth)).collect();
    let blocks: Vec<u32> = (0..depth.div_ceil(32) as u32).collect();
    let q = vec![0.5; HEADS * HEAD_DIM];
    let width = GROUP * partial_numbers(HEAD_DIM);
    let chunks = depth.div_ceil(CHUNK_TOKENS);
    let mut partials = vec![0.0; chunks * KV_HEADS * width];
    let mut out = vec![0.0; HEADS * HEAD_DIM];
    let time = fastest(|| {
        for layer in &kv {
            let grid = Grid::new(&mut partials, KV_HEADS * width, Bands::Every(1), width);
            pool.for_each_tile(&mut [grid], |_, mut tile| {
                let (chunk, head) = (tile.band(), tile.cols().start / width);
                let kv = KvHead { numbers: KvNumbers::F16(layer), blocks: &blocks, head, n_kv_heads: KV_HEADS };
                let queries = queries(&q, head, depth - 1..depth);
                attend_chunk(isa, &kv, &queries, chunk, &mut AttentionSpace::default(), &mut tile);
            });
            let grid = Grid::new(&mut out, HEADS * HEAD_DIM, Bands::Every(1), GROUP * HEAD_DIM);
            pool.for_each_tile(&mut [grid], |_, mut tile| {
                let head = tile.cols().start / (GROUP * HEAD_DIM);
                let results = (0..chunks).map(|chunk| &partials[(chunk * KV_HEADS + head) * width..][..width]);
                merge_chunks(isa, HEAD_DIM, results, &mut AttentionSpace::default(), tile.row_mut(0));
            });
        }
    });
    let bytes = layers * depth * KV_HEADS * HEAD_DIM * 4;
    let rate = bytes as f64 / time.as_secs_f64() / 1e9;
    println!("{} threads, {}: decode at {depth}: {rate:.1} GB/s", pool.num_threads(), isa.name());
}

fn prefill(pool: &Pool, isa: Isa, tokens: usize) {
    let kv = stored(tokens);
    let blocks: Vec<u32> = (0..tokens.div_ceil(32) as u32).collect();
    let q = vec![0.5; tokens * HEADS * HEAD_DIM];
    let mut out = vec![0.0; q.len()];
    let time = fastest(|| {
        let grid = Grid::new(&mut out, HEADS * HEAD_DIM, Bands::Every(16), GROUP * HEAD_DIM);
        pool.for_each_tile(&mut [grid], |_, mut tile| {
            let head = tile.cols().start / (GROUP * HEAD_DIM);
            let kv = KvHead { numbers: KvNumbers::F16(&kv), blocks: &blocks, head, n_kv_heads: KV_HEADS };
            let queries = queries(&q[tile.rows().start * HEADS * HEAD_DIM..], head, tile.rows());
            attend(isa, &kv, &queries, &mut AttentionSpace::default(), &mut tile);
        });
    });
    // Each query meets half of the keys and half of the values.
    let operations = tokens * (tokens + 1) / 2 * HEADS * HEAD_DIM * 4;
    let rate = operations as f64 / time.as_secs_f64() / 1e9;
    println!("{} threads, {}: prefill of {tokens}: {rate:.0} Gflop/s", pool.num_threads(), isa.name());
}

fn queries(q: &[f32], head: usize, positions: Range<usize>) -> Queries<'_> {
    Queries {
        numbers: &q[head * GROUP * HEAD_DIM..],
        stride: HEADS * HEAD_DIM,
        heads: GROUP,
        head_dim: HEAD_DIM,
        positions,
        scale: 0.1,
        window: None,
    }
}

fn stored(tokens: usize) -> Vec<u16> {
    let count = tokens.div_ceil(32) * KV_HEADS * kv_block_numbers(HEAD_DIM);
    (0..count).map(|i| 0x3000 | (i as u16).wrapping_mul(40503) >> 6).collect()
}

fn fastest(mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..9).map(run).min().unwrap_or_default()
}
