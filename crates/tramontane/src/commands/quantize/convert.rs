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

/// Writes one tensor in `format`. `step` hears how many bytes of the source have been read since the last time, and may
/// end it all.
///
/// # Errors
/// Reading or writing fails, a weight is not finite or too large for the format, or `step` says so.
pub(super) fn convert<W: Write>(
    source: &Source<'_>,
    format: Format,
    threads: usize,
    writer: &mut Writer<W>,
    step: &mut impl FnMut(u64) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let slices = slices(source);
    for batch in slices.chunks(threads.max(1)) {
        let encoded: Vec<anyhow::Result<Vec<u8>>> = match batch {
            [slice] => vec![slice.encode(format)],
            _ => thread::scope(|scope| {
                let running: Vec<_> = batch.iter().map(|slice| scope.spawn(|| slice.encode(format))).collect();
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
}

fn slices<'a>(source: &Source<'a>) -> Vec<Slice<'a>> {
    let rows_each = (SLICE_WEIGHTS / source.cols().max(1)).max(1);
    let of_part = |tensor: &'a Tensor| {
        let starts = (0..tensor.rows()).step_by(rows_each);
        starts.map(move |start| Slice { tensor, rows: start..(start + rows_each).min(tensor.rows()) })
    };
    source.parts.iter().flat_map(|tensor| of_part(tensor)).collect()
}

impl Slice<'_> {
    fn bytes(&self) -> u64 {
        (self.rows.len() * self.tensor.format().row_bytes(self.tensor.cols()).unwrap_or(0)) as u64
    }

    fn encode(&self, format: Format) -> anyhow::Result<Vec<u8>> {
        let encoded = Encoded::new(self.tensor, format, None)?;
        let bytes = format.row_bytes(self.tensor.cols()).and_then(|bytes| bytes.checked_mul(self.rows.len()));
        let mut out = vec![0; bytes.with_context(|| format!("rows of {} in {format}", self.tensor.cols()))?];
        encoded.read_rows(self.rows.clone(), &mut out)?;
        Ok(out)
    }
}
