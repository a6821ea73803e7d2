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
    app: Arc<App>,
    caller: Caller,
    model: Arc<Loaded>,
    request: Request,
    generation: Generation,
    /// Tokens that the thought may still have; `None`: as many as it likes.
    budget: Option<usize>,
    thought: String,
    /// What the part before the break took.
    spent: Spent,
}

#[derive(Default)]
struct Spent {
    completion_tokens: usize,
    /// Prompt and cached tokens as the client knows them.
    prompt: Option<usize>,
}

impl Turn {
    /// Queues the request.
    ///
    /// # Errors
    /// There is too much to do, or the engine refuses the request.
    pub(super) async fn start(
        app: Arc<App>,
        caller: Caller,
        model: Arc<Loaded>,
        request: Request,
        budget: Option<usize>,
    ) -> Result<Self, Refusal> {
        let generation = Generation::start(&app, &caller, Arc::clone(&model), request.clone()).await?;
        let (thought, spent) = (String::new(), Spent::default());
        Ok(Self { app, caller, model, request, generation, budget, thought, spent })
    }

    /// The next event. `Finished` or an error is the last.
    pub(super) async fn next(&mut self) -> Option<Result<Event, Refusal>> {
        loop {
            let event = match self.generation.next().await? {
                Ok(event) => event,
                refused @ Err(_) => return Some(refused),
            };
            match self.note(event) {
                Noted::Pass(event) => return Some(Ok(event)),
                Noted::Drop => {}
                Noted::Break(event) => {
                    if let Err(refusal) = self.begin_again().await {
                        return Some(Err(refusal));
                    }
                    return Some(Ok(event));
                }
            }
        }
    }

    fn note(&mut self, event: Event) -> Noted {
        match event {
            // Of the part behind the break: the client has seen one already.
            Event::Started { .. } if self.spent.prompt.is_some() => Noted::Drop,
            Event::Text { ref text, kind: TextKind::Thinking, completion_tokens } if self.budget.is_some() => {
                self.thought.push_str(text);
                if self.budget.is_none_or(|budget| completion_tokens < budget) {
                    return Noted::Pass(event);
                }
                self.spent.completion_tokens = completion_tokens;
                Noted::Break(event)
            }
            Event::Finished { reason, mut usage, timings, stop } => {
                let spent = self.spent.completion_tokens;
                usage.completion_tokens = usage.completion_tokens.saturating_add(spent);
                if let Some(prompt_tokens) = self.spent.prompt {
                    usage.prompt_tokens = prompt_tokens;
                    usage.cached_tokens = usage.cached_tokens.min(prompt_tokens);
                }
                Noted::Pass(Event::Finished { reason, usage, timings, stop })
            }
            event => Noted::Pass(event),
        }
    }

    /// Behind the thought, which has ended.
    async fn begin_again(&mut self) -> Result<(), Refusal> {
        self.budget = None;
        let Prompt::Conversation(conversation) = &mut self.request.prompt else { return Ok(()) };
        let prompt = Prompt::Conversation(conversation.clone());
        let model = Arc::clone(&self.model);
        self.spent.prompt = Some(crate::on_thread::run(&model, move |engine| Ok(engine.render(&prompt)?.len())).await?);
        let thought = Chunk::Thinking { text: std::mem::take(&mut self.thought), closed: true };
        let begun = Assistant { content: Content::Chunks(vec![thought]), tool_calls: Vec::new(), prefix: true };
        conversation.messages.push(Message::Assistant(begun));
        self.request.max_tokens =
            self.request.max_tokens.map(|most| most.saturating_sub(self.spent.completion_tokens).max(1));
        let request = self.request.clone();
        self.generation = Generation::start(&self.app, &self.caller, Arc::clone(&self.model), request).await?;
        Ok(())
    }
}

enum Noted {
    Pass(Event),
    Drop,
    /// The thought has had its tokens.
    Break(Event),
}
