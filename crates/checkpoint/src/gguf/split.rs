//! GGUF files in several parts: `NAME-00002-of-00003.gguf`, opened together from any of them.
//!
//! The first part has the keys of the model; every part has `split.no` (from 0), `split.count` and `split.tensors.count`.

use std::path::{Path, PathBuf};

use super::Value;
use super::load::Part;
use crate::{Error, limits};

/// All parts of the file, in order.
pub(super) fn parts(path: &Path) -> Result<Vec<Part>, Error> {
    let given = Part::open(path)?;
    let count = number(&given, "split.count")?.unwrap_or(1);
    if count <= 1 {
        return Ok(vec![given]);
    }
    let Some(names) = siblings(path, count) else {
        let problem =
            format!("it is one of {count} parts, but not named NAME-00001-of-{count:05}.gguf: give it that name again");
        return Err(Error::malformed(&given.file, "file name", problem));
    };
    let parts = names.iter().map(|name| Part::open(name)).collect::<Result<Vec<_>, _>>()?;
    check(&parts, count)?;
    Ok(parts)
}

/// An error where the file is a part of a split one.
pub(super) fn refuse(part: &Part) -> Result<(), Error> {
    match number(part, "split.count")? {
        Some(count) if count > 1 => {
            Err(Error::not_a_model(&part.file, "a part of a split file cannot be opened alone"))
        }
        _ => Ok(()),
    }
}

/// Every part says its number, and together they have the tensors that they promise.
fn check(parts: &[Part], count: usize) -> Result<(), Error> {
    for (index, part) in parts.iter().enumerate() {
        if number(part, "split.count")? != Some(count) || number(part, "split.no")? != Some(index) {
            let problem = format!("it does not say that it is part {index} (from 0) of {count}");
            return Err(Error::malformed(&part.file, "split.no", problem));
        }
    }
    let Some(first) = parts.first() else { return Ok(()) };
    let tensors: usize = parts.iter().map(|part| part.gguf.tensors.len()).sum();
    match number(first, "split.tensors.count")? {
        Some(promised) if promised != tensors => {
            let problem = format!("{promised} tensors promised, but the parts have {tensors}");
            Err(Error::malformed(&first.file, "split.tensors.count", problem))
        }
        _ => Ok(()),
    }
}

fn number(part: &Part, key: &str) -> Result<Option<usize>, Error> {
    let Some(value) = part.gguf.keys.value(key) else { return Ok(None) };
    let number = Value::integer(value).and_then(|number| usize::try_from(number).ok());
    match number.filter(|number| *number <= limits::FILES || key == "split.tensors.count") {
        Some(number) => Ok(Some(number)),
        None => Err(Error::malformed(&part.file, key, format_args!("{value:?} is not a number of parts"))),
    }
}

/// `NAME-00002-of-00003.gguf` → all three names.
fn siblings(path: &Path, count: usize) -> Option<Vec<PathBuf>> {
    let name = path.file_name()?.to_str()?.strip_suffix(".gguf")?;
    let (stem, _) = name.strip_suffix(&format!("-of-{count:05}"))?.rsplit_once('-')?;
    Some((1..=count).map(|n| path.with_file_name(format!("{stem}-{n:05}-of-{count:05}.gguf"))).collect())
}
