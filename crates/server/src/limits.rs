//! Every bound of this crate in one place.

use std::time::Duration;

/// Bytes of a request's body.
pub(crate) const BODY_BYTES: usize = 32 << 20;
/// From the end of the headers to the end of the body.
pub(crate) const BODY_DEADLINE: Duration = Duration::from_secs(60);
/// From the first byte of a request, or from the end of the one before it, to the end of its headers. The time that an
/// idle connection is kept, too.
pub(crate) const HEADER_DEADLINE: Duration = Duration::from_secs(30);
/// Bytes of request line and headers.
pub(crate) const HEADER_BYTES: usize = 32 << 10;
/// Header lines.
pub(crate) const HEADERS: usize = 100;
/// Bytes that wait for a client to read them, a connection. At least 8 KiB (hyper).
pub(crate) const SEND_BUFFER_BYTES: usize = 64 << 10;
/// A client that takes nothing for this long is gone.
pub(crate) const WRITE_DEADLINE: Duration = Duration::from_secs(30);
/// Connections at once, where nobody says otherwise.
pub(crate) const CONNECTIONS: usize = 512;
/// Connections above that: each is told that there is too much to do, or that the server lives, and closed.
pub(crate) const SPARE_CONNECTIONS: usize = 32;
/// To the end of the headers on one of those.
pub(crate) const SPARE_DEADLINE: Duration = Duration::from_secs(5);
/// Bodies above this are read and converted where they do not keep other requests waiting.
pub(crate) const LARGE_BODY_BYTES: usize = 1 << 20;
/// Calls in all messages of one conversation.
pub(crate) const CALLS: usize = 16_384;
/// Requests for vectors under way and waiting at once, a model.
pub(crate) const EMBEDDINGS: usize = 64;
/// Of those, as many are computed at once: each holds a thread of [`BLOCKING_THREADS`] and places in the engine.
pub(crate) const EMBEDDING_THREADS: usize = 4;
/// Answers under way and waiting at once, a model: what is above is refused before anything is done for it.
pub(crate) const GENERATIONS: usize = 256;
/// Events of one answer that wait for its client. A client that falls further behind loses the answer.
pub(crate) const WAITING_EVENTS: usize = 4096;
/// Pieces of a streaming body that wait for its connection.
pub(crate) const WAITING_PIECES: usize = 16;
/// A stream that has nothing to say says that it lives.
pub(crate) const KEEP_ALIVE_COMMENT: Duration = Duration::from_secs(15);
/// Bytes of an `x-request-id` that is taken over.
pub(crate) const REQUEST_ID_BYTES: usize = 128;
/// Threads that block at once: rendering, loading.
pub(crate) const BLOCKING_THREADS: usize = 16;
/// Threads that serve connections; the cores belong to the engine.
pub(crate) const SERVER_THREADS: usize = 2;
/// First pause after a model could not be loaded; it doubles up to [`LOAD_PAUSE_MOST`].
pub(crate) const LOAD_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause between attempts to load a model.
pub(crate) const LOAD_PAUSE_MOST: Duration = Duration::from_secs(60);
/// Keys and values of a model may always have this much.
pub(crate) const LEAST_KV_BYTES: u64 = 256 << 20;
/// How often idle models are looked for.
pub(crate) const IDLE_CHECK: Duration = Duration::from_millis(500);
/// Wrong keys from one address in a minute, before the answer is 429.
pub(crate) const WRONG_KEYS_PER_MINUTE: u32 = 20;
/// Addresses whose wrong keys are counted.
pub(crate) const WRONG_KEY_PEERS: usize = 4096;
/// Connections that may be asked for.
pub(crate) const MOST_CONNECTIONS: usize = 100_000;
/// Answers to one prompt (`n`).
pub(crate) const CHOICES: u32 = 16;
/// Answers to one request with many prompts.
pub(crate) const ANSWERS: usize = 64;
/// Alternatives reported with each token: what OpenAI's API gives.
pub(crate) const TOP_LOGPROBS: u32 = 20;
/// Tokens with a bias of their own; the sampler's bound.
pub(crate) const LOGIT_BIASES: usize = 1024;
/// Strings that end an answer; the sampler's bound.
pub(crate) const STOP_STRINGS: usize = 16;
/// Bytes of one of them; the sampler's bound.
pub(crate) const STOP_STRING_BYTES: usize = 1024;
/// Labels of a request: what OpenAI's API takes.
pub(crate) const METADATA_ENTRIES: usize = 16;
/// Characters of a label's name.
pub(crate) const METADATA_KEY_CHARS: usize = 64;
/// Characters of a label.
pub(crate) const METADATA_VALUE_CHARS: usize = 512;
/// Texts of one request for embeddings: what OpenAI's API takes.
pub(crate) const EMBEDDING_INPUTS: usize = 2048;
/// How long a load waits for models that are in use where there is no room otherwise.
pub(crate) const ROOM_PATIENCE: Duration = Duration::from_secs(2);
/// How often it looks.
pub(crate) const ROOM_LOOK: Duration = Duration::from_millis(20);
