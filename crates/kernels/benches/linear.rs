//! Linear layers against what the machine allows: `cargo bench -p kernels --bench linear [-- FORMAT…]`.
//!
//! For each format and instruction set, with 1 and 2 threads: *decode*, one row of inputs against more weights than the caches
//! hold, in GB/s of packed weights and in percent of a plain read of the same bytes; *prefill*, 512 rows, in Gop/s (a
//! multiply-add counts as two) and in percent of int8 products (f32 for plain numbers) that never leave the registers.
//! All figures of a run come minutes apart on a machine that others may use: compare ratios, not runs.

use std::hint::black_box;
use std::time::Instant;

use kernels::{ActivationFormat, Activations, Bands, Grid, Isa, PackedMatrix, Pool, linear};
use quant::Format;

const COLS: usize = 3072;
/// Outputs in decode: at least 140 MB in every format.
const DECODE_ROWS: usize = 160 << 10;
const PREFILL_ROWS: usize = 512;
const PREFILL_INPUTS: usize = 512;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let formats = Format::ALL.into_iter().filter(|f| wanted.is_empty() || wanted.iter().any(|w| w == f.name()));
    let formats: Vec<Format> = formats.collect();
    println!("format  isa     threads  decode GB/s  of read   ×8 rows GB/s  prefill Gop/s  of peak");
    for threads in [1, 2] {
        let pool = Pool::new(threads).expect("threads");
        let peaks = (peak(&pool, threads, true), peak(&pool, threads, false));
        println!("peak: int8 {:.0} Gop/s, f32 {:.0} Gop/s, {threads} threads", peaks.0, peaks.1);
        for &format in &formats {
            let matrix = random_matrix(&pool, format, DECODE_ROWS);
            for isa in Isa::available().into_iter().skip(1) {
                let (read, decode, few) = decode(&pool, isa, &matrix);
                let prefill = prefill(&pool, isa, &matrix);
                let peak = if format.block_weights() == 1 { peaks.1 } else { peaks.0 };
                println!(
                    "{:<7} {:<7} {threads:>7} {decode:>12.1} {:>7.0}% {few:>14.1} {prefill:>14.0} {:>7.0}%",
                    format.name(),
                    isa.name(),
                    100.0 * decode / read,
                    100.0 * prefill / peak,
                );
            }
        }
    }
}

/// Random codes; scales are whatever the bytes say, which costs the same time.
fn random_matrix(pool: &Pool, format: Format, rows: usize) -> PackedMatrix {
    let mut matrix = PackedMatrix::zeroed(format, rows, COLS).expect("memory");
    let mut random = testkit::Random::new(1);
    let row_bytes = format.row_bytes(COLS).expect("whole blocks");
    let file: Vec<u8> = (0..16 * row_bytes).map(|_| random.bits() as u8 & 0x3F).collect();
    pool.for_each_tile(&mut [matrix.groups_mut(16)], |_, mut tile| {
        for group in tile.rows() {
            kernels::pack_group(format, COLS, &file, tile.row_mut(group));
        }
    });
    matrix
}

/// GB/s of a plain read, of one row, of eight rows.
fn decode(pool: &Pool, isa: Isa, matrix: &PackedMatrix) -> (f64, f64, f64) {
    let (one, eight) = (inputs(isa, matrix, 1), inputs(isa, matrix, 8));
    let bytes = matrix.num_bytes() as f64 / 1e9;
    let mut best = (0f64, 0f64, 0f64);
    for _ in 0..8 {
        best.0 = best.0.max(bytes / seconds(|| read(pool, matrix)));
        best.1 = best.1.max(bytes / seconds(|| multiply(pool, isa, matrix, &one, 1, matrix.rows(), 256)));
        best.2 = best.2.max(bytes / seconds(|| multiply(pool, isa, matrix, &eight, 8, matrix.rows(), 256)));
    }
    best
}

/// Gop/s of 512 rows against the first rows of the matrix.
fn prefill(pool: &Pool, isa: Isa, matrix: &PackedMatrix) -> f64 {
    let x = inputs(isa, matrix, PREFILL_INPUTS);
    let operations = 2.0 * (PREFILL_INPUTS * PREFILL_ROWS * COLS) as f64 / 1e9;
    let run = || operations / seconds(|| multiply(pool, isa, matrix, &x, PREFILL_INPUTS, PREFILL_ROWS, 128));
    (0..30).map(|_| run()).fold(0.0, f64::max)
}

fn inputs(isa: Isa, matrix: &PackedMatrix, rows: usize) -> Activations {
    let mut x = Activations::new(ActivationFormat::for_weights(matrix.format()), rows, COLS);
    x.write(isa, &testkit::Random::new(2).floats(rows * COLS));
    x
}

/// The first `cols` outputs of `rows` rows, in tiles of `tile` columns.
fn multiply(pool: &Pool, isa: Isa, matrix: &PackedMatrix, x: &Activations, rows: usize, cols: usize, tile: usize) {
    let mut out = vec![0.0; rows * cols];
    let grid = Grid::new(&mut out, cols, Bands::Every(rows), tile);
    pool.for_each_tile(&mut [grid], |_, mut tile| linear(isa, matrix, x, &mut tile));
    black_box(out);
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

/// Reads all packed bytes, four streams a slice, asking ahead as decoding does.
fn read(pool: &Pool, matrix: &PackedMatrix) {
    const SLICES: usize = 64;
    let part = matrix.num_bytes() / SLICES;
    pool.run(SLICES, |slice| machine::read(&matrix.as_bytes()[slice * part..(slice + 1) * part]));
}

/// Gop/s of products that never leave the registers.
fn peak(pool: &Pool, threads: usize, int8: bool) -> f64 {
    const ROUNDS: usize = 100_000;
    let operations = if int8 { machine::INT8_PER_ROUND } else { machine::F32_PER_ROUND };
    let all = (operations * ROUNDS * threads) as f64 / 1e9;
    let run = || all / seconds(|| pool.run(threads, |_| machine::multiply(ROUNDS, int8)));
    (0..30).map(|_| run()).fold(0.0, f64::max)
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
