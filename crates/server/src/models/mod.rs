//! The models: which there are, which are in memory.
//!
//! A model is loaded on a thread of its own when somebody asks for it; whoever asks meanwhile waits for the same load. It
//! leaves when nobody has used it for `keep_alive`, or when another needs the memory: then the one that was used the
//! longest ago goes first, never one in use. A load that failed is reported to all who waited, and not tried again
//! before a pause that doubles (`loading.rs`).

mod facts;
mod loaded;
mod loading;
mod memory;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::watch;

use crate::drain::{Drain, Phase};
use crate::refusal::{Refusal, RefusalKind};
use crate::{Error, ModelSource, Options};

pub(crate) use facts::Facts;
pub(crate) use loaded::Loaded;
pub(crate) use memory::files;

/// What is to be loaded how.
pub(crate) struct Models {
    entries: Vec<Arc<Entry>>,
    aliases: BTreeMap<String, String>,
    options: Options,
}

/// A model that is served, in memory or not.
pub(crate) struct Entry {
    /// What requests call it.
    pub(crate) name: String,
    /// Bytes of its files.
    pub(crate) size_bytes: u64,
    /// When its files were written.
    pub(crate) modified: SystemTime,
    source: ModelSource,
    facts: OnceLock<Facts>,
    state: Mutex<State>,
}

/// What asking for a model comes to.
type Outcome = Result<Arc<Loaded>, Refusal>;

/// What a finished load comes to, for all who waited: the news alone must not keep the model in memory.
type News = Option<Result<Weak<Loaded>, Refusal>>;

enum State {
    /// Not in memory. After a failure: why, and when to try again.
    Out(Option<Failure>),
    /// On its way.
    Loading(watch::Receiver<News>),
    /// In memory.
    In { model: Arc<Loaded>, used: Instant },
}

#[derive(Clone)]
struct Failure {
    refusal: Refusal,
    pause: Duration,
    until: Instant,
}

impl Models {
    /// # Errors
    /// There are none, or names clash or lead nowhere.
    pub(crate) fn new(options: &Options) -> Result<Self, Error> {
        let entries: Vec<_> = options.models.iter().map(|source| Arc::new(Entry::new(source))).collect();
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        if names.is_empty() {
            return Err(Error::NoModel);
        }
        if let Some(name) = names.iter().find(|name| names.iter().filter(|other| other == name).count() > 1) {
            return Err(Error::SameName { name: (*name).to_owned() });
        }
        if let Some((alias, model)) = options.aliases.iter().find(|(_, model)| !names.contains(&model.as_str())) {
            let (alias, model) = (alias.clone(), model.clone());
            return Err(Error::Alias { alias, model, served: names.join(", ") });
        }
        Ok(Self { entries, aliases: options.aliases.clone(), options: options.clone() })
    }

    /// All that are served, the default one first.
    pub(crate) fn entries(&self) -> &[Arc<Entry>] {
        &self.entries
    }

    /// The other names of a model.
    pub(crate) fn aliases_of(&self, name: &str) -> Vec<&str> {
        self.aliases.iter().filter(|(_, model)| *model == name).map(|(alias, _)| alias.as_str()).collect()
    }

    /// The model that a name means; `None` is the default one. Ollama's `NAME:latest` is NAME.
    ///
    /// # Errors
    /// There is no such model.
    pub(crate) fn find(&self, name: Option<&str>) -> Result<&Arc<Entry>, Refusal> {
        let Some(name) = name else {
            return self.entries.first().ok_or_else(|| self.unknown("the default model"));
        };
        let named = |name: &str| {
            let name = self.aliases.get(name).map_or(name, String::as_str);
            self.entries.iter().find(|entry| entry.name == name)
        };
        named(name).or_else(|| named(name.strip_suffix(":latest")?)).ok_or_else(|| self.unknown(name))
    }

    /// What the files of a model say of it; read once, without its weights.
    ///
    /// # Errors
    /// The files are not there, or no model.
    pub(crate) async fn facts(&self, entry: &Arc<Entry>) -> Result<Facts, Refusal> {
        if let Some(facts) = entry.facts.get() {
            return Ok(facts.clone());
        }
        let (reading, options) = (Arc::clone(entry), self.options.engine.clone());
        let read = tokio::task::spawn_blocking(move || Facts::read(&reading, &options)).await;
        let facts = match read {
            Ok(Ok(facts)) => facts,
            failed => {
                tracing::error!(model = %entry.name, cause = ?failed, "its files cannot be read");
                let message =
                    format!("the files of the model {} cannot be read: the server's log says why", entry.name);
                return Err(Refusal::new(RefusalKind::Unavailable, message).code("model_unavailable"));
            }
        };
        Ok(entry.facts.get_or_init(|| facts).clone())
    }

    fn unknown(&self, name: &str) -> Refusal {
        let names: Vec<&str> = self.entries.iter().map(|entry| entry.name.as_str()).collect();
        let shown: String = name.chars().take(100).collect();
        let message = format!("there is no model {shown:?} here: {} is served", names.join(", "));
        Refusal::new(RefusalKind::NoSuchModel, message).at("model").code("model_not_found")
    }

    /// The model, in memory.
    ///
    /// # Errors
    /// There is no such model, it cannot be loaded, or the server goes down while it is.
    pub(crate) async fn load(&self, name: Option<&str>, drain: &Drain) -> Outcome {
        let entry = self.find(name)?;
        loop {
            let mut loading = match self.begin(entry)? {
                Begun::Here(model) => return Ok(model),
                Begun::Coming(loading) => loading,
            };
            let news = tokio::select! {
                news = loading.wait_for(Option::is_some) => news.ok().and_then(|news| news.clone()),
                () = drain.reached(Phase::Draining) => return Err(Drain::refusal()),
            };
            let broken = || Refusal::new(RefusalKind::Internal, "the model's load broke off");
            // It may have had to make room for another already: then once more.
            if let Some(model) = news.ok_or_else(broken)??.upgrade() {
                return Ok(model);
            }
        }
    }

    /// The model if it is in memory; otherwise its load, begun now or before.
    fn begin(&self, entry: &Arc<Entry>) -> Result<Begun, Refusal> {
        let mut state = entry.state();
        let before = match &mut *state {
            State::In { model, used } if model.engine.is_alive() => {
                *used = Instant::now();
                return Ok(Begun::Here(Arc::clone(model)));
            }
            State::In { model, .. } => {
                tracing::error!(model = model.name, "its engine has died: it is loaded anew");
                None
            }
            State::Loading(loading) => return Ok(Begun::Coming(loading.clone())),
            State::Out(failure) => failure.clone(),
        };
        if let Some(failure) = before.as_ref().filter(|failure| Instant::now() < failure.until) {
            let left = failure.until.saturating_duration_since(Instant::now()).as_secs();
            return Err(failure.refusal.clone().retry_after(u32::try_from(left).unwrap_or(u32::MAX).saturating_add(1)));
        }
        let (sender, loading) = watch::channel(None);
        *state = State::Loading(loading.clone());
        drop(state);
        loading::start(loading::Order {
            entry: Arc::clone(entry),
            others: self.entries.iter().filter(|other| other.name != entry.name).cloned().collect(),
            options: self.options.clone(),
            pause: before.map(|failure| failure.pause),
            outcome: sender,
        });
        Ok(Begun::Coming(loading))
    }

    /// Whether a request for the default model can be answered or begins to load it: `Err` is a word for why not.
    pub(crate) fn ready(&self) -> Result<(), &'static str> {
        let Some(first) = self.entries.first() else { return Err("empty") };
        match &*first.state() {
            State::Loading(_) => Err("loading"),
            State::Out(Some(failure)) if Instant::now() < failure.until => Err("failed"),
            State::Out(_) | State::In { .. } => Ok(()),
        }
    }

    /// Lets go of the models that nobody has used for too long.
    pub(crate) fn unload_idle(&self) {
        for entry in &self.entries {
            let keep = |model: &Loaded| model.keep_alive().unwrap_or(self.options.keep_alive);
            if let Some(model) = entry.take_if_idle(|model, idle| keep(model).is_some_and(|most| idle >= most)) {
                tracing::info!(model = entry.name, "unloaded: nobody used it");
                // Its thread is waited for and its memory given back: not here.
                tokio::task::spawn_blocking(move || drop(model));
            }
        }
    }
}

enum Begun {
    Here(Arc<Loaded>),
    Coming(watch::Receiver<News>),
}

impl Entry {
    fn new(source: &ModelSource) -> Self {
        let source = source.clone();
        let (name, size_bytes, modified) = (source.name.clone(), source.size_bytes, source.modified);
        let state = Mutex::new(State::Out(None));
        Self { name, size_bytes, modified, source, facts: OnceLock::new(), state }
    }

    /// The model, if it is in memory. Does not count as use.
    pub(crate) fn loaded(&self) -> Option<Arc<Loaded>> {
        match &*self.state() {
            State::In { model, .. } => Some(Arc::clone(model)),
            _ => None,
        }
    }

    /// Whether it is in memory. Does not count as use.
    fn is_loaded(&self) -> bool {
        matches!(&*self.state(), State::In { .. })
    }

    /// What its engine is doing; `None` where it is not in memory. Does not count as use.
    pub(crate) fn status(&self) -> Option<engine::Status> {
        match &*self.state() {
            State::In { model, .. } => Some(model.engine.status()),
            _ => None,
        }
    }

    /// Takes the model out if nobody holds it and `enough` finds that it has been idle for long enough.
    fn take_if_idle(&self, enough: impl FnOnce(&Loaded, Duration) -> bool) -> Option<Arc<Loaded>> {
        let mut state = self.state();
        let State::In { model, used } = &mut *state else { return None };
        if Arc::strong_count(model) > 1 {
            *used = Instant::now();
            return None;
        }
        if !enough(model, used.elapsed()) {
            return None;
        }
        match std::mem::replace(&mut *state, State::Out(None)) {
            State::In { model, .. } => Some(model),
            _ => None,
        }
    }

    /// How long nobody has used it; `None` where it is not in memory or in use.
    pub(crate) fn idle(&self) -> Option<Duration> {
        match &*self.state() {
            State::In { model, used } if Arc::strong_count(model) == 1 => Some(used.elapsed()),
            _ => None,
        }
    }

    /// A panic elsewhere leaves a whole state behind.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever is served by an engine that dies hears of it; the next request finds a new one.
    #[test]
    fn a_dead_engine_is_replaced() {
        let source = ModelSource::at("tiny", &testkit::vectors("models/ministral3/hf"));
        let models = Models::new(&Options { models: vec![source], ..Options::loopback() }).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let load = || runtime.block_on(models.load(None, &Drain::new())).unwrap();
        let first = load();
        let request = engine::Request::new(engine::Prompt::Tokens(vec![engine::TokenId(5)]));
        let _cancel = first.engine.submit_to(request, Box::new(|_| panic!("a defect"))).unwrap();
        let start = Instant::now();
        while first.engine.is_alive() {
            assert!(start.elapsed() < Duration::from_secs(30));
            std::thread::sleep(Duration::from_millis(5));
        }
        let second = load();
        assert!(!Arc::ptr_eq(&first, &second) && second.engine.is_alive());
    }
}
