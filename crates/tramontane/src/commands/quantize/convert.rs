//! Weights from one format to another, slice by slice: all cores encode, one thread writes.

use std::io::Write;
use std::ops::Range;
use std::thread;

use anyhow::{Context as _, bail};
use checkpoint::Tensor;
use checkpoint::gguf::{Source, Writer};
use quant::{Encoded, Format, RowSource as _};

/// Weights that a thread takes at once: enough to forget what starting it costs, little beside any model.
const SLICE_WEIGHTS: usize = 1 << 21;

/// How a tensor is to be written.
pub(super) struct Conversion<'a> {
    pub(super) format: Format,
    /// How much its columns matter; of stacked experts, one behind the other.
    pub(super) importance: Option<&'a [f32]>,
    pub(super) threads: usize,
}

/// Writes one tensor. `step` hears how many bytes of the source have been read since the last time, and may
/// end it all.
///
/// # Errors
/// Reading or writing fails, a weight is not finite or too large for the format, or `step` says so.
pub(super) fn convert<W: Write>(
    source: &Source<'_>,
    how: &Conversion<'_>,
    writer: &mut Writer<W>,
    step: &mut impl FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let slices = slices(source, how.importance);
    for batch in slices.chunks(how.threads.max(1)) {
        let encoded: Vec<anyhow::Result<Vec<u8>>> = match batch {
            [slice] => vec![slice.encode(how.format)],
            _ => thread::scope(|scope| {
                let running: Vec<_> = batch.iter().map(|slice| scope.spawn(|| slice.encode(how.format))).collect();
                running
                    .into_iter()
                    .map(|thread| thread.join().unwrap_or_else(|_| bail!("a thread has failed")))
                    .collect()
            }),
        };
        for (slice, bytes) in batch.iter().zip(encoded) {
            let bytes = bytes.with_context(|| source.name.clone())?;
            writer.append(&bytes)?;
            step(slice.bytes())?;
        }
    }
    Ok(())
}

/// Rows of one matrix.
struct Slice<'a> {
    tensor: &'a Tensor,
    rows: Range<usize>,
    importance: Option<&'a [f32]>,
}

fn slices<'a>(source: &Source<'a>, importance: Option<&'a [f32]>) -> Vec<Slice<'a>> {
    let cols = source.cols().max(1);
    let rows_each = (SLICE_WEIGHTS / cols).max(1);
    let of_part = |(part, tensor): (usize, &&'a Tensor)| {
        let (tensor, importance) = (*tensor, importance.and_then(|all| all.chunks(cols).nth(part)));
        let starts = (0..tensor.rows()).step_by(rows_each);
        starts.map(move |start| Slice { tensor, rows: start..(start + rows_each).min(tensor.rows()), importance })
    };
    source.parts.iter().enumerate().flat_map(of_part).collect()
}

impl Slice<'_> {
    fn bytes(&self) -> u64 {
        (self.rows.len() * self.tensor.format().row_bytes(self.tensor.cols()).unwrap_or(0)) as u64
    }

    fn encode(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        let encoded = Encoded::new(self.tensor, format, self.importance)?;
        let bytes = format.row_bytes(self.tensor.cols()).and_then(|bytes| bytes.checked_mul(self.rows.len()));
        let mut out = vec![0; bytes.with_context(|| format!("rows of {} in {format}", self.tensor.cols()))?];
        encoded.read_rows(self.rows.clone(), &mut out)?;
        Ok(out)
    }
}
