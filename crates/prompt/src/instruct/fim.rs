//! Fill-in-the-middle: suffix first, then the text to continue. The model stops at the end token.

use tokenizer::TemplateVersion;

use super::{Prompt, Rendered};
use crate::Error;

pub(super) fn render(mut out: Prompt<'_>, prompt: &str, suffix: Option<&str>) -> Result<Rendered, Error> {
    if out.version() == TemplateVersion::V1 {
        return Err(Error::NoFim(TemplateVersion::V1));
    }
    out.start()?;
    out.control("[SUFFIX]")?;
    if let Some(suffix) = suffix.filter(|suffix| !suffix.is_empty()) {
        out.text_without_prefix(suffix);
    }
    out.control("[PREFIX]")?;
    out.text(prompt);
    Ok(out.finish())
}
