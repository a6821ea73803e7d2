//! `--imatrix`: how much the columns of the matrices matter, from a file or by reading a text.

use std::io::{IsTerminal as _, stderr};
use std::ops::ControlFlow;
use std::path::Path;

use anyhow::{Context as _, bail};
use checkpoint::gguf::{Keys, Source, Value};
use checkpoint::{Checkpoint, ImportanceMatrix};
use engine::{Choice, EngineOptions, Measuring};
use hub::Whole;
use indicatif::ProgressBar;
use quant::Format;

use crate::exit::Interrupted;
use crate::progress::bar_at;
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
    let mut bar = Bar::default();
    let measured = engine::measure_importance(checkpoint, &text, options, &mut |now| {
        bar.show(now);
        if interrupt::taken() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    bar.clear();
    let mut matrix = measured.with_context(|| file.display().to_string())?.ok_or(Interrupted)?;
    matrix.datasets.push(name(file));
    Ok(matrix)
}

/// Writes the matrix.
///
/// # Errors
/// It cannot be written.
pub(super) fn save(matrix: &ImportanceMatrix, path: &Path) -> anyhow::Result<()> {
    let name = || path.display().to_string();
    let mut out = Whole::create(path).with_context(name)?;
    matrix.write(&mut out).with_context(name)?;
    out.keep().with_context(name)
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

/// One for each phase; none where nobody watches.
#[derive(Default)]
struct Bar(Option<(&'static str, ProgressBar)>);

impl Bar {
    fn show(&mut self, now: Measuring) {
        if !stderr().is_terminal() {
            return;
        }
        let (template, done, total) = match now {
            Measuring::Loading { done, total } => {
                ("loading {wide_bar} {bytes} of {total_bytes}, {eta} left", done, total)
            }
            Measuring::Reading { done, total } => {
                ("reading the text {wide_bar} {pos} of {len} chunks, {eta} left", done as u64, total as u64)
            }
        };
        match &self.0 {
            Some((shown, bar)) if *shown == template => bar.set_position(done),
            _ => {
                self.clear();
                self.0 = Some((template, bar_at(done, total, template)));
            }
        }
    }

    fn clear(&mut self) {
        if let Some((_, bar)) = self.0.take() {
            bar.finish_and_clear();
        }
    }
}
