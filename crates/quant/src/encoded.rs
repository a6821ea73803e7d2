//! Rows of a matrix in another format than they are stored in, made when they are asked for.

use std::io;
use std::ops::Range;

use crate::{Error, Format, RowSource, decode_row, encode_row, encode_row_weighted};

/// What a scale or a number in 16 bits can be at most.
const LARGEST_F16: f32 = 65_504.0;

/// Another source's rows, rounded to `format` as they are read. Memory: the rows asked for, as f32.
pub struct Encoded<'a> {
    source: &'a dyn RowSource,
    format: Format,
    importance: Option<&'a [f32]>,
}

impl<'a> Encoded<'a> {
    /// `importance`: how much each column matters, where it was measured ([`encode_row_weighted`]).
    ///
    /// # Errors
    /// Rows of that length cannot have this format, or `importance` is not as long as a row.
    pub fn new(source: &'a dyn RowSource, format: Format, importance: Option<&'a [f32]>) -> Result<Self, Error> {
        let columns = source.cols();
        if format.row_bytes(columns).is_none() {
            return Err(Error::Weights { format, weights: columns });
        }
        match importance.map(<[f32]>::len).filter(|length| *length != columns) {
            Some(importance) => Err(Error::Importance { columns, importance }),
            None => Ok(Self { source, format, importance }),
        }
    }

    /// Blocks that are in the format already stay as they are.
    fn stays(&self) -> bool {
        self.source.format() == self.format && self.format.block_weights() > 1
    }

    fn encode(&self, weights: &[f32], out: &mut [u8]) -> Result<(), Error> {
        let Some(importance) = self.importance else { return encode_row(self.format, weights, out) };
        let columns = self.cols().max(1);
        let row_bytes = (out.len() / (weights.len() / columns).max(1)).max(1);
        let mut rows = weights.chunks(columns).zip(out.chunks_mut(row_bytes));
        rows.try_for_each(|(row, out)| encode_row_weighted(self.format, row, importance, out))
    }
}

impl RowSource for Encoded<'_> {
    fn name(&self) -> &str {
        self.source.name()
    }

    fn format(&self) -> Format {
        self.format
    }

    fn rows(&self) -> usize {
        self.source.rows()
    }

    fn cols(&self) -> usize {
        self.source.cols()
    }

    fn read_rows(&self, rows: Range<usize>, out: &mut [u8]) -> io::Result<()> {
        if self.stays() {
            return self.source.read_rows(rows, out);
        }
        let (from, count) = (self.source.format(), rows.len());
        let row_bytes = from.row_bytes(self.cols()).ok_or(Error::Weights { format: from, weights: self.cols() });
        let mut read = vec![0; count * row_bytes.map_err(io::Error::other)?];
        self.source.read_rows(rows, &mut read)?;
        let mut weights = vec![0.0; count * self.cols()];
        decode_row(from, &read, &mut weights).map_err(io::Error::other)?;
        check(self.format, &weights)?;
        self.encode(&weights, out).map_err(io::Error::other)
    }
}

/// Refuses weights that would turn the model into noise without anybody being told.
fn check(format: Format, weights: &[f32]) -> io::Result<()> {
    let damage = |problem: String| Err(io::Error::new(io::ErrorKind::InvalidData, problem));
    let largest =
        weights.iter().fold(0f32, |largest, weight| if weight.abs() > largest { weight.abs() } else { largest });
    if weights.iter().any(|weight| !weight.is_finite()) {
        return damage("a weight is not a finite number: the model is damaged".to_owned());
    }
    if largest > LARGEST_F16 && !matches!(format, Format::F32 | Format::BF16 | Format::MXFP4) {
        return damage(format!(
            "a weight of magnitude {largest:e} does not fit {format}, whose numbers are f16: bf16 or f32 can hold it"
        ));
    }
    Ok(())
}
