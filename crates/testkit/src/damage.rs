//! Sound bytes made unsound: what transport, disks and enemies do to them, by a seed.

use crate::Random;

/// Numbers at which arithmetic on sizes goes wrong.
const EDGES: [u64; 9] = [0, 1, 31, 1 << 31, (1 << 32) - 1, 1 << 40, 1 << 63, u64::MAX, u64::MAX - 31];

/// Up to five changes: bits, bytes, cuts, pieces that are gone or doubled, numbers at their edges.
pub fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        change(bytes, random);
    }
}

fn change(bytes: &mut Vec<u8>, random: &mut Random) {
    if bytes.is_empty() {
        return;
    }
    let (at, other) = (random.below(bytes.len()), random.below(bytes.len()));
    let piece_end = bytes.len().min(at + 1 + random.below(32));
    match random.below(6) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = random.bits() as u8,
        2 => bytes.truncate(at),
        3 => {
            let piece = bytes[at..piece_end].to_vec();
            bytes.splice(other..other, piece);
        }
        4 => drop(bytes.drain(at..piece_end)),
        _ => {
            let number = EDGES[random.below(EDGES.len())].to_le_bytes();
            let end = bytes.len().min(at + if random.below(2) == 0 { 4 } else { 8 });
            bytes[at..end].copy_from_slice(&number[..end - at]);
        }
    }
}
