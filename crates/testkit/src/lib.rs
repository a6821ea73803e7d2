//! What the tests of all crates share: where test data lies, tables that report every failing row, seeded numbers
//! and seeded damage, error figures, reads that go on after an interruption.
//!
//! For tests only: no crate depends on it but as a dev-dependency. Nothing here opens the network, and what is read
//! is either in the tree (`vectors/`) or may be absent ([`shared`]). A broken test file is a broken test, so the
//! functions panic with the file's name where a library would return an error.

#![forbid(unsafe_code)]

mod damage;
mod data;
mod figures;
mod path;
mod random;
mod stream;
mod table;

pub use damage::damage;
pub use data::{Array, floats, json, safetensors};
pub use figures::{max_abs, relative_norm};
pub use path::{root, shared, vectors};
pub use random::Random;
pub use stream::read_some;
pub use table::check_table;
