//! The table of routes, from which the router, the test of keys and the OpenAPI document are all made.
//!
//! A dialect adds rows: `Routes::new(Document::openapi()).post("/v1/messages", create)`. A row that the document does not
//! describe, or a description without a row, fails a test.

use std::sync::Arc;

use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::http::Method;
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter, get, on};
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Description;

use crate::app::App;
use crate::refusal::{Refusal, RefusalKind};
use crate::{anthropic, gate, mistral, ollama, openai, plain, shared_paths};

/// Rows of the table, with what `/openapi.json` says of them.
pub(crate) struct Routes {
    rows: Vec<Row>,
    description: Description,
}

struct Row {
    method: Method,
    path: &'static str,
    handler: MethodRouter<Arc<App>>,
}

impl Routes {
    /// No rows yet.
    pub(crate) fn new(description: Description) -> Self {
        Self { rows: Vec::new(), description }
    }

    /// Answers GET (and HEAD) at `path`, in axum's notation: `/v1/models/{model}`.
    pub(crate) fn get<H: Handler<T, Arc<App>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.row(Method::GET, path, get(handler))
    }

    /// Answers POST at `path`.
    pub(crate) fn post<H: Handler<T, Arc<App>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.row(Method::POST, path, on(MethodFilter::POST, handler))
    }

    /// Answers DELETE at `path`.
    pub(crate) fn delete<H: Handler<T, Arc<App>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.row(Method::DELETE, path, on(MethodFilter::DELETE, handler))
    }

    fn row(mut self, method: Method, path: &'static str, handler: MethodRouter<Arc<App>>) -> Self {
        self.rows.push(Row { method, path, handler });
        self
    }
}

/// All parts of the table.
fn all() -> [Routes; 6] {
    [
        plain::routes(),
        shared_paths::routes(),
        openai::routes(),
        mistral::routes(),
        anthropic::routes(),
        ollama::routes(),
    ]
}

/// The router over the whole table. What it does not know is a refusal too.
pub(crate) fn router(app: Arc<App>) -> Router {
    let mut router = Router::new();
    for row in all().into_iter().flat_map(|part| part.rows) {
        router = router.route(row.path, row.handler);
    }
    router
        .method_not_allowed_fallback(async || {
            Refusal::new(RefusalKind::Method, "this path does not answer this method: /openapi.json says which it does")
        })
        .route_layer(from_fn(remember_path))
        .fallback(async || {
            Refusal::new(RefusalKind::NoSuchPath, "there is no such path: /openapi.json lists those that there are")
        })
        .with_state(app)
}

/// The path as the table has it, for logs and metrics: it says nothing of the request.
#[derive(Clone)]
pub(crate) struct RoutePath(pub(crate) String);

async fn remember_path(path: MatchedPath, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.extensions_mut().insert(RoutePath(path.as_str().to_owned()));
    response
}

/// The OpenAPI document of the whole table.
pub(crate) fn description() -> Description {
    #[derive(OpenApi)]
    #[openapi(info(title = "Tramontane", description = "Open-weight Mistral models on your own machine"))]
    struct Document;
    let mut whole = Document::openapi();
    all().into_iter().for_each(|part| whole.merge(part.description));
    gate::describe(&mut whole);
    whole
}

/// One row of the table, for those who document or test it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RouteSummary {
    /// `GET`, `POST`.
    pub method: String,
    /// In axum's notation: `/v1/models/{model}`.
    pub path: &'static str,
    /// It answers without a key too.
    pub open: bool,
}

/// The whole table.
pub fn route_table() -> Vec<RouteSummary> {
    let rows = all().into_iter().flat_map(|part| part.rows);
    let summary = |row: Row| RouteSummary {
        method: row.method.to_string(),
        path: row.path,
        open: crate::gate::is_open(&row.method, row.path),
    };
    rows.map(summary).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn table_and_document_agree() {
        let document = serde_json::to_value(description()).unwrap();
        let described: BTreeSet<String> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                let methods = item.as_object().unwrap().keys();
                methods.map(move |method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
            })
            .collect();
        let rows: BTreeSet<String> =
            route_table().iter().map(|row| format!("{} {}", row.method, row.path.replace("{*", "{"))).collect();
        assert_eq!(rows, described, "left: routes, right: what the document describes");
    }
}
