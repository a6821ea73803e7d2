//! How fast attention is, and what a region of the thread pool costs: `cargo bench -p kernels --bench attention [-- ISA…]`.
//!
//! Prints a line for each case: bytes of keys and values read per second (decode), from memory and from the cache, beside a
//! plain read from memory; multiply-adds per second times two (prefill). The fastest of several runs counts: the machine
//! may be doing other things.

use std::cell::RefCell;
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};

use kernels::{
    AttentionSpace, Bands, CHUNK_TOKENS, Grid, Isa, KvHead, KvNumbers, Pool, Queries, ReadProbe, ReadWay,
    ZeroedNumbers, attend, attend_chunk, kv_block_numbers, merge_chunks, partial_numbers, usable_cores,
};

const HEADS: usize = 32;
const KV_HEADS: usize = 8;
const GROUP: usize = HEADS / KV_HEADS;
const HEAD_DIM: usize = 128;
/// More than the caches hold.
const MEMORY: usize = 256 << 20;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let isas = Isa::available().into_iter().filter(|isa| match wanted.is_empty() {
        true => *isa != Isa::Scalar,
        false => wanted.iter().any(|name| name == isa.name()),
    });
    let isas: Vec<Isa> = isas.collect();
    let threads = [1, usable_cores()];
    for threads in &threads[..if usable_cores() > 1 { 2 } else { 1 }] {
        let pool = Pool::new(*threads).expect("threads");
        region(&pool);
        for &isa in &isas {
            let read = read(&pool, isa);
            println!("{} threads, {}: plain read {read:.1} GB/s", pool.num_threads(), isa.name());
            for (kv_heads, group, depth) in [(8, 4, 2048), (8, 4, 8192), (4, 2, 2048), (8, 1, 2048)] {
                let shape = Shape { kv_heads, group, depth };
                let (memory, cache) = (decode(&pool, isa, &shape, MEMORY), decode(&pool, isa, &shape, 2));
                let (threads, isa, share) = (pool.num_threads(), isa.name(), 100.0 * memory / read);
                println!(
                    "{threads} threads, {isa}: decode at {depth}, {group} × {kv_heads} heads: {memory:.1} GB/s \
                     ({share:.0} % of a plain read), from the cache {cache:.1} GB/s"
                );
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

/// GB/s of nothing but reading.
fn read(pool: &Pool, isa: Isa) -> f64 {
    let probe = ReadProbe::new(pool, MEMORY).expect("memory");
    let slices = 64;
    let times = ReadWay::ALL.map(|way| {
        fastest(|| {
            pool.run(slices, |slice| {
                black_box(probe.read(isa, (slice, slices), way));
            });
        })
    });
    probe.num_bytes() as f64 / times.into_iter().min().unwrap_or_default().as_secs_f64() / 1e9
}

/// Heads of keys and values, query heads for each, and positions.
struct Shape {
    kv_heads: usize,
    group: usize,
    depth: usize,
}

impl Shape {
    fn queries<'q>(&self, q: &'q [f32], head: usize) -> Queries<'q> {
        queries(q, self.kv_heads, self.group, head, self.depth - 1..self.depth)
    }
}

/// GB/s of one token at the last position, chunk by chunk, over as many layers as make `bytes`, or one.
fn decode(pool: &Pool, isa: Isa, shape: &Shape, bytes: usize) -> f64 {
    let &Shape { kv_heads, group, depth } = shape;
    let layer = depth.div_ceil(32) * kv_heads * kv_block_numbers(HEAD_DIM);
    let layers = (bytes / 2).div_ceil(layer);
    let kv = stored(layers * layer);
    let blocks: Vec<u32> = (0..depth.div_ceil(32) as u32).collect();
    let q = vec![0.5; kv_heads * group * HEAD_DIM];
    let width = group * partial_numbers(HEAD_DIM);
    let chunks = depth.div_ceil(CHUNK_TOKENS);
    let mut partials = vec![0.0; chunks * kv_heads * width];
    let mut out = vec![0.0; q.len()];
    let time = fastest(|| {
        for layer in kv.chunks_exact(layer) {
            let grid = Grid::new(&mut partials, kv_heads * width, Bands::Every(1), width);
            pool.for_each_tile(&mut [grid], |_, mut tile| {
                SPACE.with_borrow_mut(|space| {
                    let (chunk, head) = (tile.band(), tile.cols().start / width);
                    let kv = KvHead { numbers: KvNumbers::F16(layer), blocks: &blocks, head, n_kv_heads: kv_heads };
                    attend_chunk(isa, &kv, &shape.queries(&q, head), chunk, space, &mut tile);
                })
            });
            let grid = Grid::new(&mut out, q.len(), Bands::Every(1), group * HEAD_DIM);
            pool.for_each_tile(&mut [grid], |_, mut tile| {
                SPACE.with_borrow_mut(|space| {
                    let head = tile.cols().start / (group * HEAD_DIM);
                    let results = (0..chunks).map(|chunk| &partials[(chunk * kv_heads + head) * width..][..width]);
                    merge_chunks(isa, HEAD_DIM, results, space, tile.row_mut(0));
                })
            });
        }
    });
    (layers * depth * kv_heads * HEAD_DIM * 4) as f64 / time.as_secs_f64() / 1e9
}

fn prefill(pool: &Pool, isa: Isa, tokens: usize) {
    let kv = stored(tokens.div_ceil(32) * KV_HEADS * kv_block_numbers(HEAD_DIM));
    let blocks: Vec<u32> = (0..tokens.div_ceil(32) as u32).collect();
    let q = vec![0.5; tokens * HEADS * HEAD_DIM];
    let mut out = vec![0.0; q.len()];
    let time = fastest(|| {
        let grid = Grid::new(&mut out, HEADS * HEAD_DIM, Bands::Every(16), GROUP * HEAD_DIM);
        pool.for_each_tile(&mut [grid], |_, mut tile| {
            SPACE.with_borrow_mut(|space| {
                let head = tile.cols().start / (GROUP * HEAD_DIM);
                let kv = KvHead { numbers: KvNumbers::F16(&kv), blocks: &blocks, head, n_kv_heads: KV_HEADS };
                let queries = queries(&q[tile.rows().start * HEADS * HEAD_DIM..], KV_HEADS, GROUP, head, tile.rows());
                attend(isa, &kv, &queries, space, &mut tile);
            })
        });
    });
    // Each query meets half of the keys and half of the values.
    let operations = tokens * (tokens + 1) / 2 * HEADS * HEAD_DIM * 4;
    let rate = operations as f64 / time.as_secs_f64() / 1e9;
    println!("{} threads, {}: prefill of {tokens}: {rate:.0} Gflop/s", pool.num_threads(), isa.name());
}

fn queries(q: &[f32], kv_heads: usize, group: usize, head: usize, positions: Range<usize>) -> Queries<'_> {
    Queries {
        numbers: &q[head * group * HEAD_DIM..],
        stride: kv_heads * group * HEAD_DIM,
        heads: group,
        head_dim: HEAD_DIM,
        positions,
        scale: 0.1,
        window: None,
    }
}

/// Plain numbers, where keys and values lie: on huge pages.
fn stored(count: usize) -> ZeroedNumbers<u16> {
    let mut numbers = ZeroedNumbers::new(count).expect("memory");
    numbers.iter_mut().enumerate().for_each(|(i, number)| *number = 0x3000 | (i as u16).wrapping_mul(40503) >> 6);
    numbers
}

thread_local! {
    static SPACE: RefCell<AttentionSpace> = RefCell::default();
}

fn fastest(mut work: impl FnMut()) -> Duration {
    let run = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..9).map(run).min().unwrap_or_default()
}
