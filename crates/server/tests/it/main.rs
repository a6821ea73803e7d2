//! The server from the outside: over loopback sockets, with tiny models.

mod life;
mod openai;
mod testing;
