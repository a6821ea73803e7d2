//! `anthropic-version` and `anthropic-beta`: what a client relies on.

use axum::http::HeaderMap;

use crate::refusal::{Refusal, RefusalKind};

/// Versions whose messages have the form that is spoken here. The younger one takes `temperature`, `top_p` and `top_k`
/// away; here they stay, because the models have them.
const VERSIONS: [&str; 2] = ["2023-06-01", "2026-10-21"];

/// Betas that ask for what is done here anyway, and why it is; or that only allow fields of the request, each of which is
/// honoured or refused by its own name.
const BETAS: [(&str, &str); 20] = [
    ("claude-code-20250219", "names the client"),
    ("prompt-caching-2024-07-31", "every prompt is cached as far as it goes"),
    ("extended-cache-ttl-2025-04-11", "what is cached stays until its place is needed"),
    ("token-counting-2024-11-01", "/v1/messages/count_tokens"),
    ("interleaved-thinking-2025-05-14", "a model may think after each tool result"),
    ("dev-full-thinking-2025-05-14", "thoughts are sent whole"),
    ("structured-outputs-2025-11-13", "output_config.format, strict tools"),
    ("model-context-window-exceeded-2025-08-26", "the stop_reason of that name"),
    ("output-128k-2025-02-19", "an answer is bounded by the context alone"),
    ("context-1m-2025-08-07", "the context is the model's, always whole"),
    ("structured-outputs-2025-12-15", "output_config.format, strict tools"),
    ("effort-2025-11-24", "output_config.effort"),
    ("mid-conversation-system-2026-04-07", "messages of the role system"),
    ("context-management-2025-06-27", "allows context_management, of which what keeps everything is done"),
    ("prompt-caching-scope-2026-01-05", "allows cache_control.scope; a cached prompt belongs to its key in any case"),
    ("fine-grained-tool-streaming-2025-05-14", "allows unfinished arguments; here they are finished"),
    ("thinking-token-count-2026-05-13", "allows counts of thoughts that are not sent; usage has them all"),
    ("redact-thinking-2026-02-12", "asks for thoughts without their text, as thinking.display: omitted does"),
    ("fallback-credit-2026-06-01", "of the bill, and there is none"),
    ("oauth-2025-04-20", "of how the client signs in; keys are checked in any case"),
];

/// Whether the client asks not to be sent the text of thoughts.
pub(super) fn redacts(headers: &HeaderMap) -> bool {
    let names = headers.get_all("anthropic-beta").into_iter().filter_map(|value| value.to_str().ok());
    names.flat_map(|names| names.split(',')).any(|name| name.trim() == "redact-thinking-2026-02-12")
}

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
