//! Models that are on the disk already, in the folders of the programs that fetched them.
//!
//! Everything here only reads. What other programs wrote is taken for bytes from outside: folders are walked to a bounded
//! depth and length, small files are read up to a bound, digests are parsed, and a link is followed only where it stays
//! inside the folder that is being read. A model that cannot be used is found all the same, with the reason.
//!
//! One file a program; what they share is `tree.rs` (reading safely) and `group.rs` (which files make one model). What a
//! word means among all that was found is in `crate::resolve`.

mod folders;
mod group;
mod huggingface;
mod llama_cpp;
mod lm_studio;
mod ollama;
mod path;
mod roots;
pub(crate) mod tree;

use std::fmt;
use std::path::PathBuf;

pub use group::quantisation_of;
pub use path::at_path;
pub use roots::Roots;

pub(crate) use tree::{read_regular, single};

use crate::{BlobDigest, Commit, Manifest, limits};

/// Whose folder a model lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Place {
    /// The cache of Hugging Face's libraries, where `pull` puts its files too.
    HuggingFace,
    /// LM Studio's models.
    LmStudio,
    /// Ollama's models.
    Ollama,
    /// The cache of llama.cpp's programs.
    LlamaCpp,
    /// A folder that `models_dirs` in config.toml names.
    Folder,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HuggingFace => "Hugging Face",
            Self::LmStudio => "LM Studio",
            Self::Ollama => "Ollama",
            Self::LlamaCpp => "llama.cpp",
            Self::Folder => "models_dirs",
        })
    }
}

/// A model on the disk.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Found {
    /// What to type for it: `user/repo:Q4_K_M`, `mistral:7b`, the name of a file. Not always unique.
    pub name: String,
    /// Other words that mean it.
    pub aliases: Vec<String>,
    /// Whose it is.
    pub place: Place,
    /// What `Checkpoint::open` takes: the file, the first part of a split one, or the folder.
    pub path: PathBuf,
    /// All files that belong to it.
    pub files: Vec<FoundFile>,
    /// Where it came from, as far as the place says: `user/repo` on the hub, or Ollama's full name.
    pub origin: Option<String>,
    /// Commit of the repository.
    pub revision: Option<Commit>,
    /// What this program wrote down when it fetched the model; `None` for what others fetched.
    pub manifest: Option<Manifest>,
    /// Why it cannot be used, where that can be told without opening it.
    pub problem: Option<String>,
}

impl Found {
    /// Bytes of all files.
    pub fn size_bytes(&self) -> u64 {
        self.files.iter().fold(0, |sum, file| sum.saturating_add(file.size_bytes))
    }
}

/// A file of a model.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FoundFile {
    /// Its name there.
    pub name: String,
    /// Where it is, with links resolved.
    pub path: PathBuf,
    /// Its length.
    pub size_bytes: u64,
    /// What its bytes hash to, where the place says.
    pub expected: Option<BlobDigest>,
}

/// All models that can be found, in the order of places, then of names.
///
/// Folders that are not there hold nothing. At most `limits::MODELS` are returned.
pub fn survey(roots: &Roots) -> Vec<Found> {
    let mut found = Vec::new();
    each(&roots.hugging_face, huggingface::read, &mut found);
    each(&roots.lm_studio, lm_studio::read, &mut found);
    each(&roots.ollama, ollama::read, &mut found);
    each(&roots.llama_cpp, llama_cpp::read, &mut found);
    each(&roots.folders, folders::read, &mut found);
    found.sort_by(|a, b| (a.place, &a.name, &a.path).cmp(&(b.place, &b.name, &b.path)));
    // Two settings may name one folder.
    found.dedup_by(|a, b| (a.place, &a.name, &a.path) == (b.place, &b.name, &b.path));
    found.truncate(limits::MODELS);
    found
}

fn each(folders: &[PathBuf], read: fn(&tree::Tree, &mut Vec<Found>), found: &mut Vec<Found>) {
    folders.iter().filter_map(|folder| tree::Tree::open(folder)).for_each(|tree| read(&tree, found));
}
