//! Constraints on what may be generated: JSON schema, regular expressions, Lark grammars, tool calls.
//!
//! A [`Spec`] says what is wanted, a [`Compiler`] makes a [`Constraint`] of it, and the constraint tells before each
//! token which ones may follow ([`Constraint::mask`]) and is told which one did ([`Constraint::accept`]). The work is
//! done by llguidance; what stands here is the vocabulary that it sees (`vocabulary`), the grammars of Mistral's tool
//! calls (`tools`), and the bounds: what is refused before it is compiled (`schema`, `text`, [`limits`]), how long
//! compiling may take (`budget`) and how much of it is kept (`cache`).
//!
//! Invariant: a constraint depends on its specification and on the tokens accepted, on nothing that ran before it: the
//! same request gets the same masks, alone or among others.

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic))]

mod budget;
mod cache;
mod compiler;
mod constraint;
mod error;
pub mod limits;
mod schema;
mod source;
mod spec;
mod text;
mod tools;
mod vocabulary;

pub use compiler::Compiler;
pub use constraint::{Constraint, Start};
pub use error::Error;
pub use spec::{Choice, Spec, Tool, Tools};
