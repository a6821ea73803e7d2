//! Why a request is not answered, before any dialect.
//!
//! A handler returns `Result<Response, Refusal>`. The refusal travels in the extensions of an empty response; the gate
//! writes it in the words of the dialect ([`crate::dialect::Dialect::render`]).

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use engine::prompt;

/// The field that says how long to think, where a dialect calls it like this.
pub(crate) const EFFORT: &str = "reasoning_effort";

/// Why a request is not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// What sort of reason.
    pub(crate) kind: RefusalKind,
    /// What, where, and what to do, in a sentence for the client.
    pub(crate) message: String,
    /// Path of the field that is wrong: `messages[0].content`.
    pub(crate) param: Option<String>,
    /// A word for programs: `context_length_exceeded`.
    pub(crate) code: Option<&'static str>,
    /// Seconds after which it may be worth another try.
    pub(crate) retry_after_s: Option<u32>,
}

/// What sort of reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusalKind {
    /// The request is wrong: 400.
    Invalid,
    /// The request is understood, a field of it is not: 422 where the dialect has it, else 400.
    UnknownField,
    /// The prompt does not fit in the context: 400.
    ContextLength,
    /// There is no key, or a wrong one: 401.
    Unauthorised,
    /// Not from there, or not with this key: 403.
    Forbidden,
    /// There is no such path: 404.
    NoSuchPath,
    /// There is no such model: 404.
    NoSuchModel,
    /// The path knows other methods: 405.
    Method,
    /// The body did not come in time: 408.
    Slow,
    /// The body is too long: 413.
    TooLarge,
    /// The body is not JSON by its own word: 415.
    MediaType,
    /// The `Host` is not ours: 421.
    Misdirected,
    /// The limits of this key are used up: 429.
    RateLimited,
    /// A defect: 500.
    Internal,
    /// Nothing that runs here can do it: 501.
    NotImplemented,
    /// Too much to do: 503.
    Overloaded,
    /// The model cannot be had now: 503.
    Unavailable,
    /// The server is going down: 503.
    Draining,
}

impl RefusalKind {
    /// The status that says so.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Invalid | Self::UnknownField | Self::ContextLength => StatusCode::BAD_REQUEST,
            Self::Unauthorised => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NoSuchPath | Self::NoSuchModel => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Slow => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Misdirected => StatusCode::MISDIRECTED_REQUEST,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotImplemented => StatusCode::NOT_IMPLEMENTED,
            Self::Overloaded | Self::Unavailable | Self::Draining => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

impl Refusal {
    /// A refusal without further particulars.
    pub(crate) fn new(kind: RefusalKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), param: None, code: None, retry_after_s: None }
    }

    /// The request is wrong at this field.
    pub(crate) fn field(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(RefusalKind::Invalid, message).at(param)
    }

    /// The same, at this field.
    pub(crate) fn at(self, param: impl Into<String>) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    /// The same, with a word for programs.
    pub(crate) fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// The same, with a time for another try.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after_s: Some(seconds), ..self }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = self.kind.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What the engine says of a request. What is not the client's doing is a defect, and named in the log only.
impl From<engine::Error> for Refusal {
    fn from(error: engine::Error) -> Self {
        use RefusalKind::{ContextLength, Internal, Invalid};
        let message = error.to_string();
        match error {
            engine::Error::ContextLength { .. } => Self::new(ContextLength, message).code("context_length_exceeded"),
            engine::Error::Refused(refused) => refused_by_scheduler(&refused, message),
            engine::Error::Prompt(
                prompt::Error::NoReasoningEffort(_)
                | prompt::Error::ReasoningEffort { .. }
                | prompt::Error::EffortNotListed,
            ) => Self::field(EFFORT, message),
            engine::Error::Prompt(_) | engine::Error::NoTokenizer { .. } | engine::Error::NoTemplate { .. } => {
                Self::new(Invalid, message)
            }
            engine::Error::Sampling(_) | engine::Error::TokenId { .. } | engine::Error::Context { .. } => {
                Self::new(Invalid, message)
            }
            _ => {
                tracing::error!(cause = %message, "the engine failed");
                Self::new(Internal, "the engine failed: the server's log says why")
            }
        }
    }
}

fn refused_by_scheduler(refused: &engine::Refused, message: String) -> Refusal {
    match refused {
        engine::Refused::Empty => Refusal::new(RefusalKind::Invalid, message),
        engine::Refused::TooLong { .. } => {
            Refusal::new(RefusalKind::ContextLength, message).code("context_length_exceeded")
        }
        _ => Refusal::new(RefusalKind::Overloaded, message).retry_after(1),
    }
}
