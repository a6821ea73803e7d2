//! Linear layers: several products of one input.

use compute::{Backend, CpuBackend, Product};
use quant::Format;
use testkit::relative_norm;

use crate::load::encoded;
use crate::{bits, random, same_bits, tensor};

/// Products with `outputs` of one input `[rows, cols]`, one after the other.
fn products(backend: &CpuBackend, outputs: &[(Format, usize)], rows: usize, cols: usize) -> Vec<f32> {
    let x = tensor(backend, cols, &random(1, rows * cols));
    let weights = outputs.iter().map(|&(format, n)| encoded(format, n, &random(n as u64, n * cols)));
    let weights: Vec<_> = weights.map(|rows| backend.matrix(&rows).unwrap()).collect();
    let mut out: Vec<_> = outputs.iter().map(|&(_, n)| backend.tensor(rows, n)).collect();
    let mut products: Vec<Product<'_, CpuBackend>> =
        weights.iter().zip(&mut out).map(|(weight, out)| Product { weight, out }).collect();
    backend.linear(&x, &mut products);
    out.iter().flat_map(|out| backend.read(out).into_owned()).collect()
}

/// The same in f64, on the weights as given.
fn exact(outputs: &[(Format, usize)], rows: usize, cols: usize) -> Vec<f32> {
    let x = random(1, rows * cols);
    let product = |n: usize| {
        let weights = random(n as u64, n * cols);
        let dot =
            move |x: &[f32], w: &[f32]| x.iter().zip(w).map(|(&x, &w)| f64::from(x) * f64::from(w)).sum::<f64>() as f32;
        x.chunks_exact(cols)
            .flat_map(|x| weights.chunks_exact(cols).map(|w| dot(x, w)).collect::<Vec<f32>>())
            .collect::<Vec<f32>>()
    };
    outputs.iter().flat_map(|&(_, n)| product(n)).collect()
}

#[test]
fn several_products_share_their_input() {
    let (f32, f16, q8) = (Format::F32, Format::F16, Format::Q8_0);
    let cases = [
        (vec![(f32, 1)], 1, 2, 1e-6),
        (vec![(f32, 17), (f32, 40)], 3, 96, 1e-6),
        (vec![(f16, 33)], 20, 130, 1e-3),
        (vec![(q8, 64), (f32, 16), (q8, 5)], 2, 160, 1e-2),
        (vec![(q8, 512), (q8, 128), (q8, 128)], 1, 1024, 1e-2),
        (vec![(q8, 200), (f16, 100)], 70, 256, 1e-2),
    ];
    for (outputs, rows, cols, bound) in cases {
        let what = format!("{outputs:?} of {rows}×{cols}");
        let got = same_bits(&what, |backend| products(backend, &outputs, rows, cols));
        let error = relative_norm(&got, &exact(&outputs, rows, cols));
        assert!(error < bound, "{what}: {error:e}");
    }
}

#[test]
fn a_row_does_not_know_its_neighbours() {
    let (cols, outputs) = (512, [(Format::Q8_0, 100)]);
    for backend in crate::backends() {
        let together = products(&backend, &outputs, 70, cols);
        // The generator gives fewer rows the same first numbers.
        for rows in [1, 2, 16, 17, 65] {
            let alone = products(&backend, &outputs, rows, cols);
            assert!(bits(&alone) == bits(&together[..alone.len()]), "{}, {rows} rows", crate::name(&backend));
        }
    }
}
