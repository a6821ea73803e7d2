//! A message in one piece.

use engine::{Event, TextKind};

use super::answer::{ContentBlock, Message, stop_reason};
use super::stream::{Head, object};
use super::thinking::SIGNATURE;
use super::turn::Turn;
use crate::refusal::{Refusal, RefusalKind};

/// Waits for the end of an answer.
///
/// # Errors
/// It fails.
pub(super) async fn collect(mut turn: Turn, head: Head) -> Result<Message, Refusal> {
    let mut message = head.message();
    while let Some(event) = turn.next().await {
        match event? {
            Event::Text { text, kind, .. } => add(&mut message.content, text, kind, head.omitted),
            Event::ToolCall(call) => message.content.push(ContentBlock::ToolUse {
                id: call.id.unwrap_or_default(),
                name: call.name,
                input: object(call.arguments),
            }),
            Event::Finished { reason, stop, usage, .. } => {
                message.stop_sequence = stop.and_then(|index| head.stop.get(index)).cloned();
                message.stop_reason = Some(stop_reason(reason, message.stop_sequence.as_ref()));
                message.usage = usage.into();
                return Ok(message);
            }
            _ => {}
        }
    }
    Err(Refusal::new(RefusalKind::Internal, "the answer broke off"))
}

fn add(content: &mut Vec<ContentBlock>, text: String, kind: TextKind, omitted: bool) {
    match (kind, content.last_mut()) {
        (TextKind::Content, Some(ContentBlock::Text { text: whole })) => whole.push_str(&text),
        (TextKind::Content, _) => content.push(ContentBlock::Text { text }),
        (TextKind::Thinking, Some(ContentBlock::Thinking { .. })) if omitted => {}
        (TextKind::Thinking, Some(ContentBlock::Thinking { thinking, .. })) => thinking.push_str(&text),
        (TextKind::Thinking, _) => {
            let thinking = if omitted { String::new() } else { text };
            content.push(ContentBlock::Thinking { thinking, signature: SIGNATURE });
        }
    }
}
