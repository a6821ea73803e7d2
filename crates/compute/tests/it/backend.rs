//! Options, row operations, tensors.

use compute::{Backend, CpuBackend, CpuOptions, Error, KvLayout, KvType, RopeAngles};
use testkit::relative_norm;

use crate::{random, same_bits, tensor};

#[test]
fn an_unknown_instruction_set_is_refused_with_a_list() {
    let error = CpuBackend::new(CpuOptions { threads: None, isa: Some("mmx") }).unwrap_err();
    assert!(error.to_string().contains("\"mmx\"") && error.to_string().contains("scalar"), "{error}");
}

#[test]
fn no_threads_at_all_are_refused() {
    let error = CpuBackend::new(CpuOptions { threads: Some(0), isa: None }).unwrap_err();
    assert!(matches!(error, Error::Threads { threads: 0, .. }), "{error}");
}

#[test]
fn the_default_is_the_fastest() {
    let backend = CpuBackend::new(CpuOptions::default()).unwrap();
    assert_eq!(backend.isa_name(), kernels::Isa::detect().name());
    assert_eq!(backend.num_threads(), kernels::usable_cores());
    assert_eq!(backend.numerics_id(KvType::F16), "tn-1-f16");
}

#[test]
fn a_kv_pool_larger_than_the_machine_is_an_error() {
    let backend = CpuBackend::new(CpuOptions { threads: Some(1), isa: None }).unwrap();
    let layout = KvLayout { n_layers: 1000, n_kv_heads: 128, head_dim: 128, kv_type: KvType::F32 };
    for blocks in [1 << 30, usize::MAX / 64, usize::MAX] {
        let error = backend.kv_pool(&layout, blocks).map(|_| ()).unwrap_err();
        assert!(matches!(error, Error::Memory { .. }), "{error}");
    }
}

#[test]
fn row_operations_are_near_f64_and_have_the_same_bits_everywhere() {
    // The larger ones are shared among threads.
    for (rows, cols) in [(1, 2), (3, 24), (5, 96), (70, 1000), (3, 40_000)] {
        let (x, y, gain) = (random(1, rows * cols), random(2, rows * cols), random(3, cols));
        let factors = random(4, rows);
        let what = format!("{rows}×{cols}");
        let operation = |name: &str, run: &dyn Fn(&CpuBackend) -> Vec<f32>, exact: &dyn Fn(usize, usize) -> f64| {
            let got = same_bits(&format!("{name} {what}"), run);
            let exact: Vec<f32> = (0..rows * cols).map(|i| exact(i / cols, i % cols) as f32).collect();
            assert!(relative_norm(&got, &exact) < 3e-7, "{name} {what}: {}", relative_norm(&got, &exact));
        };
        let at = |x: &[f32], row: usize, col: usize| f64::from(x[row * cols + col]);

        let norms: Vec<f64> = (0..rows)
            .map(|row| (0..cols).map(|col| at(&x, row, col).powi(2)).sum::<f64>() / cols as f64)
            .map(|mean| (mean + 1e-5).sqrt())
            .collect();
        let norm = |b: &CpuBackend| {
            let mut out = b.tensor(rows, cols);
            b.rms_norm(&tensor(b, cols, &x), &b.vector(&crate::load::f32_rows(1, &gain)).unwrap(), 1e-5, &mut out);
            b.read(&out).into_owned()
        };
        operation("rms_norm", &norm, &|row, col| at(&x, row, col) / norms[row] * f64::from(gain[col]));

        let silu = |b: &CpuBackend| {
            let mut gate = tensor(b, cols, &x);
            b.silu_mul(&mut gate, &tensor(b, cols, &y));
            b.read(&gate).into_owned()
        };
        operation("silu_mul", &silu, &|row, col| {
            let gate = at(&x, row, col);
            gate / (1.0 + (-gate).exp()) * at(&y, row, col)
        });

        let add = |b: &CpuBackend| {
            let mut sum = tensor(b, cols, &x);
            b.add(&mut sum, &tensor(b, cols, &y));
            b.scale_rows(&mut sum, &factors);
            b.read(&sum).into_owned()
        };
        operation("add, scale_rows", &add, &|row, col| (at(&x, row, col) + at(&y, row, col)) * f64::from(factors[row]));
    }
}

#[test]
fn rope_turns_each_head_of_a_row_by_the_row_s_angles() {
    let (rows, heads, head_dim) = (33, 6, 24);
    let (x, pairs) = (random(5, rows * heads * head_dim), head_dim / 2);
    let angle = |row: usize, pair: usize| (row as f64 * 0.37) / (pair + 1) as f64;
    let table = |f: fn(f64) -> f64| (0..rows * pairs).map(|i| f(angle(i / pairs, i % pairs)) as f32).collect();
    let angles = RopeAngles { cos: table(f64::cos), sin: table(f64::sin) };
    let got = same_bits("rope", |b| {
        let mut x = tensor(b, heads * head_dim, &x);
        b.rope(&mut x, head_dim, &angles);
        b.read(&x).into_owned()
    });
    let exact = |i: usize| {
        let (row, pair) = (i / (heads * head_dim), i % head_dim / 2);
        let (a, b) = (f64::from(x[i & !1]), f64::from(x[i | 1]));
        let (sin, cos) = angle(row, pair).sin_cos();
        (if i.is_multiple_of(2) { a * cos - b * sin } else { a * sin + b * cos }) as f32
    };
    let exact: Vec<f32> = (0..got.len()).map(exact).collect();
    assert!(relative_norm(&got, &exact) < 3e-7);
}

#[test]
fn rows_are_gathered_and_scattered() {
    for cols in [3, 20_000] {
        let x = random(6, 4 * cols);
        let got = same_bits("gather, scatter", |b| {
            let mut gathered = b.tensor(3, cols);
            b.gather_rows(&tensor(b, cols, &x), &[2, 0, 2], &mut gathered);
            let mut out = tensor(b, cols, &x);
            b.scatter_add(&gathered, &[3, 0, 1], &[0.5, -1.0, 0.0], &mut out);
            b.read(&out).into_owned()
        });
        let (source, weight) = ([0, 1, 2, 2], [-1.0f32, 0.0, 0.0, 0.5]);
        let exact = |i: usize| weight[i / cols].mul_add(x[source[i / cols] * cols + i % cols], x[i]);
        assert_eq!(got, (0..4 * cols).map(exact).collect::<Vec<f32>>());
    }
}
