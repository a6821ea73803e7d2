//! The HTTP server: four dialects over one engine.

#![forbid(unsafe_code)]
