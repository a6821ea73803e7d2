//! How many tokens a conversation may come to, and how much KV memory that takes.

use checkpoint::Config;
use compute::KvLayout;

use crate::{EngineOptions, Error, limits, memory};

/// The bounds of the KV memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Context {
    /// Tokens of one conversation, prompt and answer.
    pub tokens: usize,
    /// KV blocks of all conversations together.
    pub blocks: u32,
    /// Why it is less than the model was made for, where it is.
    pub note: Option<String>,
}

impl Context {
    /// What was asked for, or as much of the model's own context as the memory budget holds.
    ///
    /// Memory is touched as it fills up, so a generous pool costs nothing until it is used.
    ///
    /// # Errors
    /// What was asked for is zero, beyond the model, or beyond the budget.
    pub(crate) fn choose(
        config: &Config,
        layout: &KvLayout,
        weights: u64,
        options: &EngineOptions,
    ) -> Result<Self, Error> {
        let budget = options.kv_memory_bytes.unwrap_or_else(|| memory::default_kv_bytes(weights));
        let affordable = usize::try_from(budget / layout.block_bytes().max(1) as u64).unwrap_or(usize::MAX);
        let affordable = affordable.clamp(1, u32::MAX as usize / KvLayout::BLOCK_TOKENS);
        let most = affordable * KvLayout::BLOCK_TOKENS;
        let tokens = match options.context {
            Some(asked) if asked == 0 || asked > config.context_length => {
                let most = config.context_length;
                return Err(Error::Context { asked, most, why: "what the model was made for" });
            }
            Some(asked) if asked > most => {
                return Err(Error::Context { asked, most, why: "what the memory for keys and values holds" });
            }
            Some(asked) => asked,
            None => config.context_length.min(most),
        };
        let note = (options.context.is_none() && tokens < config.context_length).then(|| {
            let made_for = config.context_length;
            format!(
                "context: {tokens} of the model's {made_for} tokens, as much as the memory for keys and values holds"
            )
        });
        let wanted = tokens.div_ceil(KvLayout::BLOCK_TOKENS).saturating_mul(limits::RUNNING);
        Ok(Self { tokens, blocks: wanted.min(affordable) as u32, note })
    }
}
