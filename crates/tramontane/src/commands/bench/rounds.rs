//! The order of measuring: all tests once, then all once more, so that a slow minute of the machine meets every test alike.

use engine::{Engine, Workload};
use indicatif::{ProgressBar, ProgressStyle};
use kernels::Isa;

use super::{name, tokens};
use crate::ceilings::Ceilings;
use crate::{interrupt, machine};

/// What was measured, of the machine and of the tests.
pub(super) struct Measured {
    /// The best of all rounds.
    pub(super) ceilings: Ceilings,
    /// Of the round that warmed up, in which every test has run.
    pub(super) peak_rss_bytes: Option<u64>,
    /// Tokens a second of each test, round by round.
    pub(super) rounds: Vec<Vec<f64>>,
}

/// Warms up, then measures in rounds; fewer than `repetitions` if Ctrl-C stops it.
///
/// # Errors
/// A test does not fit into the memory for keys and values, or the system refuses threads.
pub(super) fn measure(engine: &Engine, workloads: &[Workload], repetitions: usize) -> anyhow::Result<Measured> {
    interrupt::install()?;
    let card = engine.card();
    let isa = Isa::from_name(card.isa).unwrap_or_else(Isa::detect);
    let mut ceilings = Ceilings::measure(isa, card.threads)?;
    // The probe's buffer is no part of what the model needs.
    machine::forget_peak();
    let mut peak_rss_bytes = None;
    let bench = engine.bench()?;
    let bar = bar(workloads.len() * (1 + repetitions));
    let mut begin = |round| {
        if round == 1 {
            peak_rss_bytes = machine::peak_rss_bytes();
        }
        if round > 0 { ceilings.read_again(isa, card.threads) } else { Ok(()) }
    };
    let mut run = |test: usize| {
        let workload = workloads[test];
        bar.set_message(name(workload));
        let seconds = bench.measure(workload)?.as_secs_f64().max(1e-9);
        bar.inc(1);
        Ok((!interrupt::taken()).then(|| tokens(workload.timed) as f64 / seconds))
    };
    let rounds = in_rounds(workloads.len(), repetitions, &mut begin, &mut run)?;
    bar.finish_and_clear();
    Ok(Measured { ceilings, peak_rss_bytes, rounds })
}

/// Runs all tests once to warm up (round 0), then `repetitions` times more; `begin` hears of each round before it. What `run`
/// said of each test, in whole rounds: one in which it said `None` is the last and is left out.
fn in_rounds<T>(
    tests: usize,
    repetitions: usize,
    begin: &mut dyn FnMut(usize) -> anyhow::Result<()>,
    run: &mut dyn FnMut(usize) -> anyhow::Result<Option<T>>,
) -> anyhow::Result<Vec<Vec<T>>> {
    let mut rounds = Vec::with_capacity(repetitions);
    for round in 0..=repetitions {
        begin(round)?;
        let results: Option<Vec<T>> = (0..tests).map(&mut *run).collect::<anyhow::Result<_>>()?;
        match results {
            None => break,
            Some(_) if round == 0 => {}
            Some(results) => rounds.push(results),
        }
    }
    Ok(rounds)
}

/// Only where somebody watches; it moves between the tests, never while the clock runs.
fn bar(runs: usize) -> ProgressBar {
    let bar = ProgressBar::new(runs as u64);
    // The template is ours; were it wrong, a plain bar would do.
    match ProgressStyle::with_template("measuring {msg} {wide_bar} {pos} of {len}") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    /// Rounds and tests in the order in which they came, and the rates; Ctrl-C comes after run `stop`.
    fn order(tests: usize, repetitions: usize, stop: usize) -> (String, Vec<Vec<usize>>) {
        let (said, mut runs) = (RefCell::new(String::new()), 0);
        let mut begin = |round| {
            said.borrow_mut().push_str(&format!("{round}:"));
            Ok(())
        };
        let mut run = |test: usize| {
            said.borrow_mut().push(['a', 'b', 'c'][test]);
            runs += 1;
            Ok((runs != stop).then_some(runs))
        };
        let rounds = in_rounds(tests, repetitions, &mut begin, &mut run).unwrap();
        (said.into_inner(), rounds)
    }

    #[test]
    fn tests_take_turns() {
        let rows = [
            ((3, 2, 0), "0:abc1:abc2:abc", vec![vec![4, 5, 6], vec![7, 8, 9]]),
            ((1, 3, 0), "0:a1:a2:a3:a", vec![vec![2], vec![3], vec![4]]),
            ((2, 3, 6), "0:ab1:ab2:ab", vec![vec![3, 4]]),
            ((2, 3, 5), "0:ab1:ab2:a", vec![vec![3, 4]]),
            ((2, 3, 1), "0:a", vec![]),
        ];
        for ((tests, repetitions, stop), said, rounds) in rows {
            assert_eq!(order(tests, repetitions, stop), (said.to_owned(), rounds));
        }
    }
}
