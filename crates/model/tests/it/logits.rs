//! Logits against the reference.

use checkpoint::Checkpoint;
use testkit::{check_table, max_abs, relative_norm};

use crate::oracle;
use crate::vectors::{all_layouts, prompt};

/// The oracle rounds nothing but the weights, as the reference: it meets it on the block formats too.
#[test]
fn the_oracle_meets_the_reference() {
    check_table(all_layouts(), |(model, path)| {
        let checkpoint = Checkpoint::open(&path).map_err(|e| e.to_string())?;
        compare(model.name, &oracle::logits(&checkpoint, &prompt()), &model.reference(), 1e-5)
    });
}

fn compare(name: &str, ours: &[f32], theirs: &[f32], bound: f64) -> Result<(), String> {
    let error = relative_norm(ours, theirs);
    println!("{name:20} relative error {error:.2e}, largest {:.2e}", max_abs(ours, theirs));
    if error <= bound { Ok(()) } else { Err(format!("relative error {error:.2e}, bound {bound:.0e}")) }
}
