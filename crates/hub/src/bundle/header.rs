//! What a bundle says of itself, checked before any of it is used.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{BlobDigest, Manifest, Sha256Digest, limits};

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// What is in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Of this format: 1.
    pub version: u32,
    /// What wrote it: `tramontane 0.1.0`.
    pub made_by: String,
    /// The program, where it is in the bundle.
    pub program: Option<Program>,
    /// The models, by their manifests.
    pub models: Vec<Manifest>,
    /// What follows the header, in order: each content once.
    pub members: Vec<Member>,
}

/// The program in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What it runs on: `x86_64-linux`.
    pub target: String,
    /// Its version.
    pub version: String,
    /// Which member it is.
    pub sha256: Sha256Digest,
}

/// Bytes in a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Member {
    /// What they hash to.
    pub sha256: Sha256Digest,
    /// How many they are.
    pub size_bytes: u64,
}

impl Header {
    pub(super) const VERSION: u32 = VERSION;

    /// Bytes of all members.
    pub fn size_bytes(&self) -> u64 {
        self.members.iter().fold(0, |sum, member| sum.saturating_add(member.size_bytes))
    }

    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let wrong = |problem: serde_json::Error| format!("its header is wrong: {problem}");
        let Version { version } = serde_json::from_slice(text).map_err(wrong)?;
        if version != VERSION {
            return Err(format!("a bundle of version {version}, where {VERSION} is read: update this program"));
        }
        let header: Self = serde_json::from_slice(text).map_err(wrong)?;
        header.check().map_err(|problem| format!("its header is wrong: {problem}"))?;
        Ok(header)
    }

    /// Where each member starts; the last one ends where the file does.
    pub(super) fn starts(&self, start: u64, file_bytes: u64) -> Result<Vec<u64>, String> {
        let mut at = start;
        let mut starts = Vec::with_capacity(self.members.len());
        for member in &self.members {
            starts.push(at);
            at = at.checked_add(member.size_bytes).ok_or("its header is wrong: lengths without end")?;
        }
        if at != file_bytes {
            return Err(format!(
                "it has {file_bytes} bytes where its header says {at}: it is cut or damaged, copy it again"
            ));
        }
        Ok(starts)
    }

    /// Every file is a member of the same length, every member is a file, nothing stands there twice.
    fn check(&self) -> Result<(), String> {
        if self.models.len() > limits::BUNDLE_MODELS || self.members.len() > limits::BUNDLE_MEMBERS {
            return Err("more than is accepted".to_owned());
        }
        let members: BTreeMap<_, _> = self.members.iter().map(|member| (member.sha256, member.size_bytes)).collect();
        if members.len() != self.members.len() {
            return Err("a member stands there twice".to_owned());
        }
        let mut used: BTreeSet<_> = self.program.iter().map(|program| program.sha256).collect();
        if let Some(absent) = used.iter().find(|sha256| !members.contains_key(sha256)) {
            return Err(format!("the program {absent} is not in it"));
        }
        let mut models = BTreeSet::new();
        for model in &self.models {
            check_model(model, &members)?;
            used.extend(model.files.iter().map(|file| file.sha256));
            if !models.insert((&model.repo, &model.commit, &model.quant)) {
                return Err(format!("{} stands there twice", model.name));
            }
        }
        match members.keys().find(|sha256| !used.contains(sha256)) {
            Some(stray) => Err(format!("member {stray} belongs to nothing")),
            None => Ok(()),
        }
    }
}

fn check_model(model: &Manifest, members: &BTreeMap<Sha256Digest, u64>) -> Result<(), String> {
    let name = &model.name;
    if model.version != Manifest::VERSION {
        return Err(format!("{name} has a manifest of version {}", model.version));
    }
    if model.files.is_empty() || model.files.len() > limits::MODEL_FILES {
        return Err(format!("{name} has {} files", model.files.len()));
    }
    if !model.is_rightly_named() {
        return Err(format!("{name} is not what models of {} are called here", model.repo));
    }
    let mut paths = BTreeSet::new();
    for file in &model.files {
        if members.get(&file.sha256) != Some(&file.size_bytes) {
            return Err(format!("{} of {name} is not in it", file.path));
        }
        if matches!(file.blob, BlobDigest::Sha256(blob) if blob != file.sha256) {
            return Err(format!("{} of {name} has two hashes", file.path));
        }
        // Case makes no difference on some systems.
        if !paths.insert(file.path.to_string().to_ascii_lowercase()) {
            return Err(format!("{} of {name} stands there twice", file.path));
        }
    }
    Ok(())
}
