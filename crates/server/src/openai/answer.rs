//! One answer as a client hears it: pieces of text, thoughts, calls, each with its log-probabilities, and the end.

use std::sync::Arc;

use engine::prompt::ToolCall;
use engine::{Event, FinishReason, TextKind, TokenEvent, TokenId, Tokenizer, Usage};

use super::wire::chat::{TokenLogprob, TopLogprob};

/// A piece of an answer.
#[derive(Debug)]
pub(crate) enum Piece {
    /// The prompt is taken.
    Started,
    /// Text for the reader, and the tokens of which it is made where they were asked for.
    Text(String, Vec<TokenLogprob>),
    /// More of a thought.
    Thought(String),
    /// A call, complete.
    Call(ToolCall),
    /// The end.
    End(End),
}

/// How an answer ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) reason: FinishReason,
    pub(crate) usage: Usage,
    /// Tokens of thoughts among the generated ones.
    pub(crate) reasoning_tokens: usize,
}

impl End {
    /// As the API calls it.
    pub(crate) fn reason_name(&self) -> &'static str {
        match self.reason {
            FinishReason::Stop => "stop",
            FinishReason::ToolCalls => "tool_calls",
            _ => "length",
        }
    }
}

/// Turns the engine's events of one answer into pieces.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// `None` where nobody asked for log-probabilities.
    tokenizer: Option<Arc<Tokenizer>>,
    /// Tokens whose text has not come yet.
    pending: Vec<TokenEvent>,
    seen_tokens: usize,
    reasoning_tokens: usize,
}

impl Reader {
    /// With a tokenizer, text comes with its tokens.
    pub(crate) fn new(tokenizer: Option<Arc<Tokenizer>>) -> Self {
        Self { tokenizer, ..Self::default() }
    }

    /// What an event says to the client, if anything.
    pub(crate) fn read(&mut self, event: Event) -> Option<Piece> {
        match event {
            Event::Started { .. } => Some(Piece::Started),
            Event::Token(token) => {
                self.pending.push(token);
                None
            }
            Event::Text { text, kind, completion_tokens } => {
                let more = completion_tokens.saturating_sub(self.seen_tokens);
                self.seen_tokens = completion_tokens;
                Some(match kind {
                    TextKind::Content => Piece::Text(text, self.logprobs()),
                    TextKind::Thinking => {
                        self.reasoning_tokens = self.reasoning_tokens.saturating_add(more);
                        self.pending.clear();
                        Piece::Thought(text)
                    }
                })
            }
            Event::ToolCall(call) => {
                self.pending.clear();
                Some(Piece::Call(call))
            }
            Event::Finished { reason, usage, .. } => {
                let reasoning_tokens = self.reasoning_tokens.min(usage.completion_tokens);
                Some(Piece::End(End { reason, usage, reasoning_tokens }))
            }
            _ => None,
        }
    }

    /// Control tokens have no text, so they are not part of it.
    fn logprobs(&mut self) -> Vec<TokenLogprob> {
        let pending = std::mem::take(&mut self.pending);
        let Some(tokenizer) = &self.tokenizer else { return Vec::new() };
        let tokens = pending.iter().filter(|token| !tokenizer.is_special(token.id));
        tokens.map(|token| logprob(tokenizer, token)).collect()
    }
}

fn logprob(tokenizer: &Tokenizer, token: &TokenEvent) -> TokenLogprob {
    let (text, bytes) = spelled(tokenizer, token.id);
    let alternative = |&(id, logprob): &(TokenId, f32)| {
        let (token, bytes) = spelled(tokenizer, id);
        TopLogprob { token, logprob: finite(logprob), bytes }
    };
    let top_logprobs = token.top.iter().map(alternative).collect();
    TokenLogprob { token: text, logprob: finite(token.logprob), bytes, top_logprobs }
}

/// A control token has no bytes; its name says which it is.
fn spelled(tokenizer: &Tokenizer, id: TokenId) -> (String, Vec<u8>) {
    if tokenizer.is_special(id) {
        return (tokenizer.piece(id), Vec::new());
    }
    let bytes = tokenizer.token_bytes(id).unwrap_or_default().to_vec();
    (String::from_utf8_lossy(&bytes).into_owned(), bytes)
}

/// JSON has no infinity; OpenAI's API says -9999 for what cannot be.
fn finite(logprob: f32) -> f32 {
    logprob.max(-9999.0)
}
