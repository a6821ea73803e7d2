//! All pieces that begin a text, shortest first, in one walk.

use std::ops::Range;

use crate::TokenId;

/// Byte strings and their tokens, as a tree of bytes.
#[derive(Debug, Default)]
pub(crate) struct Trie {
    nodes: Vec<Node>,
    /// Bytes that lead to children, and the children, sorted within each node.
    edges: Vec<(u8, u32)>,
}

#[derive(Debug)]
struct Node {
    edges: Range<u32>,
    token: Option<TokenId>,
}

impl Trie {
    /// A trie of these byte strings. Of two equal ones, the first is kept.
    pub(crate) fn new<'a>(strings: impl Iterator<Item = (&'a [u8], TokenId)>) -> Self {
        let mut strings: Vec<_> = strings.collect();
        strings.sort_by_key(|&(bytes, _)| bytes);
        let mut trie = Self { nodes: vec![Node { edges: 0..0, token: None }], edges: Vec::new() };
        // Strings that share their first `depth` bytes, and the node that these bytes lead to.
        let mut open = vec![(strings.as_slice(), 0usize, 0usize)];
        while let Some((group, depth, node)) = open.pop() {
            let token = group.first().filter(|(bytes, _)| bytes.len() == depth).map(|&(_, token)| token);
            let first_edge = trie.edges.len() as u32;
            for children in group.chunk_by(|(a, _), (b, _)| a.get(depth) == b.get(depth)) {
                let Some(&byte) = children.first().and_then(|(bytes, _)| bytes.get(depth)) else { continue };
                trie.edges.push((byte, trie.nodes.len() as u32));
                open.push((children, depth + 1, trie.nodes.len()));
                trie.nodes.push(Node { edges: 0..0, token: None });
            }
            if let Some(node) = trie.nodes.get_mut(node) {
                *node = Node { edges: first_edge..trie.edges.len() as u32, token };
            }
        }
        trie
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.edges.is_empty()
    }

    /// Length and token of each string of the trie that `text` begins with, shortest first.
    pub(crate) fn prefixes(&self, text: &[u8]) -> impl Iterator<Item = (usize, TokenId)> {
        let mut node = self.nodes.first();
        text.iter()
            .enumerate()
            .map_while(move |(at, &byte)| {
                let Range { start, end } = node?.edges;
                let edges = self.edges.get(start as usize..end as usize)?;
                let edge = edges.binary_search_by_key(&byte, |&(byte, _)| byte).ok()?;
                node = self.nodes.get(edges.get(edge)?.1 as usize);
                Some(node?.token.map(|token| (at + 1, token)))
            })
            .flatten()
    }

    /// The longest of [`Trie::prefixes`].
    pub(crate) fn longest_prefix(&self, text: &[u8]) -> Option<(usize, TokenId)> {
        self.prefixes(text).last()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_come_shortest_first() {
        let strings: [&[u8]; 6] = [b"abc", b"a", b"b", b"abcde", b"", b"abd"];
        let trie = Trie::new(strings.iter().zip(0..).map(|(&bytes, id)| (bytes, TokenId(id))));
        let found = |text: &str| trie.prefixes(text.as_bytes()).map(|(n, id)| (n, id.0)).collect::<Vec<_>>();
        assert_eq!(found("abcdf"), [(1, 1), (3, 0)]);
        assert_eq!(found("abcde"), [(1, 1), (3, 0), (5, 3)]);
        assert_eq!(found("c"), []);
        assert_eq!(trie.longest_prefix(b"abdx"), Some((3, TokenId(5))));
    }
}
