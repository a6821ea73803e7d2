//! One answer, whose thought may have a budget.
//!
//! When the thought has as many tokens as it may have, the generation is broken off and begun again behind the same
//! thought, ended; the prefix cache has all of it. What the client hears is one answer.

use std::sync::Arc;

use engine::prompt::{Assistant, Chunk, Content, Message};
use engine::{Event, Prompt, Request, TextKind};

use crate::app::App;
use crate::caller::Caller;
use crate::generation::Generation;
use crate::models::Loaded;
use crate::refusal::Refusal;

/// One answer under way. Dropping it cancels it.
pub(super) struct Turn {
    request: Request,
    generation: Generation,
    /// Tokens that the thought may still have; `None`: as many as it likes.
    budget: Option<usize>,
    thought: String,
    /// Tokens that the thought had when it was broken off: the answer is to go on behind it.
    broken_off: Option<usize>,
}

impl Turn {
    /// Queues the request.
    ///
    /// # Errors
    /// There is too much to do, or the engine refuses the request.
    pub(super) async fn start(
        (app, caller): (&App, &Caller),
        model: Arc<Loaded>,
        request: Request,
        budget: Option<usize>,
    ) -> Result<Self, Refusal> {
        let generation = Generation::start(app, caller, model, request.clone()).await?;
        Ok(Self { request, generation, budget, thought: String::new(), broken_off: None })
    }

    /// The next event. `Finished` or an error is the last.
    pub(super) async fn next(&mut self) -> Option<Result<Event, Refusal>> {
        if let Some(spent) = self.broken_off.take()
            && let Err(refusal) = self.go_on(spent).await
        {
            return Some(Err(refusal));
        }
        let event = self.generation.next().await?;
        if let Ok(event) = &event {
            self.note(event);
        }
        Some(event)
    }

    fn note(&mut self, event: &Event) {
        if let Event::Text { text, kind: TextKind::Thinking, completion_tokens } = event
            && let Some(budget) = self.budget
        {
            self.thought.push_str(text);
            if *completion_tokens >= budget {
                self.generation.interrupt();
                self.budget = None;
                self.broken_off = Some(*completion_tokens);
            }
        }
    }

    /// Behind the thought, which has ended.
    async fn go_on(&mut self, spent: usize) -> Result<(), Refusal> {
        if let Prompt::Conversation(conversation) = &mut self.request.prompt {
            let thought = Chunk::Thinking { text: std::mem::take(&mut self.thought), closed: true };
            let begun = Assistant { content: Content::Chunks(vec![thought]), tool_calls: Vec::new(), prefix: true };
            conversation.messages.push(Message::Assistant(begun));
        }
        self.request.max_tokens = self.request.max_tokens.map(|most| most.saturating_sub(spent).max(1));
        self.generation.restart(self.request.clone()).await
    }
}
