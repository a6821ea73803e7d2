//! One answer under way: from a row of logits to the events that its client hears.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use grammar::Constraint;
use prompt::AnswerEvent;
use sampling::{Sampled, Sampler, StopStrings, TokenMask};
use sched::Tenant;
use tokenizer::{TemplateVersion, TokenId, Tokenizer};

use crate::draft::{Draft, Drafter};
use crate::output::{Continues, Output};
use crate::status::Place;
use crate::{Error, Event, EventSink, FinishReason, Request, TextKind, Timings, TokenEvent, Usage};

/// A request, checked and rendered, on its way to the worker thread.
pub(crate) struct Submission {
    pub prompt: Vec<TokenId>,
    /// Never more than the context has room for.
    pub max_new_tokens: usize,
    /// Why the answer ends when `max_new_tokens` are reached.
    at_limit: FinishReason,
    sampler: Sampler,
    constraint: Option<Constraint>,
    vocab: usize,
    seed: u64,
    stop: StopStrings,
    logprobs: bool,
    /// Template of the prompt; `None` where the answer is plain text.
    version: Option<TemplateVersion>,
    continues: Continues,
    drafter: Option<Drafter>,
    pub tenant: Tenant,
    deadline: Option<Instant>,
    events: EventSink,
    cancelled: Arc<AtomicBool>,
    submitted: Instant,
    _place: Place,
}

impl Submission {
    /// `(room, vocab)`: tokens that the context still holds, and the size of the vocabulary.
    ///
    /// # Errors
    /// A sampling parameter or a stop string is out of range, or the constraint has no place where the prompt ends.
    pub(crate) fn new(
        request: Request,
        prompt: Vec<TokenId>,
        (room, vocab): (usize, usize),
        (version, drafter): (Option<TemplateVersion>, Option<Drafter>),
        (events, cancelled): (EventSink, Arc<AtomicBool>),
        place: Place,
    ) -> Result<Self, Error> {
        let seed = request.sampling.seed;
        let mut sampler = Sampler::new(request.sampling, vocab)?;
        sampler.prompt(&prompt);
        let continues = Continues::of(&request.prompt);
        let mut constraint = request.constraint;
        constraint.as_mut().map_or(Ok(()), |constraint| constraint.begin(continues.start()))?;
        let asked = request.max_tokens.unwrap_or(usize::MAX);
        Ok(Self {
            prompt,
            max_new_tokens: asked.min(room),
            at_limit: if asked <= room { FinishReason::Length } else { FinishReason::Context },
            sampler,
            constraint,
            vocab,
            seed,
            stop: StopStrings::new(&request.stop)?,
            logprobs: request.logprobs,
            version,
            continues,
            drafter,
            tenant: request.tenant,
            deadline: request.deadline,
            events,
            cancelled,
            submitted: Instant::now(),
            _place: place,
        })
    }

    /// The client has gone, or asked for an end.
    pub(crate) fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    /// It is to end, for want of a client or of time.
    pub(crate) fn is_over(&self) -> bool {
        self.cancelled() || self.deadline.is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Tells the client, as long as it listens.
    ///
    /// At most a few events a token, and `max_new_tokens` bounds those: a channel behind it cannot outgrow the answer.
    pub(crate) fn emit(&mut self, event: Event) {
        if (self.events)(event).is_break() {
            self.cancelled.store(true, Ordering::Relaxed);
        }
    }
}

impl std::fmt::Debug for Submission {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Submission").field("tenant", &self.tenant).finish_non_exhaustive()
    }
}

/// One answer under way.
pub(crate) struct Answer<'t> {
    submission: Submission,
    output: Output<'t>,
    generated: usize,
    /// Tokens of the prompt that did not have to be computed.
    pub cached: usize,
    /// Tokens that were guessed ahead.
    pub drafted: usize,
    accepted: usize,
    called_tools: bool,
    /// Place of the stop string that came.
    stopped_by: Option<usize>,
    first_token: Option<Instant>,
}

/// What becomes of a sequence after a token.
pub(crate) enum Next {
    /// It goes on with this token.
    Token(TokenId),
    /// It is over, and its client knows.
    Ended,
}

impl<'t> Answer<'t> {
    pub(crate) fn new(submission: Submission, tokenizer: Option<&'t Tokenizer>) -> Self {
        let output =
            Output::new(tokenizer, submission.version, submission.seed, submission.continues, &submission.prompt);
        Self {
            submission,
            output,
            generated: 0,
            cached: 0,
            drafted: 0,
            accepted: 0,
            called_tools: false,
            stopped_by: None,
            first_token: None,
        }
    }

    /// The client has gone, or asked for an end.
    pub(crate) fn cancelled(&self) -> bool {
        self.submission.cancelled()
    }

    /// Ends the answer, with what there is of it, if its time has come.
    pub(crate) fn overdue(&mut self, now: Instant) -> bool {
        let overdue = self.submission.deadline.is_some_and(|deadline| deadline <= now);
        if overdue && let Err(error) = self.finish(FinishReason::Deadline) {
            self.submission.emit(Event::Failed(error));
        }
        overdue
    }

    /// Its prompt has been read, and tokens come.
    pub(crate) fn has_begun(&self) -> bool {
        self.generated > 0
    }

    /// Guesses at the tokens that come next.
    pub(crate) fn draft(&self) -> Draft {
        self.submission.drafter.as_ref().map_or_else(Draft::default, Drafter::draft)
    }

    /// Chooses the next token and tells the client what it means.
    pub(crate) fn next(&mut self, logits: &mut [f32], guess: Option<TokenId>) -> Next {
        self.advance(logits, guess).unwrap_or_else(|error| {
            self.submission.emit(Event::Failed(error));
            Next::Ended
        })
    }

    fn advance(&mut self, logits: &mut [f32], guess: Option<TokenId>) -> Result<Next, Error> {
        if self.submission.max_new_tokens == 0 {
            return self.finish(self.submission.at_limit);
        }
        let position = (self.submission.prompt.len() + self.generated) as u64;
        let mask = self.mask()?;
        let Sampled { token, logprob, top } = self.submission.sampler.sample(logits, position, mask.as_ref())?;
        self.first_token.get_or_insert_with(Instant::now);
        self.generated += 1;
        self.accepted += usize::from(guess == Some(token));
        self.submission.sampler.accept(token);
        if let Some(drafter) = &mut self.submission.drafter {
            drafter.push(token);
        }
        if self.submission.logprobs {
            self.submission.emit(Event::Token(TokenEvent { id: token, logprob, top }));
        }
        if self.output.ends(token) {
            return self.finish(FinishReason::Stop);
        }
        let complete = self.accept(token)?;
        let parts = self.output.push(token)?;
        self.say(parts);
        if complete || self.stopped_by.is_some() {
            return self.finish(FinishReason::Stop);
        }
        if self.generated == self.submission.max_new_tokens {
            return self.finish(self.submission.at_limit);
        }
        Ok(Next::Token(token))
    }

    /// Which tokens may come next, where not all may.
    fn mask(&mut self) -> Result<Option<TokenMask>, Error> {
        let vocab = self.submission.vocab;
        Ok(self.submission.constraint.as_mut().map(|constraint| constraint.mask(vocab)).transpose()?)
    }

    /// Tells the constraint which token came; true where nothing may come after it.
    fn accept(&mut self, token: TokenId) -> Result<bool, Error> {
        let Some(constraint) = &mut self.submission.constraint else { return Ok(false) };
        constraint.accept(token)?;
        Ok(constraint.is_finished())
    }

    /// Emits parts of the answer, up to a stop string.
    fn say(&mut self, parts: Vec<AnswerEvent>) {
        for part in parts {
            if !matches!(part, AnswerEvent::Text(_)) {
                let held = self.submission.stop.flush();
                self.text(held, TextKind::Content);
            }
            match part {
                AnswerEvent::Text(text) => {
                    let released = self.submission.stop.push(&text);
                    self.text(released.text, TextKind::Content);
                    if released.stop.is_some() {
                        self.stopped_by = released.stop;
                        return;
                    }
                }
                AnswerEvent::Thinking(text) => self.text(text, TextKind::Thinking),
                AnswerEvent::ThinkingEnd => {}
                AnswerEvent::ToolCall(call) => {
                    self.called_tools = true;
                    self.submission.emit(Event::ToolCall(call));
                }
            }
        }
    }

    fn finish(&mut self, reason: FinishReason) -> Result<Next, Error> {
        let rest = match self.output.finish() {
            // An answer that was cut may end inside a call. That it was cut is what there is to say.
            Err(_) if reason != FinishReason::Stop => Vec::new(),
            rest => rest?,
        };
        self.say(rest);
        let held = self.submission.stop.finish();
        self.text(held, TextKind::Content);
        let reason = match reason {
            _ if self.stopped_by.is_some() => FinishReason::Stop,
            FinishReason::Stop if self.called_tools => FinishReason::ToolCalls,
            reason => reason,
        };
        let usage = Usage {
            prompt_tokens: self.submission.prompt.len(),
            cached_tokens: self.cached,
            completion_tokens: self.generated,
            drafted_tokens: self.drafted,
            accepted_tokens: self.accepted,
        };
        let now = Instant::now();
        let first = self.first_token.unwrap_or(now);
        let timings = Timings { prefill: first - self.submission.submitted, decode: now - first };
        let stop = self.stopped_by;
        self.submission.emit(Event::Finished { reason, stop, usage, timings });
        Ok(Next::Ended)
    }

    fn text(&mut self, text: String, kind: TextKind) {
        if !text.is_empty() {
            self.submission.emit(Event::Text { text, kind, completion_tokens: self.generated });
        }
    }
}
