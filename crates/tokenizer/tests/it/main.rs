//! The tokenizers against their references, and against files that mean harm.

mod added;
mod golden;
mod hostile;
mod long;
mod smoke;
mod stream;
mod vectors;
