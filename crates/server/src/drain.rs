//! The end of the server, in two steps: no more requests, then no more answers.

use tokio::sync::watch;

use crate::refusal::{Refusal, RefusalKind};

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Requests are taken.
    Open,
    /// Answers under way go on, nothing new is begun.
    Draining,
    /// Answers under way end, each with an error in the words of its dialect.
    Ending,
}

/// How far the end has come; clones see the same.
#[derive(Clone, Debug)]
pub(crate) struct Drain(watch::Sender<Phase>);

impl Drain {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Phase::Open))
    }

    /// There is no way back.
    pub(crate) fn advance(&self, phase: Phase) {
        self.0.send_if_modified(|now| {
            let later = phase > *now;
            *now = phase.max(*now);
            later
        });
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.0.borrow()
    }

    /// Comes back when this phase is reached.
    pub(crate) async fn reached(&self, phase: Phase) {
        // The sender is in `self`: it cannot be gone.
        let _ = self.0.subscribe().wait_for(|now| *now >= phase).await;
    }

    /// # Errors
    /// Nothing new is begun any more.
    pub(crate) fn check(&self) -> Result<(), Refusal> {
        if self.phase() == Phase::Open { Ok(()) } else { Err(Self::refusal()) }
    }

    /// What those hear who come too late, or whose answer is cut.
    pub(crate) fn refusal() -> Refusal {
        let message = "the server is shutting down: try again when it is back";
        Refusal::new(RefusalKind::Draining, message).code("shutting_down").retry_after(5)
    }
}
