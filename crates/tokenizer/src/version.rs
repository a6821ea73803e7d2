//! Which instruct template a tokenizer file asks for.

/// Version of Mistral's instruct template, as tokenizer files state it (mistral-common's `TokenizerVersion`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // the names are the field's own
pub enum TemplateVersion {
    V1,
    V2,
    V3,
    V7,
    V11,
    V13,
    V15,
}

impl TemplateVersion {
    /// Every version, oldest first.
    pub const ALL: [Self; 7] = [Self::V1, Self::V2, Self::V3, Self::V7, Self::V11, Self::V13, Self::V15];

    /// `"v1"` … `"v15"`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
            Self::V3 => "v3",
            Self::V7 => "v7",
            Self::V11 => "v11",
            Self::V13 => "v13",
            Self::V15 => "v15",
        }
    }

    /// The version with this name (`"v13"`).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|v| v.name() == name)
    }
}

impl std::fmt::Display for TemplateVersion {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
