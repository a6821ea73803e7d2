//! The door to everything below: load a model, submit requests, read events.
//!
//! ```text
//! Request → worker thread: Scheduler::schedule → Transformer::forward → Sampler::sample → Scheduler::commit → Event
//! ```
//!
//! The loop is `step.rs`. The engine knows no dialect, no HTTP and no SQL; no tensor type crosses this door.

#![forbid(unsafe_code)]

mod answer;
mod bench;
mod card;
mod context;
mod draft;
mod embedding;
mod engine;
mod error;
mod event;
mod importance;
mod limits;
mod memory;
mod options;
mod output;
mod pace;
mod request;
mod restoring;
mod score;
mod shelf;
mod status;
mod step;
mod template;
mod worker;

pub use bench::{Bench, Measurement, Replay, Replayed, Workload};
pub use card::ModelCard;
pub use embedding::EmbedWatch;
pub use engine::Engine;
pub use error::Error;
pub use event::{Cancel, Ended, Event, EventSink, EventStream, FinishReason, TextKind, Timings, TokenEvent, Usage};
pub use importance::{Measuring, measure_importance};
pub use memory::available_bytes;
pub use options::{EngineOptions, Speculation};
pub use request::{Prompt, Request};
pub use shelf::PrefixCacheDir;
pub use status::{Counters, Status};
pub use template::{Template, TextFront};

// For commands that convert a checkpoint and do not run it.
pub use model::{Choice, Mix, Plan, check_tensors};

// What a client needs to phrase a request, so that it depends on this crate alone.
pub use checkpoint::{Checkpoint, Config, Layout, Pooling};
pub use compute::KvType;
pub use grammar;
pub use prompt;
pub use sampling::SamplingParams;
pub use sched::{Refused, Tenant};
pub use tokenizer::{TemplateVersion, TokenId, Tokenizer};
