//! A message as events: `message_start`, its blocks, `message_delta`, `message_stop`.
//!
//! Blocks come one after the other: what belongs to another kind ends the block before it. A tool call comes when it is
//! complete, its input in one piece.

use engine::prompt::ToolCall;
use engine::{Event, FinishReason, TextKind, Usage};
use serde_json::value::RawValue;

use super::answer::{BlockDelta, ContentBlock, Message, MessageDelta, StreamEvent, UsageOut, stop_reason};
use super::refused;
use super::thinking::SIGNATURE;
use super::turn::Turn;
use crate::stream::{EventWriter, Gone};

/// What an answer needs to know of its request.
pub(super) struct Head {
    /// What the model is called.
    pub(super) model: String,
    /// The stop sequences.
    pub(super) stop: Vec<String>,
    /// Thoughts are sent without their text.
    pub(super) omitted: bool,
}

impl Head {
    /// A message without content.
    pub(super) fn message(&self) -> Message {
        Message {
            id: format!("msg_{:016x}{:016x}", crate::answers::draw_seed(), crate::answers::draw_seed()),
            kind: "message",
            role: "assistant",
            model: self.model.clone(),
            content: Vec::new(),
            stop_reason: None,
            stop_sequence: None,
            usage: UsageOut::default(),
        }
    }
}

/// Sends the events of an answer; a failure is an `error` event.
pub(super) async fn write(mut turn: Turn, head: Head, mut events: EventWriter, request_id: String) -> Result<(), Gone> {
    let mut blocks = Blocks { head, next: 0, open: None };
    while let Some(event) = turn.next().await {
        let event = match event {
            Ok(event) => event,
            Err(refusal) => return events.event("error", &refused::error(&refusal, &request_id)).await,
        };
        for event in blocks.events(event) {
            events.event(event.name(), &event).await?;
        }
    }
    Ok(())
}

struct Blocks {
    head: Head,
    /// Place of the next block.
    next: u32,
    open: Option<(u32, TextKind)>,
}

impl Blocks {
    fn events(&mut self, event: Event) -> Vec<StreamEvent> {
        let mut out = Vec::new();
        match event {
            Event::Started { prompt_tokens, .. } => {
                let usage = UsageOut { input_tokens: prompt_tokens, ..UsageOut::default() };
                let message = Message { usage, ..self.head.message() };
                out.extend([StreamEvent::MessageStart { message }, StreamEvent::Ping]);
            }
            Event::Text { text, kind, .. } => self.text(text, kind, &mut out),
            Event::ToolCall(call) => self.call(call, &mut out),
            Event::Finished { reason, stop, usage, .. } => {
                self.close(&mut out);
                self.finish(reason, stop, usage, &mut out);
            }
            _ => {}
        }
        out
    }

    fn text(&mut self, text: String, kind: TextKind, out: &mut Vec<StreamEvent>) {
        let index = match self.open {
            Some((index, open)) if open == kind => index,
            _ => self.begin(kind, out),
        };
        let delta = match kind {
            TextKind::Content => BlockDelta::TextDelta { text },
            TextKind::Thinking if self.head.omitted => return,
            TextKind::Thinking => BlockDelta::ThinkingDelta { thinking: text },
        };
        out.push(StreamEvent::ContentBlockDelta { index, delta });
    }

    fn begin(&mut self, kind: TextKind, out: &mut Vec<StreamEvent>) -> u32 {
        self.close(out);
        let index = self.place();
        self.open = Some((index, kind));
        let content_block = match kind {
            TextKind::Content => ContentBlock::Text { text: String::new() },
            TextKind::Thinking => ContentBlock::Thinking { thinking: String::new(), signature: "" },
        };
        out.push(StreamEvent::ContentBlockStart { index, content_block });
        index
    }

    fn call(&mut self, call: ToolCall, out: &mut Vec<StreamEvent>) {
        self.close(out);
        let index = self.place();
        let (id, name) = (call.id.unwrap_or_default(), call.name);
        // The input comes by a delta; it begins as an empty object.
        let content_block = ContentBlock::ToolUse { id, name, input: object("{}".to_owned()) };
        let delta = BlockDelta::InputJsonDelta { partial_json: call.arguments };
        out.extend([
            StreamEvent::ContentBlockStart { index, content_block },
            StreamEvent::ContentBlockDelta { index, delta },
            StreamEvent::ContentBlockStop { index },
        ]);
    }

    fn close(&mut self, out: &mut Vec<StreamEvent>) {
        let Some((index, kind)) = self.open.take() else { return };
        if kind == TextKind::Thinking {
            let delta = BlockDelta::SignatureDelta { signature: SIGNATURE };
            out.push(StreamEvent::ContentBlockDelta { index, delta });
        }
        out.push(StreamEvent::ContentBlockStop { index });
    }

    fn finish(&self, reason: FinishReason, stop: Option<usize>, usage: Usage, out: &mut Vec<StreamEvent>) {
        let stop_sequence = stop.and_then(|index| self.head.stop.get(index)).cloned();
        let delta = MessageDelta { stop_reason: stop_reason(reason, stop_sequence.as_ref()), stop_sequence };
        out.extend([StreamEvent::MessageDelta { delta, usage: usage.into() }, StreamEvent::MessageStop]);
    }

    fn place(&mut self) -> u32 {
        let place = self.next;
        self.next = self.next.saturating_add(1);
        place
    }
}

/// A JSON object as it stands in a text.
pub(super) fn object(text: String) -> Box<RawValue> {
    RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
