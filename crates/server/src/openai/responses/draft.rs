//! A response as it grows: pieces of the answer in, events of the stream out. The last state of the draft is the response
//! that a client gets who does not stream.
//!
//! At most one item is open at a time. An item begins with `output_item.added` and its part, and ends with the part and
//! `output_item.done`; every event has the next number.

use engine::prompt::ToolCall;

use crate::openai::answer::{End, Piece};
use crate::openai::ask::{new_id, unix_now};
use crate::openai::convert::items::encode_thought;
use crate::openai::wire::chat::TokenLogprob;
use crate::openai::wire::responses_out::{
    EventDetail, IncompleteDetails, InputTokens, OutputItem, OutputPart, OutputTokens, Response, ResponseError,
    ResponseEvent, ResponseUsage,
};
use crate::refusal::Refusal;

/// A response as it grows.
pub(super) struct Draft {
    response: Response,
    open: Option<Open>,
    encodes_thoughts: bool,
    next_number: u64,
}

/// The item that grows.
struct Open {
    id: String,
    text: String,
    /// `None` in a thought.
    logprobs: Option<Vec<TokenLogprob>>,
}

impl Draft {
    pub(super) fn new(response: Response, encodes_thoughts: bool) -> Self {
        Self { response, open: None, encodes_thoughts, next_number: 0 }
    }

    pub(super) fn response(&self) -> &Response {
        &self.response
    }

    /// What a stream begins with.
    pub(super) fn begin(&mut self) -> Vec<ResponseEvent> {
        ["response.created", "response.in_progress"].map(|kind| self.state(kind)).into()
    }

    /// Takes a piece; what a stream says about it.
    pub(super) fn take(&mut self, piece: Piece) -> Vec<ResponseEvent> {
        match piece {
            Piece::Started => Vec::new(),
            Piece::Text(text, logprobs) => self.text(&text, logprobs),
            Piece::Thought(text) => self.thought(&text),
            Piece::Call(call) => self.call(call),
            Piece::End(end) => self.end(end),
        }
    }

    /// The answer broke off.
    pub(super) fn fail(&mut self, refusal: &Refusal) -> Vec<ResponseEvent> {
        let mut events = self.close("incomplete");
        self.response.status = "failed";
        self.response.error = Some(ResponseError { code: "server_error", message: refusal.message.clone() });
        events.push(self.state("response.failed"));
        events
    }

    fn text(&mut self, text: &str, logprobs: Vec<TokenLogprob>) -> Vec<ResponseEvent> {
        let mut events = Vec::new();
        if self.open.as_ref().is_none_or(|open| open.logprobs.is_none()) {
            events.extend(self.close("completed"));
            events.extend(self.begin_item("msg_", Some(Vec::new())));
        }
        let index = self.index();
        let Some(open) = &mut self.open else { return events };
        open.text.push_str(text);
        open.logprobs.get_or_insert_default().extend(logprobs.iter().cloned());
        let item_id = open.id.clone();
        let (output_index, content_index, delta) = (index, 0, text.to_owned());
        let detail = EventDetail::TextDelta { item_id, output_index, content_index, delta, logprobs };
        events.push(self.event("response.output_text.delta", detail));
        events
    }

    fn thought(&mut self, text: &str) -> Vec<ResponseEvent> {
        let mut events = Vec::new();
        if self.open.as_ref().is_none_or(|open| open.logprobs.is_some()) {
            events.extend(self.close("completed"));
            events.extend(self.begin_item("rs_", None));
        }
        let index = self.index();
        let Some(open) = &mut self.open else { return events };
        open.text.push_str(text);
        let item_id = open.id.clone();
        let (output_index, content_index, delta) = (index, 0, text.to_owned());
        let detail = EventDetail::ThoughtDelta { item_id, output_index, content_index, delta };
        events.push(self.event("response.reasoning_text.delta", detail));
        events
    }

    fn call(&mut self, call: ToolCall) -> Vec<ResponseEvent> {
        let mut events = self.close("completed");
        let (id, call_id, output_index) = (new_id("fc_"), call.id.unwrap_or_default(), self.index());
        let item = |arguments: String, status| OutputItem::FunctionCall {
            id: id.clone(),
            call_id: call_id.clone(),
            name: call.name.clone(),
            arguments,
            status,
        };
        let whole = item(call.arguments.clone(), "completed");
        let told = [
            (
                "response.output_item.added",
                EventDetail::Item { output_index, item: item(String::new(), "in_progress") },
            ),
            (
                "response.function_call_arguments.delta",
                EventDetail::ArgumentsDelta { item_id: id.clone(), output_index, delta: call.arguments.clone() },
            ),
            (
                "response.function_call_arguments.done",
                EventDetail::ArgumentsDone {
                    item_id: id.clone(),
                    output_index,
                    name: call.name.clone(),
                    arguments: call.arguments.clone(),
                },
            ),
            ("response.output_item.done", EventDetail::Item { output_index, item: whole.clone() }),
        ];
        events.extend(told.map(|(kind, detail)| self.event(kind, detail)));
        self.response.output.push(whole);
        events
    }

    fn end(&mut self, end: End) -> Vec<ResponseEvent> {
        let whole = end.reason_name() != "length";
        let mut events = self.close(if whole { "completed" } else { "incomplete" });
        let (input_tokens, output_tokens) = (end.usage.prompt_tokens, end.usage.completion_tokens);
        self.response.usage = Some(ResponseUsage {
            input_tokens,
            input_tokens_details: InputTokens { cached_tokens: end.usage.cached_tokens, cache_write_tokens: 0 },
            output_tokens,
            output_tokens_details: OutputTokens { reasoning_tokens: end.reasoning_tokens },
            total_tokens: input_tokens.saturating_add(output_tokens),
        });
        self.response.completed_at = Some(unix_now()).filter(|_| whole);
        self.response.status = if whole { "completed" } else { "incomplete" };
        if !whole {
            self.response.incomplete_details = Some(IncompleteDetails { reason: "max_output_tokens" });
        }
        events.push(self.state(if whole { "response.completed" } else { "response.incomplete" }));
        events
    }

    /// Where the item that is open, or comes next, stands among the items.
    fn index(&self) -> usize {
        self.response.output.len()
    }

    fn begin_item(&mut self, prefix: &str, logprobs: Option<Vec<TokenLogprob>>) -> [ResponseEvent; 2] {
        let open = Open { id: new_id(prefix), text: String::new(), logprobs };
        let mut item = self.item(&open, "in_progress");
        match &mut item {
            OutputItem::Message { content, .. } | OutputItem::Reasoning { content, .. } => content.clear(),
            OutputItem::FunctionCall { .. } => {}
        }
        let (item_id, output_index, content_index, part) = (open.id.clone(), self.index(), 0, part(&open));
        self.open = Some(open);
        [
            self.event("response.output_item.added", EventDetail::Item { output_index, item }),
            self.event("response.content_part.added", EventDetail::Part { item_id, output_index, content_index, part }),
        ]
    }

    fn close(&mut self, status: &'static str) -> Vec<ResponseEvent> {
        let Some(open) = self.open.take() else { return Vec::new() };
        let (item, part) = (self.item(&open, status), part(&open));
        let (item_id, output_index, content_index, text) = (open.id, self.index(), 0, open.text);
        let done = match open.logprobs {
            Some(logprobs) => (
                "response.output_text.done",
                EventDetail::TextDone { item_id: item_id.clone(), output_index, content_index, text, logprobs },
            ),
            None => (
                "response.reasoning_text.done",
                EventDetail::ThoughtDone { item_id: item_id.clone(), output_index, content_index, text },
            ),
        };
        let told = [
            done,
            ("response.content_part.done", EventDetail::Part { item_id, output_index, content_index, part }),
            ("response.output_item.done", EventDetail::Item { output_index, item: item.clone() }),
        ];
        self.response.output.push(item);
        told.map(|(kind, detail)| self.event(kind, detail)).into()
    }

    fn item(&self, open: &Open, status: &'static str) -> OutputItem {
        let (id, content) = (open.id.clone(), vec![part(open)]);
        match open.logprobs {
            Some(_) => OutputItem::Message { id, status, role: "assistant", content },
            None => {
                let encrypted_content = self.encodes_thoughts.then(|| encode_thought(&open.text));
                OutputItem::Reasoning { id, summary: Vec::new(), content, encrypted_content, status }
            }
        }
    }

    /// An event that carries the whole response.
    fn state(&mut self, kind: &'static str) -> ResponseEvent {
        self.event(kind, EventDetail::Response { response: Box::new(self.response.clone()) })
    }

    fn event(&mut self, kind: &'static str, detail: EventDetail) -> ResponseEvent {
        let sequence_number = self.next_number;
        self.next_number = sequence_number.saturating_add(1);
        ResponseEvent { kind, sequence_number, detail }
    }
}

fn part(open: &Open) -> OutputPart {
    let text = open.text.clone();
    match &open.logprobs {
        Some(logprobs) => OutputPart::OutputText { text, annotations: Vec::new(), logprobs: logprobs.clone() },
        None => OutputPart::ReasoningText { text },
    }
}
