//! From tensors in files to the matrices of a model: canonical names, row order, experts one by one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use quant::Format;

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
    stored: Vec<Stored>,
    notes: &mut Notes,
) -> Result<Tensors, Error> {
    let mut arranger = Arranger { layout, config, tensors: Tensors::default() };
    for tensor in stored {
        arranger.place(tensor, notes)?;
    }
    Ok(arranger.tensors)
}

struct Arranger<'a> {
    layout: Layout,
    config: &'a Config,
    tensors: Tensors,
}

impl Arranger<'_> {
    fn place(&mut self, stored: Stored, notes: &mut Notes) -> Result<(), Error> {
        match meaning(self.layout, &stored.name) {
            Meaning::Unused(what) => notes.unused(what),
            Meaning::Weight(name) if name == "output.weight" && self.config.tied_embeddings => {
                notes.add("the output matrix in the files is not used: the configuration ties it to the embeddings");
            }
            Meaning::Weight(name) => self.weight(name, &stored)?,
            Meaning::Stacked(names) => self.stacked(&[names], &stored)?,
            Meaning::StackedPair(w1, w3) => self.stacked(&[w1, w3], &stored)?,
            Meaning::Scale(_) => {}
            Meaning::RopeFactors => {
                let problem = "Llama 3's factors of rotary frequencies are not supported";
                return Err(Error::unsupported(&stored.file, format_args!("tensor `{}`", stored.name), problem));
            }
            Meaning::Unknown => {
                return Err(Error::UnknownTensor { file: stored.file.to_string(), name: stored.name });
            }
        }
        Ok(())
    }

    fn weight(&mut self, name: String, stored: &Stored) -> Result<(), Error> {
        let (rows, cols) = match stored.dims.as_slice() {
            [cols] => (1, *cols),
            [rows, cols] => (*rows, *cols),
            dims => return shapeless(stored, dims),
        };
        let order = self.order(&name, rows, stored)?;
        let part = Part { name, rows, cols, first_row: 0, order };
        self.insert(part, stored)
    }

    /// A tensor `[experts, rows, cols]`, in which the rows of each expert are those of the matrices `names`.
    fn stacked(&mut self, names: &[String], stored: &Stored) -> Result<(), Error> {
        let &[experts, rows, cols] = stored.dims.as_slice() else { return shapeless(stored, &stored.dims) };
        let expected = self.config.experts.map_or(0, |experts| experts.count);
        if experts != expected || rows % names.len() != 0 {
            let problem = format!("its sizes {:?} are not those of {expected} experts", stored.dims);
            return Err(Error::malformed(&stored.file, format_args!("tensor `{}`", stored.name), problem));
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
        if rows % head_dim != 0 {
            let problem = format!("its {rows} rows are not whole heads of {head_dim}");
            return Err(Error::malformed(&stored.file, format_args!("tensor `{}`", stored.name), problem));
        }
        Ok(Order::Halves { head_dim })
    }

    fn insert(&mut self, part: Part, stored: &Stored) -> Result<(), Error> {
        let StoredKind::Weights(format) = stored.kind else {
            let problem = format!("numbers of type {:?} are not read", stored.kind);
            return Err(Error::unsupported(&stored.file, format_args!("tensor `{}`", stored.name), problem));
        };
        let tensor = Tensor {
            name: part.name,
            rows: part.rows,
            cols: part.cols,
            format,
            source: Arc::clone(&stored.source),
            offset: stored.offset + part.first_row as u64 * row_bytes(format, part.cols),
            order: part.order,
        };
        self.tensors.insert(tensor, &stored.file)
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

/// The container's reader has checked that rows are whole blocks.
fn row_bytes(format: Format, cols: usize) -> u64 {
    format.row_bytes(cols).unwrap_or(0) as u64
}

fn shapeless<T>(stored: &Stored, dims: &[usize]) -> Result<T, Error> {
    let problem = format!("its sizes {dims:?} are not those of such a tensor");
    Err(Error::malformed(&stored.file, format_args!("tensor `{}`", stored.name), problem))
}
