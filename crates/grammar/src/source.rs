//! From a specification to the grammars that llguidance compiles.
//!
//! The first grammar is ours: the space that SentencePiece puts before a text, a thought, tool calls. What comes from
//! outside stands in grammars beside it, under names, and is never pasted into a text.

use std::fmt::Write;

use llguidance::api::{GrammarWithLexer, TopLevelGrammar};
use serde_json::{Value, json};

use crate::vocabulary::Vocabulary;
use crate::{Error, Spec, schema, text, tools};

/// White space between the parts of a JSON value: a space, or a new line and its indentation. Nothing longer: a model that
/// does not know what to say would go on with spaces.
const JSON_SPACE: &str = r" |\r?\n[ \t]{0,40}";

/// Grammars under construction.
pub(crate) struct Source<'v> {
    pub vocabulary: &'v Vocabulary,
    rules: String,
    parts: Vec<GrammarWithLexer>,
}

/// Refuses what is not to be compiled, without compiling anything.
///
/// # Errors
/// What is wrong, and where.
pub(crate) fn check(spec: &Spec) -> Result<(), Error> {
    match spec {
        Spec::JsonSchema(schema) => schema::check(schema),
        Spec::JsonObject => Ok(()),
        Spec::Regex(regex) => text::check_regex("the regular expression", regex),
        Spec::Lark(grammar) => text::check_lark(grammar),
        Spec::Tools(tools) => tools::check(tools),
        Spec::AfterThought(spec) => check(spec),
    }
}

/// The grammars of a specification that was checked.
///
/// # Errors
/// Tools that the tokenizer has no tokens for.
pub(crate) fn grammars(spec: &Spec, vocabulary: &Vocabulary) -> Result<TopLevelGrammar, Error> {
    let mut source = Source { vocabulary, rules: String::new(), parts: Vec::new() };
    let start = source.whole(spec)?;
    source.rule("start", &start);
    let main = GrammarWithLexer::from_lark(source.rules);
    Ok(TopLevelGrammar { grammars: std::iter::once(main).chain(source.parts).collect(), max_tokens: None })
}

impl Source<'_> {
    fn whole(&mut self, spec: &Spec) -> Result<String, Error> {
        match spec {
            Spec::Tools(tools) => tools::write(self, tools),
            Spec::AfterThought(spec) => {
                let rest = self.whole(spec)?;
                let thought = if matches!(**spec, Spec::Tools(_)) { None } else { self.thought() };
                Ok(thought.map_or_else(|| rest.clone(), |thought| format!("({thought})? {rest}")))
            }
            spec => {
                let answer = self.answer(spec)?;
                Ok(format!("{} {answer}", self.first_space()))
            }
        }
    }

    /// A reference to a grammar of its own for something without control tokens.
    pub(crate) fn answer(&mut self, spec: &Spec) -> Result<String, Error> {
        Ok(match spec {
            Spec::JsonSchema(schema) => self.json(schema),
            Spec::JsonObject => self.json(&json!({"type": "object"})),
            Spec::Regex(regex) => self.part(GrammarWithLexer::from_regex(regex)),
            Spec::Lark(grammar) => self.part(GrammarWithLexer::from_lark(grammar.clone())),
            Spec::AfterThought(spec) => self.answer(spec)?,
            Spec::Tools(_) => {
                return Err(Error::Rejected { what: "tools", why: "they stand inside other tools".into() });
            }
        })
    }

    /// A reference to the values of a schema.
    pub(crate) fn json(&mut self, schema: &Value) -> String {
        let mut schema = match schema {
            Value::Object(entries) => schema::enforced(entries),
            // `true`: everything. `false` was refused.
            _ => serde_json::Map::new(),
        };
        schema.insert("x-guidance".into(), json!({"whitespace_pattern": JSON_SPACE}));
        self.part(GrammarWithLexer::from_json_schema(Value::Object(schema)))
    }

    /// The expression for a thought, where the tokenizer can write one.
    pub(crate) fn thought(&self) -> Option<String> {
        let begin = self.vocabulary.special("[THINK]")?;
        let end = self.vocabulary.special("[/THINK]")?;
        Some(format!("<[{begin}]> /(.|\\n)+/? <[{end}]>"))
    }

    /// The expression for the space that is not part of the text after it.
    pub(crate) fn first_space(&self) -> &'static str {
        if self.vocabulary.first_space().is_some() { "\" \"" } else { "" }
    }

    /// Adds a rule.
    pub(crate) fn rule(&mut self, name: &str, expression: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.rules, "{name}: {expression}");
    }

    fn part(&mut self, mut grammar: GrammarWithLexer) -> String {
        let name = format!("part_{}", self.parts.len());
        let reference = format!("@{name}");
        grammar.name = Some(name);
        self.parts.push(grammar);
        reference
    }
}
