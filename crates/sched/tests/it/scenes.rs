//! Small scenes, step by step.

use sched::{Arrival, Limits, Refused, Scheduler, SequenceId, Step, Tenant, Wants};
use tokenizer::TokenId;

const LIMITS: Limits = Limits { step_rows: 8, prefill_rows: 6, running: 3, waiting: 4, block_tokens: 4, blocks: 12 };

fn prompt(len: usize) -> Vec<TokenId> {
    (0..len as u32).map(TokenId).collect()
}

fn submit(scheduler: &mut Scheduler, id: u64, prompt: Vec<TokenId>, new: usize) -> Result<(), Refused> {
    submit_for(scheduler, 0, id, prompt, new)
}

fn submit_for(s: &mut Scheduler, tenant: u64, id: u64, prompt: Vec<TokenId>, new: usize) -> Result<(), Refused> {
    let (id, tenant, wants) = (SequenceId(id), Tenant(tenant), Wants::Logits);
    s.submit(Arrival { id, tenant, prompt, max_new_tokens: new, wants })
}

/// Whose rows, and how many.
fn rows(step: &Step) -> Vec<usize> {
    step.batch.spans.iter().map(|s| s.rows.len()).collect()
}

fn sampled(step: &Step) -> Vec<u64> {
    step.samples.iter().map(|sample| sample.id.0).collect()
}

/// Runs until nothing is left to do; each sample is token 7, each sequence ends after `new` of them. Rows of all steps.
fn drain(scheduler: &mut Scheduler, new: usize) -> usize {
    let mut counts = std::collections::BTreeMap::new();
    let mut total = 0;
    while let Some(step) = scheduler.schedule() {
        total += step.batch.rows();
        for id in sampled(&step) {
            let count = counts.entry(id).or_insert(0);
            *count += 1;
            if *count == new {
                scheduler.remove(SequenceId(id));
            } else {
                scheduler.commit(SequenceId(id), &[TokenId(7)]);
            }
        }
        scheduler.audit().unwrap();
    }
    total
}

#[test]
fn a_prompt_is_read_in_chunks_and_sampled_once_at_its_end() {
    let mut scheduler = Scheduler::new(LIMITS);
    submit(&mut scheduler, 1, prompt(19), 2).unwrap();
    let seen: Vec<_> = std::iter::from_fn(|| scheduler.schedule()).map(|s| (s.batch.rows(), s.samples.len())).collect();
    assert_eq!(seen, [(8, 0), (8, 0), (3, 1)]);
}

#[test]
fn answers_go_on_while_a_long_prompt_is_read_in_smaller_chunks() {
    let mut scheduler = Scheduler::new(LIMITS);
    submit(&mut scheduler, 1, prompt(2), 4).unwrap();
    assert_eq!(sampled(&scheduler.schedule().unwrap()), [1]);
    scheduler.commit(SequenceId(1), &[TokenId(7)]);
    submit(&mut scheduler, 2, prompt(20), 4).unwrap();
    let step = scheduler.schedule().unwrap();
    assert_eq!((sampled(&step), rows(&step)), (vec![1], vec![1, 6]));
    assert_eq!(step.batch.tokens[0], TokenId(7));
    assert_eq!(step.batch.spans[0].first_position, 2);
}

#[test]
fn what_cannot_fit_is_refused_and_says_why() {
    let mut scheduler = Scheduler::new(LIMITS);
    assert_eq!(submit(&mut scheduler, 1, vec![], 1), Err(Refused::Empty));
    let too_long = Refused::TooLong { tokens: 49, capacity: 48 };
    assert_eq!(submit(&mut scheduler, 1, prompt(40), 9), Err(too_long));
    assert!(submit(&mut scheduler, 1, prompt(40), usize::MAX).is_err());
    for id in 0..4 {
        submit(&mut scheduler, id, prompt(1), 1).unwrap();
    }
    assert_eq!(submit(&mut scheduler, 9, prompt(1), 1), Err(Refused::QueueFull { waiting: 4 }));
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

#[test]
fn the_next_turn_pays_for_its_new_tokens_only() {
    let mut scheduler = Scheduler::new(LIMITS);
    submit(&mut scheduler, 1, prompt(14), 4).unwrap();
    assert_eq!(drain(&mut scheduler, 4), 14 + 3);
    // Prompt and answer again, and three tokens more: 17 were computed, 16 of them fill blocks.
    let mut turn = prompt(14);
    turn.extend([7, 7, 7, 7, 1, 2, 3].map(TokenId));
    submit(&mut scheduler, 2, turn.clone(), 1).unwrap();
    let step = scheduler.schedule().unwrap();
    assert_eq!((rows(&step), step.batch.spans[0].first_position), (vec![21 - 16], 16));
    assert_eq!(scheduler.cached_tokens(SequenceId(2)), 16);
    scheduler.remove(SequenceId(2));
    // Nothing is spared to somebody else, and one token at least is computed again.
    submit_for(&mut scheduler, 1, 3, turn, 1).unwrap();
    assert_eq!(drain(&mut scheduler, 1), 21);
    submit(&mut scheduler, 4, prompt(4), 1).unwrap();
    assert_eq!(drain(&mut scheduler, 1), 4);
}

#[test]
fn several_answers_to_one_prompt_compute_it_once() {
    let mut scheduler = Scheduler::new(LIMITS);
    for id in 1..=3 {
        submit(&mut scheduler, id, prompt(15), 2).unwrap();
    }
    // 15 once, and for the two others the three that do not fill a block; then the second tokens.
    assert_eq!(drain(&mut scheduler, 2), 15 + 2 * 3 + 3);
    assert_eq!(scheduler.counters().cached_tokens, 24);
}

#[test]
fn who_waits_for_another_one_goes_on_when_that_is_cancelled() {
    let mut scheduler = Scheduler::new(LIMITS);
    for id in 1..=2 {
        submit(&mut scheduler, id, prompt(23), 1).unwrap();
    }
    assert_eq!(rows(&scheduler.schedule().unwrap()), [8]);
    scheduler.remove(SequenceId(1));
    let step = scheduler.schedule().unwrap();
    assert_eq!((rows(&step), step.batch.spans[0].first_position), (vec![8], 8));
}

#[test]
fn answers_that_outgrow_the_memory_take_turns_and_all_end() {
    let limits = Limits { blocks: 6, waiting: 8, ..LIMITS };
    let mut scheduler = Scheduler::new(limits);
    for id in 0..6 {
        let prompt = (0..5).map(|i| TokenId(100 * id as u32 + i)).collect();
        submit(&mut scheduler, id, prompt, 19).unwrap();
    }
    drain(&mut scheduler, 19);
    assert!(scheduler.counters().preemptions > 0);
    assert_eq!(scheduler.load().blocks_used, 0);
}

#[test]
fn guesses_run_along_and_count_only_when_they_are_right() {
    let mut scheduler = Scheduler::new(LIMITS);
    submit(&mut scheduler, 1, prompt(6), 5).unwrap();
    scheduler.schedule().unwrap();
    scheduler.commit(SequenceId(1), &[TokenId(50)]);
    scheduler.draft(SequenceId(1), [51, 52, 53, 54, 55, 56].map(TokenId).to_vec());
    let step = scheduler.schedule().unwrap();
    // Of five new tokens one is there, and the last one needs no row: three guesses at most; half of the free rows: 3.
    assert_eq!(step.batch.tokens, [50, 51, 52, 53].map(TokenId));
    assert_eq!(step.samples[0].rows, 0..4);
    assert_eq!(step.samples[0].guesses, [51, 52, 53].map(TokenId));
    // Two were right, the third was not.
    scheduler.commit(SequenceId(1), &[51, 52, 60].map(TokenId));
    let step = scheduler.schedule().unwrap();
    assert_eq!((step.batch.tokens, step.batch.spans[0].first_position), (vec![TokenId(60)], 9));
    assert_eq!((scheduler.counters().drafted_tokens, scheduler.counters().accepted_tokens), (3, 2));
}

#[test]
fn a_newcomer_is_served_beside_a_tenant_that_fills_all_places() {
    let mut scheduler = Scheduler::new(Limits { waiting: 9, ..LIMITS });
    for id in 0..6 {
        submit(&mut scheduler, id, vec![TokenId(id as u32)], 40).unwrap();
    }
    for _ in 0..3 {
        for id in sampled(&scheduler.schedule().unwrap()) {
            scheduler.commit(SequenceId(id), &[TokenId(1)]);
        }
    }
    submit_for(&mut scheduler, 1, 9, prompt(3), 4).unwrap();
    let step = scheduler.schedule().unwrap();
    // Tenant 0 had three places and keeps two.
    assert_eq!(sampled(&step), [0, 1, 9]);
    assert_eq!(scheduler.counters().preemptions, 1);
}

#[test]
fn a_long_prompt_shares_the_rows_with_a_short_one() {
    let mut scheduler = Scheduler::new(LIMITS);
    submit(&mut scheduler, 1, prompt(32), 1).unwrap();
    assert_eq!(rows(&scheduler.schedule().unwrap()), [8]);
    submit_for(&mut scheduler, 1, 2, prompt(6), 1).unwrap();
    // Tenant 1 enters with what tenant 0 has had, and they take turns.
    assert_eq!(rows(&scheduler.schedule().unwrap()), [4, 4]);
    let step = scheduler.schedule().unwrap();
    assert_eq!((rows(&step), sampled(&step)), (vec![6, 2], vec![2]));
}

#[test]
fn a_flood_does_not_take_the_quota_of_others() {
    let mut scheduler = Scheduler::new(Limits { waiting: 99, ..LIMITS });
    submit(&mut scheduler, 1, prompt(13), 1).unwrap();
    drain(&mut scheduler, 1);
    // Twelve blocks, two tenants: three blocks are safe.
    for id in 10..60 {
        submit_for(&mut scheduler, 1, id, (0..9).map(|i| TokenId(1000 * id as u32 + i)).collect(), 3).unwrap();
    }
    drain(&mut scheduler, 3);
    submit(&mut scheduler, 2, prompt(13), 1).unwrap();
    scheduler.schedule().unwrap();
    assert_eq!(scheduler.cached_tokens(SequenceId(2)), 12);
}

#[test]
fn hidden_states_of_a_text_come_once_each() {
    let mut scheduler = Scheduler::new(LIMITS);
    for (id, wants) in [(1, Wants::AllHidden), (2, Wants::LastHidden)] {
        let tenant = Tenant(0);
        let arrival = Arrival { id: SequenceId(id), tenant, prompt: prompt(10), max_new_tokens: 0, wants };
        scheduler.submit(arrival).unwrap();
    }
    let mut seen = Vec::new();
    while let Some(step) = scheduler.schedule() {
        assert!(step.samples.is_empty());
        seen.extend(step.hidden.iter().map(|id| id.0));
        let positions: Vec<_> = step.batch.positions().collect();
        let done = |row: &usize| positions[*row] == 9;
        let ended: Vec<_> = step.hidden.iter().zip(&step.batch.hidden_rows).filter(|(_, row)| done(row)).collect();
        ended.into_iter().for_each(|(id, _)| scheduler.remove(*id));
    }
    seen.sort_unstable();
    assert_eq!(seen, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]);
}
