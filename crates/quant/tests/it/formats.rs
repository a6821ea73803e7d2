//! Rows decoded and encoded.

use quant::{Error, Format, decode_row, encode_row, encode_row_weighted, f16_to_f32};

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
        same_blocks(format, &out, &expected)
    });
}

/// Rows of three blocks, so that columns and the formats that look at the whole row are told apart.
#[test]
fn searching_by_importance_equals_llama_cpp_to_the_byte() {
    let (weights, importance) = (floats("search.f32"), floats("importance.f32"));
    let blocks = Format::ALL.into_iter().filter(|format| format.block_weights() > 1);
    testkit::check_table(blocks.map(|format| (format, format)), |format| {
        let cols = 3 * format.block_weights();
        let expected = bytes(&format!("weighted.{format}.bin"));
        let mut out = vec![0; expected.len()];
        let row_bytes = format.row_bytes(cols).unwrap();
        for (weights, out) in weights.chunks(cols).zip(out.chunks_mut(row_bytes)) {
            encode_row_weighted(format, weights, &importance[..cols], out).map_err(|e| e.to_string())?;
        }
        same_blocks(format, &out, &expected)
    });
}

#[test]
fn importance_of_another_matrix_is_refused() {
    let expected = Error::Importance { columns: 256, importance: 32 };
    assert_eq!(encode_row_weighted(Format::Q4K, &[1.0; 256], &[1.0; 32], &mut [0; 144]), Err(expected));
}

fn same_blocks(format: Format, ours: &[u8], theirs: &[u8]) -> Result<(), String> {
    let pairs = ours.chunks(format.block_bytes()).zip(theirs.chunks(format.block_bytes()));
    let differing: Vec<_> = pairs.enumerate().filter(|(_, (a, b))| a != b).map(|(i, _)| i).collect();
    if differing.is_empty() { Ok(()) } else { Err(format!("blocks {differing:?} differ")) }
}

#[test]
fn what_is_not_finite_encodes_without_a_panic() {
    for value in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, f32::from_bits(1)] {
        for format in Format::ALL {
            for weights in [one_of(value), [value; 256]] {
                let mut out = vec![0; format.row_bytes(256).unwrap()];
                encode_row(format, &weights, &mut out).unwrap();
                encode_row_weighted(format, &weights, &[0.5; 256], &mut out).unwrap();
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
