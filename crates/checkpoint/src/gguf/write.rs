//! Writing GGUF files: keys, table, then the tensors' bytes as they come.

use std::io::{self, Write};

use quant::Format;

use super::value::{Array, Keys, Value};

/// A tensor that will be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorSpec {
    /// Its name in the file.
    pub name: String,
    /// Sizes, innermost first: `[cols, rows, experts]`.
    pub dims: Vec<usize>,
    /// How its bytes are to be read.
    pub format: Format,
}

impl TensorSpec {
    /// Its length in bytes; `None` where rows are not whole blocks or a product overflows.
    pub fn bytes(&self) -> Option<u64> {
        let (cols, outer) = self.dims.split_first()?;
        let row_bytes = self.format.row_bytes(*cols)? as u64;
        outer.iter().try_fold(row_bytes, |bytes, dim| bytes.checked_mul(*dim as u64))
    }
}

/// A GGUF file (version 3) on its way out. Memory does not grow with the tensors.
///
/// ```
/// use checkpoint::gguf::{Keys, TensorSpec, Value, Writer};
///
/// let mut keys = Keys::default();
/// keys.set("general.architecture", Value::String("llama".to_owned()));
/// let norm = TensorSpec { name: "output_norm.weight".to_owned(), dims: vec![8], format: quant::Format::F32 };
/// let mut writer = Writer::start(Vec::new(), &keys, &[norm])?;
/// writer.append(&[0; 16])?;
/// writer.append(&[0; 16])?;
/// let file = writer.finish()?;
/// assert_eq!(&file[..4], b"GGUF");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W: Write> {
    out: W,
    alignment: u64,
    /// Bytes still to come of each tensor, the next one last.
    pending: Vec<u64>,
    /// Bytes written of the data.
    written: u64,
}

impl<W: Write> Writer<W> {
    /// Writes everything that stands before the tensors. `general.alignment` is obeyed where `keys` has it.
    ///
    /// # Errors
    /// `out` fails; or a tensor's rows are not whole blocks.
    pub fn start(mut out: W, keys: &Keys, tensors: &[TensorSpec]) -> io::Result<Self> {
        let Head { bytes, alignment, mut pending } = Head::new(keys, tensors)?;
        pending.reverse();
        out.write_all(&bytes)?;
        let mut writer = Self { out, alignment, pending, written: 0 };
        writer.skip_empty()?;
        Ok(writer)
    }

    /// The next bytes of the tensors, in their order. A piece ends with its tensor at the latest.
    ///
    /// # Errors
    /// `out` fails; or the piece is longer than what is left of its tensor.
    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(left) = self.pending.last_mut() else { return Err(misuse("all tensors have been written")) };
        *left = left.checked_sub(bytes.len() as u64).ok_or_else(|| misuse("more bytes than the tensor has"))?;
        self.out.write_all(bytes)?;
        self.written += bytes.len() as u64;
        self.skip_empty()
    }

    /// Gives back what was written to.
    ///
    /// # Errors
    /// `out` fails; or tensors are missing.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.pending.is_empty() {
            return Err(misuse("tensors are missing"));
        }
        self.out.flush()?;
        Ok(self.out)
    }

    /// Behind each tensor that is done: up to the next multiple of the alignment.
    fn skip_empty(&mut self) -> io::Result<()> {
        while self.pending.last() == Some(&0) {
            self.pending.pop();
            let gap = self.written.next_multiple_of(self.alignment) - self.written;
            self.out.write_all(&vec![0; usize::try_from(gap).unwrap_or(0)])?;
            self.written += gap;
        }
        Ok(())
    }
}

/// How long the file with these keys and tensors is, in bytes.
///
/// # Errors
/// As [`Writer::start`].
pub fn file_bytes(keys: &Keys, tensors: &[TensorSpec]) -> io::Result<u64> {
    let Head { bytes, alignment, pending } = Head::new(keys, tensors)?;
    // The table has seen that this does not overflow.
    Ok(bytes.len() as u64 + pending.iter().map(|length| length.next_multiple_of(alignment)).sum::<u64>())
}

/// Everything that stands before the tensors.
struct Head {
    bytes: Vec<u8>,
    alignment: u64,
    /// Lengths of the tensors.
    pending: Vec<u64>,
}

impl Head {
    fn new(keys: &Keys, tensors: &[TensorSpec]) -> io::Result<Self> {
        let alignment = keys.value("general.alignment").and_then(Value::integer).unwrap_or(32);
        let alignment = u64::try_from(alignment).ok().filter(|alignment| alignment.is_power_of_two());
        let alignment = alignment.ok_or_else(|| misuse("general.alignment is not a power of two"))?;
        let mut bytes = Vec::new();
        bytes.extend(b"GGUF");
        bytes.extend(3_u32.to_le_bytes());
        bytes.extend((tensors.len() as u64).to_le_bytes());
        bytes.extend((keys.len() as u64).to_le_bytes());
        for (key, value) in keys.iter() {
            string(&mut bytes, key);
            bytes.extend((value.kind() as u32).to_le_bytes());
            write_value(&mut bytes, value);
        }
        let pending = table(&mut bytes, tensors, alignment)?;
        bytes.resize(bytes.len().next_multiple_of(usize::try_from(alignment).unwrap_or(1)), 0);
        Ok(Self { bytes, alignment, pending })
    }
}

/// The table of tensors; returns their lengths.
fn table(head: &mut Vec<u8>, tensors: &[TensorSpec], alignment: u64) -> io::Result<Vec<u64>> {
    let mut lengths = Vec::with_capacity(tensors.len());
    let mut offset: u64 = 0;
    for tensor in tensors {
        let impossible =
            || misuse(&format!("tensor `{}` cannot be {:?} in {}", tensor.name, tensor.dims, tensor.format));
        let bytes = tensor.bytes().ok_or_else(impossible)?;
        string(head, &tensor.name);
        head.extend((tensor.dims.len() as u32).to_le_bytes());
        tensor.dims.iter().for_each(|dim| head.extend((*dim as u64).to_le_bytes()));
        head.extend(tensor.format.gguf().to_le_bytes());
        head.extend(offset.to_le_bytes());
        let end = offset.checked_add(bytes).and_then(|end| end.checked_next_multiple_of(alignment));
        offset = end.ok_or_else(impossible)?;
        lengths.push(bytes);
    }
    Ok(lengths)
}

fn write_value(out: &mut Vec<u8>, value: &Value) {
    match value {
        Value::U8(x) => out.extend(x.to_le_bytes()),
        Value::I8(x) => out.extend(x.to_le_bytes()),
        Value::U16(x) => out.extend(x.to_le_bytes()),
        Value::I16(x) => out.extend(x.to_le_bytes()),
        Value::U32(x) => out.extend(x.to_le_bytes()),
        Value::I32(x) => out.extend(x.to_le_bytes()),
        Value::F32(x) => out.extend(x.to_le_bytes()),
        Value::Bool(x) => out.push(u8::from(*x)),
        Value::String(text) => string(out, text),
        Value::Array(array) => write_array(out, array),
        Value::U64(x) => out.extend(x.to_le_bytes()),
        Value::I64(x) => out.extend(x.to_le_bytes()),
        Value::F64(x) => out.extend(x.to_le_bytes()),
    }
}

fn write_array(out: &mut Vec<u8>, array: &Array) {
    out.extend((array.kind() as u32).to_le_bytes());
    out.extend((array.len() as u64).to_le_bytes());
    match array {
        Array::Numbers { bytes, .. } => out.extend(bytes),
        Array::Strings(strings) => strings.iter().for_each(|text| string(out, text)),
    }
}

fn string(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

fn misuse(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, format!("writing a GGUF file: {problem}"))
}
