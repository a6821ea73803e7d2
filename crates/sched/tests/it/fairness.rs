//! Tenants that ask for very different amounts get the same, in figures; and who asks for little waits little.

use std::collections::BTreeMap;

use sched::{Arrival, Limits, Scheduler, SequenceId, Tenant, Wants};
use testkit::Random;
use tokenizer::TokenId;

const LIMITS: Limits =
    Limits { step_rows: 64, prefill_rows: 32, running: 16, waiting: 400, block_tokens: 8, blocks: 600 };
const STEPS: usize = 3000;

/// What a tenant asks for: requests under way at once, tokens of a prompt, tokens of an answer.
#[derive(Clone, Copy)]
struct Demand {
    at_once: usize,
    prompt: usize,
    answer: usize,
}

#[derive(Clone, Debug, Default)]
struct Served {
    rows: usize,
    /// Steps from the arrival to the first token, of each request that had one.
    waits: Vec<usize>,
}

impl Served {
    fn median_wait(&self) -> usize {
        let mut waits = self.waits.clone();
        waits.sort_unstable();
        waits[waits.len() / 2]
    }
}

/// Runs `STEPS` steps; whoever has an answer asks the next at once.
fn run(limits: Limits, demands: &[Demand]) -> Vec<Served> {
    let (mut scheduler, mut random) = (Scheduler::new(limits), Random::new(1));
    let mut served = vec![Served::default(); demands.len()];
    // Tenant, arrival, tokens so far.
    let mut live: BTreeMap<SequenceId, (usize, usize, usize)> = BTreeMap::new();
    let mut ids = 0;
    for step in 0..STEPS {
        for (tenant, demand) in demands.iter().enumerate() {
            while live.values().filter(|(owner, ..)| *owner == tenant).count() < demand.at_once {
                ids += 1;
                let (id, wants) = (SequenceId(ids), Wants::Logits);
                let prompt = (0..demand.prompt).map(|_| TokenId(random.below(30_000) as u32)).collect();
                let (tenant_name, max_new_tokens) = (Tenant(tenant as u64), demand.answer);
                scheduler.submit(Arrival { id, tenant: tenant_name, prompt, max_new_tokens, wants }).unwrap();
                live.insert(id, (tenant, step, 0));
            }
        }
        let work = scheduler.schedule().unwrap();
        for (span, id) in work.batch.spans.iter().zip(&work.sequences) {
            served[live[id].0].rows += span.rows.len();
        }
        for sample in &work.samples {
            let (tenant, arrival, tokens) = live.get_mut(&sample.id).unwrap();
            if *tokens == 0 {
                served[*tenant].waits.push(step - *arrival);
            }
            *tokens += 1;
            if *tokens == demands[*tenant].answer {
                scheduler.remove(sample.id);
                live.remove(&sample.id);
            } else {
                scheduler.commit(sample.id, &[TokenId(7)]);
            }
        }
    }
    served
}

/// A machine of which each of `tenants` has a part of its own.
fn part(tenants: usize) -> Limits {
    let Limits { step_rows, prefill_rows, running, blocks, .. } = LIMITS;
    Limits {
        step_rows: step_rows / tenants,
        prefill_rows: prefill_rows / tenants,
        running: running / tenants,
        blocks: blocks / tenants as u32,
        ..LIMITS
    }
}

/// Where rows are what is short, all get the same number of them. In any case nobody gets less than a machine of its own
/// would give it that were as much smaller as there are tenants; what one leaves, others use.
#[test]
fn tenants_that_want_more_than_there_is_get_the_same() {
    let demand = |at_once, prompt, answer| Demand { at_once, prompt, answer };
    let rows = [
        ("one asks ten times as often", 95, vec![demand(100, 100, 20), demand(10, 100, 20)]),
        ("one has long prompts", 95, vec![demand(20, 400, 20), demand(20, 40, 20)]),
        ("one has long answers", 0, vec![demand(20, 60, 200), demand(20, 60, 10)]),
        ("three of them", 0, vec![demand(100, 200, 10), demand(30, 50, 60), demand(20, 100, 20)]),
    ];
    testkit::check_table(rows.map(|row| (row.0, row)), |(name, percent, demands)| {
        let rows: Vec<usize> = run(LIMITS, &demands).iter().map(|served| served.rows).collect();
        let own = demands.iter().map(|&demand| run(part(demands.len()), &[demand])[0].rows);
        let own: Vec<usize> = own.collect();
        println!("{name}: rows {rows:?}, on a machine of its own {own:?}");
        let (least, most) = (rows.iter().min().unwrap(), rows.iter().max().unwrap());
        let as_much = rows.iter().zip(&own).all(|(rows, own)| rows * 100 >= own * 90);
        if as_much && least * 100 >= most * percent { Ok(()) } else { Err(format!("{rows:?}, alone {own:?}")) }
    });
}

#[test]
fn who_asks_for_little_hardly_notices_a_flood() {
    let little = Demand { at_once: 1, prompt: 40, answer: 10 };
    let flood = Demand { at_once: 200, prompt: 200, answer: 50 };
    let alone = run(LIMITS, &[little])[0].median_wait();
    let served = run(LIMITS, &[little, flood]);
    let (beside, flooded) = (served[0].median_wait(), served[1].median_wait());
    println!("steps to the first token: {alone} alone, {beside} beside a flood, {flooded} for the flood itself");
    assert!(beside <= alone + 6 && flooded > 20 * beside.max(1), "{alone} {beside} {flooded}");
}
