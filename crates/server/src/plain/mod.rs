//! Paths that belong to no dialect.

mod life;

use utoipa::OpenApi;

use crate::routes::Routes;

/// What `/openapi.json` says of these paths.
#[derive(OpenApi)]
#[openapi(paths(life::health, life::ready))]
struct Document;

pub(crate) fn routes() -> Routes {
    Routes::new(Document::openapi()).get("/health", life::health).get("/ready", life::ready)
}
