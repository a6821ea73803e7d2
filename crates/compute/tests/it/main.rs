//! The CPU backend: near f64, and the same bits on every instruction set, at every thread count, however a batch is cut.

mod attention;
mod backend;
mod linear;
mod load;

use compute::{Backend, CpuBackend, CpuOptions, CpuTensor};
use testkit::Random;

/// Every instruction set that there is, with 1, 2 and 3 threads; the first is the reference.
fn backends() -> Vec<CpuBackend> {
    let names = kernels::Isa::available().into_iter().map(|isa| isa.name());
    let options = names.flat_map(|isa| [1, 2, 3].map(|n| CpuOptions { threads: Some(n), isa: Some(isa) }));
    options.map(|options| CpuBackend::new(options).unwrap()).collect()
}

fn name(backend: &CpuBackend) -> String {
    format!("{} with {} threads", backend.isa_name(), backend.num_threads())
}

fn tensor(backend: &CpuBackend, cols: usize, numbers: &[f32]) -> CpuTensor {
    let mut tensor = backend.tensor(numbers.len() / cols, cols);
    tensor.numbers_mut().copy_from_slice(numbers);
    tensor
}

fn random(seed: u64, count: usize) -> Vec<f32> {
    Random::new(seed).floats(count)
}

/// Checks that all backends compute the same bits as the first, and returns these.
fn same_bits(what: &str, compute: impl Fn(&CpuBackend) -> Vec<f32>) -> Vec<f32> {
    let backends = backends();
    let expected = compute(&backends[0]);
    for backend in &backends[1..] {
        assert!(bits(&compute(backend)) == bits(&expected), "{what}: {} differs", name(backend));
    }
    expected
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|x| x.to_bits()).collect()
}
