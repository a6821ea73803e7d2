//! `--imatrix`: how much the columns of the matrices matter, from a file or by reading a text.

use std::io::{IsTerminal as _, stderr};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, bail};
use checkpoint::gguf::{Keys, Source, Value};
use checkpoint::{Checkpoint, ImportanceMatrix};
use engine::{Choice, EngineOptions, Measuring};
use indicatif::ProgressBar;
use quant::Format;

use super::output::Output;
use crate::exit::Interrupted;
use crate::{commands, interrupt};

/// What FILE holds, if it is an importance matrix; else what the model's reading of it shows.
///
/// # Errors
/// FILE cannot be read; or the model cannot be run, or has no tokenizer.
pub(super) fn find(file: &Path, checkpoint: &Checkpoint, options: &EngineOptions) -> anyhow::Result<ImportanceMatrix> {
    if ImportanceMatrix::is_in(file)? {
        return Ok(ImportanceMatrix::open(file)?);
    }
    let text = commands::read_file(file)?;
    let bar = Bar::default();
    let measured = engine::measure_importance(checkpoint, &text, options, &mut |now| {
        bar.show(now);
        if interrupt::taken() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.0.finish_and_clear();
    let mut matrix = measured.with_context(|| file.display().to_string())?.ok_or(Interrupted)?;
    matrix.datasets.push(name(file));
    Ok(matrix)
}

/// Writes the matrix.
///
/// # Errors
/// It cannot be written.
pub(super) fn save(matrix: &ImportanceMatrix, path: &Path) -> anyhow::Result<()> {
    let mut out = Output::create(path)?;
    matrix.write(&mut out).with_context(|| path.display().to_string())?;
    out.finish()
}

/// What the file says of how it was made, under llama.cpp's names. The names of files without their folders, which are
/// nobody else's business.
pub(super) fn set_keys(matrix: &ImportanceMatrix, file: &Path, keys: &mut Keys) {
    keys.set("quantize.imatrix.file", Value::String(name(file)));
    if let Some(dataset) = matrix.datasets.first() {
        keys.set("quantize.imatrix.dataset", Value::String(name(Path::new(dataset))));
    }
    keys.set("quantize.imatrix.entries_count", Value::U32(u32::try_from(matrix.len()).unwrap_or(u32::MAX)));
    keys.set("quantize.imatrix.chunks_count", Value::U32(matrix.chunks));
}

/// The importance of each tensor's columns, those of experts one behind the other; and a note on tensors that the matrix
/// does not know.
///
/// # Errors
/// It was measured on a model of another shape.
pub(super) fn of_tensors(
    matrix: &ImportanceMatrix,
    tensors: &[(Source<'_>, Choice)],
    notes: &mut Vec<String>,
) -> anyhow::Result<Vec<Option<Vec<f32>>>> {
    let (mut all, mut unknown) = (Vec::new(), Vec::new());
    for (source, choice) in tensors {
        let means = matrix.means(&source.name).filter(|_| !source.is_vector());
        let columns = source.cols() * source.parts.len();
        if let Some(length) = means.as_ref().map(Vec::len).filter(|length| *length != columns) {
            bail!("the importance of {} is for {length} columns, not {columns}: it is another model's", source.name);
        }
        // What is outside of the layers is rarely measured; formats without a search need nothing.
        let needed = source.layer.is_some() && choice.format.block_weights() > 1;
        if means.is_none() && needed && !matches!(choice.format, Format::Q8_0 | Format::MXFP4) {
            unknown.push(source.name.as_str());
        }
        all.push(means);
    }
    notes.extend(unknown.first().map(|first| {
        format!(
            "{} tensors are not in the importance matrix and rounded without it, the first is {first}",
            unknown.len()
        )
    }));
    Ok(all)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Hidden where nobody watches.
struct Bar(ProgressBar);

impl Default for Bar {
    fn default() -> Self {
        Self(if stderr().is_terminal() { ProgressBar::no_length() } else { ProgressBar::hidden() })
    }
}

impl Bar {
    fn show(&self, now: Measuring) {
        let (what, done, total) = match now {
            Measuring::Loading { done, total } => ("loading {wide_bar} {bytes} of {total_bytes}", done, total),
            Measuring::Reading { done, total } => {
                ("reading the text {wide_bar} {pos} of {len} chunks, {eta} left", done as u64, total as u64)
            }
        };
        let begins = done == 0 || self.0.length().is_none();
        if begins && let Ok(style) = indicatif::ProgressStyle::with_template(what) {
            self.0.set_style(style);
            self.0.reset_eta();
        }
        self.0.set_length(total);
        self.0.set_position(done);
    }
}
