//! Reading and checking the header of a safetensors file.

use std::collections::HashSet;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{Error, ReadAt, limits, magic};

/// Type of a tensor's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the format's own names
pub enum Dtype {
    Bool,
    F4,
    F6E2M3,
    F6E3M2,
    U8,
    I8,
    F8E4M3,
    F8E5M2,
    F8E8M0,
    U16,
    I16,
    F16,
    BF16,
    U32,
    I32,
    F32,
    U64,
    I64,
    F64,
    C64,
}

impl Dtype {
    /// `(type, name in the file, bits)`.
    const ALL: [(Self, &'static str, u64); 20] = [
        (Self::Bool, "BOOL", 8),
        (Self::F4, "F4", 4),
        (Self::F6E2M3, "F6_E2M3", 6),
        (Self::F6E3M2, "F6_E3M2", 6),
        (Self::U8, "U8", 8),
        (Self::I8, "I8", 8),
        (Self::F8E4M3, "F8_E4M3", 8),
        (Self::F8E5M2, "F8_E5M2", 8),
        (Self::F8E8M0, "F8_E8M0", 8),
        (Self::U16, "U16", 16),
        (Self::I16, "I16", 16),
        (Self::F16, "F16", 16),
        (Self::BF16, "BF16", 16),
        (Self::U32, "U32", 32),
        (Self::I32, "I32", 32),
        (Self::F32, "F32", 32),
        (Self::U64, "U64", 64),
        (Self::I64, "I64", 64),
        (Self::F64, "F64", 64),
        (Self::C64, "C64", 64),
    ];

    fn row(self) -> (Self, &'static str, u64) {
        Self::ALL.into_iter().find(|row| row.0 == self).unwrap_or((self, "unknown", 0))
    }

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// Bits of a number.
    pub fn bits(self) -> u64 {
        self.row().2
    }
}

/// Where a tensor lies and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The file's own name.
    pub name: String,
    /// Type of its numbers.
    pub dtype: Dtype,
    /// Sizes, outermost first; none for a lone number. The format allows zeros.
    pub dims: Vec<usize>,
    /// From the start of the file.
    pub offset: u64,
    /// Length.
    pub bytes: u64,
}

/// Reads the header of a safetensors file and checks all of it. Tensors come in the order of their bytes.
///
/// `file` is the name that errors give. Memory is bounded by a small multiple of the header's true length.
///
/// # Errors
/// Not a safetensors file, or any rule of the format broken: the error names the place.
pub fn parse(source: &dyn ReadAt, file: &str) -> Result<Vec<TensorInfo>, Error> {
    let (text, start) = header(source, file)?;
    let Entries(mut entries) =
        serde_json::from_slice(&text).map_err(|fault| Error::malformed(file, "header", fault))?;
    entries.sort_by_key(|(_, entry)| entry.data_offsets);
    let mut tensors = Vec::with_capacity(entries.len());
    let mut next = 0;
    for (name, entry) in entries {
        let bytes = entry.bytes().map_err(|problem| malformed(file, &name, problem))?;
        if entry.data_offsets.0 != next {
            let problem = format!("starts at byte {} of the data, but {next} is where it has to", entry.data_offsets.0);
            return Err(malformed(file, &name, problem));
        }
        let dims = entry.shape.0.iter().filter_map(|dim| usize::try_from(*dim).ok()).collect();
        tensors.push(TensorInfo { name, dtype: entry.dtype.0, dims, offset: start + next, bytes });
        next += bytes;
    }
    let present = source.size_bytes() - start;
    if next != present {
        let problem =
            format!("the header describes {next} bytes, but the file has {present}: it is cut off, or not whole");
        return Err(Error::malformed(file, "data", problem));
    }
    Ok(tensors)
}

/// The header's text, and where the data starts.
fn header(source: &dyn ReadAt, file: &str) -> Result<(Vec<u8>, u64), Error> {
    let io = |cause| Error::Read { file: file.to_owned(), cause };
    let size = source.size_bytes();
    let not_one = || Error::not_a_model(file, format_args!("not a safetensors file but {}", magic::describe(source)));
    if size < 9 {
        return Err(not_one());
    }
    let mut start = [0; 9];
    source.read_exact_at(&mut start, 0).map_err(io)?;
    let [length @ .., first] = start;
    if first != b'{' {
        return Err(not_one());
    }
    let length = u64::from_le_bytes(length);
    if length > limits::SAFETENSORS_HEADER_BYTES {
        let problem =
            format!("{length} bytes are more than the {} that the format allows", limits::SAFETENSORS_HEADER_BYTES);
        return Err(Error::malformed(file, "header length", problem));
    }
    if length > size - 8 {
        let problem = format!("{length} bytes, but only {} follow: the file is cut off", size - 8);
        return Err(Error::malformed(file, "header length", problem));
    }
    let mut text = vec![0; usize::try_from(length).unwrap_or(0)];
    source.read_exact_at(&mut text, 8).map_err(io)?;
    Ok((text, 8 + length))
}

fn malformed(file: &str, name: &str, problem: String) -> Error {
    Error::malformed(file, format_args!("tensor `{name}`"), problem)
}

#[derive(Deserialize)]
struct Entry {
    dtype: KnownDtype,
    shape: Shape,
    data_offsets: (u64, u64),
}

impl Entry {
    /// Length, where shape, type and offsets agree on it.
    fn bytes(&self) -> Result<u64, String> {
        let (begin, end) = self.data_offsets;
        let numbers = self.shape.0.iter().try_fold(1_u64, |numbers, dim| numbers.checked_mul(*dim));
        let bits = numbers.and_then(|numbers| numbers.checked_mul(self.dtype.0.bits()));
        match (bits, end.checked_sub(begin)) {
            (Some(bits), Some(bytes)) if bits % 8 == 0 && bits / 8 == bytes => Ok(bytes),
            _ => Err(format!(
                "shape {:?} of {} does not take the bytes from {begin} to {end}",
                self.shape.0,
                self.dtype.0.name()
            )),
        }
    }
}

struct KnownDtype(Dtype);

impl<'de> Deserialize<'de> for KnownDtype {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<str>::deserialize(deserializer)?;
        match Dtype::ALL.into_iter().find(|row| row.1 == name) {
            Some((dtype, _, _)) => Ok(Self(dtype)),
            None => Err(D::Error::custom(format_args!("dtype `{:.40}` is not known", name))),
        }
    }
}

/// Sizes, refused when they are too many before they take memory.
struct Shape(Vec<u64>);

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sizes;
        impl<'de> Visitor<'de> for Sizes {
            type Value = Shape;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {} sizes", limits::SAFETENSORS_DIMENSIONS)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut sizes: A) -> Result<Shape, A::Error> {
                let mut shape = Vec::new();
                while let Some(size) = sizes.next_element()? {
                    if shape.len() == limits::SAFETENSORS_DIMENSIONS {
                        return Err(A::Error::custom(format_args!("more than {} dimensions", shape.len())));
                    }
                    shape.push(size);
                }
                Ok(Shape(shape))
            }
        }
        deserializer.deserialize_seq(Sizes)
    }
}

/// The header's map, in which no name stands twice.
struct Entries(Vec<(String, Entry)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Map;
        impl<'de> Visitor<'de> for Map {
            type Value = Entries;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map of tensors")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
                let mut entries = Vec::new();
                let mut seen = HashSet::new();
                while let Some(name) = map.next_key::<String>()? {
                    if !seen.insert(name.clone()) {
                        return Err(A::Error::custom(format_args!("tensor `{name:.200}` stands there twice")));
                    }
                    if name == "__metadata__" {
                        map.next_value::<IgnoredAny>()?;
                        continue;
                    }
                    if entries.len() as u64 == limits::TENSORS_PER_FILE {
                        return Err(A::Error::custom(format_args!("more than {} tensors", entries.len())));
                    }
                    entries.push((name, map.next_value()?));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Map)
    }
}
