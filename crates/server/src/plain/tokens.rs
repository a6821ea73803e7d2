//! `POST /tokenize` and `POST /detokenize`, in llama.cpp's form.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use engine::TokenId;
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;
use utoipa::ToSchema;

use crate::app::App;
use crate::body::Body;
use crate::models::Loaded;
use crate::refusal::{Refusal, RefusalKind};
use crate::stream::json_response;

/// A text to be cut into tokens.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Tokenize {
    /// The text. Nothing in it becomes a control token.
    content: String,
    /// The model whose tokens they are; the default one where there is none.
    model: Option<String>,
    /// Put the begin token first.
    #[serde(default)]
    add_special: bool,
    /// Say the text of each token too.
    #[serde(default)]
    with_pieces: bool,
}

/// Its tokens.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokenized {
    tokens: Vec<Token>,
}

/// A token: its id alone, or with its text.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
enum Token {
    Id(u32),
    Piece { id: u32, piece: String },
}

/// Tokens to be put together.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Detokenize {
    /// Ids. Control tokens are left out of the text.
    tokens: Vec<u32>,
    /// The model whose tokens they are; the default one where there is none.
    model: Option<String>,
}

/// Their text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Detokenized {
    content: String,
}

/// The tokens of a text.
#[utoipa::path(post, path = "/tokenize", tag = "Tokens", request_body = Tokenize, responses(
    (status = 200, description = "The tokens", body = Tokenized),
    (status = 400, description = "The request is wrong"),
    (status = 404, description = "There is no such model"),
))]
pub(super) async fn tokenize(State(app): State<Arc<App>>, Body(asked): Body<Tokenize>) -> Result<Response, Refusal> {
    let model = app.model(asked.model.as_deref()).await?;
    let tokenized = on_the_side(move || cut(&model, &asked)).await?;
    Ok(json_response(StatusCode::OK, &tokenized))
}

fn cut(model: &Loaded, asked: &Tokenize) -> Result<Tokenized, Refusal> {
    let tokenizer = model.engine.text().tokenizer()?;
    let bos = tokenizer.bos().filter(|_| asked.add_special);
    let tokens = bos.into_iter().chain(tokenizer.encode(&asked.content));
    let token = |token: TokenId| match asked.with_pieces {
        true => Token::Piece { id: token.0, piece: tokenizer.piece(token) },
        false => Token::Id(token.0),
    };
    Ok(Tokenized { tokens: tokens.map(token).collect() })
}

/// The text of tokens.
#[utoipa::path(post, path = "/detokenize", tag = "Tokens", request_body = Detokenize, responses(
    (status = 200, description = "The text", body = Detokenized),
    (status = 400, description = "The request is wrong, or a token is out of range"),
    (status = 404, description = "There is no such model"),
))]
pub(super) async fn detokenize(
    State(app): State<Arc<App>>,
    Body(asked): Body<Detokenize>,
) -> Result<Response, Refusal> {
    let model = app.model(asked.model.as_deref()).await?;
    let detokenized = on_the_side(move || join(&model, &asked)).await?;
    Ok(json_response(StatusCode::OK, &detokenized))
}

fn join(model: &Loaded, asked: &Detokenize) -> Result<Detokenized, Refusal> {
    let tokenizer = model.engine.text().tokenizer()?;
    let vocab = tokenizer.vocab_size();
    let outside = asked.tokens.iter().position(|&id| usize::try_from(id).is_ok_and(|id| id >= vocab));
    if let Some(index) = outside {
        let field = format!("tokens[{index}]");
        return Err(Refusal::field(&field, format!("{field}: the vocabulary has {vocab} tokens")));
    }
    let tokens: Vec<_> = asked.tokens.iter().map(|&id| TokenId(id)).collect();
    Ok(Detokenized { content: tokenizer.decode(&tokens) })
}

/// Megabytes of text take their time: not on the threads of the connections.
async fn on_the_side<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|_| Err(Refusal::new(RefusalKind::Internal, "the text could not be worked on")))
}
