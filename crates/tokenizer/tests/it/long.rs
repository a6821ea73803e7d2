//! Long texts take time that grows with their length, not with its square.

use std::time::{Duration, Instant};

use crate::vectors::open;

/// Much more than any of them needs even unoptimised, much less than any of them would take if it were quadratic.
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn the_same_again_and_again() {
    let units =
        ["a", "A", " ", "\n", " \n", "▁", "中", "\u{301}", "!", "/", "0", "\u{0}", "A\u{301}", "the wind, the sea. "];
    for name in ["tokenizer.model.v3", "plain.model", "unigram.model", "tekken_v13.json"] {
        let tokenizer = open(name);
        let start = Instant::now();
        for unit in units {
            let text = unit.repeat((1 << 18) / unit.len());
            let tokens = tokenizer.encode(&text);
            assert!(!tokens.is_empty() && start.elapsed() < LIMIT, "{name} {unit:?} {:?}", start.elapsed());
        }
    }
}
