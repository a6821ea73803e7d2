//! Numbers narrowed and widened.

use quant::{bf16_to_f32, e8m0_to_f32, f16_to_f32, f32_to_bf16, f32_to_f16, f32_to_fp8_e4m3, fp8_e4m3_to_f32};

use crate::{bytes, compare, floats};

#[test]
fn narrowing_equals_numpy_and_torch() {
    let values = floats("narrow.f32");
    let words = |name: &str| bytes(name).chunks(2).map(|w| u16::from_le_bytes([w[0], w[1]])).collect::<Vec<_>>();
    let widen = |words: Vec<u16>, to: fn(u16) -> f32| words.into_iter().map(to).collect::<Vec<_>>();
    let half = values.iter().map(|&v| f16_to_f32(f32_to_f16(v))).collect::<Vec<_>>();
    let brain = values.iter().map(|&v| bf16_to_f32(f32_to_bf16(v))).collect::<Vec<_>>();
    let fp8 = values.iter().map(|&v| fp8_e4m3_to_f32(f32_to_fp8_e4m3(v))).collect::<Vec<_>>();
    let rows = [
        ("f16", (half, widen(words("narrow.f16.bin"), f16_to_f32))),
        ("bf16", (brain, widen(words("narrow.bf16.bin"), bf16_to_f32))),
        ("fp8", (fp8, bytes("narrow.fp8.bin").into_iter().map(fp8_e4m3_to_f32).collect())),
    ];
    testkit::check_table(rows, |(ours, theirs)| compare(&ours, &theirs));
}

#[test]
fn every_half_goes_there_and_back() {
    for half in 0..=u16::MAX {
        let wide = f16_to_f32(half);
        let magnitude = f64::from(half & 0x3FF) / 1024.0;
        match half >> 10 & 31 {
            31 => assert_eq!(wide.is_nan(), half & 0x3FF != 0),
            0 => assert_eq!(f64::from(wide.abs()), magnitude * 2f64.powi(-14)),
            e => assert_eq!(f64::from(wide.abs()), (1.0 + magnitude) * 2f64.powi(i32::from(e) - 15)),
        }
        assert!(wide.is_nan() || f32_to_f16(wide) == half, "{half:#x}");
        assert!(bf16_to_f32(half).is_nan() || f32_to_bf16(bf16_to_f32(half)) == half, "{half:#x}");
    }
}

#[test]
fn every_fp8_number() {
    let all: Vec<f32> = (0..=255).map(fp8_e4m3_to_f32).collect();
    compare(&all, &floats("wide.fp8.f32")).unwrap();
    for byte in 0..=255 {
        assert!(fp8_e4m3_to_f32(byte).is_nan() || f32_to_fp8_e4m3(fp8_e4m3_to_f32(byte)) == byte, "{byte:#x}");
    }
}

#[test]
fn every_bare_exponent() {
    for exponent in 0..255 {
        assert_eq!(f64::from(e8m0_to_f32(exponent)), 2f64.powi(i32::from(exponent) - 127));
    }
    assert!(e8m0_to_f32(255).is_nan());
}
