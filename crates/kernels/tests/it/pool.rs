//! Every slice once, no deadlock, panics arrive, regions do not nest.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

use kernels::Pool;

const REGIONS: usize = if cfg!(miri) { 20 } else { 5000 };

#[test]
fn every_slice_runs_once() {
    for threads in 1..=8 {
        let pool = Pool::new(threads).unwrap();
        assert_eq!(pool.num_threads(), threads);
        for region in 0..REGIONS / threads {
            let counts: Vec<AtomicUsize> = (0..region % 37).map(|_| AtomicUsize::new(0)).collect();
            pool.run(counts.len(), |slice| {
                counts[slice].fetch_add(1, Ordering::Relaxed);
            });
            assert!(counts.iter().all(|c| c.load(Ordering::Relaxed) == 1), "{threads} threads, region {region}");
        }
    }
}

#[test]
fn what_a_region_wrote_is_seen_by_the_next() {
    let pool = Pool::new(4).unwrap();
    let cells: Vec<AtomicUsize> = (0..64).map(|_| AtomicUsize::new(0)).collect();
    for region in 0..REGIONS {
        pool.run(cells.len(), |slice| {
            let neighbour = &cells[(slice + region) % cells.len()];
            let seen = neighbour.load(Ordering::Relaxed);
            neighbour.store(seen + 1, Ordering::Relaxed);
        });
    }
    assert!(cells.iter().all(|c| c.load(Ordering::Relaxed) == REGIONS));
}

#[test]
fn regions_of_several_callers_follow_one_another() {
    let pool = Pool::new(3).unwrap();
    let running = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..REGIONS / 20 {
                    let owner = AtomicUsize::new(0);
                    pool.run(5, |_| {
                        if owner.fetch_add(1, Ordering::SeqCst) == 0 {
                            assert_eq!(running.fetch_add(1, Ordering::SeqCst), 0, "two regions at once");
                        }
                        if owner.fetch_add(100, Ordering::SeqCst) / 100 == 4 {
                            running.fetch_sub(1, Ordering::SeqCst);
                        }
                    });
                }
            });
        }
    });
}

#[test]
fn a_panic_in_a_slice_reaches_the_caller_and_the_pool_lives_on() {
    for threads in 1..=4 {
        let pool = Pool::new(threads).unwrap();
        for bad in 0..REGIONS.min(100) {
            let payload = catch_unwind(AssertUnwindSafe(|| {
                pool.run(100, |slice| assert!(slice != bad, "slice {bad} is broken"));
            }));
            let payload = payload.expect_err("the panic is lost");
            assert_eq!(payload.downcast_ref::<String>(), Some(&format!("slice {bad} is broken")));
            let ran = AtomicUsize::new(0);
            pool.run(10, |_| {
                ran.fetch_add(1, Ordering::Relaxed);
            });
            assert_eq!(ran.into_inner(), 10);
        }
    }
}

#[test]
fn all_slices_may_panic() {
    let pool = Pool::new(4).unwrap();
    assert!(catch_unwind(AssertUnwindSafe(|| pool.run(64, |_| panic!("all")))).is_err());
}

#[test]
fn regions_do_not_nest() {
    for slices in [1, 8] {
        let pool = Pool::new(3).unwrap();
        let nested = catch_unwind(AssertUnwindSafe(|| pool.run(slices, |_| pool.run(2, |_| {}))));
        let payload = nested.expect_err("a nested region ran");
        assert!(payload.downcast_ref::<&str>().is_some_and(|m| m.contains("do not nest")));
        pool.run(slices, |_| {});
    }
}

#[test]
fn workers_wake_after_sleep() {
    let pool = Pool::new(4).unwrap();
    for _ in 0..if cfg!(miri) { 1 } else { 20 } {
        std::thread::sleep(std::time::Duration::from_millis(3));
        let ran = AtomicUsize::new(0);
        pool.run(16, |_| {
            ran.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(ran.into_inner(), 16);
    }
}

#[test]
fn more_workers_than_can_be_counted_are_refused() {
    assert!(Pool::new(1 << 16).is_err());
}
