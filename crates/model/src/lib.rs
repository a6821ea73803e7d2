//! The transformer of the Mistral family, composed of parts.
//!
//! The forward pass is [`Transformer::forward`] (`transformer.rs`) and [`Layer`] (`layer.rs`): read those two first. One
//! transformer serves every architecture; what differs is a row in `arch.rs` and the parts that the configuration
//! asks for: windows, stretched rotary frequencies, scaled queries, experts. The model knows no instruction set
//! (`compute`), no file format (`checkpoint`) and no scheduling: it runs the rows of a [`sched::Batch`].

#![forbid(unsafe_code)]

mod arch;
mod attention;
mod error;
mod experts;
mod feed_forward;
mod layer;
mod load;
mod logits;
mod mix;
mod plan;
mod rope;
mod transformer;

pub use arch::Architecture;
pub use attention::Attention;
pub use error::Error;
pub use experts::Experts;
pub use feed_forward::{FeedForward, Mlp};
pub use layer::Layer;
pub use load::{check_tensors, memory_bytes};
pub use logits::Logits;
pub use mix::{Choice, Mix};
pub use plan::Plan;
pub use rope::Rotary;
pub use transformer::{Transformer, kv_layout};
