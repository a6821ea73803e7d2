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
    /// How there could be more, as a half-sentence.
    pub more: String,
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
                let why = "what the memory for keys and values holds: raise --kv-memory, or ask for less";
                return Err(Error::Context { asked, most, why });
            }
            Some(asked) => asked,
            None => config.context_length.min(most),
        };
        let note = (options.context.is_none() && tokens < config.context_length).then(|| {
            let made_for = config.context_length;
            format!(
                "context: {tokens} of the model's {made_for} tokens, as much as the memory for keys and values holds: \
                 --kv-memory gives it more"
            )
        });
        let wanted = tokens.div_ceil(KvLayout::BLOCK_TOKENS).saturating_mul(limits::RUNNING);
        let more = more(tokens, config.context_length, most);
        Ok(Self { tokens, blocks: wanted.min(affordable) as u32, note, more })
    }
}

/// What gives a conversation more than `tokens`, where the model was made for `model` and the memory holds `memory`.
fn more(tokens: usize, model: usize, memory: usize) -> String {
    match model.min(memory) {
        most if tokens < most => format!("raise --context up to {most}"),
        most if most < model => "raise --kv-memory, which is what bounds the context".to_owned(),
        _ => "take a model with a longer context".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::more;

    #[test]
    fn the_advice_names_the_bound_that_applied() {
        let rows = [
            ((100, 4096, 8192), "raise --context up to 4096"),
            ((100, 4096, 2048), "raise --context up to 2048"),
            ((2048, 4096, 2048), "raise --kv-memory, which is what bounds the context"),
            ((4096, 4096, 8192), "take a model with a longer context"),
            ((4096, 4096, 4096), "take a model with a longer context"),
        ];
        testkit::check_table(rows.map(|row| (format!("{:?}", row.0), row)), |((tokens, model, memory), expected)| {
            let found = more(tokens, model, memory);
            if found == expected { Ok(()) } else { Err(found) }
        });
    }
}
