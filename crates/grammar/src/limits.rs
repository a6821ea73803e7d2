//! Every bound of this crate in one place.

use std::time::Duration;

use llguidance::api::ParserLimits;

/// Bytes of a JSON schema.
pub const SCHEMA_BYTES: usize = 256 << 10;
/// Bytes of a Lark grammar.
pub const LARK_BYTES: usize = 64 << 10;
/// Bytes of a regular expression, on its own or in a schema.
pub const REGEX_BYTES: usize = 16 << 10;
/// JSON values inside JSON values, in a schema.
pub const JSON_DEPTH: usize = 128;
/// Schemas inside schemas.
pub const SCHEMA_DEPTH: usize = 64;
/// Schemas in a schema.
pub const SCHEMAS: usize = 5_000;
/// Values in all `enum`s of a schema.
pub const ENUM_VALUES: usize = 10_000;
/// Entries that `minItems`, `minProperties`, `minLength` and their `max…` may ask for.
pub const COUNT: u64 = 100_000;
/// Tools of one request.
pub const TOOLS: usize = 128;
/// Bytes in the name of a tool.
pub const TOOL_NAME_BYTES: usize = 64;

/// How long a caller waits for a constraint.
pub const COMPILE_TIME: Duration = Duration::from_secs(10);
/// Threads that compile at once, those that nobody waits for any more included.
pub const COMPILE_THREADS: usize = 4;
/// Stack of such a thread: the compiler recurses along a grammar. Only what is used costs memory.
pub const COMPILE_STACK_BYTES: usize = 256 << 20;

/// What all constraints kept for later may weigh together.
pub const CACHE_BYTES: usize = 64 << 20;
/// Constraints that are kept at most.
pub const CACHE_ENTRIES: usize = 512;

/// What llguidance may spend, counted in its own units and not in time: the same request ends the same way on every machine.
pub fn parser() -> ParserLimits {
    ParserLimits {
        max_items_in_row: 2_000,
        initial_lexer_fuel: 1_000_000,
        step_lexer_fuel: 200_000,
        step_max_items: 50_000,
        max_lexer_states: 50_000,
        max_grammar_size: 200_000,
        precompute_large_lexemes: true,
        // An error message is for people: no dumps of the parser's state.
        verbose_errors: false,
    }
}
