//! `--interactive`: tests one at a time, as another program asks for them. Two programs that take turns second by second meet the
//! same machine; in turns of minutes they may not.

use std::io::{BufRead, stdin};

use engine::{Bench, Engine, Measurement, Workload};
use kernels::Isa;
use serde::Serialize;

use super::{name, tokens};
use crate::ceilings::Ceilings;
use crate::exit::Usage;
use crate::{commands, machine};

/// What a line asks for.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Test(Workload),
    /// How fast all threads read memory just now.
    Read,
}

/// The answer to a line.
#[derive(Serialize)]
#[serde(untagged)]
enum Answer {
    Test { test: String, seconds: f64, tokens_per_second: f64, peak_rss_bytes: Option<u64> },
    Read { bytes_per_second: Option<f64> },
}

/// Answers each line of standard input with a line of JSON, the first once the model is loaded, until there are no more.
///
/// # Errors
/// A line names no test, or a test does not fit into the memory for keys and values.
pub(super) fn answer(engine: &Engine) -> anyhow::Result<()> {
    let card = engine.card();
    let isa = Isa::from_name(card.isa).unwrap_or_else(Isa::detect);
    let bench = engine.bench()?;
    commands::print_json_line(&serde_json::json!({ "ready": true, "isa": card.isa, "threads": card.threads }))?;
    for line in stdin().lock().lines() {
        let line = line?;
        let Some(asked) = parse(&line) else {
            return Err(Usage::error(format!("{line:?} is no test: pp512, tg128, tg128@d2048×b8 (x will do), read")));
        };
        let answer = match asked {
            Asked::Test(workload) => run(&bench, workload)?,
            Asked::Read => Answer::Read { bytes_per_second: Ceilings::read_now(isa, card.threads)? },
        };
        commands::print_json_line(&answer)?;
    }
    Ok(())
}

fn run(bench: &Bench<'_>, workload: Workload) -> anyhow::Result<Answer> {
    let seconds = bench.measure(workload)?.as_secs_f64().max(1e-9);
    let tokens_per_second = tokens(workload.timed) as f64 / seconds;
    Ok(Answer::Test { test: name(workload), seconds, tokens_per_second, peak_rss_bytes: machine::peak_rss_bytes() })
}

/// A test's name, as the table has it; `x` for `×` will do.
fn parse(line: &str) -> Option<Asked> {
    let line = line.trim();
    if line == "read" {
        return Some(Asked::Read);
    }
    let (rest, sequences) = match line.replace('×', "x").split_once("xb") {
        Some((rest, sequences)) => (rest.to_owned(), count(sequences)?),
        None => (line.to_owned(), 1),
    };
    let (kind, depth) = match rest.split_once("@d") {
        Some((kind, depth)) => (kind, depth.parse().ok()?),
        None => (rest.as_str(), 0),
    };
    let timed = match kind.split_at_checked(2)? {
        ("pp", tokens) if sequences == 1 => Measurement::Prefill { tokens: count(tokens)? },
        ("tg", tokens) => Measurement::Decode { tokens: count(tokens)?, sequences },
        _ => return None,
    };
    Some(Asked::Test(Workload { depth, timed }))
}

fn count(digits: &str) -> Option<usize> {
    digits.parse().ok().filter(|&count| count > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_by_name() {
        for depth in [0, 2048] {
            let decode = |sequences| Measurement::Decode { tokens: 128, sequences };
            for timed in [decode(1), decode(8), Measurement::Prefill { tokens: 512 }] {
                let workload = Workload { depth, timed };
                assert_eq!(parse(&name(workload)), Some(Asked::Test(workload)), "{}", name(workload));
            }
        }
        assert_eq!(parse("tg8@d1xb2"), parse(" tg8@d1×b2\r"));
        assert_eq!(parse("read"), Some(Asked::Read));
        for wrong in ["", "pp", "pp0", "tg", "tg-1", "pp8xb2", "tg8xb0", "tg8@d", "p€p", "tg99999999999999999999", "é"]
        {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }
}
