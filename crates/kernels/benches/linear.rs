//! Linear layers against what the machine allows: `cargo bench -p kernels --bench linear [-- FORMAT…]`.
//!
//! For each format and instruction set, with 1 and 2 threads: *decode*, one row (and eight rows) of inputs against more weights
//! than the caches hold, in GB/s of packed weights and in percent of a plain read of the same bytes; *cached*, the same against
//! weights that stay in the second-level cache, which is what decode could reach beside a faster memory; *prefill*, 512 rows, in
//! Gop/s (a multiply-add counts as two) and in percent of int8 products (f32 for plain numbers) that never leave the
//! registers. Each slice of the work is timed for itself and the lower quartile counts, so that other programs on the
//! machine move the figures little; reading and decoding take turns, and the median of the rounds counts, because what
//! memory gives changes from minute to minute. Still: compare ratios of one run, not runs.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use kernels::{ActivationFormat, Activations, Bands, Grid, Isa, PackedMatrix, Pool, ReadProbe, ReadWay, linear};
use quant::Format;

const COLS: usize = 3072;
/// Outputs in decode: at least 160 MB in every format.
const DECODE_OUTPUTS: usize = 160 << 10;
const DECODE_TILE: usize = 512;
/// At most 400 KB.
const CACHED_TILE: usize = 128;
const PREFILL_INPUTS: usize = 512;
const PREFILL_OUTPUTS: usize = 2048;
const PREFILL_TILE: usize = 64;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let formats = Format::ALL.into_iter().filter(|f| wanted.is_empty() || wanted.iter().any(|w| w == f.name()));
    let formats: Vec<Format> = formats.collect();
    for threads in [1, 2] {
        let bench = Bench { pool: Pool::new(threads).expect("threads"), threads };
        let (int8, f32) = (bench.peak(true), bench.peak(false));
        println!("{threads} threads; products in registers: int8 {int8:.0} Gop/s, f32 {f32:.0} Gop/s");
        println!("format  isa     decode GB/s of read  cached GB/s  8 rows GB/s  cached GB/s  prefill Gop/s of peak");
        for &format in &formats {
            let matrix = bench.random_matrix(format);
            let peak = if format.block_weights() == 1 { f32 } else { int8 };
            let vectors = &Isa::available()[1..];
            for (&isa, decode) in vectors.iter().zip(bench.decode(vectors, &matrix)) {
                let (one_cached, eight_cached) = (bench.cached(isa, &matrix, 1), bench.cached(isa, &matrix, 8));
                let prefill = bench.prefill(isa, &matrix);
                let (format, isa, of_peak) = (format.name(), isa.name(), prefill / peak);
                println!(
                    "{format:<7} {isa:<7} {:>11.1} {:>6.0}% {one_cached:>12.1} {:>12.1} {eight_cached:>12.1} \
                     {prefill:>14.0} {:>6.0}%",
                    decode.one,
                    100.0 * decode.of_read,
                    decode.eight,
                    100.0 * of_peak
                );
            }
        }
    }
}

/// Medians of some rounds: GB/s of packed weights with one row and with eight, and the first as a share of a plain read.
struct Decode {
    one: f64,
    eight: f64,
    of_read: f64,
}

struct Bench {
    pool: Pool,
    threads: usize,
}

impl Bench {
    /// Random codes and plain scales.
    fn random_matrix(&self, format: Format) -> PackedMatrix {
        let mut matrix = PackedMatrix::zeroed(format, DECODE_OUTPUTS, COLS).expect("memory");
        let mut random = testkit::Random::new(1);
        let row_bytes = format.row_bytes(COLS).expect("whole blocks");
        // Bytes up to 63 make positive f16 scales below 2; MXFP4's exponents would be denormal, so they get a bit more.
        let bit = if format == Format::MXFP4 { 0x40 } else { 0 };
        let file: Vec<u8> = (0..16 * row_bytes).map(|_| random.bits() as u8 & 0x3F | bit).collect();
        self.pool.for_each_tile(&mut [matrix.groups_mut(16)], |_, mut tile| {
            for group in tile.rows() {
                kernels::pack_group(Isa::detect(), format, COLS, &file, tile.row_mut(group));
            }
        });
        matrix
    }

    /// On each instruction set, in turns with a plain read.
    fn decode(&self, vectors: &[Isa], matrix: &PackedMatrix) -> Vec<Decode> {
        const ROUNDS: usize = 7;
        let memory = ReadProbe::new(&self.pool, matrix.num_bytes()).expect("memory");
        let bytes = (matrix.num_bytes() / DECODE_OUTPUTS * DECODE_TILE) as f64 / 1e9;
        let mut rounds = vec![(Vec::new(), Vec::new(), Vec::new()); vectors.len()];
        for _ in 0..ROUNDS {
            let read = self.read(&memory);
            for (&isa, (one, eight, of_read)) in vectors.iter().zip(&mut rounds) {
                one.push(bytes * self.multiply(isa, matrix, 1, DECODE_OUTPUTS, DECODE_TILE));
                of_read.push(one[one.len() - 1] / read);
                eight.push(bytes * self.multiply(isa, matrix, 8, DECODE_OUTPUTS, DECODE_TILE));
            }
        }
        let medians =
            |(one, eight, of_read)| Decode { one: median(one), eight: median(eight), of_read: median(of_read) };
        rounds.into_iter().map(medians).collect()
    }

    /// GB/s of packed weights that each thread goes through again and again.
    fn cached(&self, isa: Isa, matrix: &PackedMatrix, rows: usize) -> f64 {
        const ROUNDS: usize = 200;
        let mut x = Activations::new(ActivationFormat::for_weights(matrix.format()), rows, COLS);
        x.write(isa, &testkit::Random::new(2).floats(rows * COLS));
        let mut out = vec![0.0; rows * CACHED_TILE * self.threads];
        let times = Times::default();
        let grid = Grid::new(&mut out, CACHED_TILE * self.threads, Bands::Every(rows), CACHED_TILE);
        self.pool.for_each_tile(&mut [grid], |_, mut tile| {
            for _ in 0..ROUNDS {
                times.time(|| linear(isa, matrix, &x, &mut tile));
            }
        });
        black_box(out);
        (matrix.num_bytes() / DECODE_OUTPUTS * CACHED_TILE) as f64 / 1e9 * times.rate(self.threads)
    }

    /// Gop/s of many rows against the first rows of the matrix.
    fn prefill(&self, isa: Isa, matrix: &PackedMatrix) -> f64 {
        let operations = (2 * PREFILL_INPUTS * PREFILL_TILE * COLS) as f64;
        operations / 1e9 * self.multiply(isa, matrix, PREFILL_INPUTS, PREFILL_OUTPUTS, PREFILL_TILE)
    }

    /// GB/s of a plain read, four streams a slice: with requests or without, whichever is faster here.
    fn read(&self, memory: &ReadProbe) -> f64 {
        let (isa, slices) = (Isa::detect(), DECODE_OUTPUTS / DECODE_TILE);
        let ways = ReadWay::ALL.into_iter().filter(|way| way.streams == 4);
        let rates = ways.map(|way| {
            let times = Times::default();
            self.pool.run(slices, |slice| {
                times.time(|| {
                    memory.read(isa, (slice, slices), way);
                })
            });
            memory.num_bytes() as f64 / slices as f64 / 1e9 * times.rate(self.threads)
        });
        rates.fold(0.0, f64::max)
    }

    /// Gop/s of products that never leave the registers.
    fn peak(&self, int8: bool) -> f64 {
        const ROUNDS: usize = 50_000;
        let (isa, multiply) = (Isa::detect(), if int8 { kernels::multiply_int8 } else { kernels::multiply_f32 });
        let times = Times::default();
        self.pool.run(100, |_| {
            times.time(|| {
                black_box(multiply(isa, ROUNDS));
            })
        });
        multiply(isa, ROUNDS) as f64 / 1e9 * times.rate(self.threads)
    }

    /// Tiles a second: the first `outputs` outputs of `rows` rows, in tiles of `tile` outputs.
    fn multiply(&self, isa: Isa, matrix: &PackedMatrix, rows: usize, outputs: usize, tile: usize) -> f64 {
        let mut x = Activations::new(ActivationFormat::for_weights(matrix.format()), rows, COLS);
        x.write(isa, &testkit::Random::new(2).floats(rows * COLS));
        let mut out = vec![0.0; rows * outputs];
        let times = Times::default();
        let grid = Grid::new(&mut out, outputs, Bands::Every(rows), tile);
        self.pool.for_each_tile(&mut [grid], |_, mut tile| times.time(|| linear(isa, matrix, &x, &mut tile)));
        black_box(out);
        times.rate(self.threads)
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[numbers.len() / 2]
}

/// How long equal slices took.
#[derive(Default)]
struct Times(Mutex<Vec<f64>>);

impl Times {
    fn time(&self, work: impl FnOnce()) {
        let start = Instant::now();
        work();
        let seconds = start.elapsed().as_secs_f64();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(seconds);
    }

    /// Slices a second of all threads, by the lower quartile.
    fn rate(self, threads: usize) -> f64 {
        let mut times = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        times.sort_by(f64::total_cmp);
        threads as f64 / times[times.len() / 4]
    }
}
