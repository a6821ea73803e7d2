//! The little of Protocol Buffers that a SentencePiece model needs: the fields of a message, one after another.
//!
//! Nothing is copied and nothing is nested, so the memory and the depth that a hostile file can ask for are bounded
//! by its own length.

use crate::Error;

/// A field's value, by wire type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Value<'f> {
    Varint(u64),
    Fixed64,
    Bytes(&'f [u8]),
    Fixed32([u8; 4]),
}

/// The fields of a message with their numbers, in the order of the file.
pub(super) struct Fields<'f> {
    rest: &'f [u8],
    /// What the message is, for errors.
    place: &'static str,
}

impl<'f> Fields<'f> {
    pub(super) const fn new(message: &'f [u8], place: &'static str) -> Self {
        Self { rest: message, place }
    }

    fn field(&mut self) -> Option<(u64, Value<'f>)> {
        let tag = self.varint()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => {
                self.take(8)?;
                Value::Fixed64
            }
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => Value::Fixed32(*self.take(4)?.first_chunk()?),
            _ => return None,
        };
        Some((tag >> 3, value))
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (&byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn take(&mut self, length: usize) -> Option<&'f [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }
}

impl<'f> Iterator for Fields<'f> {
    type Item = Result<(u64, Value<'f>), Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let place = self.place;
        let field = self.field().ok_or_else(|| Error::malformed(place, "it is cut off, or not a SentencePiece model"));
        if field.is_err() {
            self.rest = &[];
        }
        Some(field)
    }
}

impl<'f> Value<'f> {
    /// A truth value, where it is one.
    pub(super) const fn truth(self) -> Option<bool> {
        match self {
            Self::Varint(n) => Some(n != 0),
            _ => None,
        }
    }

    /// Text, where it is text.
    pub(super) fn text(self) -> Option<&'f str> {
        match self {
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }
}
