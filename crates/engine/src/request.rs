//! What a client asks.

use std::time::Instant;

use grammar::Constraint;
use prompt::Conversation;
use sampling::SamplingParams;
use sched::Tenant;
use tokenizer::TokenId;

/// What a client asks of the engine.
#[derive(Clone, Debug)]
pub struct Request {
    /// What to answer or to continue.
    pub prompt: Prompt,
    /// How each token is chosen.
    pub sampling: SamplingParams,
    /// The most tokens to generate; `None`: up to the end of the context.
    pub max_tokens: Option<usize>,
    /// Strings that end the answer; they are not part of it.
    pub stop: Vec<String>,
    /// Report each token with its log-probability ([`crate::Event::Token`]).
    pub logprobs: bool,
    /// On whose account: tenants share the machine fairly, and nothing of what one asked shows in the times of another.
    pub tenant: Tenant,
    /// When the answer ends at the latest, with [`crate::FinishReason::Deadline`]; to within one step.
    pub deadline: Option<Instant>,
    /// What the answer must look like ([`crate::Engine::grammar`] compiles it). It ends when it can only end there.
    pub constraint: Option<Constraint>,
    /// Guess tokens ahead; `None`: where the engine does so, or there is a prediction. Never changes the answer.
    pub speculate: Option<bool>,
    /// A text that the answer will resemble: what is guessed ahead. It is no part of the prompt.
    pub prediction: Option<String>,
}

/// What to answer or to continue.
#[derive(Clone, Debug)]
pub enum Prompt {
    /// Token ids, as they are.
    Tokens(Vec<TokenId>),
    /// Plain text to be continued, after the begin token; no template.
    Text(String),
    /// Messages, to be rendered through the instruct template of the model.
    Conversation(Box<Conversation>),
}

impl Request {
    /// A request with default sampling and no bounds of its own.
    pub fn new(prompt: Prompt) -> Self {
        Self {
            prompt,
            sampling: SamplingParams::default(),
            max_tokens: None,
            stop: Vec::new(),
            logprobs: false,
            tenant: Tenant::default(),
            deadline: None,
            constraint: None,
            speculate: None,
            prediction: None,
        }
    }
}
