//! What the headers of a model's files say, whether it is in memory or not: for lists of models.

use engine::{EngineOptions, Layout, SamplingParams, TemplateVersion, TextFront};

use super::Entry;

/// What the headers of a model's files say.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    /// `mistral`, `ministral3`, …
    pub(crate) architecture: String,
    /// In whose arrangement the files are.
    pub(crate) layout: Layout,
    /// Weights.
    pub(crate) parameters: u64,
    /// Formats of the weights: `Q4_K_M`, `bf16`.
    pub(crate) format: String,
    /// Tokens of a conversation that the model was made for.
    pub(crate) context: usize,
    /// Values of a vector that stands for a text.
    pub(crate) dim: usize,
    /// Number of layers.
    pub(crate) layers: usize,
    /// Size of the vocabulary.
    pub(crate) vocab: usize,
    /// As the files give it.
    pub(crate) license: Option<String>,
    /// The instruct template; `None` where there is none, or it is of another family.
    pub(crate) version: Option<TemplateVersion>,
    /// Which template is used and why, in a sentence.
    pub(crate) template: String,
    /// It can be talked to.
    pub(crate) chats: bool,
    /// It was trained to fill in the middle.
    pub(crate) fills_in: bool,
    /// It has a place for thoughts.
    pub(crate) thinks: bool,
    /// How hot its answers are where nobody says.
    pub(crate) temperature: f32,
}

impl Facts {
    /// Reads the headers of the files; no weights.
    ///
    /// # Errors
    /// The files are not there, or no model.
    pub(super) fn read(entry: &Entry, options: &EngineOptions) -> Result<Self, engine::Error> {
        let checkpoint = (entry.source.open)()?;
        let text = TextFront::of(&checkpoint, options.template)?;
        let has = |piece: &str| text.tokenizer.as_ref().is_ok_and(|tokenizer| tokenizer.special(piece).is_some());
        let version = text.template.version();
        let about = &checkpoint.about;
        let most = about.formats.first().map(|(format, _)| format.to_string());
        Ok(Self {
            architecture: checkpoint.config.architecture.clone(),
            layout: checkpoint.layout,
            parameters: about.parameters,
            format: about.file_type.clone().or(most).unwrap_or_default(),
            context: checkpoint.config.context_length,
            dim: checkpoint.config.dim,
            layers: checkpoint.config.n_layers,
            vocab: checkpoint.config.vocab_size,
            license: about.license.clone(),
            version,
            template: text.template.reason().to_owned(),
            chats: text.template.is_there(),
            fills_in: version >= Some(TemplateVersion::V2) && has("[SUFFIX]") && has("[PREFIX]"),
            thinks: version >= Some(TemplateVersion::V13) && has("[THINK]"),
            temperature: about.recommended.temperature.unwrap_or(SamplingParams::default().temperature),
        })
    }

    /// It can be given tools.
    pub(crate) fn calls_tools(&self) -> bool {
        self.version >= Some(TemplateVersion::V2)
    }
}
