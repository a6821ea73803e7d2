//! The one tokenizer type, over both kinds.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use crate::pieces::{Kind, Pieces};
use crate::sentencepiece::SentencePiece;
use crate::tekken::{self, Tekken};
use crate::{Detokenizer, Error, GgufVocab, ModelSettings, TemplateVersion, TokenId, gguf};

/// Text to token ids and back. Cheap to clone: clones share the vocabulary.
///
/// Encoding never yields a control token, whatever the text: those are placed by id ([`Tokenizer::special`]).
#[derive(Clone, Debug)]
pub struct Tokenizer(Arc<Parts>);

/// The two kinds of tokenizers of Mistral's models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenizerKind {
    /// `tokenizer.model`: merges characters (or, in some models of others, chooses by score); the first space of a
    /// text is not part of it.
    SentencePiece,
    /// `tekken.json`: merges bytes.
    Tekken,
}

#[derive(Debug)]
pub(crate) struct Parts {
    pub model: Model,
    /// Control tokens and the unknown token, by name.
    pub specials: HashMap<String, TokenId>,
    pub bos: Option<TokenId>,
    pub eos: Option<TokenId>,
    pub unknown: Option<TokenId>,
    pub padding: Option<TokenId>,
    pub version: Option<TemplateVersion>,
    pub version_is_inferred: bool,
    pub settings: Option<ModelSettings>,
    pub image: Option<Value>,
    pub audio: Option<Value>,
}

#[derive(Debug)]
pub(crate) enum Model {
    SentencePiece(Box<SentencePiece>),
    Tekken(Tekken),
}

impl Tokenizer {
    /// Reads a SentencePiece model. Its template version stands in the name of its file (`tokenizer.model.v3`), if
    /// anywhere; otherwise it is inferred from its control tokens.
    ///
    /// # Errors
    /// The file is damaged, or asks for what is not done here.
    pub fn from_spm(bytes: &[u8], file_name: &str) -> Result<Self, Error> {
        let (model, named) = SentencePiece::from_file(bytes)?;
        let mut parts = Parts::new(Model::SentencePiece(Box::new(model)));
        let control = |name: &str| parts.specials.get(name).copied().filter(|&id| parts.is_control(id));
        let (bos, eos, padding) = (control(&named.bos), control(&named.eos), control(&named.padding));
        (parts.bos, parts.eos, parts.padding) = (bos, eos, padding);
        if let Some(version) = version_in_name(file_name)? {
            (parts.version, parts.version_is_inferred) = (Some(version), false);
        }
        Ok(Self(Arc::new(parts)))
    }

    /// Reads a `tekken.json`.
    ///
    /// # Errors
    /// The file is damaged, or asks for what is not done here.
    pub fn from_tekken(bytes: &[u8]) -> Result<Self, Error> {
        let tekken::File { tekken, version, settings, image, audio } = tekken::read(bytes)?;
        let parts = Parts::new(Model::Tekken(tekken));
        let (version, version_is_inferred) = (Some(version), false);
        Ok(Self(Arc::new(Parts { version, version_is_inferred, settings, image, audio, ..parts })))
    }

    /// Makes a tokenizer of the vocabulary in a GGUF file. Its template version is inferred from its special tokens.
    ///
    /// # Errors
    /// The vocabulary contradicts itself, or is of a kind that is not known.
    pub fn from_gguf(vocab: &GgufVocab) -> Result<Self, Error> {
        let ids = [vocab.bos_id, vocab.eos_id, vocab.unknown_id, vocab.padding_id];
        let mut parts = Parts::new(gguf::model(vocab)?);
        let size = parts.model.pieces().len();
        if let Some(id) = ids.into_iter().flatten().find(|&id| id as usize >= size) {
            return Err(Error::malformed("the special tokens", format_args!("there is no token {id}")));
        }
        let [bos, eos, unknown, padding] = ids.map(|id| id.map(TokenId));
        parts.bos = bos.or(parts.bos);
        parts.eos = eos.or(parts.eos);
        parts.unknown = unknown.or(parts.unknown);
        parts.padding = padding.or(parts.padding);
        Ok(Self(Arc::new(parts)))
    }

    /// The tokens of a text: no special token, no begin token. SentencePiece puts a space before the text where its
    /// model says so.
    pub fn encode(&self, text: &str) -> Vec<TokenId> {
        match &self.0.model {
            Model::SentencePiece(model) => model.encode(text, true),
            Model::Tekken(model) => model.encode(text),
        }
    }

    /// The tokens of a text that goes on where another stopped, as fill-in-the-middle needs it.
    ///
    /// SentencePiece leaves the space before the text out. Tekken does what mistral-common does to both kinds: it
    /// encodes the text after a `☺` and drops the first two tokens, which are the `☺`.
    pub fn encode_without_prefix(&self, text: &str) -> Vec<TokenId> {
        match &self.0.model {
            Model::SentencePiece(model) => model.encode(text, false),
            Model::Tekken(model) => model.encode(&["☺", text].concat()).into_iter().skip(2).collect(),
        }
    }

    /// What the tokens say. Special tokens and ids outside the vocabulary say nothing; bytes that are no text become
    /// U+FFFD; the space that SentencePiece puts before a text is dropped.
    pub fn decode(&self, tokens: &[TokenId]) -> String {
        let mut detokenizer = Detokenizer::new(self);
        let mut text: String = tokens.iter().map(|&token| detokenizer.push(token)).collect();
        text.push_str(&detokenizer.finish());
        text
    }

    /// The tokens with special ones by name, as mistral-common shows a prompt: SentencePiece as its pieces (`▁` for a
    /// space), Tekken as text.
    pub fn debug_text(&self, tokens: &[TokenId]) -> String {
        match &self.0.model {
            Model::SentencePiece(_) => tokens.iter().map(|&token| self.piece(token)).collect(),
            Model::Tekken(_) => tokens
                .chunk_by(|&a, &b| !self.is_special(a) && !self.is_special(b))
                .map(|run| match run {
                    [token] if self.is_special(*token) => self.piece(*token),
                    text => self.decode(text),
                })
                .collect(),
        }
    }

    /// The bytes that a token adds to a text: none for a special token, one for a byte token, not always whole
    /// characters. `None` outside the vocabulary.
    pub fn token_bytes(&self, token: TokenId) -> Option<&[u8]> {
        self.0.model.text(token)
    }

    /// The token as one reads it: its name or its text, with U+FFFD for bytes that are no text. SentencePiece's pieces
    /// are spelled as in their file (`▁Hello`, `<0x0A>`). Empty outside the vocabulary.
    pub fn piece(&self, token: TokenId) -> String {
        let text = match &self.0.model {
            Model::SentencePiece(model) => model.name(token).map(Cow::Owned),
            Model::Tekken(model) => model.pieces().bytes(token).map(String::from_utf8_lossy),
        };
        text.unwrap_or_default().into_owned()
    }

    /// The special token of this name (`[INST]`).
    pub fn special(&self, name: &str) -> Option<TokenId> {
        self.0.specials.get(name).copied()
    }

    /// Whether a token is a control token, which text never becomes.
    pub fn is_special(&self, token: TokenId) -> bool {
        self.0.is_control(token)
    }

    /// The token that begins every prompt.
    pub fn bos(&self) -> Option<TokenId> {
        self.0.bos
    }

    /// The token that ends an answer.
    pub fn eos(&self) -> Option<TokenId> {
        self.0.eos
    }

    /// The token for what the vocabulary does not have.
    pub fn unk(&self) -> Option<TokenId> {
        self.0.unknown
    }

    /// The token that fills batches up.
    pub fn pad(&self) -> Option<TokenId> {
        self.0.padding
    }

    /// Number of tokens, special ones included.
    pub fn vocab_size(&self) -> usize {
        self.0.model.pieces().len()
    }

    /// Number of control tokens.
    pub fn num_special(&self) -> usize {
        self.0.model.pieces().of_kind(Kind::Control).count()
    }

    /// Which instruct template the model was trained with, where that can be known. A `tokenizer.model` without
    /// Mistral's control tokens tells nothing: v1 if it is Mistral's, none at all if not.
    pub fn version(&self) -> Option<TemplateVersion> {
        self.0.version
    }

    /// Whether [`Tokenizer::version`] is a guess by the special tokens, not a statement of the file.
    pub fn version_is_inferred(&self) -> bool {
        self.0.version_is_inferred
    }

    /// Which kind of tokenizer this is.
    pub fn kind(&self) -> TokenizerKind {
        match self.0.model {
            Model::SentencePiece(_) => TokenizerKind::SentencePiece,
            Model::Tekken(_) => TokenizerKind::Tekken,
        }
    }

    /// Which settings the model was trained to read (`tekken.json` of v15).
    pub fn model_settings(&self) -> Option<&ModelSettings> {
        self.0.settings.as_ref()
    }

    /// How images are cut for this model (`image` of a `tekken.json`).
    pub fn image(&self) -> Option<&Value> {
        self.0.image.as_ref()
    }

    /// How sound is cut for this model (`audio` of a `tekken.json`).
    pub fn audio(&self) -> Option<&Value> {
        self.0.audio.as_ref()
    }

    /// The same tokenizer with a vocabulary that was added to, and perhaps another end.
    pub(crate) fn with_model(&self, model: Model, eos: Option<TokenId>) -> Self {
        let Parts { bos, padding, version, version_is_inferred, .. } = *self.0;
        let (settings, image, audio) = (self.0.settings.clone(), self.0.image.clone(), self.0.audio.clone());
        let eos = eos.or(self.0.eos);
        let parts = Parts::new(model);
        Self(Arc::new(Parts { bos, eos, padding, version, version_is_inferred, settings, image, audio, ..parts }))
    }

    pub(crate) fn model(&self) -> &Model {
        &self.0.model
    }
}

impl Model {
    pub(crate) const fn pieces(&self) -> &Pieces {
        match self {
            Self::SentencePiece(model) => model.pieces(),
            Self::Tekken(model) => model.pieces(),
        }
    }

    pub(crate) fn text(&self, token: TokenId) -> Option<&[u8]> {
        match self {
            Self::SentencePiece(model) => model.text(token),
            Self::Tekken(model) => model.text(token),
        }
    }
}

impl Parts {
    /// What the vocabulary itself tells.
    fn new(model: Model) -> Self {
        let pieces = model.pieces();
        let special = pieces.of_kind(Kind::Unknown).chain(pieces.of_kind(Kind::Control));
        let specials: HashMap<String, TokenId> =
            special.map(|(id, name)| (String::from_utf8_lossy(name).into_owned(), id)).collect();
        let find = |name: &str| specials.get(name).copied();
        let unknown = match &model {
            Model::SentencePiece(model) => Some(model.unknown()),
            Model::Tekken(_) => find("<unk>"),
        };
        let version = infer_version(&model, &specials);
        Self {
            bos: find("<s>"),
            eos: find("</s>"),
            unknown,
            padding: find("<pad>"),
            version_is_inferred: version.is_some(),
            version,
            settings: None,
            image: None,
            audio: None,
            specials,
            model,
        }
    }

    fn is_control(&self, token: TokenId) -> bool {
        self.model.pieces().kind(token) == Some(Kind::Control)
    }
}

/// The newest version whose own special tokens are there.
fn infer_version(model: &Model, specials: &HashMap<String, TokenId>) -> Option<TemplateVersion> {
    let is_tekken = matches!(model, Model::Tekken(_));
    let signs = [
        ("[MODEL_SETTINGS]", TemplateVersion::V15),
        ("[THINK]", TemplateVersion::V13),
        ("[ARGS]", TemplateVersion::V11),
        ("[SYSTEM_PROMPT]", TemplateVersion::V7),
        ("[PREFIX]", TemplateVersion::V3),
        ("[INST]", if is_tekken { TemplateVersion::V3 } else { TemplateVersion::V2 }),
    ];
    signs.into_iter().find(|(name, _)| specials.contains_key(*name)).map(|(_, version)| version)
}

/// `v3` of `tokenizer.model.v3` and `tokenizer.model.v3m1`; `None` of `tokenizer.model`.
fn version_in_name(file_name: &str) -> Result<Option<TemplateVersion>, Error> {
    let Some((_, suffix)) = file_name.rsplit_once(".model.") else { return Ok(None) };
    let name = suffix.split('m').next().unwrap_or(suffix);
    let unknown = || Error::unsupported(format_args!("the name `{file_name}`"), format_args!("version `{suffix}`"));
    TemplateVersion::from_name(name).map(Some).ok_or_else(unknown)
}
