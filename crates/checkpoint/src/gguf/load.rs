//! From GGUF files to a checkpoint.

use std::path::Path;
use std::sync::Arc;

use quant::RowSource;

use super::{Gguf, Value, config, parse, unknown_keys, vocab};
use crate::about::{self, About};
use crate::arrange::{Tensors, arrange};
use crate::notes::Notes;
use crate::source::DiskFile;
use crate::stored::{Stored, StoredKind};
use crate::{AddedTokens, Checkpoint, Error, Layout, ReadAt, Recommended, TokenizerSource};

/// One file of a model, or one part of a split one.
pub(super) struct Part {
    pub(super) gguf: Gguf,
    pub(super) source: Arc<dyn ReadAt>,
    pub(super) file: Arc<str>,
}

impl Part {
    fn new(source: Arc<dyn ReadAt>, file: &str) -> Result<Self, Error> {
        Ok(Self { gguf: parse(source.as_ref(), file)?, source, file: file.into() })
    }

    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        Self::new(Arc::new(DiskFile::open(path)?), &path.display().to_string())
    }

    fn stored(&self) -> impl Iterator<Item = Stored> {
        self.gguf.tensors.iter().map(|tensor| Stored {
            name: tensor.name.clone(),
            kind: StoredKind::Weights(tensor.format),
            dims: tensor.dims.iter().rev().copied().collect(),
            source: Arc::clone(&self.source),
            file: Arc::clone(&self.file),
            offset: tensor.offset,
            bytes: tensor.bytes,
        })
    }
}

/// Opens a GGUF file, with its siblings where it is split.
pub(crate) fn open(path: &Path) -> Result<Checkpoint, Error> {
    super::split::parts(path).and_then(|parts| assemble(&parts))
}

/// A GGUF file from anywhere.
pub(crate) fn checkpoint(source: Arc<dyn ReadAt>, name: &str) -> Result<Checkpoint, Error> {
    let part = Part::new(source, name)?;
    super::split::refuse(&part)?;
    assemble(&[part])
}

/// The first part has all the keys.
fn assemble(parts: &[Part]) -> Result<Checkpoint, Error> {
    let Some(Part { gguf, file, .. }) = parts.first() else {
        return Err(Error::not_a_model("split file", "has no parts"));
    };
    let config = config::of_tensors(gguf, parts.iter().flat_map(|part| &part.gguf.tensors), file)?;
    let mut notes = Notes::default();
    let unknown = unknown_keys(gguf, &config.architecture);
    if !unknown.is_empty() {
        notes.add(format!("keys that are not known and were not used: {}", unknown.join(", ")));
    }
    let tensors = arrange(Layout::Gguf, &config, None, parts.iter().flat_map(Part::stored).collect(), &mut notes)?;
    let tokenizer = match vocab(gguf, file)? {
        Some(vocab) => TokenizerSource::Gguf(Box::new(vocab)),
        None => TokenizerSource::None { looked_for: format!("{file} has no vocabulary (key tokenizer.ggml.model)") },
    };
    if let TokenizerSource::Gguf(vocab) = &tokenizer
        && vocab.tokens.len() > config.vocab_size
    {
        let problem = format!("{} tokens, but the table of embeddings has {}", vocab.tokens.len(), config.vocab_size);
        return Err(Error::config(file, "tokenizer.ggml.tokens", problem));
    }
    Ok(Checkpoint {
        layout: Layout::Gguf,
        tokenizer,
        added_tokens: AddedTokens::default(),
        chat_template: gguf.keys.text("tokenizer.chat_template").map(str::to_owned),
        about: About { recommended: Recommended::of_gguf(gguf, &mut notes), ..about(parts, gguf, &tensors) },
        notes: notes.into_lines(),
        file: file.to_string(),
        config,
        tensors,
    })
}

fn about(parts: &[Part], gguf: &Gguf, tensors: &Tensors) -> About {
    let text = |key: &str| gguf.keys.text(key).map(str::to_owned);
    let file_type = gguf.keys.value("general.file_type").and_then(Value::integer).and_then(about::file_type);
    About {
        name: text("general.name"),
        license: text("general.license"),
        file_type: file_type.map(str::to_owned),
        size_bytes: parts.iter().map(|part| part.source.size_bytes()).sum(),
        files: parts.iter().map(|part| part.file.to_string()).collect(),
        keys: gguf.keys.iter().filter_map(|(key, value)| Some((key.to_owned(), short(value)?))).collect(),
        ..About::of_tensors(tensors)
    }
}

/// Values that fit on a line.
fn short(value: &Value) -> Option<String> {
    match value {
        Value::Array(_) => None,
        Value::String(text) => (text.len() <= 200 && !text.contains('\n')).then(|| text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::F32(x) => Some(x.to_string()),
        Value::F64(x) => Some(x.to_string()),
        other => other.integer().map(|x| x.to_string()),
    }
}

impl About {
    /// What can be counted.
    pub(crate) fn of_tensors(tensors: &Tensors) -> Self {
        let mut about = Self::default();
        for tensor in tensors.iter() {
            about.parameters += (tensor.rows() * tensor.cols()) as u64;
            match about.formats.iter_mut().find(|(format, _)| *format == tensor.format()) {
                Some((_, count)) => *count += 1,
                None => about.formats.push((tensor.format(), 1)),
            }
        }
        about.formats.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        about
    }
}
