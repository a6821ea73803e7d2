//! The dialect of Mistral.

mod refused;

pub(crate) use refused::refused;

use utoipa::OpenApi;

use crate::routes::Routes;

/// What `/openapi.json` says of this dialect.
#[derive(OpenApi)]
#[openapi(paths())]
struct Document;

/// The paths of this dialect alone; those that it shares are in `shared_paths.rs`.
pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi())
}
