//! What of a request is about memory rather than an answer: loading, unloading, cutting.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use axum::response::Response;
use engine::{Prompt, Request};

use super::answer::{Head, Path};
use super::keep_alive::Stay;
use super::{convert, options, run, wire};
use crate::app::App;
use crate::refusal::Refusal;
use crate::stream::json_response;

/// What a request without a prompt asks for its answer. There is none, and still each field is what it must be.
pub(super) struct Idle {
    pub(super) think: Option<wire::Think>,
    /// Whether, and of how many alternatives.
    pub(super) logprobs: (Option<bool>, Option<u32>),
    pub(super) options: Option<wire::Options>,
}

impl Idle {
    /// # Errors
    /// A field cannot be done by any model. The room for tokens that is asked for, else.
    fn check(self) -> Result<Option<u64>, Refusal> {
        convert::effort(self.think.as_ref())?;
        let num_ctx = self.options.as_ref().and_then(|options| options.num_ctx);
        let mut request = Request::new(Prompt::Text(String::new()));
        options::choose(self.options, &mut request)?;
        run::logprobs(self.logprobs.0, self.logprobs.1, &mut request)?;
        // There is no bias, so that the vocabulary does not matter.
        request.sampling.validate(usize::MAX).map_err(|error| Refusal::from(engine::Error::from(error)))?;
        Ok(num_ctx)
    }
}

/// A request without a prompt: the model is loaded, or, with `keep_alive` 0, unloaded.
pub(super) async fn load_or_unload(
    app: &Arc<App>,
    name: &str,
    (stay, idle): (Option<Stay>, Idle),
    path: Path,
) -> Result<Response, Refusal> {
    let started = Instant::now();
    let num_ctx = idle.check()?;
    let entry = Arc::clone(app.models.find(Some(name))?);
    let reason = if Stay::is_over(stay) { "unload" } else { "load" };
    let model = if reason == "load" { Some(app.model(Some(name)).await?) } else { entry.loaded() };
    if let Some(model) = model {
        options::check_context(num_ctx, &model.engine)?;
        Stay::apply(stay, &model);
    }
    let head = Head { path, model: entry.name.clone(), started, load: started.elapsed() };
    Ok(json_response(StatusCode::OK, &head.without_answer(reason)))
}

/// # Errors
/// A prompt that does not fit is to be cut. That is never done unseen.
pub(super) fn refuse_cutting(truncate: Option<bool>, shift: Option<bool>) -> Result<(), Refusal> {
    for (field, asked) in [("truncate", truncate), ("shift", shift)] {
        if asked == Some(true) {
            let message =
                format!("{field}: a conversation is never cut, one that does not fit is an error: leave it out");
            return Err(Refusal::field(field, message));
        }
    }
    Ok(())
}
