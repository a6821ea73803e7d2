//! How many guesses pay.

use crate::limits;
use crate::pace::Pace;

/// How many guesses to run for each of the answers that have some, by their chances, beside `answering` answers in all.
///
/// Each guess makes its answer faster and, by its row, all answers slower. It runs if the gain is more than the loss, where
/// gain and loss are counted in each answer's own rate (the sum of its logarithms): nobody waits long for somebody else's guesses.
pub(crate) fn share(chances: &[&[f64]], answering: usize, pace: &Pace) -> Vec<usize> {
    let mut lengths = vec![0; chances.len()];
    // What a step is expected to say for each answer.
    let mut tokens = vec![1.0; chances.len()];
    let (mut gain, mut best, mut chosen) = (0.0, 0.0, lengths.clone());
    for guesses in 1..=limits::ALL_DRAFTS {
        let open = (0..chances.len()).filter(|&i| lengths[i] < chances[i].len());
        let offers = open.map(|i| (i, 1.0 + chances[i][lengths[i]] / tokens[i]));
        let Some((next, faster)) = offers.max_by(|a, b| a.1.total_cmp(&b.1)) else { break };
        gain += faster.ln();
        tokens[next] *= faster;
        lengths[next] += 1;
        let slower = pace.of(answering + guesses) / pace.of(answering);
        let worth = gain - answering as f64 * slower.ln();
        if worth > best {
            best = worth;
            chosen.clone_from(&lengths);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A machine on which each further row takes `share` of the time of the first.
    fn machine(share: f64) -> Pace {
        let mut pace = Pace::default();
        for _ in 0..2000 {
            [1, 2, 3, 4, 5, 8, 16, 32, 64]
                .into_iter()
                .for_each(|rows| pace.learn(rows, 0.05 * (1.0 + share * (rows as f64 - 1.0))));
        }
        pace
    }

    #[test]
    fn guesses_run_while_they_pay() {
        let sure = [1.0; 32];
        let fading: Vec<f64> = (1..=32).map(|i| 0.7f64.powi(i)).collect();
        let rare = [0.2, 0.04];
        let rows: [(&[f64], f64, usize); 8] = [
            (&sure, 0.0, 32),
            (&sure, 0.7, 32),
            (&sure, 1.3, 0),
            (&fading, 0.01, 9),
            (&fading, 0.1, 4),
            (&fading, 0.8, 0),
            (&rare, 0.3, 0),
            (&rare, 0.1, 1),
        ];
        for (chances, cost, expected) in rows {
            let got = share(&[chances], 1, &machine(cost))[0];
            assert!(got.abs_diff(expected) <= expected / 8, "{got} guesses for {expected}: {chances:?} at {cost}");
        }
    }

    #[test]
    fn the_more_answers_the_fewer_guesses() {
        let pace = machine(0.1);
        let (sure, none) = ([0.9; 32], []);
        let alone = share(&[&sure], 1, &pace)[0];
        let beside = share(&[&sure, &none], 2, &pace)[0];
        let crowd = share(&[&sure], 30, &pace)[0];
        assert!(alone > beside && beside > crowd, "{alone}, {beside}, {crowd}");
        let all = share(&[&sure, &sure, &sure], 3, &pace);
        assert!(
            all.iter().sum::<usize>() <= limits::ALL_DRAFTS
                && all.iter().max() <= all.iter().map(|n| n + 1).min().as_ref()
        );
    }
}
