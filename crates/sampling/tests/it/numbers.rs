//! The random numbers are the published ones.

use sampling::{philox4x32_10, uniform};

/// Known answers of Random123 (`kat_vectors`, philox4x32 with 10 rounds).
#[test]
fn philox_known_answers() {
    let rows = [
        ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
        ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
        (
            [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
            [0xa409_3822, 0x299f_31d0],
            [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
        ),
    ];
    for (counter, key, expected) in rows {
        assert_eq!(philox4x32_10(counter, key), expected);
    }
}

#[test]
fn uniform_is_in_range_and_even() {
    let sum: f64 = (0..10_000).map(|position| uniform(8, position)).inspect(|u| assert!((0.0..1.0).contains(u))).sum();
    assert!((sum / 10_000.0 - 0.5).abs() < 0.01);
    assert_ne!(uniform(0, 1), uniform(1, 0));
    assert_ne!(uniform(0, 1), uniform(1 << 32, 1));
}
