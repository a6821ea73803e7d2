//! What `/openapi.json` says of the gate: keys, and the refusals that every path has.

use axum::http::Method;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{OpenApi, RefOr, Response};

use super::is_open;

/// Refusals that any path may give, in the form of its dialect.
const REFUSALS: [(&str, &str); 3] = [
    ("401", "A key is needed, and there is none, or a wrong one"),
    ("429", "The limits of the key are used up; `Retry-After` says when to try again"),
    ("503", "There is too much to do, or the server is going down; `Retry-After` says when to try again"),
];

/// Adds the two ways to send a key, and to each operation what the gate may answer in its place.
pub(crate) fn describe(whole: &mut OpenApi) {
    let components = whole.components.get_or_insert_default();
    components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    components.add_security_scheme("header", SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new("x-api-key"))));
    for (path, item) in &mut whole.paths.paths {
        let operations =
            [(Method::GET, &mut item.get), (Method::POST, &mut item.post), (Method::DELETE, &mut item.delete)];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                describe_operation(operation, &method, is_open(&method, path));
            }
        }
    }
}

fn describe_operation(operation: &mut Operation, method: &Method, open: bool) {
    let mut add = |status: &str, why: &str| {
        let response = || RefOr::T(Response::new(why));
        operation.responses.responses.entry(status.to_owned()).or_insert_with(response);
    };
    if *method == Method::POST {
        add("400", "The request is wrong: which field, and why");
    }
    if !open {
        REFUSALS.iter().for_each(|(status, why)| add(status, why));
    }
    // Without keys everybody may ask.
    let scopes = || std::iter::empty::<String>();
    let ways = ["bearer", "header"].map(|way| SecurityRequirement::new(way, scopes()));
    operation.security = (!open).then(|| ways.into_iter().chain([SecurityRequirement::default()]).collect());
}
