//! The server from the outside: over loopback sockets, with tiny models.

mod answers;
mod anthropic;
mod brise;
mod hostile;
mod keys;
mod life;
mod mistral;
mod models;
mod ollama;
mod openai;
mod places;
mod testing;
