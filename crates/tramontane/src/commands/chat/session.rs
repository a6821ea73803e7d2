//! The conversation so far, and what is done with it.

use std::fs::{self, Permissions};
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context as _, bail};
use engine::prompt::{Assistant, Chunk, Content, Conversation, Message, Role};
use engine::{Engine, Prompt, TextKind};
use hub::Whole;

use crate::flags::AnswerOptions;
use crate::generation::{Answer, Printer, generate, request};
use crate::{commands, exit, loading, terminal};

/// A conversation with a loaded model.
pub(super) struct Session<'a> {
    engine: &'a Engine,
    options: AnswerOptions,
    conversation: Conversation,
    /// Of the last answer.
    stats: Option<String>,
    /// Tokens of the conversation after the last answer.
    used: usize,
}

impl<'a> Session<'a> {
    pub(super) fn new(engine: &'a Engine, options: AnswerOptions) -> Self {
        let system = options.system.clone().map(Message::system);
        Self { engine, options, conversation: Conversation::new(system), stats: None, used: 0 }
    }

    /// What is loaded, and where help is.
    pub(super) fn greeting(&self) -> String {
        let card = self.engine.card();
        let notes: String = card.notes.iter().map(|note| format!("{note}\n")).collect();
        let name = card.about.name.as_deref().unwrap_or("a model without a name");
        let room = loading::room_of(card);
        format!("{notes}{name} · {room} · {}\n/help lists the commands", card.template)
    }

    /// Answers a message. An answer that fails leaves the conversation as it was.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(super) fn say(&mut self, text: &str) -> anyhow::Result<()> {
        self.conversation.messages.push(Message::user(text));
        match self.generate() {
            Ok(true) => return Ok(()),
            Ok(false) => terminal::message("(there is no answer: the message is forgotten)"),
            Err(error) if error.chain().any(|cause| cause.is::<io::Error>()) => return Err(error),
            Err(error) => terminal::error(&exit::explain(&error)),
        }
        self.conversation.messages.pop();
        Ok(())
    }

    /// Answers the last message again, with another seed.
    ///
    /// # Errors
    /// Standard output is closed.
    pub(super) fn retry(&mut self) -> anyhow::Result<()> {
        let Some(text) = self.take_last() else {
            terminal::message("there is nothing to answer yet");
            return Ok(());
        };
        if self.options.sampling.temperature == 0.0 {
            terminal::note("at temperature 0 the answer is always the same");
        }
        self.options.sampling.seed = self.options.sampling.seed.wrapping_add(1);
        self.say(&text)
    }

    /// Forgets the last message and its answer.
    pub(super) fn undo(&mut self) {
        match self.take_last() {
            Some(text) => terminal::message(&format!("forgotten: {text}")),
            None => terminal::message("there is nothing to forget"),
        }
    }

    /// Forgets all but the system prompt.
    pub(super) fn reset(&mut self) {
        self.conversation.messages.retain(|message| message.role() == Role::System);
        (self.stats, self.used) = (None, 0);
        terminal::message("the conversation starts anew");
    }

    /// The system prompt, for people.
    pub(super) fn system(&self) -> String {
        match self.conversation.messages.first() {
            Some(Message::System(content)) => content.plain_text(),
            _ => "there is no system prompt; /system TEXT sets one".to_owned(),
        }
    }

    /// Sets the system prompt of the conversation, from its start; `""` removes it.
    pub(super) fn set_system(&mut self, text: &str) {
        self.conversation.messages.retain(|message| message.role() != Role::System);
        if text == "\"\"" {
            return terminal::message("the system prompt is removed");
        }
        self.conversation.messages.insert(0, Message::system(text));
        terminal::message("the system prompt is set, for the whole conversation");
    }

    /// Writes the conversation as JSON; what was done, for people.
    ///
    /// # Errors
    /// The file cannot be written, or is there and no conversation: that is left as it is.
    pub(super) fn save(&self, path: &Path) -> anyhow::Result<String> {
        let name = || path.display().to_string();
        let before = replaceable(path)?;
        // A link stays one.
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let text = self.conversation.to_value().dump() + "\n";
        let mut file = Whole::create(&place).with_context(name)?;
        if let Some(before) = before {
            fs::set_permissions(file.partial(), before).with_context(name)?;
        }
        file.write_all(text.as_bytes()).and_then(|()| file.keep()).with_context(name)?;
        Ok(format!("{} messages saved to {}", self.conversation.messages.len(), path.display()))
    }

    /// Goes on with a saved conversation; what was done, for people.
    ///
    /// # Errors
    /// The file cannot be read, or is no conversation.
    pub(super) fn load(&mut self, path: &Path) -> anyhow::Result<String> {
        let text = commands::read_file(path)?;
        self.conversation = Conversation::from_json(&text).with_context(|| path.display().to_string())?;
        (self.stats, self.used) = (None, 0);
        Ok(format!("{} messages loaded from {}", self.conversation.messages.len(), path.display()))
    }

    /// Rates of the last answer, and how full the context is.
    pub(super) fn stats(&self) -> String {
        let stats = self.stats.as_deref().unwrap_or("no answer yet");
        format!("{stats}\ncontext {} of {} tokens", self.used, self.engine.card().context)
    }

    /// Takes the last message of the user and all after it out of the conversation; its text.
    fn take_last(&mut self) -> Option<String> {
        let last = self.conversation.messages.iter().rposition(|message| message.role() == Role::User)?;
        let text = self.conversation.messages[last].content().plain_text();
        self.conversation.messages.truncate(last);
        Some(text)
    }

    /// False when there is no answer: it was stopped before anything came, or the model said nothing.
    fn generate(&mut self) -> anyhow::Result<bool> {
        let prompt = Prompt::Conversation(Box::new(self.conversation.clone()));
        let mut printer = Printer::default();
        let mut show = |text: &str, kind: TextKind| printer.show(text, kind);
        let answer = generate(self.engine, request(prompt, &self.options), &mut show)?;
        printer.end()?; // also where Ctrl-C came first: the prompt gets a line of its own
        let said_nothing = answer.text.is_empty() && answer.thinking.is_empty();
        self.keep(answer);
        Ok(!said_nothing)
    }

    /// Adds the answer to the conversation, and says what there is to say about it.
    fn keep(&mut self, answer: Answer) {
        let card = self.engine.card();
        answer.explain(card);
        for call in &answer.tool_calls {
            terminal::note(&format!("the model calls {}({}), which `chat` does not do", call.name, call.arguments));
        }
        let stats = answer.stats(card, self.options.sampling.seed);
        if self.options.stats {
            terminal::aside(&stats);
        }
        self.stats = Some(stats);
        self.used = answer.usage.prompt_tokens + answer.usage.completion_tokens;
        if !answer.text.is_empty() || !answer.thinking.is_empty() {
            self.conversation.messages.push(message(answer));
        }
    }
}

/// Nothing is written over unasked but a conversation that was saved, and what is empty: who may do what with it.
fn replaceable(path: &Path) -> anyhow::Result<Option<Permissions>> {
    let Ok(data) = fs::metadata(path) else { return Ok(None) };
    let is_conversation = || commands::read_file(path).is_ok_and(|text| Conversation::from_json(&text).is_ok());
    // A pipe or a device is not read: that would wait for its other end.
    if !data.is_file() || !(data.len() == 0 || is_conversation()) {
        bail!("{} is there and is no saved conversation: give another name", path.display());
    }
    if data.permissions().readonly() {
        bail!("{} may not be written to: give another name", path.display());
    }
    Ok(Some(data.permissions()))
}

/// The answer as the conversation keeps it.
fn message(answer: Answer) -> Message {
    if answer.thinking.is_empty() {
        return Message::assistant(answer.text);
    }
    let thought = Chunk::Thinking { text: answer.thinking, closed: true };
    let content = Content::Chunks(vec![thought, Chunk::Text(answer.text)]);
    Message::Assistant(Assistant { content, ..Assistant::default() })
}
