//! The tiny checkpoints of `vectors/models`, with the logits that `transformers` computed for them.

use std::path::PathBuf;

use checkpoint::Checkpoint;

/// One checkpoint, in one or more file layouts.
pub(crate) struct Model {
    /// Its folder.
    pub(crate) name: &'static str,
    /// Largest `‖ours − theirs‖ / ‖theirs‖` that passes.
    pub(crate) bound: f64,
}

/// Float weights: the order of sums and the last bit of exp, sin and cos are ours.
const FLOAT: f64 = 1e-5;
/// Block formats: activations are rounded to 8 bits before each product, those of the reference are not.
const INT8: f64 = 3e-2;

/// Every folder of `vectors/models`.
pub(crate) static MODELS: [Model; 19] = [
    Model { name: "fp8", bound: FLOAT },
    Model { name: "fp8-tiles", bound: FLOAT },
    Model { name: "helium", bound: FLOAT },
    Model { name: "iq4-mxfp4", bound: INT8 },
    Model { name: "k-mixed", bound: INT8 },
    Model { name: "llama", bound: FLOAT },
    Model { name: "llama-f16", bound: FLOAT },
    Model { name: "ministral", bound: FLOAT },
    Model { name: "ministral3", bound: FLOAT },
    Model { name: "ministral3-scaled", bound: FLOAT },
    Model { name: "mistral", bound: FLOAT },
    Model { name: "mistral-heads", bound: FLOAT },
    Model { name: "mistral-window", bound: FLOAT },
    Model { name: "mistral3-tied", bound: FLOAT },
    Model { name: "mixtral", bound: FLOAT },
    Model { name: "odd-bf16", bound: FLOAT },
    Model { name: "q4_0", bound: INT8 },
    Model { name: "q4_k_m", bound: INT8 },
    Model { name: "q8_0", bound: INT8 },
];

impl Model {
    /// Its layouts: name, and what [`Checkpoint::open`] takes.
    pub(crate) fn layouts(&self) -> Vec<(&'static str, PathBuf)> {
        let path = |file: &str| testkit::vectors(&format!("models/{}/{file}", self.name));
        let all = ["hf", "mistral", "model.gguf"].map(|file| (file, path(file)));
        all.into_iter().filter(|(_, path)| path.exists()).collect()
    }

    /// The first of its layouts, opened.
    pub(crate) fn open(&self) -> Checkpoint {
        let (_, path) = &self.layouts()[0];
        Checkpoint::open(path).unwrap_or_else(|e| panic!("{e}"))
    }

    /// Reference logits of [`prompt`], `[tokens, vocab]`.
    pub(crate) fn reference(&self) -> Vec<f32> {
        testkit::floats(&testkit::vectors(&format!("models/{}/logits.f32", self.name)))
    }
}

/// Every checkpoint in each of its layouts: a name for reports, the model, the path.
pub(crate) fn all_layouts() -> impl Iterator<Item = (String, (&'static Model, PathBuf))> {
    let rows = |model: &'static Model| {
        model.layouts().into_iter().map(move |(layout, path)| (format!("{} {layout}", model.name), (model, path)))
    };
    MODELS.iter().flat_map(rows)
}

/// The one prompt of all reference logits.
pub(crate) fn prompt() -> Vec<u32> {
    let ids = testkit::json(&testkit::vectors("models/prompt.json"));
    ids.as_array().unwrap().iter().map(|id| u32::try_from(id.as_u64().unwrap()).unwrap()).collect()
}

#[test]
fn every_folder_is_in_the_table() {
    let folder = std::fs::read_dir(testkit::vectors("models")).unwrap();
    let mut folders: Vec<_> = folder.map(|e| e.unwrap()).filter(|e| e.file_type().unwrap().is_dir()).collect();
    folders.sort_by_key(std::fs::DirEntry::file_name);
    let folders: Vec<_> = folders.iter().map(std::fs::DirEntry::file_name).collect();
    assert_eq!(folders, MODELS.iter().map(|m| m.name).collect::<Vec<_>>());
}
