//! `--schema`, `--regex` and `--grammar`: what the answer must look like.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use engine::grammar::{Constraint, Spec};
use engine::prompt::Json;
use engine::{Engine, TemplateVersion};

use crate::exit::Usage;

/// What the answer must look like.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Answer")]
pub(crate) struct ConstraintFlags {
    /// JSON schema that the answer must follow
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Regular expression that the whole answer must match
    #[arg(long, value_name = "PATTERN", conflicts_with = "schema")]
    regex: Option<String>,
    /// Grammar in Lark's notation that the answer must follow, from its rule `start`
    #[arg(long, value_name = "FILE", conflicts_with_all = ["schema", "regex"])]
    grammar: Option<PathBuf>,
}

/// The same, read and checked.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    spec: Spec,
    /// As the prompt of some models states it.
    pub(crate) schema: Option<Json>,
}

impl ConstraintFlags {
    /// # Errors
    /// A file cannot be read, or what it asks for cannot be enforced.
    pub(crate) fn form(&self) -> anyhow::Result<Option<Form>> {
        let form = match (&self.schema, &self.regex, &self.grammar) {
            (Some(path), ..) => schema(path)?,
            (_, Some(regex), _) => checked(Spec::Regex(regex.clone()), "--regex")?,
            (.., Some(path)) => checked(Spec::Lark(text(path)?), &path.display().to_string())?,
            (None, None, None) => return Ok(None),
        };
        Ok(Some(form))
    }
}

impl Form {
    /// For an answer of this model; `raw`: without template, so without thoughts.
    ///
    /// # Errors
    /// It cannot be compiled.
    pub(crate) fn compile(self, engine: &Engine, raw: bool) -> anyhow::Result<Constraint> {
        let thinks = !raw && engine.text().template.version() >= Some(TemplateVersion::V13);
        let spec = if thinks { Spec::AfterThought(Box::new(self.spec)) } else { self.spec };
        engine.grammar()?.compile(&spec).map_err(|error| Usage::error(error.to_string()))
    }
}

fn schema(path: &Path) -> anyhow::Result<Form> {
    let text = text(path)?;
    let shown = path.display();
    let value = serde_json::from_str(&text).map_err(|error| Usage::error(format!("{shown} is not JSON: {error}")))?;
    let form = checked(Spec::JsonSchema(value), &shown.to_string())?;
    let schema = Json::parse(&text).map_err(|error| Usage::error(format!("{shown} is not JSON: {error}")))?;
    Ok(Form { schema: Some(schema), ..form })
}

fn checked(spec: Spec, place: &str) -> anyhow::Result<Form> {
    spec.check().map_err(|error| Usage::error(format!("{place}: {error}")))?;
    Ok(Form { spec, schema: None })
}

/// A file that is not longer than anything that will be taken of it.
fn text(path: &Path) -> anyhow::Result<String> {
    const MOST: u64 = 1 << 20;
    let shown = || path.display().to_string();
    let mut text = String::new();
    File::open(path).and_then(|file| file.take(MOST).read_to_string(&mut text)).with_context(shown)?;
    Ok(text)
}
