//! A text that is said once more, token by token as if the model chose it: what guessing ahead gives for such texts, here.

use std::time::{Duration, Instant};

use compute::Backend;
use sched::{Batch, Span};
use tokenizer::TokenId;

use super::Stand;
use crate::draft::{Drafter, share};
use crate::step::Stepper;
use crate::{Error, limits};

/// A text to say.
#[derive(Clone, Debug)]
pub struct Replay {
    /// What comes before it; it is read before the clock starts.
    pub prompt: Vec<TokenId>,
    /// The text. Its first token is what the prompt gives.
    pub answer: Vec<TokenId>,
    /// Guess ahead, as requests do.
    pub speculate: bool,
}

/// How it went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// From the first token to the last.
    pub elapsed: Duration,
    /// Tokens that were guessed.
    pub drafted_tokens: usize,
    /// Guesses that were right.
    pub accepted_tokens: usize,
}

impl Stand {
    pub(super) fn replay<B: Backend>(
        &mut self,
        stepper: &mut Stepper<'_, B>,
        replay: &Replay,
    ) -> Result<Replayed, Error> {
        let Replay { prompt, answer, speculate } = replay;
        if prompt.is_empty() {
            return Err(sched::Refused::Empty.into());
        }
        let unknown = prompt.iter().chain(answer).find(|token| token.index() >= self.vocab);
        if let Some(id) = unknown {
            return Err(Error::TokenId { id: id.0, vocab: self.vocab });
        }
        let tokens = prompt.len() + answer.len() + limits::LONGEST_DRAFT;
        self.hold(stepper, prompt, tokens)?;
        let mut drafter = Drafter::new(prompt, &[]);
        let mut replayed = Replayed::default();
        let start = Instant::now();
        let mut said = 0;
        while said + 1 < answer.len() {
            drafter.push(answer[said]);
            let guesses = if *speculate { guesses(&drafter, answer.len() - said - 2, stepper) } else { Vec::new() };
            let began = Instant::now();
            self.say(stepper, &answer[said..=said], prompt.len() + said, &guesses);
            stepper.pace.learn(1 + guesses.len(), began.elapsed().as_secs_f64());
            let right = guesses.iter().zip(&answer[said + 1..]).take_while(|(guess, token)| guess == token).count();
            answer[said + 1..][..right].iter().for_each(|&token| drafter.push(token));
            replayed.drafted_tokens += guesses.len();
            replayed.accepted_tokens += right;
            said += 1 + right;
        }
        replayed.elapsed = start.elapsed();
        Ok(replayed)
    }

    /// Sees to it that the prompt has been read, and that there is room for so many tokens.
    fn hold<B: Backend>(
        &mut self,
        stepper: &mut Stepper<'_, B>,
        prompt: &[TokenId],
        tokens: usize,
    ) -> Result<(), Error> {
        if self.prompt != prompt {
            self.clear(stepper);
        }
        self.make_room(stepper, 1, tokens)?;
        if self.prompt.is_empty() {
            for (index, tokens) in prompt.chunks(limits::STEP_ROWS).enumerate() {
                self.say(stepper, tokens, index * limits::STEP_ROWS, &[]);
            }
            self.prompt.extend_from_slice(prompt);
        }
        Ok(())
    }

    /// A step of one sequence: some tokens, and guesses behind them; logits of the last token and of all guesses.
    fn say<B: Backend>(&self, stepper: &mut Stepper<'_, B>, tokens: &[TokenId], first: usize, guesses: &[TokenId]) {
        let rows = tokens.len() + guesses.len();
        let batch = Batch {
            tokens: [tokens, guesses].concat(),
            spans: vec![Span { rows: 0..rows, first_position: first, blocks: self.blocks(0, first + rows).to_vec() }],
            logits_rows: (tokens.len() - 1..rows).collect(),
            hidden_rows: Vec::new(),
        };
        stepper.model.forward(&batch, &mut stepper.kv);
    }
}

fn guesses<B: Backend>(drafter: &Drafter, most: usize, stepper: &Stepper<'_, B>) -> Vec<TokenId> {
    let mut draft = drafter.draft();
    draft.tokens.truncate(share(&[&draft.chances], 1, &stepper.pace)[0].min(most));
    draft.tokens
}
