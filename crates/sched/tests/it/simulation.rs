//! A machine made of numbers, and a crowd that wants much of it.
//!
//! The machine's "key and value" of a position is a hash of the one before it, read from memory where the table says that
//! it is, and of the token. So whatever goes wrong with a block (lost, shared while written, taken for another's, kept
//! under a wrong name, a rejected guess that stays) gives a wrong number, and a wrong token soon after. Each answer is
//! compared with what its tenant and prompt give alone. Beside that the scheduler audits itself after each command.
//!
//! A failure names the seed of its crowd. `SIMULATION_SEED=N` begins with another one, `SIMULATION_CROWDS=N` runs another number
//! of crowds: `SIMULATION_SEED=N SIMULATION_CROWDS=1 cargo test -p sched crowds` repeats a failure.

use std::collections::BTreeMap;

use sched::{Arrival, Limits, Scheduler, SequenceId, Step, Tenant, Wants};
use testkit::Random;
use tokenizer::TokenId;

const CROWDS: u64 = 340;
const ARRIVALS: usize = 600;
/// Nobody is under way for longer, in steps. The longest that these crowds see is about half of it.
const PATIENCE: u64 = 1500;

#[test]
fn crowds_are_served_right_and_nobody_starves() {
    let (first, crowds) = (setting("SIMULATION_SEED", 0), setting("SIMULATION_CROWDS", CROWDS));
    let mut longest = 0;
    for seed in (first..).take(crowds as usize) {
        let told = Told(seed);
        longest = longest.max(World::new(seed).run().longest);
        drop(told);
    }
    assert!(longest > 50 || crowds < CROWDS, "the crowds are too small to tell: {longest}");
}

fn setting(name: &str, default: u64) -> u64 {
    let number = |text: String| text.parse().unwrap_or_else(|_| panic!("{name} is {text}: a number is expected"));
    std::env::var(name).map_or(default, number)
}

/// Names the seed when anything fails, wherever it does: in the scheduler itself too.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(seed) = self;
            eprintln!("this was crowd {seed}: SIMULATION_SEED={seed} SIMULATION_CROWDS=1 cargo test -p sched crowds");
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_batches() {
    for seed in 0..20 {
        let _told = Told(seed);
        assert_eq!(World::new(seed).run().digest, World::new(seed).run().digest, "seed {seed}");
    }
}

struct World {
    seed: u64,
    rng: Random,
    limits: Limits,
    scheduler: Scheduler,
    /// What each slot of each block holds.
    memory: Vec<Vec<u64>>,
    live: BTreeMap<SequenceId, Client>,
    /// Texts that were said: later prompts go on from them.
    said: Vec<Vec<TokenId>>,
    step: u64,
    longest: u64,
    digest: u64,
}

struct Client {
    tenant: Tenant,
    tokens: Vec<TokenId>,
    /// Tokens after which it is content.
    enough: usize,
    wants: Wants,
    /// Positions whose hidden states it has.
    heard: Vec<usize>,
    since: u64,
}

fn mix(before: u64, word: u64) -> u64 {
    (before ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

fn start(tenant: Tenant) -> u64 {
    mix(17, tenant.0 + 1)
}

/// The token that follows: from a small alphabet, so that texts meet.
fn next(value: u64) -> TokenId {
    TokenId((value >> 7) as u32 % 3)
}

fn alone(tenant: Tenant, tokens: &[TokenId]) -> u64 {
    tokens.iter().fold(start(tenant), |value, token| mix(value, u64::from(token.0)))
}

/// Tokens, positions and blocks of a step.
fn digest(before: u64, step: &Step) -> u64 {
    let tokens = step.batch.tokens.iter().map(|token| token.0);
    let spans =
        step.batch.spans.iter().flat_map(|span| span.blocks.iter().copied().chain([span.first_position as u32]));
    tokens.chain(spans).fold(before, |digest, word| mix(digest, u64::from(word)))
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = Random::new(seed);
        let running = 1 + rng.below(6);
        let step_rows = running + rng.below(20);
        let limits = Limits {
            step_rows,
            prefill_rows: 1 + rng.below(step_rows),
            running,
            waiting: 1 + rng.below(24),
            block_tokens: 1 + rng.below(5),
            blocks: 10 + rng.below(40) as u32,
        };
        Self {
            seed,
            rng,
            limits,
            scheduler: Scheduler::new(limits),
            memory: vec![vec![0; limits.block_tokens]; limits.blocks as usize],
            live: BTreeMap::new(),
            said: vec![Vec::new()],
            step: 0,
            longest: 0,
            digest: 0,
        }
    }

    fn run(mut self) -> Self {
        for id in 0..ARRIVALS as u64 {
            self.arrive(SequenceId(id));
            if self.rng.below(12) == 0 {
                self.cancel();
                self.audit();
            }
            if self.rng.below(40) == 0 {
                self.borrow_blocks();
            }
            if self.rng.below(25) == 0 {
                self.restore();
            }
            for _ in 0..self.rng.below(9) {
                self.turn();
            }
        }
        while !self.live.is_empty() {
            assert!(self.turn(), "seed {}: {} are left and nothing runs", self.seed, self.live.len());
        }
        let load = self.scheduler.load();
        assert_eq!((load.running, load.waiting, load.blocks_used), (0, 0, 0), "seed {}", self.seed);
        self
    }

    fn arrive(&mut self, id: SequenceId) {
        let said = &self.said[self.rng.below(self.said.len())];
        let mut prompt = said[..self.rng.below(said.len() + 1)].to_vec();
        let most = if self.rng.below(8) == 0 { 60 } else { 8 };
        let more = 1 + self.rng.below(most);
        prompt.extend((0..more).map(|_| TokenId(self.rng.below(3) as u32)));
        let wants = match self.rng.below(16) {
            0 => Wants::AllHidden,
            1 => Wants::LastHidden,
            _ => Wants::Logits,
        };
        let max_new_tokens = if wants == Wants::Logits { 1 + self.rng.below(30) } else { 0 };
        let enough = prompt.len() + if max_new_tokens > 0 { 1 + self.rng.below(max_new_tokens) } else { 0 };
        let tenant = Tenant(self.rng.below(4) as u64);
        let client = Client { tenant, tokens: prompt.clone(), enough, wants, heard: Vec::new(), since: self.step };
        if self.scheduler.submit(Arrival { id, tenant, prompt, max_new_tokens, wants }).is_ok() {
            self.live.insert(id, client);
        }
        self.audit();
    }

    fn cancel(&mut self) {
        if let Some(id) = self.live.keys().nth(self.rng.below(self.live.len().max(1))).copied() {
            self.end(id);
        }
    }

    fn borrow_blocks(&mut self) {
        let tokens = self.rng.below(60);
        if let Ok(blocks) = self.scheduler.take_blocks(tokens) {
            self.audit();
            blocks.iter().for_each(|&block| self.memory[block as usize].fill(0));
            self.scheduler.give_back(blocks);
        }
        self.audit();
    }

    /// Blocks of a text that was said come from elsewhere, while others run; what is new since is as it should be.
    fn restore(&mut self) {
        let size = self.limits.block_tokens;
        let text = self.said[self.rng.below(self.said.len())].clone();
        let tenant = Tenant(self.rng.below(4) as u64);
        let mut held = self.scheduler.hold_prefix(tenant, &text);
        self.audit();
        while self.rng.below(6) > 0 {
            let before = held.len();
            if let Some(block) = self.scheduler.adopt(tenant, &text, &mut held) {
                let value = |slot: usize| alone(tenant, &text[..=before * size + slot]);
                self.memory[block as usize] = (0..size).map(value).collect();
            }
            self.audit();
            if held.len() == before {
                break;
            }
            self.turn();
        }
        for (block, hash) in self.scheduler.news() {
            assert!(self.scheduler.kept(block, hash).is_some(), "seed {}: news of what is gone", self.seed);
        }
        self.scheduler.give_back(held);
        self.audit();
    }

    fn end(&mut self, id: SequenceId) {
        self.scheduler.remove(id);
        if let Some(client) = self.live.remove(&id) {
            let place = self.rng.below(8);
            self.said.truncate(8);
            self.said.insert(place.min(self.said.len()), client.tokens);
        }
    }

    /// One step; false where there was nothing to do.
    fn turn(&mut self) -> bool {
        self.guess();
        let Some(step) = self.scheduler.schedule() else { return false };
        self.audit();
        self.step += 1;
        self.digest = digest(self.digest, &step);
        assert!(step.batch.rows() > 0 && step.batch.rows() <= self.limits.step_rows, "seed {}", self.seed);
        let values = self.compute(&step);
        self.answer(&step, &values);
        self.hear(&step, &values);
        self.audit();
        let oldest = self.live.values().map(|client| self.step - client.since).max().unwrap_or(0);
        self.longest = self.longest.max(oldest);
        assert!(oldest <= PATIENCE, "seed {}: somebody waits for {oldest} steps", self.seed);
        true
    }

    /// Guesses, right up to some place.
    fn guess(&mut self) {
        for (&id, client) in &self.live {
            if self.rng.below(3) > 0 {
                continue;
            }
            let (mut value, right) = (alone(client.tenant, &client.tokens), self.rng.below(6));
            let guesses = (0..self.rng.below(8)).map(|index| {
                let token = if index < right { next(value) } else { TokenId(self.rng.below(3) as u32) };
                value = mix(value, u64::from(token.0));
                token
            });
            self.scheduler.draft(id, guesses.collect());
        }
    }

    /// The value of each row; what it needs is read from memory, what it gives is written there.
    fn compute(&mut self, step: &Step) -> Vec<u64> {
        let size = self.limits.block_tokens;
        let mut values = Vec::new();
        for (span, id) in step.batch.spans.iter().zip(&step.sequences) {
            let end = span.first_position + span.rows.len();
            assert_eq!(span.blocks.len(), end.div_ceil(size), "seed {}", self.seed);
            for (row, position) in span.rows.clone().zip(span.first_position..) {
                let at = |p: usize| (span.blocks[p / size] as usize, p % size);
                let before = match position.checked_sub(1).map(at) {
                    Some((block, slot)) => self.memory[block][slot],
                    None => start(self.live[id].tenant),
                };
                let value = mix(before, u64::from(step.batch.tokens[row].0));
                let (block, slot) = at(position);
                self.memory[block][slot] = value;
                values.push(value);
            }
        }
        values
    }

    fn answer(&mut self, step: &Step, values: &[u64]) {
        for sample in &step.samples {
            let client = self.live.get_mut(&sample.id).expect("only the living are sampled");
            let mut said = Vec::new();
            for (index, place) in sample.rows.clone().enumerate() {
                let value = values[step.batch.logits_rows[place]];
                let right = alone(client.tenant, &client.tokens);
                assert_eq!(value, right, "seed {}: {:?} is computed wrongly", self.seed, sample.id);
                client.tokens.push(next(value));
                said.push(next(value));
                if client.tokens.len() >= client.enough || sample.guesses.get(index) != Some(&next(value)) {
                    break;
                }
            }
            if client.tokens.len() >= client.enough {
                self.end(sample.id);
            } else {
                self.scheduler.commit(sample.id, &said);
            }
        }
    }

    fn hear(&mut self, step: &Step, values: &[u64]) {
        let positions: Vec<usize> = step.batch.positions().collect();
        for (&id, &row) in step.hidden.iter().zip(&step.batch.hidden_rows) {
            let client = self.live.get_mut(&id).expect("only the living hear");
            let position = positions[row];
            assert_eq!(values[row], alone(client.tenant, &client.tokens[..=position]), "seed {}", self.seed);
            client.heard.push(position);
            if position + 1 < client.tokens.len() {
                continue;
            }
            let expected: Vec<usize> = match client.wants {
                Wants::AllHidden => (0..=position).collect(),
                _ => vec![position],
            };
            assert_eq!(client.heard, expected, "seed {}", self.seed);
            self.end(id);
        }
    }

    fn audit(&self) {
        if let Err(broken) = self.scheduler.audit() {
            panic!("seed {}, step {}: {broken}", self.seed, self.step);
        }
    }
}
