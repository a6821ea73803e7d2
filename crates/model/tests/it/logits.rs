//! Logits against the reference, and against themselves.

use checkpoint::Checkpoint;
use compute::KvType;
use kernels::Isa;
use testkit::{check_table, max_abs, relative_norm};

use crate::oracle::{self, Inputs};
use crate::running::{Circumstances, load, logits};
use crate::vectors::{MODELS, Model, all_layouts, prompt};

#[test]
fn logits_meet_the_reference() {
    check_table(all_layouts(), |(model, path)| {
        let ours = run(&open(&path)?, Circumstances { isa: Isa::detect().name(), ..Circumstances::PLAIN })?;
        compare(model.name, &ours, &model.reference(), model.bound)
    });
}

/// On the block formats too: the reference rounds no inputs either.
#[test]
fn the_oracle_meets_the_reference() {
    check_table(all_layouts(), |(model, path)| {
        let ours = oracle::logits(&open(&path)?, &prompt(), Inputs::Exact);
        compare(model.name, &ours, &model.reference(), 1e-5)
    });
}

/// With inputs rounded alike, what is left on the block formats is a code that falls to the other side now and then.
#[test]
fn logits_meet_the_oracle() {
    check_table(MODELS.iter().map(|model| (model.name, model)), |model| {
        let checkpoint = model.open();
        let theirs = oracle::logits(&checkpoint, &prompt(), Inputs::Int8);
        compare(model.name, &run(&checkpoint, Circumstances::PLAIN)?, &theirs, model.bound.min(1e-3))
    });
}

/// Half-precision keys and values cost less than three digits.
#[test]
fn half_precision_keys_and_values_stay_close() {
    check_table(MODELS.iter().map(|model| (model.name, model)), |model| {
        let transformer = load(&model.open(), Circumstances::PLAIN)?;
        let ours = logits(&transformer, &prompt(), Circumstances::PLAIN, KvType::F16);
        compare(model.name, &ours, &model.reference(), model.bound.max(1e-3))
    });
}

#[test]
fn all_layouts_give_the_same_bits() {
    let rows = MODELS.iter().map(|model| (model.name, model)).filter(|(_, model)| model.layouts().len() > 1);
    check_table(rows, |model: &Model| {
        let mut layouts = model.layouts().into_iter();
        let (_, first) = layouts.next().ok_or("no layout")?;
        let expected = bits(&run(&open(&first)?, Circumstances::PLAIN)?);
        for (layout, path) in layouts {
            if bits(&run(&open(&path)?, Circumstances::PLAIN)?) != expected {
                return Err(format!("{layout} differs from {}", first.display()));
            }
        }
        Ok(())
    });
}

/// Instruction set, threads, chunks, neighbours in the batch: none may change a bit.
#[test]
fn no_circumstance_changes_a_bit() {
    check_table(MODELS.iter().map(|model| (model.name, model)), |model| {
        let checkpoint = model.open();
        let expected = bits(&run(&checkpoint, Circumstances::PLAIN)?);
        let mut different = Vec::new();
        for isa in Isa::available().iter().map(|isa| isa.name()) {
            for threads in [1, 2, 3] {
                let transformer = load(&checkpoint, Circumstances { isa, threads, ..Circumstances::PLAIN })?;
                for (chunk, neighbours) in [(usize::MAX, false), (1, false), (33, true), (7, true)] {
                    let how = Circumstances { isa, threads, chunk, neighbours };
                    if bits(&logits(&transformer, &prompt(), how, KvType::F32)) != expected {
                        different.push(format!("{how:?}"));
                    }
                }
            }
        }
        if different.is_empty() { Ok(()) } else { Err(different.join(", ")) }
    });
}

/// A model that was really trained: every greedy token of its golden file, and the logits that the file holds.
#[test]
fn a_trained_model_continues_as_its_golden_file_says() {
    let Some(folder) = testkit::shared("models/stories260k") else { return };
    let golden = testkit::json(&folder.join("golden.json"));
    let ids = |key: &str| -> Vec<u32> {
        golden[key].as_array().unwrap().iter().map(|id| u32::try_from(id.as_u64().unwrap()).unwrap()).collect()
    };
    let first_16 = |key: &str| -> Vec<f32> {
        golden[key].as_array().unwrap().iter().map(|x| x.as_f64().unwrap() as f32).collect()
    };
    let how = Circumstances { isa: Isa::detect().name(), threads: 2, chunk: 1, neighbours: false };
    let transformer = load(&open(&folder.join("stories260k-f32.gguf")).unwrap(), how).unwrap();
    let greedy = ids("greedy_ids");
    let ours = logits(&transformer, &[&ids("prompt_ids")[..1], &greedy].concat(), how, KvType::F32);
    let rows: Vec<&[f32]> = ours.chunks_exact(transformer.config().vocab_size).collect();
    assert_eq!(rows[..greedy.len()].iter().map(|row| largest(row)).collect::<Vec<_>>(), greedy);
    compare("first position", &rows[0][..16], &first_16("pos0_logits_first16"), 1e-5).unwrap();
    compare("last position", &rows[greedy.len()][..16], &first_16("last_logits_first16"), 1e-5).unwrap();
}

fn open(path: &std::path::Path) -> Result<Checkpoint, String> {
    Checkpoint::open(path).map_err(|e| e.to_string())
}

fn run(checkpoint: &Checkpoint, how: Circumstances) -> Result<Vec<f32>, String> {
    Ok(logits(&load(checkpoint, how)?, &prompt(), how, KvType::F32))
}

fn compare(name: &str, ours: &[f32], theirs: &[f32], bound: f64) -> Result<(), String> {
    let error = relative_norm(ours, theirs);
    println!("{name:20} relative error {error:.2e}, largest {:.2e}", max_abs(ours, theirs));
    if error <= bound { Ok(()) } else { Err(format!("relative error {error:.2e}, bound {bound:.0e}")) }
}

fn bits(floats: &[f32]) -> Vec<u32> {
    floats.iter().map(|x| x.to_bits()).collect()
}

fn largest(row: &[f32]) -> u32 {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap() as u32
}
