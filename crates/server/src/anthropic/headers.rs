//! `anthropic-version` and `anthropic-beta`: what a client relies on.

use axum::http::HeaderMap;

use crate::refusal::{Refusal, RefusalKind};

/// Versions whose messages have the form that is spoken here. The younger one takes `temperature`, `top_p` and `top_k`
/// away; here they stay, because the models have them.
const VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];

/// Betas that ask for what is done here anyway, and why it is.
const BETAS: [(&str, &str); 9] = [
    ("claude-code-20250219", "names the client"),
    ("prompt-caching-2024-07-31", "every prompt is cached as far as it goes"),
    ("extended-cache-ttl-2025-04-11", "what is cached stays until its place is needed"),
    ("token-counting-2024-11-01", "/v1/messages/count_tokens"),
    ("interleaved-thinking-2025-05-14", "a model may think after each tool result"),
    ("dev-full-thinking-2025-05-14", "thoughts are sent whole"),
    ("structured-outputs-2025-11-13", "output_config.format, strict tools"),
    ("model-context-window-exceeded-2025-08-26", "the stop_reason of that name"),
    ("output-128k-2025-02-19", "an answer is bounded by the context alone"),
];

/// # Errors
/// The headers ask for a version or a beta that is not spoken here.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Refusal> {
    let refused = |message: String| Err(Refusal::new(RefusalKind::Invalid, message));
    for version in headers.get_all("anthropic-version") {
        let version = version.to_str().unwrap_or_default();
        if !VERSIONS.contains(&version) {
            return refused(format!("anthropic-version: {version:?} is not known, expected {}", VERSIONS.join(" or ")));
        }
    }
    for value in headers.get_all("anthropic-beta") {
        let names = value.to_str().unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        for name in names {
            if !BETAS.iter().any(|(known, _)| *known == name) {
                return refused(format!("anthropic-beta: {name:?} cannot be done here: leave it out"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_done_is_named() {
        let rows = [
            ("anthropic-version", "2023-06-01", true),
            ("anthropic-version", "2026-10-21", true),
            ("anthropic-version", "2022-01-01", false),
            ("anthropic-beta", "prompt-caching-2024-07-31, interleaved-thinking-2025-05-14", true),
            ("anthropic-beta", "prompt-caching-2024-07-31,computer-use-2025-01-24", false),
            ("anthropic-beta", "files-api-2025-04-14", false),
        ];
        for (name, value, taken) in rows {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            let checked = check(&headers);
            assert_eq!(checked.is_ok(), taken, "{name}: {value}");
            if let Err(refusal) = checked {
                assert!(refusal.message.starts_with(name), "{}", refusal.message);
            }
        }
    }
}
