//! `POST /v1/rerank`.

use axum::response::{IntoResponse as _, Response};

use crate::refusal::{Refusal, RefusalKind};

/// Order documents by what they have to do with a question: no model that runs here can.
#[utoipa::path(post, path = "/v1/rerank", tag = "Server", responses(
    (status = 501, description = "No model that runs here can do it"),
))]
pub(super) async fn rerank() -> Response {
    let message = "no model that runs here can rerank: compare vectors of /v1/embeddings instead";
    Refusal::new(RefusalKind::NotImplemented, message).code("not_implemented").into_response()
}
