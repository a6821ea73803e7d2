//! Why a model could not be loaded, or a request not served.

/// Why a model could not be loaded, or a request not served.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The files cannot be read as a model.
    #[error(transparent)]
    Checkpoint(#[from] checkpoint::Error),
    /// The model cannot be run.
    #[error(transparent)]
    Model(#[from] model::Error),
    /// The machine does not grant what was asked for.
    #[error(transparent)]
    Compute(#[from] compute::Error),
    /// The tokenizer file is broken.
    #[error(transparent)]
    Tokenizer(#[from] tokenizer::Error),
    /// The messages do not make a conversation.
    #[error(transparent)]
    Prompt(#[from] prompt::Error),
    /// A sampling parameter is out of range, or the model returned no usable logits.
    #[error(transparent)]
    Sampling(#[from] sampling::Error),
    /// A constraint cannot be compiled, or not be followed to its end.
    #[error(transparent)]
    Grammar(#[from] grammar::Error),
    /// There is no tokenizer, and the request needs one.
    #[error("this model has no tokenizer ({why}); give token ids instead")]
    NoTokenizer {
        /// What was looked for, and where.
        why: String,
    },
    /// The tokenizer file is another model's.
    #[error(
        "{} has {tokens} tokens, but the table of embeddings has {embeddings}: it belongs to another model, take the one \
         from the model's own folder",
        file.display()
    )]
    Vocabulary {
        /// The tokenizer file.
        file: std::path::PathBuf,
        /// Its tokens.
        tokens: usize,
        /// Rows of the table of embeddings.
        embeddings: usize,
    },
    /// There is no instruct template, and the request is a conversation.
    #[error("{why}")]
    NoTemplate {
        /// What was found instead, and what to do.
        why: String,
    },
    /// The prompt leaves no room for an answer.
    #[error(
        "the prompt is {prompt_tokens} tokens long and the context holds {context}, prompt and answer together: \
         shorten it, or {advice} (the model was made for {model_context})"
    )]
    ContextLength {
        /// Tokens of the prompt.
        prompt_tokens: usize,
        /// Tokens that fit.
        context: usize,
        /// Tokens that the model was made for.
        model_context: usize,
        /// How more of them can be had ([`crate::ModelCard::more_context`]).
        advice: String,
    },
    /// The context asked for does not suit the model or the memory.
    #[error("a context of {asked} tokens cannot be had: it must be between 1 and {most}, {why}")]
    Context {
        /// What was asked for.
        asked: usize,
        /// What there can be.
        most: usize,
        /// Whose bound it is.
        why: &'static str,
    },
    /// The weights take far more memory than their files, and more than is free.
    #[error(
        "the model consists of so many small tensors that its {stored} bytes take {packed} in memory, and {free} are \
         free: it is no model that anybody would run"
    )]
    Padding {
        /// Bytes in memory.
        packed: u64,
        /// Bytes in the files.
        stored: u64,
        /// Bytes that are free.
        free: u64,
    },
    /// A token id that the model does not have.
    #[error("token id {id} is out of range: the vocabulary has {vocab} entries")]
    TokenId {
        /// The id.
        id: u32,
        /// Size of the vocabulary.
        vocab: usize,
    },
    /// The folder of the prefix cache cannot be used.
    #[error("the prefix cache's folder {} cannot be used: {source}; name another one, or none", path.display())]
    PrefixCache {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The scheduler has no place.
    #[error(transparent)]
    Refused(#[from] sched::Refused),
    /// The worker thread has ended.
    #[error("the engine's worker thread has ended: this is a defect, please report it with what stands above")]
    WorkerGone,
    /// The worker thread cannot be started.
    #[error("the engine's worker thread cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}
