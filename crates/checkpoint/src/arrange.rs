//! From tensors in files to the matrices of a model: canonical names, row order, experts one by one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Display;
use std::sync::Arc;

use quant::Format;

use crate::fp8::Scales;
use crate::names::{Meaning, meaning};
use crate::notes::Notes;
use crate::stored::{Stored, StoredKind};
use crate::tensor::{Order, Tensor};
use crate::{Config, Error, Layout, limits};

/// All matrices and vectors of a model, found by their canonical names.
#[derive(Debug, Default)]
pub(crate) struct Tensors {
    list: Vec<Tensor>,
    index: HashMap<String, usize>,
}

impl Tensors {
    pub(crate) fn named(&self, name: &str) -> Option<&Tensor> {
        self.list.get(*self.index.get(name)?)
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Tensor> {
        self.list.iter()
    }

    fn insert(&mut self, tensor: Tensor, file: &str) -> Result<(), Error> {
        if self.list.len() >= limits::TENSORS {
            return Err(Error::malformed(file, "tensors", format_args!("more than {}", limits::TENSORS)));
        }
        match self.index.entry(tensor.name.clone()) {
            Entry::Occupied(entry) => {
                let problem = "is there twice, perhaps under two names or in two files";
                Err(Error::malformed(file, format_args!("tensor `{}`", entry.key()), problem))
            }
            Entry::Vacant(entry) => {
                entry.insert(self.list.len());
                self.list.push(tensor);
                Ok(())
            }
        }
    }
}

/// Gives every stored tensor its place in the model. Tensors of parts that are not run are left to the notes.
pub(crate) fn arrange(
    layout: Layout,
    config: &Config,
    block: Option<(usize, usize)>,
    stored: Vec<Stored>,
    notes: &mut Notes,
) -> Result<Tensors, Error> {
    let mut arranger = Arranger { layout, config, block, scales: HashMap::new(), tensors: Tensors::default() };
    let mut weights = Vec::new();
    for tensor in stored {
        match meaning(layout, &tensor.name) {
            Meaning::Scale(of) => arranger.scale(of, tensor)?,
            meaning => weights.push((meaning, tensor)),
        }
    }
    for (meaning, tensor) in weights {
        arranger.place(meaning, tensor, notes)?;
    }
    arranger.nothing_left()?;
    Ok(arranger.tensors)
}

struct Arranger<'a> {
    layout: Layout,
    config: &'a Config,
    /// Rows and columns that share a scale, where the configuration says so.
    block: Option<(usize, usize)>,
    /// Scales that no weight has asked for yet, by the weight's canonical name.
    scales: HashMap<String, Stored>,
    tensors: Tensors,
}

impl Arranger<'_> {
    fn scale(&mut self, of: String, stored: Stored) -> Result<(), Error> {
        match self.scales.insert(of, stored) {
            None => Ok(()),
            Some(first) => malformed(&first, "is there twice, perhaps under two names or in two files"),
        }
    }

    fn place(&mut self, meaning: Meaning, stored: Stored, notes: &mut Notes) -> Result<(), Error> {
        match meaning {
            Meaning::Unused(what) => notes.unused(what),
            Meaning::Weight(name) => self.weight(name, &stored)?,
            Meaning::Stacked(names) => self.stacked(&[names], &stored)?,
            Meaning::StackedPair(w1, w3) => self.stacked(&[w1, w3], &stored)?,
            Meaning::RopeFactors => {
                return unsupported(&stored, "Llama 3's factors of rotary frequencies are not supported");
            }
            Meaning::Scale(_) | Meaning::Unknown => {
                return Err(Error::UnknownTensor { file: stored.file.to_string(), name: stored.name });
            }
        }
        Ok(())
    }

    /// A scale without a weight in 8 bits would be left out in silence.
    fn nothing_left(&self) -> Result<(), Error> {
        match self.scales.values().min_by_key(|stored| &stored.name) {
            None => Ok(()),
            Some(scale) => malformed(scale, "is the scale of a weight that is not there, or not in 8 bits"),
        }
    }

    fn weight(&mut self, name: String, stored: &Stored) -> Result<(), Error> {
        let (rows, cols) = match stored.dims.as_slice() {
            [cols] => (1, *cols),
            [rows, cols] => (*rows, *cols),
            _ => return shapeless(stored),
        };
        let order = self.order(&name, rows, stored)?;
        let part = Part { name, rows, cols, first_row: 0, order };
        self.insert(part, stored)
    }

    /// A tensor `[experts, rows, cols]`, in which the rows of each expert are those of the matrices `names`.
    fn stacked(&mut self, names: &[String], stored: &Stored) -> Result<(), Error> {
        let &[experts, rows, cols] = stored.dims.as_slice() else { return shapeless(stored) };
        let expected = self.config.experts.map_or(0, |experts| experts.count);
        if experts != expected || !rows.is_multiple_of(names.len()) {
            return malformed(stored, format_args!("its sizes {:?} are not those of {expected} experts", stored.dims));
        }
        let rows_each = rows / names.len();
        for expert in 0..experts {
            for (which, name) in names.iter().enumerate() {
                let name = name.replace('*', &expert.to_string());
                let first_row = expert * rows + which * rows_each;
                self.insert(Part { name, rows: rows_each, cols, first_row, order: Order::Model }, stored)?;
            }
        }
        Ok(())
    }

    /// Helium alone among Hugging Face's classes rotates adjacent pairs.
    fn order(&self, name: &str, rows: usize, stored: &Stored) -> Result<Order, Error> {
        let rotated = name.ends_with(".wq.weight") || name.ends_with(".wk.weight");
        if self.layout != Layout::HuggingFace || self.config.architecture == "helium" || !rotated {
            return Ok(Order::Model);
        }
        let head_dim = self.config.head_dim;
        if !rows.is_multiple_of(head_dim) {
            return malformed(stored, format_args!("its {rows} rows are not whole heads of {head_dim}"));
        }
        Ok(Order::Halves { head_dim })
    }

    fn insert(&mut self, part: Part, stored: &Stored) -> Result<(), Error> {
        if part.rows == 0 || part.cols == 0 {
            return shapeless(stored);
        }
        let (format, scales) = match stored.kind {
            StoredKind::Weights(format) => (format, None),
            StoredKind::Fp8 => (Format::BF16, Some(self.scales_of(&part, stored)?)),
            StoredKind::Other(kind) => return unsupported(stored, format_args!("numbers of type {kind} are not read")),
        };
        // Rows of stacked experts are never in 8 bits, so that `format` is that of the file wherever rows are skipped.
        let row_bytes = format.row_bytes(part.cols).unwrap_or(0) as u64;
        let tensor = Tensor {
            name: part.name,
            rows: part.rows,
            cols: part.cols,
            format,
            scales,
            source: Arc::clone(&stored.source),
            offset: stored.offset + part.first_row as u64 * row_bytes,
            order: part.order,
        };
        self.tensors.insert(tensor, &stored.file)
    }

    fn scales_of(&mut self, part: &Part, stored: &Stored) -> Result<Arc<Scales>, Error> {
        match self.scales.remove(&part.name) {
            Some(scale) => Ok(Arc::new(Scales::read(&scale, stored, (part.rows, part.cols), self.block)?)),
            None => malformed(stored, "is in 8 bits, but its scale is missing"),
        }
    }
}

/// Rows of a stored tensor that make one matrix.
struct Part {
    name: String,
    rows: usize,
    cols: usize,
    first_row: usize,
    order: Order,
}

fn malformed<T>(stored: &Stored, problem: impl Display) -> Result<T, Error> {
    Err(Error::malformed(&stored.file, format_args!("tensor `{}`", stored.name), problem))
}

fn unsupported<T>(stored: &Stored, problem: impl Display) -> Result<T, Error> {
    Err(Error::unsupported(&stored.file, format_args!("tensor `{}`", stored.name), problem))
}

fn shapeless<T>(stored: &Stored) -> Result<T, Error> {
    malformed(stored, format_args!("its sizes {:?} are not those of such a tensor", stored.dims))
}
