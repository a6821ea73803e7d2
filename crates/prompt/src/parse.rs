//! The way back: from the tokens that a model generates to the parts of its answer.
//!
//! [`AnswerParser`] is a small state machine that looks at each token once, so an answer can be shown while it grows.
//! Only control tokens move it; text that spells `[TOOL_CALLS]` is text. A call is reported when it is complete: half
//! a call is of no use to anybody.

use tokenizer::{Detokenizer, TemplateVersion, TokenId, Tokenizer};

use crate::limits::MAX_CALL_BYTES;
use crate::message::{Assistant, Chunk, Content, ToolCall};
use crate::{Error, Json};

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnswerEvent {
    /// More text.
    Text(String),
    /// More of a thought. Empty where one begins.
    Thinking(String),
    /// The thought is thought to its end.
    ThinkingEnd,
    /// A call, complete.
    ToolCall(ToolCall),
}

/// Understands an answer token by token.
pub struct AnswerParser<'t> {
    version: TemplateVersion,
    controls: Controls,
    tokenizer: &'t Tokenizer,
    detokenizer: Detokenizer,
    state: State,
    call: Call,
    new_id: Box<dyn FnMut() -> String + Send + 't>,
}

/// Reads a whole answer.
///
/// # Errors
/// A call that is none.
pub fn parse_answer(
    tokenizer: &Tokenizer,
    version: TemplateVersion,
    tokens: &[TokenId],
    new_id: impl FnMut() -> String + Send,
) -> Result<Assistant, Error> {
    let mut parser = AnswerParser::new(tokenizer, version, new_id);
    let mut events = Vec::new();
    for &token in tokens {
        events.extend(parser.push(token)?);
    }
    events.extend(parser.finish()?);
    Ok(assistant(events))
}

/// The message that these events tell of.
pub fn assistant(events: impl IntoIterator<Item = AnswerEvent>) -> Assistant {
    let mut chunks: Vec<Chunk> = Vec::new();
    let mut tool_calls = Vec::new();
    for event in events {
        match (event, chunks.last_mut()) {
            (AnswerEvent::Text(more), Some(Chunk::Text(text))) => text.push_str(&more),
            (AnswerEvent::Text(text), _) => chunks.push(Chunk::Text(text)),
            (AnswerEvent::Thinking(more), Some(Chunk::Thinking { text, closed: false })) => text.push_str(&more),
            (AnswerEvent::Thinking(text), _) => chunks.push(Chunk::Thinking { text, closed: false }),
            (AnswerEvent::ThinkingEnd, Some(Chunk::Thinking { closed, .. })) => *closed = true,
            (AnswerEvent::ThinkingEnd, _) => {}
            (AnswerEvent::ToolCall(call), _) => tool_calls.push(call),
        }
    }
    let content = match chunks.as_mut_slice() {
        [] => Content::default(),
        [Chunk::Text(text)] => Content::Text(std::mem::take(text)),
        _ => Content::Chunks(chunks),
    };
    Assistant { content, tool_calls, prefix: false }
}

/// The control tokens of an answer, where the tokenizer has them.
#[derive(Clone, Copy)]
struct Controls {
    tool_calls: Option<TokenId>,
    call_id: Option<TokenId>,
    args: Option<TokenId>,
    think: Option<TokenId>,
    end_think: Option<TokenId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    Thinking,
    /// Calls as a JSON list (v2 to v7).
    CallList,
    CallName,
    CallId,
    CallArguments,
}

/// A call under construction.
#[derive(Default)]
struct Call {
    name: String,
    id: Option<String>,
    text: String,
}

impl<'t> AnswerParser<'t> {
    /// For answers to prompts of this version. `new_id` names calls that the model does not name itself: nine letters
    /// or digits, which is what every version accepts.
    pub fn new(tokenizer: &'t Tokenizer, version: TemplateVersion, new_id: impl FnMut() -> String + Send + 't) -> Self {
        let has = |since: TemplateVersion, piece| if version >= since { tokenizer.special(piece) } else { None };
        let controls = Controls {
            tool_calls: has(TemplateVersion::V2, "[TOOL_CALLS]"),
            call_id: has(TemplateVersion::V11, "[CALL_ID]"),
            args: has(TemplateVersion::V11, "[ARGS]"),
            think: has(TemplateVersion::V13, "[THINK]"),
            end_think: has(TemplateVersion::V13, "[/THINK]"),
        };
        Self {
            version,
            controls,
            tokenizer,
            detokenizer: Detokenizer::new(tokenizer),
            state: State::Text,
            call: Call::default(),
            new_id: Box::new(new_id),
        }
    }

    /// Goes on with the answer that `prompt` ends in (`prefix`): with its text, and `in_thought` where that is an open thought.
    pub fn resume(&mut self, prompt: &[TokenId], in_thought: bool) {
        let start = prompt.iter().rposition(|&token| self.tokenizer.is_special(token)).map_or(0, |last| last + 1);
        for &token in prompt.get(start..).unwrap_or_default() {
            // The client has this text. What it changes is that the answer does not begin a text.
            self.detokenizer.push(token);
        }
        if in_thought {
            self.state = State::Thinking;
        }
    }

    /// Takes the next token. Control tokens that mean nothing where they stand are passed over: the end token, the
    /// beginning of a thought inside a thought, the end of a thought that did not begin. `mistral-common` refuses the
    /// last two; an answer that somebody waits for should not be lost to them.
    ///
    /// # Errors
    /// A call that is none. What came before stays valid.
    pub fn push(&mut self, token: TokenId) -> Result<Vec<AnswerEvent>, Error> {
        let controls = self.controls;
        let is = |control: Option<TokenId>| control == Some(token);
        if is(controls.think) {
            return self.begin_thinking();
        }
        if is(controls.end_think) {
            return self.end_thinking();
        }
        if is(controls.tool_calls) {
            let is_list = self.version < TemplateVersion::V11;
            return self.enter(if is_list { State::CallList } else { State::CallName });
        }
        if is(controls.call_id) || is(controls.args) {
            let next = if is(controls.args) { State::CallArguments } else { State::CallId };
            return self.advance(next);
        }
        if self.tokenizer.is_special(token) {
            return Ok(Vec::new());
        }
        let more = self.detokenizer.push(token);
        self.take(&more)
    }

    /// Ends the answer. The parser can then read another one.
    ///
    /// # Errors
    /// A call that is incomplete, or none.
    pub fn finish(&mut self) -> Result<Vec<AnswerEvent>, Error> {
        self.enter(State::Text)
    }

    fn begin_thinking(&mut self) -> Result<Vec<AnswerEvent>, Error> {
        if self.state == State::Thinking {
            return Ok(Vec::new());
        }
        let mut events = self.enter(State::Thinking)?;
        events.push(AnswerEvent::Thinking(String::new()));
        Ok(events)
    }

    fn end_thinking(&mut self) -> Result<Vec<AnswerEvent>, Error> {
        let in_thought = self.state == State::Thinking;
        let mut events = self.enter(State::Text)?;
        events.extend(in_thought.then_some(AnswerEvent::ThinkingEnd));
        Ok(events)
    }

    /// Leaves a state: what is held back comes out, a call is read.
    fn enter(&mut self, next: State) -> Result<Vec<AnswerEvent>, Error> {
        let mut events = self.flush()?;
        let call = std::mem::take(&mut self.call);
        let state = std::mem::replace(&mut self.state, next);
        match state {
            State::Text | State::Thinking => {}
            State::CallList => events.extend(self.read_list(&call.text)?.into_iter().map(AnswerEvent::ToolCall)),
            State::CallArguments => events.push(AnswerEvent::ToolCall(self.read_call(call)?)),
            State::CallName | State::CallId => return Err(bad_call("it has no arguments", &call.text)),
        }
        Ok(events)
    }

    /// From one field of a call to the next.
    fn advance(&mut self, next: State) -> Result<Vec<AnswerEvent>, Error> {
        let events = self.flush()?;
        let text = std::mem::take(&mut self.call.text);
        match (self.state, next) {
            (State::CallName, State::CallId | State::CallArguments) => self.call.name = text,
            (State::CallId, State::CallArguments) => self.call.id = Some(text),
            // Outside of calls these tokens mean nothing.
            (State::Text | State::Thinking, _) => return Ok(events),
            _ => return Err(bad_call("its fields are out of order", &text)),
        }
        self.state = next;
        Ok(events)
    }

    fn flush(&mut self) -> Result<Vec<AnswerEvent>, Error> {
        let held = std::mem::replace(&mut self.detokenizer, Detokenizer::new(self.tokenizer)).finish();
        self.take(&held)
    }

    fn take(&mut self, more: &str) -> Result<Vec<AnswerEvent>, Error> {
        if more.is_empty() {
            return Ok(Vec::new());
        }
        match self.state {
            State::Text => Ok(vec![AnswerEvent::Text(more.to_owned())]),
            State::Thinking => Ok(vec![AnswerEvent::Thinking(more.to_owned())]),
            _ if self.call.text.len() + more.len() > MAX_CALL_BYTES => {
                Err(bad_call("it is longer than a call may be", ""))
            }
            _ => {
                self.call.text.push_str(more);
                Ok(Vec::new())
            }
        }
    }

    fn read_call(&mut self, call: Call) -> Result<ToolCall, Error> {
        let arguments = match Json::parse(&call.text) {
            Ok(value @ Json::Object(_)) => value.dump(),
            Ok(_) => return Err(bad_call("its arguments are no JSON object", &call.text)),
            Err(_) => return Err(bad_call("its arguments are not JSON", &call.text)),
        };
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(|| (self.new_id)());
        Ok(ToolCall { id: Some(id), name: call.name.trim().to_owned(), arguments })
    }

    fn read_list(&mut self, text: &str) -> Result<Vec<ToolCall>, Error> {
        let Ok(Json::Array(calls)) = Json::parse(text) else { return Err(bad_call("it is no JSON list", text)) };
        calls.iter().map(|call| self.read_list_entry(call, text)).collect()
    }

    fn read_list_entry(&mut self, call: &Json, text: &str) -> Result<ToolCall, Error> {
        let name = call.key("name").and_then(Json::as_str).ok_or_else(|| bad_call("it has no name", text))?;
        let arguments = call.key("arguments").filter(|arguments| matches!(arguments, Json::Object(_)));
        let arguments = arguments.ok_or_else(|| bad_call("its arguments are no JSON object", text))?.dump();
        let id = call.key("id").and_then(Json::as_str).filter(|id| !id.is_empty() && *id != "null");
        let id = id.map_or_else(|| (self.new_id)(), str::to_owned);
        Ok(ToolCall { id: Some(id), name: name.to_owned(), arguments })
    }
}

fn bad_call(what: &'static str, text: &str) -> Error {
    const SHOWN: usize = 200;
    let end = text.char_indices().nth(SHOWN).map_or(text.len(), |(end, _)| end);
    Error::Call { what, text: text.get(..end).unwrap_or_default().to_owned() }
}
