//! Reading from connections.

use std::io::{ErrorKind, Read};

/// Reads what there is, as [`Read::read`] does, also where that is interrupted: a read with a timeout is not taken up again by itself
/// when the machine or the process was stopped meanwhile.
///
/// # Panics
/// With any other error.
pub fn read_some(stream: &mut impl Read, piece: &mut [u8]) -> usize {
    loop {
        match stream.read(piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => return read.expect("a connection that can be read"),
        }
    }
}
