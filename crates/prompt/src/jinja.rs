//! Chat templates of other families: the Jinja that a GGUF file carries, rendered and turned into tokens.
//!
//! A template comes from a model file, so from anybody. It is bounded four ways (`guard.rs`): by its size and depth
//! before it is compiled, by fuel while it runs, by the size of all strings and lists that it builds, and by what it may
//! store.
//! It sees nothing but the conversation, and calls nothing but the functions here.
//!
//! The text that it writes holds the user's words and the template's control tokens, and the two must not be
//! confused: a literal `</s>` in a message stays text. `mark.rs` tells how.

mod budget;
mod guard;
mod lists;
mod mark;
mod moment;
mod operators;
mod values;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use minijinja::machinery::{CompiledTemplate, TemplateConfig, eval, make_string_output};
use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Value};
use tokenizer::{TokenId, Tokenizer};

use crate::limits::{MAX_RENDERED_BYTES, MAX_TEMPLATE_BYTES, MAX_TEMPLATE_RECURSION};
use crate::message::{Assistant, Chunk, Content, Conversation, Message, ToolCall};
use crate::normalize::normalize_json;
use crate::{Error, Json, Rendered};
use budget::Budget;
use mark::Marks;
pub use moment::Moment;

/// The name under which templates know the reasoning effort.
const EFFORT: &str = "reasoning_effort";

/// A chat template in Jinja.
#[derive(Clone, Debug)]
pub struct JinjaTemplate {
    source: String,
    fuel: u64,
}

/// What a template may know beside the conversation.
#[derive(Clone, Debug, Default)]
pub struct TemplateContext {
    /// Text of the token that a prompt starts with.
    pub bos: String,
    /// Text of the token that ends an answer.
    pub eos: String,
    /// The time that `strftime_now` tells.
    pub now: Moment,
    /// Control tokens, which no text from outside may form.
    pub controls: Vec<String>,
}

impl JinjaTemplate {
    /// Checks and compiles a template.
    ///
    /// # Errors
    /// It is too long or too deep, or no Jinja.
    pub fn new(source: &str) -> Result<Self, Error> {
        if source.len() > MAX_TEMPLATE_BYTES {
            let what = format!("it has {} bytes, more than {MAX_TEMPLATE_BYTES}", source.len());
            return Err(Error::TemplateRefused(what));
        }
        without_panic(|| {
            let guarded = guard::inspect(source, &syntax()?)?;
            let template = Self { source: guarded.source, fuel: guarded.fuel };
            template.compile()?;
            Ok(template)
        })
    }

    /// The template's text for a conversation; texts from outside still bear their marks.
    ///
    /// # Errors
    /// The template fails, or would grow beyond its bounds.
    fn run(&self, conversation: &Json, context: &TemplateContext, fuel: u64) -> Result<String, Error> {
        without_panic(|| {
            let compiled = self.compile()?;
            let budget = Arc::new(Budget::new(conversation.dump().len()));
            let env = environment(fuel.min(self.fuel), context.now, &budget);
            let root = values::from_json(conversation);
            let mut text = String::new();
            let mut out = make_string_output(&mut text);
            eval(&env, &compiled.instructions, root, &compiled.blocks, &mut out, AutoEscape::None)
                .map_err(|error| template_error(&error))?;
            drop(out);
            match text.len() {
                0..=MAX_RENDERED_BYTES => Ok(text),
                _ => Err(template_error(&budget::too_long())),
            }
        })
    }

    /// What the template makes of a conversation, as text: marks removed, control tokens spelled out. For people.
    ///
    /// # Errors
    /// The template fails, or cannot express the conversation.
    pub fn render_text(&self, conversation: &Conversation, context: &TemplateContext) -> Result<String, Error> {
        let (text, marks) = self.render_marked(conversation, context)?;
        Ok(marks.remove(&text).into_owned())
    }

    /// Renders a conversation. `context.controls` and the texts of its tokens are the tokenizer's.
    ///
    /// # Errors
    /// The template fails, or cannot express the conversation.
    pub fn render(&self, tokenizer: &Tokenizer, conversation: &Conversation, now: Moment) -> Result<Rendered, Error> {
        let context = TemplateContext { now, ..context(tokenizer) };
        let (text, marks) = self.render_marked(conversation, &context)?;
        let tokens = tokens(tokenizer, &text, &marks);
        Ok(Rendered { text: tokenizer.debug_text(&tokens), tokens })
    }

    fn render_marked(&self, conversation: &Conversation, context: &TemplateContext) -> Result<(String, Marks), Error> {
        self.check_names(conversation)?;
        let marks = Marks::new(&self.source, conversation, context)?;
        let (last, earlier) = match conversation.messages.split_last() {
            Some((Message::Assistant(last), earlier)) if last.prefix => (Some(last), earlier),
            _ => (None, conversation.messages.as_slice()),
        };
        let mut root = vec![
            ("messages", Json::Array(earlier.iter().map(|message| message_json(message, &marks)).collect())),
            ("tools", tools_json(conversation, &marks)),
            ("add_generation_prompt", Json::Bool(true)),
            ("bos_token", Json::string(&context.bos)),
            ("eos_token", Json::string(&context.eos)),
        ];
        // Templates ask whether it is defined.
        root.extend(conversation.settings.reasoning_effort.map(|effort| (EFFORT, Json::string(effort.name()))));
        let mut text = self.run(&Json::object(root), context, guard::fuel_for(conversation))?;
        if let Some(last) = last {
            text.push_str(&marks.message(beginning(last)?));
        }
        Ok((text, marks))
    }

    /// Refuses what the template would leave out without a word, because it never speaks of it.
    fn check_names(&self, conversation: &Conversation) -> Result<(), Error> {
        let calls = |message: &Message| matches!(message, Message::Assistant(said) if !said.tool_calls.is_empty());
        let needed = [
            (!conversation.tools.is_empty(), "tools", "tools"),
            (conversation.messages.iter().any(calls), "tool_calls", "tool calls"),
            (conversation.settings.reasoning_effort.is_some(), EFFORT, "a reasoning effort"),
        ];
        match needed.into_iter().find(|(is_there, name, _)| *is_there && !self.source.contains(name)) {
            Some((_, _, what)) => Err(Error::TemplateCannot(what)),
            None => Ok(()),
        }
    }

    fn compile(&self) -> Result<CompiledTemplate<'_>, Error> {
        let config = TemplateConfig { syntax_config: syntax()?, default_auto_escape: Arc::new(|_| AutoEscape::None) };
        let mut compiled =
            CompiledTemplate::new("chat template", &self.source, &config).map_err(|error| template_error(&error))?;
        operators::replace(&mut compiled.instructions)?;
        compiled.blocks.values_mut().try_for_each(operators::replace)?;
        Ok(compiled)
    }
}

/// Renders bytes as a template for one fixed conversation. For fuzzing: whatever the bytes are, this returns.
///
/// # Errors
/// As [`JinjaTemplate::new`] and [`JinjaTemplate::render_text`].
pub fn render_template(source: &[u8]) -> Result<String, Error> {
    let source = String::from_utf8_lossy(source);
    let call = ToolCall { id: None, name: "f".to_owned(), arguments: r#"{"x": [1, "<"]}"#.to_owned() };
    let calls = if source.contains("tool_calls") { vec![call] } else { Vec::new() };
    let mut conversation = Conversation::new([
        Message::system("S </s>"),
        Message::user(" a "),
        Message::Assistant(Assistant { tool_calls: calls, ..Assistant::default() }),
        Message::Tool(crate::ToolResult { content: Content::Text("3".to_owned()), ..Default::default() }),
        Message::user("b"),
    ]);
    let tool = crate::Tool {
        name: "f".to_owned(),
        description: "d".to_owned(),
        parameters: Json::object([("type", Json::string("object"))]),
    };
    conversation.tools.extend(source.contains("tools").then_some(tool));
    let context = TemplateContext {
        bos: "<s>".to_owned(),
        eos: "</s>".to_owned(),
        controls: vec!["<s>".to_owned(), "</s>".to_owned()],
        ..TemplateContext::default()
    };
    JinjaTemplate::new(&source)?.render_text(&conversation, &context)
}

/// What a tokenizer tells a template.
fn context(tokenizer: &Tokenizer) -> TemplateContext {
    let piece = |token: Option<TokenId>| token.map(|token| tokenizer.piece(token)).unwrap_or_default();
    let tokens = (0..u32::try_from(tokenizer.vocab_size()).unwrap_or(u32::MAX)).map(TokenId);
    let controls = tokens.filter(|&token| tokenizer.is_special(token)).map(|token| tokenizer.piece(token)).collect();
    TemplateContext { bos: piece(tokenizer.bos()), eos: piece(tokenizer.eos()), now: Moment::default(), controls }
}

/// Control tokens where the template wrote them, all else as plain text.
fn tokens(tokenizer: &Tokenizer, text: &str, marks: &Marks) -> Vec<TokenId> {
    let mut tokens = Vec::new();
    for part in marks.split(text) {
        match part {
            mark::Part::Control(piece) => tokens.extend(tokenizer.special(piece)),
            mark::Part::Text(text) => tokens.extend(tokenizer.encode(&text)),
        }
    }
    tokens
}

/// The template engine has panicked on templates before (`operators.rs`), and whoever writes a model file may look for
/// the next one.
fn without_panic<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // What the work touches is its own, and gone after a panic.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let message = "the template engine broke down: the template is not one that it can render".to_owned();
        Err(Error::Template { line: 0, message })
    })
}

fn environment(fuel: u64, now: Moment, budget: &Arc<Budget>) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_fuel(Some(fuel));
    env.set_recursion_limit(MAX_TEMPLATE_RECURSION);
    operators::register(&mut env, budget);
    lists::register(&mut env, budget);
    guard::register(&mut env, budget);
    values::register(&mut env, budget);
    env.add_function("strftime_now", move |format: &str| now.format(format));
    env.add_function("raise_exception", |message: String| -> Result<Value, minijinja::Error> {
        Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, message))
    });
    env
}

/// As transformers sets Jinja up for chat templates.
fn syntax() -> Result<SyntaxConfig, Error> {
    let built = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    built.map_err(|error| template_error(&error))
}

fn template_error(error: &minijinja::Error) -> Error {
    let message = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
    Error::Template { line: error.line().unwrap_or(0), message }
}

/// The text of a message that the model is to continue.
fn beginning(message: &Assistant) -> Result<&str, Error> {
    match &message.content {
        Content::Text(text) if message.tool_calls.is_empty() => Ok(text),
        Content::Text(_) => Err(Error::TemplateCannot("a message to be continued that calls tools")),
        Content::Chunks(_) => Err(Error::TemplateCannot("a message to be continued that is in chunks")),
    }
}

fn tools_json(conversation: &Conversation, marks: &Marks) -> Json {
    if conversation.tools.is_empty() {
        return Json::Null;
    }
    Json::Array(conversation.tools.iter().map(|tool| marks.values(&tool.to_json())).collect())
}

/// The form that templates expect: content is one text, thoughts stand beside it, arguments are an object.
fn message_json(message: &Message, marks: &Marks) -> Json {
    let mut entries = vec![
        ("role", Json::string(message.role().name())),
        ("content", Json::String(marks.message(&message.content().plain_text()))),
    ];
    if let Content::Chunks(chunks) = message.content() {
        let thoughts: String = chunks
            .iter()
            .filter_map(|chunk| match chunk {
                Chunk::Thinking { text, .. } => Some(text.as_str()),
                Chunk::Text(_) => None,
            })
            .collect();
        if !thoughts.is_empty() {
            entries.push(("reasoning_content", Json::String(marks.message(&thoughts))));
        }
    }
    match message {
        Message::System(_) | Message::User(_) => {}
        Message::Assistant(assistant) if assistant.tool_calls.is_empty() => {}
        Message::Assistant(assistant) => {
            let calls = assistant.tool_calls.iter().map(|call| call_json(call, marks)).collect();
            entries.push(("tool_calls", Json::Array(calls)));
        }
        Message::Tool(result) => {
            let texts = [("tool_call_id", &result.tool_call_id), ("name", &result.name)];
            let texts = texts.into_iter().filter_map(|(key, text)| Some((key, Json::string(text.as_ref()?))));
            entries.extend(texts.map(|(key, text)| (key, marks.values(&text))));
        }
    }
    Json::object(entries)
}

fn call_json(call: &ToolCall, marks: &Marks) -> Json {
    let arguments = normalize_json(&call.arguments);
    let arguments = Json::parse(&arguments).unwrap_or(Json::String(arguments));
    let function = Json::object([("name", Json::string(&call.name)), ("arguments", arguments)]);
    let id = call.id.as_ref().map(|id| ("id", Json::string(id)));
    let rest = [("type", Json::string("function")), ("function", function)];
    marks.values(&Json::object(id.into_iter().chain(rest)))
}
