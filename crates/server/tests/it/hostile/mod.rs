//! Hostile input: the answer is an error or a closed connection, the process lives, and the next request is answered.

mod access;
mod bodies;
mod crowd;
mod ending;
mod framing;
mod overload;

use crate::testing::Running;

/// The next request is answered.
fn lives(server: &Running) -> Result<(), String> {
    let answer = server.get("/health");
    if answer.status == 200 { Ok(()) } else { Err(format!("afterwards /health says {}", answer.status)) }
}
