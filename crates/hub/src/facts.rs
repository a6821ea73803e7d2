//! What the headers of a model's files say: for `list`, which reads many and computes with none.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use checkpoint::{About, Checkpoint, gguf};

use crate::limits;
use crate::places::tree::read_start;
use crate::places::{Found, quantisation_of};

/// What a model says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Facts {
    /// The name in its files.
    pub name: Option<String>,
    /// `llama`, `ministral3`.
    pub architecture: Option<String>,
    /// Weights.
    pub parameters: Option<u64>,
    /// Tokens of its longest context.
    pub context_length: Option<u64>,
    /// `Q4_K_M`: what the files say, or their name, or the format of most weights.
    pub quantisation: Option<String>,
    /// As the files, the manifest or the README.md beside them give it.
    pub license: Option<String>,
    /// Why it cannot be run; `None` where its headers are sound.
    pub problem: Option<String>,
}

/// The facts of each model, read by several threads.
pub fn facts(models: &[Found]) -> Vec<Facts> {
    let next = AtomicUsize::new(0);
    let facts = Mutex::new(vec![Facts::default(); models.len()]);
    let read = || {
        while let Some((index, model)) = claim(&next, models) {
            let facts_of_one = facts_of(model);
            // A thread that panicked has left the others' facts as they were.
            let mut all = facts.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if let Some(place) = all.get_mut(index) {
                *place = facts_of_one;
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, |count| count.get()).min(models.len());
    thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(read))));
    facts.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn claim<'a>(next: &AtomicUsize, models: &'a [Found]) -> Option<(usize, &'a Found)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    models.get(index).map(|model| (index, model))
}

/// The facts of one model.
pub fn facts_of(model: &Found) -> Facts {
    let mut facts = match (&model.problem, Checkpoint::open(&model.path)) {
        (Some(problem), _) => Facts { problem: Some(problem.clone()), ..Facts::default() },
        (None, Ok(checkpoint)) => of_checkpoint(&checkpoint),
        (None, Err(error)) => {
            let problem = without_path(&error.to_string(), &model.path);
            // What cannot be run, such as another architecture, still says what it is.
            Facts { problem: Some(problem), ..of_gguf(&model.path).unwrap_or_default() }
        }
    };
    let label = model.files.first().and_then(|file| quantisation_of(&file.name));
    facts.quantisation = label.or(facts.quantisation);
    let written = model.manifest.as_ref().and_then(|manifest| manifest.license.clone());
    facts.license = facts.license.or(written).or_else(|| license_beside(&model.path));
    facts
}

fn of_checkpoint(checkpoint: &Checkpoint) -> Facts {
    let about = &checkpoint.about;
    Facts {
        name: about.name.clone(),
        architecture: Some(checkpoint.config.architecture.clone()),
        parameters: Some(about.parameters),
        context_length: Some(checkpoint.config.context_length as u64),
        quantisation: about.file_type.clone().or_else(|| most(about)),
        license: about.license.clone(),
        problem: None,
    }
}

/// The format of most matrices; vectors stay in f32 everywhere.
fn most(about: &About) -> Option<String> {
    let formats = || about.formats.iter().map(|(format, _)| format.to_string().to_uppercase());
    formats().find(|format| format != "F32").or_else(|| formats().next())
}

fn of_gguf(path: &Path) -> Option<Facts> {
    let header = gguf::read(path).ok()?;
    let text = |key: &str| header.keys.text(key).map(str::to_owned);
    let architecture = text("general.architecture");
    let context = architecture.as_ref().and_then(|name| header.keys.value(&format!("{name}.context_length")));
    let weights =
        |tensor: &gguf::TensorInfo| tensor.dims.iter().fold(1_u64, |all, dim| all.saturating_mul(*dim as u64));
    Some(Facts {
        name: text("general.name"),
        parameters: Some(header.tensors.iter().fold(0, |sum: u64, tensor| sum.saturating_add(weights(tensor)))),
        context_length: context.and_then(gguf::Value::integer).and_then(|length| u64::try_from(length).ok()),
        license: text("general.license"),
        architecture,
        quantisation: None,
        problem: None,
    })
}

/// A message without the path that the table shows anyway.
fn without_path(message: &str, path: &Path) -> String {
    let rest = message.strip_prefix(&path.display().to_string()).unwrap_or(message);
    rest.trim_start_matches([':', ' ']).to_owned()
}

/// `license:` in the front matter of the README.md that repositories of safetensors come with.
fn license_beside(folder: &Path) -> Option<String> {
    let text = read_start(&folder.join("README.md"), limits::README_BYTES).ok()?;
    let mut lines = text.lines();
    if lines.next()?.trim() != "---" {
        return None;
    }
    let line = lines.take_while(|line| line.trim() != "---").find_map(|line| line.strip_prefix("license:"))?;
    let license = line.trim().trim_matches(['"', '\'']);
    (!license.is_empty() && license.len() <= 100).then(|| license.to_owned())
}
