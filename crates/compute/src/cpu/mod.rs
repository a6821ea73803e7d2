//! The processor as a [`Backend`]: each operation is cut into slices for one thread pool, each slice goes to a kernel.
//!
//! How an operation is cut is chosen for speed, by the number of threads and the sizes; the kernels see to it that the
//! result does not depend on it. Operations too small to share run on the calling thread.

mod attention;
mod kv_pool;
mod linear;
mod load;
mod rows;
mod tensor;

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernels::{Isa, PackedMatrix, Pool};
use quant::RowSource;

use crate::{AttentionShape, Backend, Error, KvLayout, KvSpan, KvType, Product, RopeAngles};
pub use kv_pool::CpuKvPool;
pub use load::packed_bytes;
pub use tensor::{CpuTensor, CpuVector};

/// What can be chosen about the CPU backend. The default is the fastest that the machine has.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuOptions<'a> {
    /// Threads that work; by default one per physical core that the process may use.
    pub threads: Option<usize>,
    /// Instruction set by name; by default the fastest. Results do not depend on it.
    pub isa: Option<&'a str>,
}

/// Operations on this machine's processor.
#[derive(Debug)]
pub struct CpuBackend {
    isa: Isa,
    pool: Pool,
    /// A pool without workers, for what is too small to share.
    alone: Pool,
    spares: tensor::Spares,
    linear: Mutex<linear::Space>,
    attention: Mutex<attention::Space>,
}

impl CpuBackend {
    /// Starts the threads.
    ///
    /// # Errors
    /// The instruction set is unknown or not this processor's, or the threads cannot be started.
    pub fn new(options: CpuOptions<'_>) -> Result<Self, Error> {
        let isa = match options.isa {
            None => Isa::detect(),
            Some(name) => Isa::from_name(name).ok_or_else(|| Error::Isa {
                name: name.to_owned(),
                available: Isa::available().iter().map(|isa| isa.name()).collect::<Vec<_>>().join(", "),
            })?,
        };
        let threads = options.threads.unwrap_or_else(kernels::usable_cores);
        let pool = |threads| match threads {
            0 => Err(Error::Threads { threads, source: std::io::ErrorKind::InvalidInput.into() }),
            _ => Pool::new(threads).map_err(|source| Error::Threads { threads, source }),
        };
        Ok(Self {
            isa,
            pool: pool(threads)?,
            alone: pool(1)?,
            spares: tensor::Spares::default(),
            linear: Mutex::default(),
            attention: Mutex::default(),
        })
    }

    /// Name of the instruction set that the kernels run on.
    pub fn isa_name(&self) -> &'static str {
        self.isa.name()
    }

    /// Threads that work, the caller among them.
    pub fn num_threads(&self) -> usize {
        self.pool.num_threads()
    }

    /// Name of the arithmetic: equal ids, equal bits, on every machine (docs/numerics.md).
    pub fn numerics_id(&self, kv_type: KvType) -> &'static str {
        match kv_type {
            KvType::F32 => "tn-1-f32",
            KvType::F16 => "tn-1-f16",
        }
    }

    /// The threads for `work` steps (of about one multiply-add each): all, or the caller's alone.
    fn threads_for(&self, work: usize) -> &Pool {
        if work < SHARED_WORK { &self.alone } else { &self.pool }
    }
}

impl Backend for CpuBackend {
    type Matrix = PackedMatrix;
    type Vector = CpuVector;
    type Tensor = CpuTensor;
    type KvPool = CpuKvPool;

    fn matrix(&self, source: &dyn RowSource) -> Result<PackedMatrix, Error> {
        load::matrix(self, source)
    }

    fn vector(&self, source: &dyn RowSource) -> Result<CpuVector, Error> {
        load::vector(source)
    }

    fn kv_pool(&self, layout: &KvLayout, blocks: usize) -> Result<CpuKvPool, Error> {
        CpuKvPool::new(layout, blocks)
    }

    fn tensor(&self, rows: usize, cols: usize) -> CpuTensor {
        CpuTensor::new(rows, cols, &self.spares)
    }

    fn zeros(&self, rows: usize, cols: usize) -> CpuTensor {
        let mut tensor = self.tensor(rows, cols);
        tensor.numbers_mut().fill(0.0);
        tensor
    }

    fn read<'t>(&self, tensor: &'t CpuTensor) -> Cow<'t, [f32]> {
        Cow::Borrowed(tensor.numbers())
    }

    fn embed(&self, table: &PackedMatrix, rows: &[u32], out: &mut CpuTensor) {
        self.embed_rows(table, rows, out);
    }

    fn rms_norm(&self, x: &CpuTensor, weight: &CpuVector, eps: f32, out: &mut CpuTensor) {
        self.norm_rows(x, weight, eps, out);
    }

    fn linear(&self, x: &CpuTensor, products: &mut [Product<'_, Self>]) {
        self.multiply(x, products);
    }

    fn rope(&self, x: &mut CpuTensor, head_dim: usize, angles: &RopeAngles) {
        self.rotate_rows(x, head_dim, angles);
    }

    fn scale_rows(&self, x: &mut CpuTensor, factors: &[f32]) {
        self.multiply_rows(x, factors);
    }

    fn kv_write(&self, pool: &mut CpuKvPool, layer: usize, spans: &[KvSpan<'_>], k: &CpuTensor, v: &CpuTensor) {
        self.store_kv(pool, layer, spans, k, v);
    }

    fn kv_block(&self, pool: &CpuKvPool, block: u32) -> Vec<u8> {
        pool.block(block)
    }

    fn set_kv_block(&self, pool: &mut CpuKvPool, block: u32, bytes: &[u8]) {
        pool.set_block(block, bytes);
    }

    fn attention(
        &self,
        pool: &CpuKvPool,
        layer: usize,
        spans: &[KvSpan<'_>],
        shape: &AttentionShape,
        q: &CpuTensor,
        out: &mut CpuTensor,
    ) {
        self.attend(pool, layer, spans, shape, q, out);
    }

    fn silu_mul(&self, gate: &mut CpuTensor, up: &CpuTensor) {
        self.silu_mul_rows(gate, up);
    }

    fn add(&self, x: &mut CpuTensor, y: &CpuTensor) {
        self.add_rows(x, y);
    }

    fn gather_rows(&self, x: &CpuTensor, rows: &[usize], out: &mut CpuTensor) {
        self.copy_rows(x, rows, out);
    }

    fn scatter_add(&self, x: &CpuTensor, rows: &[usize], weights: &[f32], out: &mut CpuTensor) {
        self.add_to_rows(x, rows, weights, out);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is locked is memory to work in: a panic leaves nothing in it that the next operation reads.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Steps below which waking other threads costs more than they save: a microsecond or two of one core.
const SHARED_WORK: usize = 1 << 14;
