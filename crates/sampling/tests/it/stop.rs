//! Stop strings against a naive search over the whole text.

use sampling::{Released, StopStrings};
use testkit::Random;

#[test]
fn across_piece_borders() {
    #[allow(clippy::type_complexity)] // a table
    let rows: [(&str, &[&str], &[&str], &str, Option<usize>); 9] = [
        ("none", &[], &["a", "b"], "ab", None),
        ("inside a piece", &["STOP"], &["one STOP two"], "one ", Some(0)),
        ("over three pieces", &["STOP"], &["one S", "TO", "P two"], "one ", Some(0)),
        ("false start", &["aab"], &["a", "a", "a", "b", "x"], "a", Some(0)),
        ("prefix at the end comes out", &["\n\n"], &["x\n"], "x\n", None),
        ("first to end wins", &["abcd", "bc"], &["abcd"], "a", Some(1)),
        ("longest of those that end together", &["c", "bc", "abc"], &["xab", "c"], "x", Some(2)),
        ("equal strings: the first", &["bc", "bc"], &["abc"], "a", Some(0)),
        ("several bytes a character", &["é!"], &["caf", "é", "é", "!"], "café", Some(0)),
    ];
    testkit::check_table(rows.map(|r| (r.0, r)), |(_, stops, pieces, text, stop)| {
        let found = stream(stops, pieces.iter().copied());
        if found == (text.to_owned(), stop) { Ok(()) } else { Err(format!("{found:?}")) }
    });
}

#[test]
fn holds_back_no_more_than_needed() {
    let mut stops = StopStrings::new(&["</s>", "<end>"]).unwrap();
    let pieces = [("a<", "a"), ("/", ""), ("x<e", "</x"), ("n", ""), ("<", "<en")];
    for (piece, text) in pieces {
        assert_eq!(stops.push(piece), Released { text: text.into(), stop: None }, "{piece}");
    }
    assert_eq!(stops.finish(), "<");
}

#[test]
fn bad_lists_are_refused() {
    let message = |list: &[String]| StopStrings::new(list).map(|_| ()).unwrap_err().to_string();
    assert_eq!(message(&["a".into(), String::new()]), "stop string 1 is 0 bytes long: it must have between 1 and 1024");
    assert_eq!(message(&["x".repeat(1025)]), "stop string 0 is 1025 bytes long: it must have between 1 and 1024");
    assert_eq!(message(&vec!["x".into(); 17]), "stop has 17 entries: at most 16 are allowed");
}

#[test]
fn equals_a_naive_search() {
    let mut random = Random::new(3);
    for round in 0..20_000 {
        let stops: Vec<String> = (0..random.below(4)).map(|_| word(&mut random, 1, 4)).collect();
        let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
        let pieces: Vec<String> = (0..random.below(12)).map(|_| word(&mut random, 0, 4)).collect();
        let found = stream(&stops, pieces.iter().map(String::as_str));
        assert_eq!(found, naive(&stops, &pieces.concat()), "round {round}: {stops:?} in {pieces:?}");
    }
}

fn word(random: &mut Random, least: usize, spread: usize) -> String {
    (0..least + random.below(spread)).map(|_| ['a', 'b', 'é', 'è'][random.below(4)]).collect()
}

fn stream<'a>(stops: &[&str], pieces: impl Iterator<Item = &'a str>) -> (String, Option<usize>) {
    let mut matcher = StopStrings::new(stops).unwrap();
    let mut text = String::new();
    for piece in pieces {
        let released = matcher.push(piece);
        text += &released.text;
        if released.stop.is_some() {
            assert_eq!(matcher.finish(), "");
            return (text, released.stop);
        }
    }
    (text + &matcher.finish(), None)
}

/// Tries every end, shortest text first, and there every stop string, longest first.
fn naive(stops: &[&str], text: &str) -> (String, Option<usize>) {
    let mut order: Vec<usize> = (0..stops.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(stops[i].len()));
    for end in 0..=text.len() {
        let Some(head) = text.get(..end) else { continue };
        if let Some(&index) = order.iter().find(|&&i| head.ends_with(stops[i])) {
            return (head[..end - stops[index].len()].to_owned(), Some(index));
        }
    }
    (text.to_owned(), None)
}
