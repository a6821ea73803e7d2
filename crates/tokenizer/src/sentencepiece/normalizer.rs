//! What SentencePiece does to a text before it divides it.
//!
//! Mistral's models change nothing but the space that they put before a text. Others replace characters by a table
//! ([`Charsmap`]) and fold spaces.

use super::charsmap::Charsmap;
use super::vocabulary::spaces;
use crate::trie::Trie;

/// What is done to a text before it is divided.
#[derive(Debug)]
pub(crate) struct Normalizer {
    pub charsmap: Option<Charsmap>,
    /// A space is put before every text.
    pub add_prefix: bool,
    /// Spaces at both ends go, and of several between words one stays.
    pub fold_spaces: bool,
    /// Pieces that the table of characters leaves alone: the user-defined ones, as the file spells them.
    pub verbatim: Trie,
}

/// What decoding does with a space that begins a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstSpace {
    /// It stays.
    Keep,
    /// The first one goes.
    DropOne,
    /// One goes from each token until there is text.
    DropAll,
}

impl Normalizer {
    /// The normaliser of Mistral's models.
    pub(crate) fn identity(add_prefix: bool) -> Self {
        Self { charsmap: None, add_prefix, fold_spaces: false, verbatim: Trie::default() }
    }

    pub(super) const fn first_space(&self) -> FirstSpace {
        match (self.fold_spaces, self.add_prefix) {
            (true, _) => FirstSpace::DropAll,
            (false, true) => FirstSpace::DropOne,
            (false, false) => FirstSpace::Keep,
        }
    }

    /// The text to divide, with plain spaces; nothing where nothing is left of it.
    pub(super) fn normalize(&self, text: &str, with_prefix: bool) -> String {
        let prefix = if with_prefix && self.add_prefix { " " } else { "" };
        if self.charsmap.is_some() || self.fold_spaces {
            return self.rewrite(text, prefix);
        }
        match text {
            "" => String::new(),
            _ if text.contains('▁') => prefix.to_owned() + &spaces(text),
            _ => [prefix, text].concat(),
        }
    }

    fn rewrite(&self, text: &str, prefix: &str) -> String {
        let mut rest = text;
        while self.fold_spaces
            && let (" ", after) = self.next(rest)
        {
            rest = after;
        }
        if rest.is_empty() {
            return String::new();
        }
        let mut out = prefix.to_owned();
        let mut after_space = self.fold_spaces;
        while !rest.is_empty() {
            let (replacement, after) = self.next(rest);
            let kept = if after_space { replacement.trim_start_matches(' ') } else { replacement };
            out.push_str(&spaces(kept));
            if !kept.is_empty() {
                after_space = self.fold_spaces && kept.ends_with(' ');
            }
            rest = after;
        }
        if self.fold_spaces {
            out.truncate(out.trim_end_matches(' ').len());
        }
        out
    }

    /// What the beginning of a text becomes, and what follows it. Only of an empty text is both empty.
    fn next<'t>(&'t self, text: &'t str) -> (&'t str, &'t str) {
        let kept = self.verbatim.longest_prefix(text.as_bytes()).map(|(length, _)| length);
        if let (None, Some(charsmap)) = (kept, &self.charsmap)
            && let Some((length, replacement)) = charsmap.longest_prefix(text)
        {
            return (replacement, text.get(length..).unwrap_or_default());
        }
        let character = text.chars().next().map_or(0, char::len_utf8);
        text.split_at_checked(kept.unwrap_or(character)).unwrap_or((text, ""))
    }
}
