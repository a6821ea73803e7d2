//! Lengths that do not fit are errors, never panics.

use quant::{Codes32, Codes256, Error, Format, decode_row, encode_row};

#[test]
fn cut_or_mismatched_rows_are_errors() {
    for format in Format::ALL {
        let (weights, size) = (format.block_weights(), format.block_bytes());
        let row = vec![0xFF; 2 * size];
        for bytes in [1, size - 1, size + 1, 2 * size - 1] {
            if bytes % size != 0 {
                let cut = decode_row(format, &row[..bytes], &mut vec![0.0; weights]);
                assert_eq!(cut, Err(Error::Bytes { format, bytes }));
            }
        }
        let long = decode_row(format, &row, &mut vec![0.0; weights]);
        assert_eq!(long, Err(Error::Length { format, bytes: 2 * size, held: 2 * weights, weights }));
        assert_eq!(decode_row(format, &[], &mut []), Ok(()));
        assert!(encode_row(format, &vec![1.0; weights], &mut vec![0; size + 1]).is_err());
        if weights > 1 {
            assert_eq!(encode_row(format, &[1.0], &mut []), Err(Error::Weights { format, weights: 1 }));
        }
    }
}

#[test]
fn only_one_whole_block_is_taken_apart() {
    for format in Format::ALL {
        for bytes in [0, format.block_bytes() - 1, format.block_bytes() + 1] {
            assert!(Codes32::read(format, &vec![0; bytes]).is_none());
            assert!(Codes256::read(format, &vec![0; bytes]).is_none());
        }
        let block = vec![0; format.block_bytes()];
        assert_eq!(Codes32::read(format, &block).is_some(), format.block_weights() == 32);
        assert_eq!(Codes256::read(format, &block).is_some(), format.block_weights() == 256);
    }
}
