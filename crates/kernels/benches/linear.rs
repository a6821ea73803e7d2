//! Linear layers against what the machine allows: `cargo bench -p kernels --bench linear [-- FORMAT…]`.
//!
//! For each format and instruction set, with 1 and 2 threads: *decode*, one row (and eight rows) of inputs against more weights
//! than the caches hold, in GB/s of packed weights and in percent of a plain read of the same bytes; *prefill*, 512 rows, in
//! Gop/s (a multiply-add counts as two) and in percent of int8 products (f32 for plain numbers) that never leave the
//! registers. Each slice of the work is timed for itself and the lower quartile counts, so that other programs on the
//! machine move the figures little. Still: compare ratios of one run, not runs.

use std::hint::black_box;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use kernels::{ActivationFormat, Activations, Bands, Grid, Isa, PackedMatrix, Pool, linear};
use quant::Format;

const COLS: usize = 3072;
/// Outputs in decode: at least 160 MB in every format.
const DECODE_OUTPUTS: usize = 160 << 10;
const DECODE_TILE: usize = 512;
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
        println!("format  isa     decode GB/s of read  8 rows GB/s  prefill Gop/s of peak");
        for &format in &formats {
            let matrix = bench.random_matrix(format);
            let (read, peak) = (bench.read(&matrix), if format.block_weights() == 1 { f32 } else { int8 });
            for isa in Isa::available().into_iter().skip(1) {
                let (one, eight) = (bench.decode(isa, &matrix, 1), bench.decode(isa, &matrix, 8));
                let prefill = bench.prefill(isa, &matrix);
                let (format, isa, of_read, of_peak) = (format.name(), isa.name(), one / read, prefill / peak);
                println!(
                    "{format:<7} {isa:<7} {one:>11.1} {:>6.0}% {eight:>12.1} {prefill:>14.0} {:>6.0}%",
                    100.0 * of_read,
                    100.0 * of_peak
                );
            }
        }
    }
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
                kernels::pack_group(format, COLS, &file, tile.row_mut(group));
            }
        });
        matrix
    }

    /// GB/s of packed weights, `rows` rows of inputs.
    fn decode(&self, isa: Isa, matrix: &PackedMatrix, rows: usize) -> f64 {
        let bytes = (matrix.num_bytes() / DECODE_OUTPUTS * DECODE_TILE) as f64;
        bytes / 1e9 * self.multiply(isa, matrix, rows, DECODE_OUTPUTS, DECODE_TILE)
    }

    /// Gop/s of many rows against the first rows of the matrix.
    fn prefill(&self, isa: Isa, matrix: &PackedMatrix) -> f64 {
        let operations = (2 * PREFILL_INPUTS * PREFILL_TILE * COLS) as f64;
        operations / 1e9 * self.multiply(isa, matrix, PREFILL_INPUTS, PREFILL_OUTPUTS, PREFILL_TILE)
    }

    /// GB/s of a plain read, four streams a slice, asking ahead as decoding does.
    fn read(&self, matrix: &PackedMatrix) -> f64 {
        let slices = DECODE_OUTPUTS / DECODE_TILE;
        let part = matrix.num_bytes() / slices;
        let times = Times::default();
        for _ in 0..3 {
            let read = |slice| times.time(|| machine::read(&matrix.as_bytes()[slice * part..(slice + 1) * part]));
            self.pool.run(slices, read);
        }
        part as f64 / 1e9 * times.rate(self.threads)
    }

    /// Gop/s of products that never leave the registers.
    fn peak(&self, int8: bool) -> f64 {
        const ROUNDS: usize = 50_000;
        let operations = if int8 { machine::INT8_PER_ROUND } else { machine::F32_PER_ROUND };
        let times = Times::default();
        self.pool.run(100, |_| times.time(|| machine::multiply(ROUNDS, int8)));
        (operations * ROUNDS) as f64 / 1e9 * times.rate(self.threads)
    }

    /// Tiles a second: the first `outputs` outputs of `rows` rows, in tiles of `tile` outputs.
    fn multiply(&self, isa: Isa, matrix: &PackedMatrix, rows: usize, outputs: usize, tile: usize) -> f64 {
        let mut x = Activations::new(ActivationFormat::for_weights(matrix.format()), rows, COLS);
        x.write(isa, &testkit::Random::new(2).floats(rows * COLS));
        let mut out = vec![0.0; rows * outputs];
        let times = Times::default();
        for _ in 0..3 {
            let grid = Grid::new(&mut out, outputs, Bands::Every(rows), tile);
            self.pool.for_each_tile(&mut [grid], |_, mut tile| times.time(|| linear(isa, matrix, &x, &mut tile)));
        }
        black_box(out);
        times.rate(self.threads)
    }
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

/// What the machine does at best, by its widest instructions.
#[cfg(target_arch = "x86_64")]
mod machine {
    use std::arch::asm;
    use std::arch::x86_64::*;
    use std::hint::black_box;

    const CHAINS: usize = 16;
    pub(crate) const INT8_PER_ROUND: usize = CHAINS * 64 * 2;
    pub(crate) const F32_PER_ROUND: usize = CHAINS * 16 * 2;

    pub(crate) fn read(bytes: &[u8]) {
        assert!(kernels::Avx512::new().is_some(), "this bench compares with AVX-512");
        // SAFETY: just checked.
        unsafe { read_streams(bytes) }
    }

    pub(crate) fn multiply(rounds: usize, int8: bool) {
        assert!(kernels::Avx512::new().is_some(), "this bench compares with AVX-512");
        // SAFETY: just checked.
        unsafe { if int8 { multiply_int8(rounds) } else { multiply_f32(rounds) } }
    }

    #[target_feature(enable = "avx512f")]
    fn read_streams(bytes: &[u8]) {
        const STEP: usize = 256;
        let stream = bytes.len() / 4 / STEP * STEP;
        let mut sums = [_mm512_setzero_si512(); STEP / 64];
        for at in (0..stream).step_by(STEP) {
            for s in 0..4 {
                let start = bytes[s * stream + at..][..STEP].as_ptr();
                for (line, sum) in sums.iter_mut().enumerate() {
                    // SAFETY: the line lies in the slice; a prefetch may point anywhere.
                    unsafe {
                        _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(2048 + 64 * line).cast());
                        *sum = _mm512_xor_si512(*sum, _mm512_loadu_si512(start.add(64 * line).cast()));
                    }
                }
            }
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx512f,avx512vnni")]
    fn multiply_int8(rounds: usize) {
        let (w, x) = (_mm512_set1_epi8(3), _mm512_set1_epi8(-2));
        let mut sums = [_mm512_set1_epi32(1); CHAINS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_dpbusd_epi32(*sum, w, x);
            }
            // SAFETY: empty; it keeps the compiler from multiplying out the loop.
            unsafe { asm!("", options(nomem, nostack, preserves_flags)) };
        }
        black_box(sums);
    }

    #[target_feature(enable = "avx512f")]
    fn multiply_f32(rounds: usize) {
        let (w, x) = (_mm512_set1_ps(1.0001), _mm512_set1_ps(0.5));
        let mut sums = [_mm512_set1_ps(1.0); CHAINS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(w, x, *sum);
            }
            // SAFETY: as above.
            unsafe { asm!("", options(nomem, nostack, preserves_flags)) };
        }
        black_box(sums);
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod machine {
    pub(crate) const INT8_PER_ROUND: usize = 1;
    pub(crate) const F32_PER_ROUND: usize = 1;

    pub(crate) fn read(bytes: &[u8]) {
        std::hint::black_box(bytes.iter().fold(0u8, |sum, byte| sum ^ byte));
    }

    pub(crate) fn multiply(_: usize, _: bool) {}
}
