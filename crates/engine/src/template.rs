//! How conversations become tokens: which template, which tokenizer, and why.

use std::path::Path;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use checkpoint::{AddedTokens, Checkpoint, GgufVocab, TokenizerSource};
use prompt::{Choice, ChosenTemplate, Conversation, Moment};
use tokenizer::{AddedToken, Additions, TemplateVersion, TokenId, Tokenizer, TokenizerKind};

use crate::Error;

/// The instruct template of a model.
#[derive(Clone, Debug)]
pub struct Template(Result<Choice, String>);

impl Template {
    /// What is given, with a reason, or what the model's files ask for. That there is none shows when a conversation comes.
    pub fn choose(
        tokenizer: Result<&Tokenizer, &str>,
        chat_template: Option<&str>,
        given: Option<(TemplateVersion, &str)>,
    ) -> Self {
        Self(match (tokenizer, given) {
            (Err(why), _) => Err(format!("without a tokenizer there is no instruct template ({why})")),
            (Ok(_), Some((version, why))) => Ok(Choice {
                template: ChosenTemplate::Instruct(version),
                reason: format!("The built-in template {version} is used: {why}."),
            }),
            (Ok(tokenizer), None) => prompt::choose(tokenizer, chat_template).map_err(|error| error.to_string()),
        })
    }

    /// Which template is used and why, or why there is none: one sentence.
    pub fn reason(&self) -> &str {
        match &self.0 {
            Ok(choice) => &choice.reason,
            Err(why) => why,
        }
    }

    /// Conversations can be rendered.
    pub const fn is_there(&self) -> bool {
        self.0.is_ok()
    }

    /// The version whose rules answers follow; `None` where an answer is plain text.
    pub fn version(&self) -> Option<TemplateVersion> {
        self.0.as_ref().ok().and_then(Choice::version)
    }

    /// The tokens of a conversation, and the same for people.
    ///
    /// # Errors
    /// There is no template, or the messages do not make a conversation.
    pub fn render(&self, tokenizer: &Tokenizer, conversation: &Conversation) -> Result<prompt::Rendered, Error> {
        let choice = self.0.as_ref().map_err(|why| Error::NoTemplate { why: why.clone() })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Ok(choice.render(tokenizer, conversation, Moment::from_unix_seconds(now))?)
    }
}

/// A tokenizer with the template that belongs to it: all that tells how text and conversations become tokens.
#[derive(Clone, Debug)]
pub struct TextFront {
    /// `Err` says what was looked for.
    pub tokenizer: Result<Arc<Tokenizer>, String>,
    /// The instruct template.
    pub template: Template,
    /// Plain text starts with the begin token; a GGUF file may say that it does not (`add_bos_token`).
    adds_bos: bool,
}

impl TextFront {
    /// The tokenizer at `path`, without reading weights: of a model, or a bare tokenizer file.
    ///
    /// # Errors
    /// The file cannot be read as a model or as a tokenizer.
    pub fn open(path: &Path, asked: Option<TemplateVersion>) -> Result<Self, Error> {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_file() && !name.ends_with(".gguf") {
            let tokenizer = Arc::new(Tokenizer::open(path)?);
            let template = Template::choose(Ok(&tokenizer), None, asked.map(|version| (version, "it was asked for")));
            return Ok(Self { tokenizer: Ok(tokenizer), template, adds_bos: true });
        }
        Self::of(&Checkpoint::open(path)?, asked)
    }

    /// The tokenizer of a model. A broken one is an error, a missing one is not: token ids still work.
    pub fn of(checkpoint: &Checkpoint, asked: Option<TemplateVersion>) -> Result<Self, Error> {
        let tokenizer = match &checkpoint.tokenizer {
            TokenizerSource::Gguf(vocab) => Ok(Arc::new(Tokenizer::from_gguf(&gguf_vocab(vocab))?)),
            TokenizerSource::File(path) => {
                Ok(Arc::new(Tokenizer::open_with(path, &additions(&checkpoint.added_tokens))?))
            }
            TokenizerSource::None { looked_for } => Err(looked_for.clone()),
        };
        check_size(tokenizer.as_deref().ok(), checkpoint)?;
        let known = tokenizer.as_deref().map_err(String::as_str);
        let asked = asked.map(|version| (version, "it was asked for")).or_else(|| unmarked_first(checkpoint, known));
        let template = Template::choose(known, checkpoint.chat_template.as_deref(), asked);
        let adds_bos = !matches!(&checkpoint.tokenizer, TokenizerSource::Gguf(v) if v.add_bos == Some(false));
        Ok(Self { tokenizer, template, adds_bos })
    }

    /// The tokenizer.
    ///
    /// # Errors
    /// There is none.
    pub fn tokenizer(&self) -> Result<&Arc<Tokenizer>, Error> {
        self.tokenizer.as_ref().map_err(|why| Error::NoTokenizer { why: why.clone() })
    }

    /// Tokens of plain text, the begin token first where the model expects one.
    ///
    /// # Errors
    /// There is no tokenizer.
    pub fn complete(&self, text: &str) -> Result<Vec<TokenId>, Error> {
        let tokenizer = self.tokenizer()?;
        let bos = tokenizer.bos().filter(|_| self.adds_bos);
        Ok(bos.into_iter().chain(tokenizer.encode(text)).collect())
    }
}

/// Every token of a text has to have an embedding. The table may be longer: many are padded.
fn check_size(tokenizer: Option<&Tokenizer>, checkpoint: &Checkpoint) -> Result<(), Error> {
    let embeddings = checkpoint.config.vocab_size;
    match (&checkpoint.tokenizer, tokenizer.map(Tokenizer::vocab_size)) {
        (TokenizerSource::File(file), Some(tokens)) if tokens > embeddings => {
            Err(Error::Vocabulary { file: file.clone(), tokens, embeddings })
        }
        _ => Ok(()),
    }
}

/// Mistral's first models: their vocabulary has no control tokens that would tell, so the architecture has to.
fn unmarked_first(
    checkpoint: &Checkpoint,
    tokenizer: Result<&Tokenizer, &str>,
) -> Option<(TemplateVersion, &'static str)> {
    let unmarked = tokenizer.is_ok_and(|t| t.version().is_none() && t.kind() == TokenizerKind::SentencePiece);
    let mistral = matches!(checkpoint.config.architecture.as_str(), "mistral" | "mixtral");
    (unmarked && mistral && checkpoint.chat_template.is_none())
        .then_some((TemplateVersion::V1, "a Mistral model without control tokens is of the first generation"))
}

/// The same words on two floors that do not know each other.
fn additions(added: &AddedTokens) -> Additions {
    let token = |(id, content, special): &(u32, String, bool)| AddedToken {
        id: *id,
        content: content.clone(),
        special: *special,
    };
    Additions { tokens: added.tokens.iter().map(token).collect(), eos: added.eos_id }
}

/// As above.
fn gguf_vocab(vocab: &GgufVocab) -> tokenizer::GgufVocab {
    tokenizer::GgufVocab {
        model: vocab.model.clone(),
        pre: vocab.pre.clone(),
        tokens: vocab.tokens.clone(),
        scores: vocab.scores.clone(),
        token_types: vocab.token_types.clone(),
        bos_id: vocab.bos_id,
        eos_id: vocab.eos_id,
        unknown_id: vocab.unknown_id,
        padding_id: vocab.padding_id,
        add_space_prefix: vocab.add_space_prefix,
    }
}
