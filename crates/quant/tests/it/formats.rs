//! Rows decoded and encoded.

use quant::{Format, decode_row, encode_row, f16_to_f32};

use crate::{bytes, compare, floats};

#[test]
fn decoding_equals_gguf_to_the_bit() {
    testkit::check_table(Format::ALL.map(|format| (format, format)), |format| {
        let expected = floats(&format!("{format}.f32"));
        let mut out = vec![0.0; expected.len()];
        decode_row(format, &bytes(&format!("{format}.bin")), &mut out).map_err(|e| e.to_string())?;
        compare(&out, &expected)
    });
}

#[test]
fn encoding_equals_gguf_to_the_byte() {
    let formats = [Format::F32, Format::F16, Format::BF16, Format::Q8_0, Format::Q4_0];
    let weights = floats("encode.f32");
    testkit::check_table(formats.map(|format| (format, format)), |format| {
        let expected = bytes(&format!("encode.{format}.bin"));
        let mut out = vec![0; expected.len()];
        encode_row(format, &weights, &mut out).map_err(|e| e.to_string())?;
        let differing = (0..out.len()).find(|&i| out[i] != expected[i]);
        differing.map_or(Ok(()), |i| Err(format!("byte {i} is {:#x}, not {:#x}", out[i], expected[i])))
    });
}

#[test]
fn searching_equals_llama_cpp_to_the_byte() {
    let weights = floats("search.f32");
    let blocks = Format::ALL.into_iter().filter(|format| format.block_weights() > 1);
    testkit::check_table(blocks.map(|format| (format, format)), |format| {
        let expected = bytes(&format!("search.{format}.bin"));
        let mut out = vec![0; expected.len()];
        encode_row(format, &weights, &mut out).map_err(|e| e.to_string())?;
        let pairs = out.chunks(format.block_bytes()).zip(expected.chunks(format.block_bytes()));
        let differing: Vec<_> = pairs.enumerate().filter(|(_, (a, b))| a != b).map(|(i, _)| i).collect();
        if differing.is_empty() { Ok(()) } else { Err(format!("blocks {differing:?} differ")) }
    });
}

#[test]
fn what_is_not_finite_encodes_without_a_panic() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::from_bits(1)] {
        for format in Format::ALL {
            for weights in [one_of(value), [value; 256]] {
                encode_row(format, &weights, &mut vec![0; format.row_bytes(256).unwrap()]).unwrap();
            }
        }
    }
}

fn one_of(value: f32) -> [f32; 256] {
    let mut weights = [1.0; 256];
    weights[7] = value;
    weights
}

#[test]
fn a_q8_0_weight_is_off_by_half_a_step_at_most() {
    let weights = testkit::Random::new(3).floats(320);
    let mut row = vec![0; 340];
    encode_row(Format::Q8_0, &weights, &mut row).unwrap();
    let mut back = vec![0.0; 320];
    decode_row(Format::Q8_0, &row, &mut back).unwrap();
    for (i, (a, b)) in weights.iter().zip(&back).enumerate() {
        let d = f16_to_f32(u16::from_le_bytes([row[i / 32 * 34], row[i / 32 * 34 + 1]]));
        assert!((a - b).abs() <= d * 0.57, "{i}: {a} {b}, step {d}");
    }
}
