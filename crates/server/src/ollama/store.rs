//! Paths of Ollama's that would change which models there are: refused, in a sentence that says where it is done.

use crate::refusal::{Refusal, RefusalKind};

/// `POST /api/pull`.
#[utoipa::path(post, path = "/api/pull", tag = "Ollama", responses((status = 501, description = "`tramontane pull`")))]
pub(super) async fn pull() -> Refusal {
    refused("the server never fetches anything: run `tramontane pull NAME` and serve the model")
}

/// `POST /api/push`.
#[utoipa::path(post, path = "/api/push", tag = "Ollama", responses((status = 501, description = "Never")))]
pub(super) async fn push() -> Refusal {
    refused("the server never sends a model anywhere")
}

/// `POST /api/create`.
#[utoipa::path(post, path = "/api/create", tag = "Ollama", responses((status = 501, description = "`tramontane quantize`")))]
pub(super) async fn create() -> Refusal {
    refused("the server makes no models: run `tramontane quantize`, or name aliases in config.toml")
}

/// `POST /api/copy`.
#[utoipa::path(post, path = "/api/copy", tag = "Ollama", responses((status = 501, description = "An alias")))]
pub(super) async fn copy() -> Refusal {
    refused("the server copies no models: name aliases in config.toml")
}

/// `DELETE /api/delete`.
#[utoipa::path(delete, path = "/api/delete", tag = "Ollama", responses((status = 501, description = "`tramontane rm`")))]
pub(super) async fn delete() -> Refusal {
    refused("the server deletes no models: run `tramontane rm NAME`")
}

fn refused(message: &str) -> Refusal {
    Refusal::new(RefusalKind::NotImplemented, message)
}
