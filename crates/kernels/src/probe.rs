//! What an instruction set does at best: loops of nothing but products, or of nothing but loads.
//!
//! They are the ceilings that `bench` holds measurements against. How long a loop takes is for the caller to measure: there
//! is no clock on this floor.

use std::hint::black_box;
use std::io;

use crate::aligned::{AlignedBytes, LINE};
use crate::products::{Products, ProductsOperation};
use crate::threads::Pool;
#[cfg(target_arch = "x86_64")]
use crate::x86_64;
use crate::{Bands, Grid, Isa};

/// Sums that are built side by side: two units times the four or five cycles of their instructions, and sixteen registers hold
/// them beside what they are made of.
const CHAINS: usize = 10;

/// Multiplies `rounds` times in registers; returns how many operations that was, a multiply-add being two.
pub type Multiply = fn(isa: Isa, rounds: usize) -> usize;

/// int8 products summed up in i32, as linear layers on block formats do. A [`Multiply`].
pub fn multiply_int8(isa: Isa, rounds: usize) -> usize {
    #[cfg(target_arch = "x86_64")]
    if let Isa::Amx(isa) = isa {
        return 2 * CHAINS * rounds * x86_64::amx::multiply(isa, CHAINS * rounds);
    }
    // Four products a lane of a vector, one where there are no vectors.
    let products = match isa.run_products(Int8(rounds)) {
        Some(lanes) => 4 * lanes,
        None => scalar(rounds, |sum: i32, w: i32, x| sum.wrapping_add(w.wrapping_mul(x))),
    };
    2 * rounds * CHAINS * products
}

/// f32 products summed up, as attention does. A [`Multiply`].
pub fn multiply_f32(isa: Isa, rounds: usize) -> usize {
    let lanes = isa.run_products(Float(rounds));
    2 * rounds * CHAINS * lanes.unwrap_or_else(|| scalar(rounds, |sum: f32, w: f32, x| w * x as f32 + sum))
}

/// How memory is read. Which way is fastest depends on the processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadWay {
    /// Places at once: 1 to 4.
    pub streams: usize,
    /// How far ahead lines are asked for, in bytes; 0 leaves that to the processor.
    pub ahead: usize,
}

impl ReadWay {
    /// One of them is the fastest on each processor that was measured.
    pub const ALL: [Self; 6] = [
        Self { streams: 1, ahead: 2048 },
        Self { streams: 2, ahead: 2048 },
        Self { streams: 4, ahead: 2048 },
        Self { streams: 4, ahead: 512 },
        Self { streams: 1, ahead: 0 },
        Self { streams: 4, ahead: 0 },
    ];
}

/// Memory to be read, where weights would lie: on huge pages where the system has them.
#[derive(Debug)]
pub struct ReadProbe(AlignedBytes);

impl ReadProbe {
    /// At least `bytes` of memory, a multiple of 4 KiB, touched by the threads of `pool`.
    ///
    /// # Errors
    /// The system refuses so much memory.
    pub fn new(pool: &Pool, bytes: usize) -> io::Result<Self> {
        let mut memory = AlignedBytes::zeroed(bytes.next_multiple_of(PAGE))?;
        let mut grid = [Grid::new(&mut memory[..], PAGE, Bands::Every(256), PAGE)];
        // Pages that nobody has written all lie on one.
        pool.for_each_tile(&mut grid, |_, mut tile| tile.rows().for_each(|row| tile.row_mut(row).fill(row as u8)));
        Ok(Self(memory))
    }

    /// Bytes of it.
    pub fn num_bytes(&self) -> usize {
        self.0.len()
    }

    /// Reads slice `slice` of `slices`, from some places at once; returns how many bytes that was.
    ///
    /// # Panics
    /// There is no such slice, or no stream.
    pub fn read(&self, isa: Isa, (slice, slices): (usize, usize), ReadWay { streams, ahead }: ReadWay) -> usize {
        let lines = self.0.as_chunks::<LINE>().0;
        let part = &lines[lines.len() * slice / slices..lines.len() * (slice + 1) / slices];
        let read = Read { streams: std::array::from_fn(|s| &part[part.len() / streams * s.min(streams - 1)..]) };
        let steps = part.len() / streams / STEP;
        if isa.run_products(Streams { read, steps, count: streams, ahead }).is_none() {
            black_box(part.iter().flatten().fold(0, |sum, byte| sum ^ byte));
        }
        steps * STEP * streams * LINE
    }
}

const PAGE: usize = 4096;
/// Lines of a stream that are read in one go.
const STEP: usize = 4;
/// The most streams.
const STREAMS: usize = 4;

struct Int8(usize);

impl ProductsOperation for Int8 {
    #[inline(always)]
    fn run<P: Products>(self, products: P) {
        let mut inputs = [products.splat(0); CHAINS];
        for i in 0..CHAINS {
            inputs[i] = products.splat(0x0102_0301 + i as i32);
        }
        // Different inputs and changing weights, so that nothing can be multiplied once for all. Inputs may be read from memory while they
        // are multiplied, weights may not.
        let inputs = black_box(inputs);
        let mut sums = [products.splat(1); CHAINS];
        for round in 0..self.0 {
            let weights = products.splat(black_box(round as i32 & 0x7F7F_7F7F));
            for i in 0..CHAINS {
                sums[i] = products.dot4(sums[i], weights, inputs[i]);
            }
        }
        black_box(sums);
    }
}

struct Float(usize);

impl ProductsOperation for Float {
    #[inline(always)]
    fn run<P: Products>(self, products: P) {
        let weights = products.splat_float(black_box(0.5));
        // Sums of which nobody knows that they are the same.
        let mut sums = [products.splat_float(1.0); CHAINS];
        for i in 0..CHAINS {
            sums[i] = products.splat_float(black_box(1.0));
        }
        for round in 0..self.0 {
            let x = products.splat_float(f32::from_bits(black_box(0x3F80_0000 ^ (round as u32 & 1))));
            for i in 0..CHAINS {
                sums[i] = products.fma(weights, x, sums[i]);
            }
        }
        black_box(sums);
    }
}

/// One lane of each chain.
fn scalar<T: Copy + From<u8>>(rounds: usize, add: impl Fn(T, T, i32) -> T) -> usize {
    let weights = black_box([T::from(3); CHAINS]);
    let mut sums = [T::from(1); CHAINS];
    for round in 0..rounds {
        let x = black_box(round as i32);
        for i in 0..CHAINS {
            sums[i] = add(sums[i], weights[i], x);
        }
    }
    black_box(sums);
    1
}

struct Read<'a> {
    streams: [&'a [[u8; LINE]]; STREAMS],
}

struct Streams<'a> {
    read: Read<'a>,
    steps: usize,
    count: usize,
    ahead: usize,
}

impl ProductsOperation for Streams<'_> {
    #[inline(always)]
    fn run<P: Products>(self, products: P) {
        match self.ahead {
            0 => read::<P, false>(products, &self),
            _ => read::<P, true>(products, &self),
        }
    }
}

#[inline(always)]
fn read<P: Products, const ASKS: bool>(products: P, streams: &Streams<'_>) {
    let mut sums = [products.splat(0); STEP];
    for step in 0..streams.steps {
        for stream in &streams.read.streams[..streams.count] {
            let lines = &stream[step * STEP..][..STEP];
            for line in 0..STEP {
                if ASKS {
                    products.prefetch(&lines[line], streams.ahead);
                }
                for part in 0..16 / P::LANES {
                    sums[line] = products.xor(sums[line], products.load(&lines[line], part));
                }
            }
        }
    }
    black_box(sums);
}
