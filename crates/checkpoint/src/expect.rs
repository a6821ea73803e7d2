//! Comparing the tensors that are there with those that a configuration implies.

use quant::RowSource;

use crate::Error;
use crate::arrange::Tensors;

/// A tensor that a model needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Canonical name.
    pub name: String,
    /// Rows; 1 for a vector.
    pub rows: usize,
    /// Columns.
    pub cols: usize,
}

impl Expected {
    /// The tensor `name`, `rows` × `cols`.
    pub fn new(name: &str, rows: usize, cols: usize) -> Self {
        Self { name: name.to_owned(), rows, cols }
    }
}

/// The first tensor that is missing, has another shape, or is too many.
pub(crate) fn expect(tensors: &Tensors, expected: &[Expected], file: &str) -> Result<(), Error> {
    for Expected { name, rows, cols } in expected {
        let Some(tensor) = tensors.named(name) else {
            return Err(Error::MissingTensor { file: file.to_owned(), name: name.clone(), rows: *rows, cols: *cols });
        };
        if (tensor.rows(), tensor.cols()) != (*rows, *cols) {
            return Err(Error::Misshapen {
                file: file.to_owned(),
                name: name.clone(),
                rows: tensor.rows(),
                cols: tensor.cols(),
                expected_rows: *rows,
                expected_cols: *cols,
            });
        }
    }
    let names: std::collections::HashSet<&str> = expected.iter().map(|expected| expected.name.as_str()).collect();
    match tensors.iter().find(|tensor| !names.contains(tensor.name())) {
        Some(extra) => Err(Error::ExtraTensor { file: file.to_owned(), name: extra.name().to_owned() }),
        None => Ok(()),
    }
}
