//! Log-probabilities of a given text.

use std::sync::mpsc::SyncSender;

use compute::Backend;
use model::Logits;
use sched::Batch;
use tokenizer::TokenId;

use crate::step::Stepper;
use crate::{Error, limits};

/// Logits of a stretch of a text.
pub(crate) struct Scored {
    /// Position of the first row.
    pub first: usize,
    pub logits: Logits,
}

/// Runs `tokens` in stretches and sends the logits of every row, until all are done or the receiver has gone.
pub(crate) fn run<B: Backend>(
    stepper: &mut Stepper<'_, B>,
    tokens: &[TokenId],
    reply: &SyncSender<Result<Scored, Error>>,
) {
    let blocks = match stepper.scheduler.take_blocks(tokens.len()) {
        Ok(blocks) => blocks,
        Err(refused) => {
            // Whoever asked and has gone needs no answer.
            let _ = reply.send(Err(refused.into()));
            return;
        }
    };
    let block_tokens = stepper.scheduler.limits().block_tokens;
    for (index, stretch) in tokens.chunks(limits::SCORE_ROWS).enumerate() {
        let first = index * limits::SCORE_ROWS;
        let used = (first + stretch.len()).div_ceil(block_tokens);
        let mut batch = Batch::single(stretch, first, &blocks[..used]);
        batch.logits_rows = (0..stretch.len()).collect();
        let logits = stepper.model.forward(&batch, &mut stepper.kv);
        if reply.send(Ok(Scored { first, logits })).is_err() {
            break;
        }
    }
    stepper.scheduler.give_back(blocks);
}
