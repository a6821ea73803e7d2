//! The tiny checkpoints of `vectors/models`, with the logits that `transformers` computed for them.

use std::path::PathBuf;

/// One checkpoint, in one or more file layouts.
pub(crate) struct Model {
    /// Its folder.
    pub(crate) name: &'static str,
}

/// Every folder of `vectors/models`.
pub(crate) static MODELS: [Model; 19] = [
    Model { name: "fp8" },
    Model { name: "fp8-tiles" },
    Model { name: "helium" },
    Model { name: "iq4-mxfp4" },
    Model { name: "k-mixed" },
    Model { name: "llama" },
    Model { name: "llama-f16" },
    Model { name: "ministral" },
    Model { name: "ministral3" },
    Model { name: "ministral3-scaled" },
    Model { name: "mistral" },
    Model { name: "mistral-heads" },
    Model { name: "mistral-window" },
    Model { name: "mistral3-tied" },
    Model { name: "mixtral" },
    Model { name: "odd-bf16" },
    Model { name: "q4_0" },
    Model { name: "q4_k_m" },
    Model { name: "q8_0" },
];

impl Model {
    /// Its layouts: name, and what `Checkpoint::open` takes.
    pub(crate) fn layouts(&self) -> Vec<(&'static str, PathBuf)> {
        let path = |file: &str| testkit::vectors(&format!("models/{}/{file}", self.name));
        let all = ["hf", "mistral", "model.gguf"].map(|file| (file, path(file)));
        all.into_iter().filter(|(_, path)| path.exists()).collect()
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
