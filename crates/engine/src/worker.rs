//! The thread that owns model, KV pool and scheduler, and the commands that reach it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;

use compute::Backend;
use model::Transformer;
use sched::Scheduler;
use tokenizer::{TokenId, Tokenizer};

use crate::answer::Submission;
use crate::bench::Desk;
use crate::embedding::Embedding;
use crate::score::Scored;
use crate::shelf::Shelf;
use crate::status::StatusBoard;
use crate::step::Stepper;
use crate::{Error, bench, limits, score};

/// What the thread can be asked to do.
pub(crate) enum Command {
    /// Answer a request.
    Submit(Box<Submission>),
    /// Turn a text into a vector.
    Embed(Box<Embedding>),
    /// Run a text and send back the logits of its rows.
    Score { tokens: Vec<TokenId>, reply: SyncSender<Result<Scored, Error>> },
    /// Run workloads and say how long each took, until there are no more.
    Bench(Desk),
}

/// The handle of the thread: it ends when the handle is dropped.
#[derive(Debug)]
pub(crate) struct Worker {
    commands: Option<SyncSender<Command>>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(crate) fn start<B: Backend + 'static>(
        model: Transformer<B>,
        kv: B::KvPool,
        scheduler: Scheduler,
        tokenizer: Option<Arc<Tokenizer>>,
        (board, shelf): (StatusBoard, Option<Shelf>),
    ) -> Result<Self, Error> {
        let (commands, inbox) = sync_channel(limits::COMMANDS);
        let run = move || {
            let mut stepper = Stepper::new(model, kv, scheduler, tokenizer.as_deref(), (board, shelf));
            while serve(&mut stepper, &inbox) {}
            stepper.end();
        };
        let thread = std::thread::Builder::new().name("engine".into()).spawn(run).map_err(Error::Thread)?;
        Ok(Self { commands: Some(commands), thread: Some(thread) })
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    pub(crate) fn send(&self, command: Command) -> Result<(), Error> {
        let commands = self.commands.as_ref().ok_or(Error::WorkerGone)?;
        commands.send(command).map_err(|_| Error::WorkerGone)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.commands = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the worker has been reported by its own message and by every stream that it left open.
            let _ = thread.join();
        }
    }
}

/// Takes all commands that wait (sleeping for one when there is nothing else to do), then runs a step. False: it is over.
fn serve<B: Backend>(stepper: &mut Stepper<'_, B>, inbox: &Receiver<Command>) -> bool {
    if stepper.idle() {
        match inbox.recv() {
            Ok(command) => obey(stepper, command),
            Err(_) => return false,
        }
    }
    loop {
        match inbox.try_recv() {
            Ok(command) => obey(stepper, command),
            Err(TryRecvError::Empty) => break,
            Err(TryRecvError::Disconnected) => return false,
        }
    }
    stepper.step();
    true
}

fn obey<B: Backend>(stepper: &mut Stepper<'_, B>, command: Command) {
    match command {
        Command::Submit(request) => stepper.submit(*request),
        Command::Embed(embedding) => stepper.embed(*embedding),
        Command::Score { tokens, reply } => score::run(stepper, &tokens, &reply),
        Command::Bench(desk) => bench::run(stepper, &desk),
    }
}
