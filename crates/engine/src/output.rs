//! What generated tokens mean: text, thoughts, tool calls.

use grammar::Start;
use prompt::{AnswerEvent, AnswerParser, Chunk, Content, Message};
use sampling::philox4x32_10;
use tokenizer::{Detokenizer, TemplateVersion, TokenId, Tokenizer};

use crate::{Error, Prompt};

/// Reads an answer token by token.
pub(crate) struct Output<'t> {
    reader: Reader<'t>,
    eos: Option<TokenId>,
}

/// What of the prompt the answer goes on with: only at the beginning of a text do tokenizers drop a space.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Continues {
    Nothing,
    Text,
    /// A thought that is not thought to its end.
    Thought,
}

impl Continues {
    pub(crate) fn of(prompt: &Prompt) -> Self {
        let Prompt::Conversation(conversation) = prompt else { return Self::Text };
        let last = match conversation.messages.last() {
            Some(Message::Assistant(last)) if last.prefix => last,
            _ => return Self::Nothing,
        };
        match &last.content {
            Content::Chunks(chunks) if matches!(chunks.last(), Some(Chunk::Thinking { closed: false, .. })) => {
                Self::Thought
            }
            _ => Self::Text,
        }
    }

    /// The same in the words of a constraint.
    pub(crate) fn start(self) -> Start {
        match self {
            Self::Nothing => Start::Text,
            Self::Text => Start::WithinText,
            Self::Thought => Start::WithinThought,
        }
    }
}

enum Reader<'t> {
    /// No tokenizer: nobody can tell what the tokens mean.
    Blind,
    /// Completion, or a template of another family: all is text. `None` once it is finished.
    Plain(Option<Detokenizer>),
    /// An answer to one of our own templates.
    Answer(Box<AnswerParser<'t>>),
}

impl<'t> Output<'t> {
    /// `seed` names tool calls, so that the same request gives the same bytes again.
    pub(crate) fn new(
        tokenizer: Option<&'t Tokenizer>,
        version: Option<TemplateVersion>,
        seed: u64,
        continues: Continues,
        prompt: &[TokenId],
    ) -> Self {
        let reader = match (tokenizer, version) {
            (None, _) => Reader::Blind,
            (Some(tokenizer), None) => {
                let mut text = Detokenizer::new(tokenizer);
                let before = if continues == Continues::Nothing { &[] } else { prompt };
                before.iter().for_each(|&token| drop(text.push(token)));
                Reader::Plain(Some(text))
            }
            (Some(tokenizer), Some(version)) => {
                let mut parser = AnswerParser::new(tokenizer, version, call_ids(seed));
                if continues != Continues::Nothing {
                    parser.resume(prompt, continues == Continues::Thought);
                }
                Reader::Answer(Box::new(parser))
            }
        };
        Self { reader, eos: tokenizer.and_then(Tokenizer::eos) }
    }

    /// This token ends the answer and has no text.
    pub(crate) fn ends(&self, token: TokenId) -> bool {
        self.eos == Some(token)
    }

    /// What this token adds.
    pub(crate) fn push(&mut self, token: TokenId) -> Result<Vec<AnswerEvent>, Error> {
        match &mut self.reader {
            Reader::Blind => Ok(Vec::new()),
            Reader::Plain(text) => Ok(text.iter_mut().map(|t| AnswerEvent::Text(t.push(token))).collect()),
            Reader::Answer(parser) => Ok(parser.push(token)?),
        }
    }

    /// What was held back.
    pub(crate) fn finish(&mut self) -> Result<Vec<AnswerEvent>, Error> {
        match &mut self.reader {
            Reader::Blind => Ok(Vec::new()),
            Reader::Plain(text) => Ok(text.take().map(|t| AnswerEvent::Text(t.finish())).into_iter().collect()),
            Reader::Answer(parser) => Ok(parser.finish()?),
        }
    }
}

/// Names of nine letters or digits, drawn from the seed by count: the form that every template version accepts.
fn call_ids(seed: u64) -> impl FnMut() -> String + Send {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut count = 0u32;
    move || {
        count += 1;
        // The fourth word keeps these numbers apart from those that choose tokens.
        let blocks = (0..3).flat_map(|i| {
            philox4x32_10([count, i, 0, u32::MAX], [seed as u32, (seed >> 32) as u32]).into_iter().take(3)
        });
        blocks.map(|word| ALPHABET[word as usize % ALPHABET.len()] as char).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::call_ids;

    #[test]
    fn call_ids_are_nine_letters_or_digits_and_repeat_with_the_seed() {
        let draw = |seed| std::iter::repeat_with(call_ids(seed)).take(100).collect::<Vec<_>>();
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        let distinct: std::collections::BTreeSet<_> = draw(7).into_iter().collect();
        assert_eq!(distinct.len(), 100);
        assert!(distinct.iter().all(|id| id.len() == 9 && id.bytes().all(|b| b.is_ascii_alphanumeric())));
    }
}
