//! Constraints on what may be generated: JSON schema, regular expressions, Lark grammars, tool calls.

#![forbid(unsafe_code)]
