//! Importance matrices: how much the columns of a model's matrices matter, as files in llama.cpp's two forms.
//!
//! The importance of a column is the mean square of what it is multiplied with over some text (for experts, over the rows
//! that each of them got). Files keep sums of squares and how many rows they come from: since 2025 as a GGUF file with the
//! tensors `NAME.in_sum2` and `NAME.counts`, before that in a form of its own without a magic number (`.dat`). Both
//! are read, the first is written. What `quantize` makes of the numbers is in `quant/src/encode/weighted.rs`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use quant::Format;

use crate::gguf::{self, Array, Cursor, Fault, Gguf, Keys, TensorInfo, TensorSpec, Value};
use crate::source::DiskFile;
use crate::{Error, ReadAt, limits};

const SUMS: &str = ".in_sum2";
const COUNTS: &str = ".counts";

/// How much the columns of a model's matrices matter, by the names of the matrices in GGUF files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImportanceMatrix {
    /// The texts that it was measured on, as whoever measured called them.
    pub datasets: Vec<String>,
    /// Stretches of text.
    pub chunks: u32,
    /// Tokens of a stretch; 0 where the file does not say.
    pub chunk_tokens: u32,
    entries: BTreeMap<String, Squares>,
}

/// Sums of squares of the inputs of one matrix, or of the experts' matrices of a layer one behind the other.
#[derive(Clone, Debug, PartialEq)]
struct Squares {
    sums: Vec<f32>,
    /// Rows that went into the sums; one number for each part of `sums`, which are of one length. Not empty.
    counts: Vec<f32>,
}

impl ImportanceMatrix {
    /// Whether a file holds an importance matrix rather than text: it begins as GGUF, or with a count, whose bytes no text
    /// begins with.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn is_in(path: &Path) -> Result<bool, Error> {
        let file = DiskFile::open(path)?;
        let mut start = [1; 4];
        let length = start.len().min(usize::try_from(file.size_bytes()).unwrap_or(usize::MAX));
        let begin = start.get_mut(..length).unwrap_or_default();
        file.read_exact_at(begin, 0).map_err(|cause| Error::read(path, cause))?;
        Ok(start == *b"GGUF" || start.contains(&0))
    }

    /// Reads a file of either form.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is a GGUF file of another kind.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::read(&DiskFile::open(path)?, &path.display().to_string())
    }

    /// As [`ImportanceMatrix::open`], from anywhere; `file` is the name that errors give.
    ///
    /// # Errors
    /// As [`ImportanceMatrix::open`].
    pub fn read(source: &dyn ReadAt, file: &str) -> Result<Self, Error> {
        let mut magic = [0; 4];
        let is_gguf = source.size_bytes() >= 4 && source.read_exact_at(&mut magic, 0).is_ok() && magic == *b"GGUF";
        let matrix = if is_gguf { of_gguf(source, file)? } else { of_legacy(source, file)? };
        for (name, squares) in &matrix.entries {
            let mut numbers = squares.sums.iter().chain(&squares.counts);
            if let Some(wrong) = numbers.find(|number| !(number.is_finite() && **number >= 0.0)) {
                return Err(Error::malformed(file, entry(name), format!("{wrong} is no sum of squares")));
            }
        }
        Ok(matrix)
    }

    /// Adds what one matrix (or one expert of `parts` that are stacked) was multiplied with: sums of squares of `rows` rows,
    /// one a column.
    ///
    /// # Panics
    /// Never: what does not fit the matrix as it was met first is left out.
    pub fn add(&mut self, name: &str, (part, parts): (usize, usize), rows: usize, sums: &[f64]) {
        let empty = || Squares { sums: vec![0.0; sums.len() * parts], counts: vec![0.0; parts] };
        let squares = self.entries.entry(name.to_owned()).or_insert_with(empty);
        let columns = squares.sums.get_mut(part * sums.len()..(part + 1) * sums.len());
        let (Some(columns), Some(count)) = (columns, squares.counts.get_mut(part)) else { return };
        columns.iter_mut().zip(sums).for_each(|(column, sum)| *column = (f64::from(*column) + sum) as f32);
        *count += rows as f32;
    }

    /// How many matrices it knows.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Mean squares, one a column, of experts one behind the other; where no row came by, all columns matter alike.
    /// `None` for a matrix that it does not know.
    pub fn means(&self, name: &str) -> Option<Vec<f32>> {
        let Squares { sums, counts } = self.entries.get(name)?;
        let columns = sums.len().checked_div(counts.len()).filter(|columns| *columns > 0)?;
        let of_part = |(sums, &count): (&[f32], &f32)| -> Vec<f32> {
            sums.iter().map(|sum| if count > 0.0 { sum / count } else { 1.0 }).collect()
        };
        Some(sums.chunks(columns).zip(counts).flat_map(of_part).collect())
    }

    /// Writes the GGUF form.
    ///
    /// # Errors
    /// `out` fails.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut keys = Keys::default();
        keys.set("general.type", Value::String("imatrix".to_owned()));
        keys.set("imatrix.datasets", Value::Array(Array::of_strings(&self.datasets)));
        keys.set("imatrix.chunk_count", Value::U32(self.chunks));
        keys.set("imatrix.chunk_size", Value::U32(self.chunk_tokens));
        let spec = |name: String, cols, rows| TensorSpec { name, dims: vec![cols, rows], format: Format::F32 };
        let mut specs = Vec::new();
        for (name, Squares { sums, counts }) in &self.entries {
            specs.push(spec(format!("{name}{SUMS}"), sums.len() / counts.len().max(1), counts.len()));
            specs.push(spec(format!("{name}{COUNTS}"), 1, counts.len()));
        }
        let mut writer = gguf::Writer::start(out, &keys, &specs)?;
        for squares in self.entries.values() {
            for numbers in [&squares.sums, &squares.counts] {
                let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
                writer.append(&bytes)?;
            }
        }
        writer.finish().map(drop)
    }
}

fn of_gguf(source: &dyn ReadAt, file: &str) -> Result<ImportanceMatrix, Error> {
    let Gguf { keys, tensors, .. } = gguf::parse(source, file)?;
    if keys.text("general.type") != Some("imatrix") {
        return Err(Error::not_a_model(file, "a GGUF file, but not an importance matrix: give one, or a text"));
    }
    let by_name: BTreeMap<&str, &TensorInfo> = tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
    let mut entries = BTreeMap::new();
    for tensor in &tensors {
        let Some(name) = tensor.name.strip_suffix(SUMS) else { continue };
        let counts = by_name.get(format!("{name}{COUNTS}").as_str());
        let counts = counts.ok_or_else(|| Error::malformed(file, entry(name), "has sums, but no counts"))?;
        let squares = Squares { sums: numbers(source, tensor, file)?, counts: numbers(source, counts, file)? };
        if !squares.sums.len().is_multiple_of(squares.counts.len().max(1)) {
            let problem = format!("{} sums of {} parts", squares.sums.len(), squares.counts.len());
            return Err(Error::malformed(file, entry(name), problem));
        }
        entries.insert(name.to_owned(), squares);
    }
    let number = |key| keys.value(key).and_then(Value::integer).and_then(|x| u32::try_from(x).ok()).unwrap_or(0);
    let datasets = keys.value("imatrix.datasets").and_then(Value::array).and_then(Array::strings);
    let datasets = datasets.map(|strings| strings.iter().map(str::to_owned).collect()).unwrap_or_default();
    let (chunks, chunk_tokens) = (number("imatrix.chunk_count"), number("imatrix.chunk_size"));
    Ok(ImportanceMatrix { datasets, chunks, chunk_tokens, entries })
}

fn numbers(source: &dyn ReadAt, tensor: &TensorInfo, file: &str) -> Result<Vec<f32>, Error> {
    let field = format!("tensor `{}`", tensor.name);
    if tensor.format != Format::F32 {
        return Err(Error::malformed(file, field, format!("is {}, not f32", tensor.format)));
    }
    // The parser has seen that the file has them.
    let mut bytes = vec![0; usize::try_from(tensor.bytes).unwrap_or(0)];
    let read = source.read_exact_at(&mut bytes, tensor.offset);
    read.map_err(|cause| Error::Read { file: file.to_owned(), cause })?;
    Ok(floats(&bytes))
}

/// `count`, then for each matrix `length, name, calls, numbers, f32 × numbers` (means times calls); then, in all but the
/// oldest files, the number of chunks, and `length, name` of the text. Counts and lengths are 32 bits.
fn of_legacy(source: &dyn ReadAt, file: &str) -> Result<ImportanceMatrix, Error> {
    let mut cursor = Cursor::new(source);
    let start = |fault: Fault| fault.at(file, "the count of an importance matrix");
    let count = cursor.u32().map_err(start)?;
    let count = cursor.room_for(count.into(), 12, limits::TENSORS_PER_FILE).map_err(start)?;
    let mut entries = BTreeMap::new();
    for index in 0..count {
        let (name, squares) = legacy_entry(&mut cursor).map_err(|fault| fault.at(file, format!("entry {index}")))?;
        if entries.insert(name.clone(), squares).is_some() {
            return Err(Error::malformed(file, entry(&name), "stands there twice"));
        }
    }
    let (mut chunks, mut datasets) = (0, Vec::new());
    if cursor.remaining() > 0 {
        chunks = cursor.u32().map_err(|fault| fault.at(file, "the number of chunks"))?;
    }
    if cursor.remaining() > 0 {
        datasets.push(legacy_string(&mut cursor).map_err(|fault| fault.at(file, "the name of the text"))?);
    }
    if cursor.remaining() > 0 {
        return Err(Error::malformed(file, "the end", format!("{} bytes too many", cursor.remaining())));
    }
    Ok(ImportanceMatrix { datasets, chunks, chunk_tokens: 0, entries })
}

fn legacy_entry(cursor: &mut Cursor<'_>) -> Result<(String, Squares), Fault> {
    let name = legacy_string(cursor)?;
    let calls = cursor.u32()?;
    let count = cursor.u32()?;
    let count = cursor.room_for(count.into(), 4, limits::IMPORTANCE_NUMBERS)?;
    if count == 0 {
        return Err(Fault::Says("there are no numbers".to_owned()));
    }
    let sums = floats(&cursor.bytes(count as u64 * 4, u64::MAX)?);
    // Without calls the numbers are means.
    Ok((name, Squares { sums, counts: vec![calls.max(1) as f32] }))
}

fn legacy_string(cursor: &mut Cursor<'_>) -> Result<String, Fault> {
    let length = cursor.u32()?;
    let bytes = cursor.bytes(length.into(), limits::NAME_BYTES)?;
    String::from_utf8(bytes).map_err(|_| Fault::Says("a name is not UTF-8".to_owned()))
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|number| f32::from_le_bytes(*number)).collect()
}

fn entry(name: &str) -> String {
    format!("importance of `{name}`")
}
