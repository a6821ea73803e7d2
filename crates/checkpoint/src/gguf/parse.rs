//! Reading and checking the header of a GGUF file.

use std::collections::HashSet;
use std::path::Path;

use quant::Format;

use super::cursor::{Cursor, Fault};
use super::value::{Array, Keys, Kind, Strings, Value};
use crate::source::DiskFile;
use crate::{Error, ReadAt, limits, magic};

/// Header of a GGUF file: everything but the weights.
#[derive(Clone, Debug)]
pub struct Gguf {
    /// 2 or 3.
    pub version: u32,
    /// Keys and values, in the order of the file.
    pub keys: Keys,
    /// Tensors, in the order of the file.
    pub tensors: Vec<TensorInfo>,
    /// What tensor offsets are multiples of.
    pub alignment: u64,
}

/// Where a tensor lies and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorInfo {
    /// The file's own name.
    pub name: String,
    /// Sizes, innermost first: `[cols, rows, experts]`. None is zero, their product does not overflow.
    pub dims: Vec<usize>,
    /// How its bytes are to be read.
    pub format: Format,
    /// From the start of the file.
    pub offset: u64,
    /// Length.
    pub bytes: u64,
}

/// Reads the header of a GGUF file and checks all of it.
///
/// `file` is the name that errors give. Memory is bounded by the size of the header, never by what it claims.
///
/// # Errors
/// Not a GGUF file, a version that is not read, or any rule of the format broken: the error names the place.
pub fn parse(source: &dyn ReadAt, file: &str) -> Result<Gguf, Error> {
    let mut parser = Parser { cursor: Cursor::new(source), file };
    let version = parser.version(source)?;
    let num_tensors = parser.count("tensor count", 24, limits::TENSORS_PER_FILE)?;
    let num_keys = parser.count("key count", 13, limits::GGUF_KEYS)?;
    let keys = parser.keys(num_keys)?;
    let alignment = alignment(&keys, file)?;
    let mut tensors = parser.tensors(num_tensors)?;
    let start = parser.cursor.position().next_multiple_of(alignment);
    place(&mut tensors, start, alignment, source.size_bytes(), file)?;
    Ok(Gguf { version, keys, tensors, alignment })
}

/// The header of the GGUF file at this path, whatever model it holds: also one that cannot be run.
///
/// # Errors
/// As [`parse`]; or the file cannot be opened.
pub fn read(path: &Path) -> Result<Gguf, Error> {
    parse(&DiskFile::open(path)?, &path.display().to_string())
}

struct Parser<'a> {
    cursor: Cursor<'a>,
    file: &'a str,
}

impl Parser<'_> {
    fn version(&mut self, source: &dyn ReadAt) -> Result<u32, Error> {
        let magic = self.cursor.u32().unwrap_or(0);
        if magic != u32::from_le_bytes(*b"GGUF") {
            return Err(Error::not_a_model(self.file, format!("not a GGUF file but {}", magic::describe(source))));
        }
        let unsupported = |problem| Err(Error::unsupported(self.file, "version", problem));
        match self.cursor.u32().map_err(|fault| fault.at(self.file, "version"))? {
            version @ (2 | 3) => Ok(version),
            1 => unsupported("GGUF version 1 is no longer read: convert the model again".to_owned()),
            swapped if (1..100).contains(&swapped.swap_bytes()) => unsupported(
                "a big-endian GGUF file: run gguf-convert-endian on it, or download the usual one".to_owned(),
            ),
            other => unsupported(format!("GGUF version {other} is not known, only 2 and 3 are")),
        }
    }

    fn count(&mut self, field: &str, least_bytes: u64, limit: u64) -> Result<usize, Error> {
        let count = self.cursor.u64().map_err(|fault| fault.at(self.file, field))?;
        self.cursor.room_for(count, least_bytes, limit).map_err(|fault| fault.at(self.file, field))
    }

    fn keys(&mut self, num_keys: usize) -> Result<Keys, Error> {
        let mut keys = Keys::default();
        let mut seen = HashSet::new();
        for index in 0..num_keys {
            let key = self.cursor.string(limits::NAME_BYTES).map_err(|fault| fault.at(self.file, Nth("key", index)))?;
            let value = self.value().map_err(|fault| fault.at(self.file, format_args!("key `{key}`")))?;
            if !seen.insert(key.clone()) {
                return Err(Error::malformed(self.file, format_args!("key `{key}`"), "stands there twice"));
            }
            keys.push(key, value);
        }
        Ok(keys)
    }

    fn value(&mut self) -> Result<Value, Fault> {
        match self.kind()? {
            Kind::String => self.cursor.string(limits::STRING_BYTES).map(Value::String),
            Kind::Array => self.array().map(Value::Array),
            kind => {
                let bytes = self.cursor.bytes(kind.bytes().unwrap_or(0) as u64, 8)?;
                Value::from_bytes(kind, &bytes).ok_or_else(|| Fault::Says("cannot be read".to_owned()))
            }
        }
    }

    fn kind(&mut self) -> Result<Kind, Fault> {
        let number = self.cursor.u32()?;
        Kind::from_number(number).ok_or_else(|| Fault::Says(format!("value type {number} is not known")))
    }

    fn array(&mut self) -> Result<Array, Fault> {
        let kind = self.kind()?;
        let count = self.cursor.u64()?;
        match (kind, kind.bytes()) {
            (Kind::Array, _) => Err(Fault::Says("arrays of arrays are not read".to_owned())),
            (_, Some(each)) => {
                let count = self.cursor.room_for(count, each as u64, limits::ARRAY_ELEMENTS)?;
                let bytes = (count as u64).saturating_mul(each as u64);
                Ok(Array::Numbers { kind, bytes: self.cursor.bytes(bytes, u64::MAX)? })
            }
            (_, None) => self.strings(count).map(Array::Strings),
        }
    }

    fn strings(&mut self, count: u64) -> Result<Strings, Fault> {
        let count = self.cursor.room_for(count, 8, limits::ARRAY_ELEMENTS)?;
        let mut strings = Strings::default();
        for index in 0..count {
            let text = self.cursor.string(limits::STRING_BYTES).map_err(|fault| match fault {
                Fault::Says(problem) => Fault::Says(format!("element {index}: {problem}")),
                io => io,
            })?;
            strings.push(&text);
        }
        Ok(strings)
    }

    fn tensors(&mut self, num_tensors: usize) -> Result<Vec<TensorInfo>, Error> {
        let mut tensors = Vec::with_capacity(num_tensors);
        let mut seen = HashSet::new();
        for index in 0..num_tensors {
            let name =
                self.cursor.string(limits::NAME_BYTES).map_err(|fault| fault.at(self.file, Nth("tensor", index)))?;
            let tensor = self.tensor(&name)?;
            if !seen.insert(name.clone()) {
                return Err(Error::malformed(self.file, format_args!("tensor `{name}`"), "stands there twice"));
            }
            tensors.push(tensor);
        }
        Ok(tensors)
    }

    fn tensor(&mut self, name: &str) -> Result<TensorInfo, Error> {
        let field = format!("tensor `{name}`");
        let fault = |fault: Fault| fault.at(self.file, &field);
        let num_dims = self.cursor.u32().map_err(fault)?;
        if num_dims == 0 || num_dims as usize > limits::DIMENSIONS {
            let problem = format!("has {num_dims} dimensions: between 1 and {} are possible", limits::DIMENSIONS);
            return Err(Error::malformed(self.file, field, problem));
        }
        let dims = (0..num_dims).map(|_| self.cursor.u64()).collect::<Result<Vec<_>, _>>().map_err(fault)?;
        let number = self.cursor.u32().map_err(fault)?;
        let offset = self.cursor.u64().map_err(fault)?;
        let format = Format::from_gguf(number).ok_or_else(|| Error::unsupported(self.file, &field, unread(number)))?;
        let bytes = size_bytes(&dims, format).ok_or_else(|| {
            let problem =
                format!("sizes {dims:?} in format {format} are not possible: zero, too large, or not whole blocks");
            Error::malformed(self.file, &field, problem)
        })?;
        let dims = dims.iter().filter_map(|dim| usize::try_from(*dim).ok()).collect();
        Ok(TensorInfo { name: name.to_owned(), dims, format, offset, bytes })
    }
}

/// Bytes of a tensor; `None` where a dimension is zero, a row is not whole blocks, or a product overflows.
fn size_bytes(dims: &[u64], format: Format) -> Option<u64> {
    let (cols, outer) = dims.split_first()?;
    let row_bytes = format.row_bytes(usize::try_from(*cols).ok().filter(|cols| *cols > 0)?)? as u64;
    let rows = outer.iter().try_fold(1_u64, |rows, dim| rows.checked_mul(*dim)).filter(|rows| *rows > 0)?;
    // The number of weights has to be countable too: a block format takes less than a byte for each.
    rows.checked_mul(*cols).filter(|weights| i64::try_from(*weights).is_ok())?;
    rows.checked_mul(row_bytes)
}

fn alignment(keys: &Keys, file: &str) -> Result<u64, Error> {
    let key = "general.alignment";
    let Some(value) = keys.value(key) else { return Ok(32) };
    let alignment = value.integer().and_then(|x| u64::try_from(x).ok()).unwrap_or(0);
    if !alignment.is_power_of_two() || alignment > limits::ALIGNMENT {
        let problem = format!("{alignment} is not a power of two up to {}", limits::ALIGNMENT);
        return Err(Error::malformed(file, format_args!("key `{key}`"), problem));
    }
    Ok(alignment)
}

/// Makes offsets count from the start of the file; an error where a tensor is misaligned, outside, or over another.
fn place(tensors: &mut [TensorInfo], start: u64, alignment: u64, size: u64, file: &str) -> Result<(), Error> {
    for tensor in tensors.iter_mut() {
        let malformed = |problem| Err(Error::malformed(file, format_args!("tensor `{}`", tensor.name), problem));
        if tensor.offset % alignment != 0 {
            return malformed(format!("its offset {} is not a multiple of {alignment}", tensor.offset));
        }
        let offset = start.checked_add(tensor.offset);
        let Some(end) = offset.and_then(|offset| offset.checked_add(tensor.bytes)) else {
            return malformed(format!("its offset {} is beyond all files", tensor.offset));
        };
        if end > size {
            return malformed(format!("ends at byte {end}, but the file has {size}: it is cut off"));
        }
        tensor.offset = end - tensor.bytes;
    }
    let mut order: Vec<&TensorInfo> = tensors.iter().collect();
    order.sort_by_key(|tensor| tensor.offset);
    let overlap = order.iter().zip(order.iter().skip(1)).find(|(a, b)| a.offset + a.bytes > b.offset);
    match overlap {
        Some((a, b)) => {
            let problem = format!("its bytes are also those of tensor `{}`", b.name);
            Err(Error::malformed(file, format_args!("tensor `{}`", a.name), problem))
        }
        None => Ok(()),
    }
}

/// What a tensor type is that is not read.
fn unread(number: u32) -> String {
    let name = match number {
        9 => "q8_1",
        15 => "q8_k",
        16 => "iq2_xxs",
        17 => "iq2_xs",
        18 => "iq3_xxs",
        19 => "iq1_s",
        21 => "iq3_s",
        22 => "iq2_s",
        24 => "i8",
        25 => "i16",
        26 => "i32",
        27 => "i64",
        28 => "f64",
        29 => "iq1_m",
        34 => "tq1_0",
        35 => "tq2_0",
        40 => "nvfp4",
        41 => "q1_0",
        _ => "not known",
    };
    let read = Format::ALL.map(Format::name).join(", ");
    format!("its type {number} ({name}) is not read: take a file in one of {read}")
}

/// `tensor 3`: how an entry is named whose own name cannot be read.
struct Nth(&'static str, usize);

impl std::fmt::Display for Nth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} (counted from 0)", self.0, self.1)
    }
}
