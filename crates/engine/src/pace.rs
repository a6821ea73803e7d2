//! How long a step takes by its rows, learned from the steps themselves: what a guess costs on this machine, with this model,
//! at this depth.

/// Numbers of rows whose times are kept; those between lie on a line.
const ROWS: [usize; 9] = [1, 2, 3, 4, 5, 8, 16, 32, 64];
/// Their times in those of one row, before anything was measured.
const EXPECTED: [f64; ROWS.len()] = [1.0, 1.15, 1.3, 1.5, 1.7, 2.3, 4.0, 7.0, 13.0];
/// How much of what a step took longer than expected is believed: of steps with a single row by such a step, of steps with as many
/// rows, and of all steps by one with more rows.
const OF_SINGLE: f64 = 0.2;
const OF_ROWS: f64 = 0.1;
const OF_ALL: f64 = 0.05;
/// A step that took longer than expected by more than this met something else.
const MOST: f64 = 2.0;
/// How fast times go back to what was expected at first while nobody measures them: what was wrong is tried again.
const FORGOTTEN: f64 = 0.0001;

/// Times of steps.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    /// Seconds of a step with one row, once there was a step.
    single: Option<f64>,
    /// Times of steps with [`ROWS`] rows, in those of one row.
    times: [f64; ROWS.len()],
}

impl Default for Pace {
    fn default() -> Self {
        Self { single: None, times: EXPECTED }
    }
}

impl Pace {
    /// The time of a step with so many rows, in those of a step with one.
    pub(crate) fn of(&self, rows: usize) -> f64 {
        let (knot, share) = place(rows);
        self.times[knot] + share * (self.times[knot + 1] - self.times[knot])
    }

    /// A step that only answered, with so many rows, took so long.
    pub(crate) fn learn(&mut self, rows: usize, seconds: f64) {
        let took = seconds.max(1e-9) / self.of(rows);
        let single = *self.single.get_or_insert(took);
        let slower = (took / single).clamp(1.0 / MOST, MOST);
        self.single = Some(single * slower.powf(if rows == 1 { OF_SINGLE } else { OF_ALL }));
        let (knot, share) = place(rows);
        let measured = knot + usize::from(share >= 1.0)..=knot + usize::from(share > 0.0);
        for i in 1..ROWS.len() {
            let back = (EXPECTED[i] / self.times[i]).powf(FORGOTTEN);
            self.times[i] *= if measured.contains(&i) { slower.powf(OF_ROWS) } else { back };
        }
        // More rows never take less: what was measured last is right.
        let (least, most) = (self.times[*measured.start()].max(1.0), self.times[*measured.end()].max(1.0));
        self.times[1..=*measured.start()].iter_mut().for_each(|time| *time = time.clamp(1.0, least));
        self.times[*measured.end()..].iter_mut().for_each(|time| *time = time.max(most));
    }
}

/// Which of [`ROWS`] comes before, and how far it is to the next; more than 1 beyond the last.
fn place(rows: usize) -> (usize, f64) {
    let knot = ROWS.partition_point(|&knot| knot <= rows).clamp(1, ROWS.len() - 1) - 1;
    (knot, rows.saturating_sub(ROWS[knot]) as f64 / (ROWS[knot + 1] - ROWS[knot]) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Steps of answers on a machine where `time` says how long they take, give or take a third.
    fn learnt(pace: &mut Pace, steps: usize, time: impl Fn(usize) -> f64) {
        for step in 0..steps {
            let rows = [1, 9, 1, 1, 5, 1, 33, 2][step % 8];
            let noise = [1.0, 1.3, 0.8, 0.95, 1.1, 0.85, 1.0][step % 7];
            pace.learn(rows, noise * time(rows));
        }
    }

    #[test]
    fn it_learns_a_machine_and_follows_when_it_changes() {
        let mut pace = Pace::default();
        let machines: [&dyn Fn(usize) -> f64; 3] =
            [&|rows| 0.02 * rows as f64, &|_| 0.3, &|rows| 0.05 + 0.02 * rows as f64];
        for (number, machine) in machines.iter().enumerate() {
            learnt(&mut pace, 2000, machine);
            for rows in [2, 5, 9, 33] {
                let (got, expected) = (pace.of(rows), machine(rows) / machine(1));
                assert!((0.7..1.4).contains(&(got / expected)), "machine {number}, {rows} rows: {got} for {expected}");
            }
        }
    }

    #[test]
    fn a_step_that_was_held_up_does_not_count_for_much() {
        let mut pace = Pace::default();
        learnt(&mut pace, 800, |rows| 0.05 + 0.01 * rows as f64);
        let before = pace.of(9);
        pace.learn(9, 60.0);
        assert!(pace.of(9) < 1.2 * before);
    }

    #[test]
    fn more_rows_take_more() {
        let mut pace = Pace::default();
        learnt(&mut pace, 300, |rows| if rows > 4 { 0.01 } else { 0.1 });
        (1..200).for_each(|rows| assert!(pace.of(rows) <= pace.of(rows + 1), "{rows}"));
    }
}
