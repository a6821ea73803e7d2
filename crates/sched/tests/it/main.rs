//! The scheduler, driven by a table of small scenes and by a seeded crowd.

use sched::{Arrival, Limits, Refused, Scheduler, SequenceId, Tenant, Wants};
use testkit::Random;
use tokenizer::TokenId;

const LIMITS: Limits = Limits { step_rows: 8, running: 3, waiting: 4, block_tokens: 4, blocks: 12 };

fn prompt(len: usize) -> Vec<TokenId> {
    (0..len as u32).map(TokenId).collect()
}

fn submit(scheduler: &mut Scheduler, id: SequenceId, prompt: Vec<TokenId>, new: usize) -> Result<(), Refused> {
    let (tenant, wants) = (Tenant::default(), Wants::Logits);
    scheduler.submit(Arrival { id, tenant, prompt, max_new_tokens: new, wants })
}

#[test]
fn a_prompt_is_read_in_chunks_and_sampled_once_at_its_end() {
    let mut scheduler = Scheduler::new(LIMITS);
    submit(&mut scheduler, SequenceId(1), prompt(19), 2).unwrap();
    let rows: Vec<_> = std::iter::from_fn(|| scheduler.schedule()).map(|s| (s.batch.rows(), s.samples.len())).collect();
    assert_eq!(rows, [(8, 0), (8, 0), (3, 1)]);
}

#[test]
fn answers_go_on_while_a_long_prompt_is_read() {
    let mut scheduler = Scheduler::new(LIMITS);
    submit(&mut scheduler, SequenceId(1), prompt(2), 4).unwrap();
    assert_eq!(scheduler.schedule().unwrap().samples, [SequenceId(1)]);
    scheduler.commit(SequenceId(1), TokenId(7));
    submit(&mut scheduler, SequenceId(2), prompt(20), 4).unwrap();
    let step = scheduler.schedule().unwrap();
    assert_eq!(step.samples, [SequenceId(1)]);
    assert_eq!(step.batch.spans.iter().map(|s| s.rows.len()).collect::<Vec<_>>(), [1, 7]);
    assert_eq!(step.batch.tokens[0], TokenId(7));
    assert_eq!(step.batch.spans[0].first_position, 2);
}

#[test]
fn what_cannot_fit_is_refused_and_says_why() {
    let mut scheduler = Scheduler::new(LIMITS);
    assert_eq!(submit(&mut scheduler, SequenceId(1), vec![], 1), Err(Refused::Empty));
    let too_long = Refused::TooLong { tokens: 49, capacity: 48 };
    assert_eq!(submit(&mut scheduler, SequenceId(1), prompt(40), 9), Err(too_long));
    assert!(submit(&mut scheduler, SequenceId(1), prompt(40), usize::MAX).is_err());
    for id in 0..4 {
        submit(&mut scheduler, SequenceId(id), prompt(1), 1).unwrap();
    }
    assert_eq!(submit(&mut scheduler, SequenceId(9), prompt(1), 1), Err(Refused::QueueFull { waiting: 4 }));
}

#[test]
fn work_outside_the_queue_is_told_whether_it_could_ever_fit() {
    let mut scheduler = Scheduler::new(LIMITS);
    assert_eq!(scheduler.take_blocks(49), Err(Refused::TooLong { tokens: 49, capacity: 48 }));
    let blocks = scheduler.take_blocks(20).unwrap();
    assert_eq!(scheduler.take_blocks(40), Err(Refused::Busy { tokens: 40, free: 28 }));
    scheduler.give_back(blocks);
    assert_eq!(scheduler.take_blocks(40).map(|b| b.len()), Ok(10));
}

/// A crowd that arrives, is answered and leaves at random: no block is in two hands, no row is run twice or left out,
/// everybody is served in order, and in the end all blocks are free.
#[test]
fn a_random_crowd_keeps_every_invariant() {
    for seed in 0..200 {
        crowd(seed);
    }
}

fn crowd(seed: u64) {
    let mut rng = Random::new(seed);
    let mut scheduler = Scheduler::new(LIMITS);
    let mut left = std::collections::BTreeMap::new();
    for id in 0..400 {
        let (len, new) = (1 + rng.below(20), 1 + rng.below(12));
        if submit(&mut scheduler, SequenceId(id), prompt(len), new).is_ok() {
            left.insert(SequenceId(id), new);
        }
        if rng.below(9) == 0
            && let Some(id) = left.keys().nth(rng.below(left.len())).copied()
        {
            scheduler.remove(id);
            left.remove(&id);
        }
        for _ in 0..rng.below(4) {
            let Some(step) = scheduler.schedule() else { break };
            check(seed, &step);
            for id in step.samples {
                scheduler.commit(id, TokenId(0));
                let rest = left.get_mut(&id).expect("only the living are sampled");
                *rest -= 1;
                if *rest == 0 {
                    scheduler.remove(id);
                    left.remove(&id);
                }
            }
        }
    }
    left.keys().for_each(|id| scheduler.remove(*id));
    assert_eq!(scheduler.take_blocks(48).map(|b| b.len()), Ok(12), "seed {seed}: blocks were lost");
}

fn check(seed: u64, step: &sched::Step) {
    assert!(step.batch.rows() <= LIMITS.step_rows && step.batch.rows() > 0, "seed {seed}");
    let mut blocks: Vec<u32> = step.batch.spans.iter().flat_map(|s| s.blocks.clone()).collect();
    let held = blocks.len();
    blocks.sort_unstable();
    blocks.dedup();
    assert_eq!(blocks.len(), held, "seed {seed}: a block is in two hands");
    for span in &step.batch.spans {
        let end = span.first_position + span.rows.len();
        assert_eq!(span.blocks.len(), end.div_ceil(LIMITS.block_tokens), "seed {seed}");
    }
    assert_eq!(step.samples.len(), step.batch.logits_rows.len(), "seed {seed}");
}
