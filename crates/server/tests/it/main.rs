//! The server from the outside: over loopback sockets, with tiny models.

mod anthropic;
mod life;
mod mistral;
mod ollama;
mod openai;
mod testing;
