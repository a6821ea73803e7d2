//! Tests as tables: one check, many rows, every failing row reported.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `check` on every row, then panics with the names and messages of all rows that failed.
///
/// A row fails when `check` returns an error or panics. An empty table fails too: it checks nothing.
///
/// ```
/// testkit::check_table([("one", 1), ("two", 2)], |n| if n > 0 { Ok(()) } else { Err("not positive") });
/// ```
///
/// # Panics
/// A row failed, or there is none.
pub fn check_table<N: Display, R, E: Display>(
    rows: impl IntoIterator<Item = (N, R)>,
    mut check: impl FnMut(R) -> Result<(), E>,
) {
    let mut total = 0;
    let mut failures = Vec::new();
    for (name, row) in rows {
        total += 1;
        match catch_unwind(AssertUnwindSafe(|| check(row))) {
            Ok(Ok(())) => {}
            Ok(Err(error)) => failures.push(format!("{name}: {error}")),
            Err(payload) => failures.push(format!("{name}: panicked: {}", message(payload.as_ref()))),
        }
    }
    assert!(total > 0, "the table is empty");
    assert!(failures.is_empty(), "{} of {total} rows failed:\n{}", failures.len(), failures.join("\n"));
}

fn message(payload: &(dyn std::any::Any + Send)) -> &str {
    payload.downcast_ref::<String>().map(String::as_str).or(payload.downcast_ref::<&str>().copied()).unwrap_or("?")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failing_row_is_named() {
        let run = || {
            check_table([("fine", 1), ("bad", 2), ("worse", 3)], |n| match n {
                1 => Ok(()),
                2 => Err("two"),
                _ => panic!("three"),
            });
        };
        let payload = catch_unwind(run).unwrap_err();
        assert_eq!(message(payload.as_ref()), "2 of 3 rows failed:\nbad: two\nworse: panicked: three");
    }

    #[test]
    #[should_panic(expected = "the table is empty")]
    fn a_table_without_rows_fails() {
        check_table(Vec::<(&str, ())>::new(), |()| Ok::<(), &str>(()));
    }
}
