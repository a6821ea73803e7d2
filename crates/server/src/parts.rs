//! Fields of blocks, parts and items, whose `type` says which of them count: the others are refused.

use crate::refusal::Refusal;

/// `rows` has fields, whether they are given, and whether something of the type `kind`, which stands at `path`, has them.
///
/// # Errors
/// The first that is given and does not belong there.
pub(crate) fn check_fields(path: &str, kind: &str, rows: &[(&str, bool, bool)]) -> Result<(), Refusal> {
    match rows.iter().find(|(_, is_given, belongs)| *is_given && !belongs) {
        None => Ok(()),
        Some((field, ..)) => {
            let param = format!("{path}.{field}");
            Err(Refusal::field(&param, format!("{param}: the type {kind} has no such field: leave it out")))
        }
    }
}
