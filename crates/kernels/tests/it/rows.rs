//! Row operations: every instruction set gives the scalar kernel's bits, and the scalar kernel is near f64.

use kernels::{Isa, add, add_scaled, exp, narrow, rms_norm, rope, scale, silu_mul, widen};
use testkit::{Random, relative_norm};

const LENGTHS: [usize; 12] = [0, 1, 2, 15, 16, 17, 24, 31, 32, 96, 257, 4096];

/// Ordinary numbers, with zeros, denormals, the largest and the smallest numbers strewn in.
fn numbers(random: &mut Random, len: usize, extremes: bool) -> Vec<f32> {
    let special =
        [0.0, -0.0, 1e-41, -1e-45, f32::MIN_POSITIVE, f32::MAX, f32::MIN, 65504.0, 65520.0, 6e-8, 88.7, -87.4];
    let mut pick = 0;
    let mut number = |x: f32| {
        pick += 1;
        if extremes && pick % 3 == 0 { special[pick / 3 % special.len()] } else { x * 4.0 }
    };
    (0..len).map(|_| number(random.float())).collect()
}

/// Runs `operation` on every instruction set, for lengths and kinds of numbers, and compares bits. NaN equals NaN.
fn same_bits(operation: impl Fn(Isa, &[f32], &[f32]) -> Vec<f32>) {
    let mut random = Random::new(1);
    for len in LENGTHS {
        for extremes in [false, true] {
            let (x, y) = (numbers(&mut random, len, extremes), numbers(&mut random, len, extremes));
            let expected = operation(Isa::Scalar, &x, &y);
            for isa in Isa::available() {
                let got = operation(isa, &x, &y);
                for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
                    let same = got.to_bits() == expected.to_bits() || (got.is_nan() && expected.is_nan());
                    assert!(
                        same,
                        "{} of {len}, number {i} of ({}, {}): {got:e}, not {expected:e}",
                        isa.name(),
                        x[i],
                        y[i]
                    );
                }
            }
        }
    }
}

fn changed(x: &[f32], change: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let mut x = x.to_vec();
    change(&mut x);
    x
}

#[test]
fn rms_norm_has_the_same_bits_everywhere() {
    same_bits(|isa, x, y| changed(x, |out| rms_norm(isa, x, y, 1e-5, out)));
}

#[test]
fn rope_has_the_same_bits_everywhere() {
    same_bits(|isa, x, y| {
        let pairs = x.len() / 2;
        changed(&x[..2 * pairs], |head| rope(isa, head, &y[..pairs], &y[y.len() - pairs..]))
    });
}

#[test]
fn elementwise_operations_have_the_same_bits_everywhere() {
    same_bits(|isa, x, y| changed(x, |x| silu_mul(isa, x, y)));
    same_bits(|isa, x, y| changed(x, |x| add(isa, x, y)));
    same_bits(|isa, x, y| changed(y, |out| add_scaled(isa, x, 0.7, out)));
    same_bits(|isa, x, _| changed(x, |x| scale(isa, x, 0.3)));
}

#[test]
fn exp_has_the_same_bits_everywhere() {
    same_bits(|isa, x, _| changed(x, |x| exp(isa, x)));
    let infinite = [f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 0.0];
    for isa in Isa::available() {
        let y = changed(&infinite, |x| exp(isa, x));
        assert!(y[0] == f32::INFINITY && y[1].to_bits() == 0 && y[2].is_nan() && y[3] == 1.0, "{}: {y:?}", isa.name());
    }
}

#[test]
fn exp_has_the_same_bits_for_all_exponents() {
    let x: Vec<f32> = (0..1 << 20).map(|i: u32| f32::from_bits(i << 12 | 0x5A5)).filter(|x| !x.is_nan()).collect();
    let expected = changed(&x, |x| exp(Isa::Scalar, x));
    for isa in Isa::available() {
        let got = changed(&x, |x| exp(isa, x));
        let wrong = x.iter().zip(got.iter().zip(&expected)).find(|(_, (a, b))| a.to_bits() != b.to_bits());
        assert!(wrong.is_none(), "{}: {wrong:?}", isa.name());
    }
}

#[test]
fn all_f16_numbers_widen_and_narrow_alike() {
    let halves: Vec<u16> = (0..=u16::MAX).collect();
    for isa in Isa::available() {
        let mut wide = vec![0.0; halves.len()];
        widen(isa, &halves, &mut wide);
        let mut back = vec![0; halves.len()];
        narrow(isa, &wide, &mut back);
        for (half, (wide, back)) in halves.iter().zip(wide.iter().zip(&back)) {
            let exact = quant::f16_to_f32(*half);
            assert!(wide.is_nan() && exact.is_nan() || wide.to_bits() == exact.to_bits() && back == half, "{half:#x}");
        }
    }
}

#[test]
fn narrowing_rounds_alike_on_and_beside_ties() {
    let beside = |x: f32| [x.next_down(), x, x.next_up(), -x];
    let middle = |half: u16| (quant::f16_to_f32(half) + quant::f16_to_f32(half + 1)) / 2.0;
    let x: Vec<f32> = (0..0x7BFF).map(middle).chain([65519.9, 65520.0, 1e10, 1e-8, 1e-40]).flat_map(beside).collect();
    let mut expected = vec![0; x.len()];
    narrow(Isa::Scalar, &x, &mut expected);
    for isa in Isa::available() {
        let mut got = vec![0; x.len()];
        narrow(isa, &x, &mut got);
        assert!(got == expected, "{}", isa.name());
    }
}

#[test]
fn near_the_formulas_in_f64() {
    let mut random = Random::new(2);
    let (x, y) = (numbers(&mut random, 1000, false), numbers(&mut random, 1000, false));
    let wide = |x: &[f32]| x.iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let narrow = |x: Vec<f64>| x.iter().map(|&x| x as f32).collect::<Vec<f32>>();
    let (x64, y64) = (wide(&x), wide(&y));

    let mean = x64.iter().map(|x| x * x).sum::<f64>() / 1000.0;
    let norm = x64.iter().zip(&y64).map(|(x, y)| x / (mean + 1e-5).sqrt() * y).collect();
    let silu = x64.iter().zip(&y64).map(|(x, y)| x / (1.0 + (-x).exp()) * y).collect();
    let rotated = |i: usize| {
        let (a, b, cos, sin) = (x64[i & !1], x64[i | 1], y64[i / 2], y64[500 + i / 2]);
        if i.is_multiple_of(2) { a * cos - b * sin } else { a * sin + b * cos }
    };
    let rows = [
        ("rms_norm", changed(&x, |out| rms_norm(Isa::Scalar, &x, &y, 1e-5, out)), narrow(norm)),
        ("silu_mul", changed(&x, |x| silu_mul(Isa::Scalar, x, &y)), narrow(silu)),
        ("rope", changed(&x, |x| rope(Isa::Scalar, x, &y[..500], &y[500..])), narrow((0..1000).map(rotated).collect())),
    ];
    for (name, got, expected) in rows {
        let error = relative_norm(&got, &expected);
        assert!(error < 2e-7, "{name}: {error:e}");
    }
}
