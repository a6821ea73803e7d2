//! The thread that reads and writes. What cannot be written is not on the shelf: nobody fails for it.

use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::files::Files;
use super::index::{Index, Name, Stamp};
use super::key::Key;
use super::lock;
use crate::limits;

/// What the thread is to do.
#[derive(Debug)]
pub(super) enum Order {
    /// Put a block on the shelf.
    Write { key: Key, parent: Option<Key>, bytes: Vec<u8> },
    /// Bring these blocks, in this order, as far as they are there.
    Read { keys: Vec<Key>, to: SyncSender<Vec<u8>> },
    /// These, one behind the other, are used now.
    Touch(Vec<Key>),
}

/// The handle of the thread: it writes what it was given, and ends, when the handle is dropped.
#[derive(Debug)]
pub(super) struct Librarian {
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    desk: Arc<Desk>,
}

/// What both sides see.
#[derive(Debug, Default)]
struct Desk {
    /// Blocks on their way to the disk.
    writing: AtomicUsize,
    written: AtomicU64,
    read: AtomicU64,
    failed: AtomicU64,
}

/// A place for one block to be written.
pub(super) struct Room<'l>(&'l Librarian);

impl Room<'_> {
    pub(super) fn send(self, order: Order) {
        self.0.desk.writing.fetch_add(1, Ordering::AcqRel);
        self.0.order(order);
    }
}

impl Librarian {
    pub(super) fn start(files: Files, index: Arc<Mutex<Index>>) -> io::Result<Self> {
        let (orders, inbox) = channel();
        let desk = Arc::new(Desk::default());
        let work = Work { files, index, desk: Arc::clone(&desk), pause_until: None };
        let thread = std::thread::Builder::new().name("shelf".into()).spawn(move || work.run(&inbox))?;
        Ok(Self { orders: Some(orders), thread: Some(thread), desk })
    }

    /// `None`: as many blocks are on their way as may be.
    pub(super) fn room(&self) -> Option<Room<'_>> {
        (self.desk.writing.load(Ordering::Acquire) < limits::SHELF_WRITING).then_some(Room(self))
    }

    pub(super) fn is_writing(&self) -> bool {
        self.desk.writing.load(Ordering::Acquire) > 0
    }

    /// Where the disk is slow, this is left out.
    pub(super) fn touch(&self, keys: Vec<Key>) {
        if !keys.is_empty() && self.room().is_some() {
            self.order(Order::Touch(keys));
        }
    }

    /// The blocks, as they come.
    pub(super) fn read(&self, keys: Vec<Key>) -> Receiver<Vec<u8>> {
        let (to, blocks) = sync_channel(limits::SHELF_READING);
        self.order(Order::Read { keys, to });
        blocks
    }

    /// Written, read, failed.
    pub(super) fn counts(&self) -> (u64, u64, u64) {
        let Desk { written, read, failed, .. } = &*self.desk;
        (written.load(Ordering::Relaxed), read.load(Ordering::Relaxed), failed.load(Ordering::Relaxed))
    }

    fn order(&self, order: Order) {
        // A thread that has gone brings nothing and writes nothing.
        let _ = self.orders.as_ref().map(|orders| orders.send(order));
    }
}

impl Drop for Librarian {
    fn drop(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been reported by its own message; what it did not write is not there.
            let _ = thread.join();
        }
    }
}

struct Work {
    files: Files,
    index: Arc<Mutex<Index>>,
    desk: Arc<Desk>,
    /// Nothing is written before: the disk is full, or worse.
    pause_until: Option<Instant>,
}

impl Work {
    fn run(mut self, inbox: &Receiver<Order>) {
        for order in inbox {
            match order {
                Order::Write { key, parent, bytes } => {
                    self.write(key, parent, &bytes);
                    self.desk.writing.fetch_sub(1, Ordering::AcqRel);
                }
                Order::Read { keys, to } => self.read(&keys, &to),
                Order::Touch(keys) => self.touch(&keys),
            }
        }
    }

    fn write(&mut self, key: Key, parent: Option<Key>, bytes: &[u8]) {
        let before = parent.map(|parent| lock(&self.index).stamp(&parent));
        let stamp = match before {
            None => Stamp::new(now()),
            Some(Some(stamp)) => stamp.deeper(),
            // What comes before is not there: this could never be found.
            Some(None) => return,
        };
        if self.pause_until.is_some_and(|until| Instant::now() < until) {
            return;
        }
        self.look_again();
        let size = self.files.size();
        loop {
            let victim = lock(&self.index).victim(size, stamp);
            match victim {
                Ok(Some(name)) => self.files.forget(&name),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        match self.files.write(key, bytes, stamp) {
            Ok(()) => {
                lock(&self.index).add(Name::Ours(key), stamp, size);
                self.desk.written.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                self.desk.failed.fetch_add(1, Ordering::Relaxed);
                self.pause_until = Instant::now().checked_add(limits::SHELF_AFTER_FAILURE);
            }
        }
    }

    /// Another program may write into the folder too: the bound is for both.
    fn look_again(&self) {
        let Some(mut fresh) = lock(&self.index).renewed() else { return };
        // Only this thread changes what is in the index. One that cannot be renewed is still ours.
        if self.files.list(&mut fresh).is_ok() {
            *lock(&self.index) = fresh.seen();
        }
    }

    /// Until one is not there, or nobody wants more.
    fn read(&self, keys: &[Key], to: &SyncSender<Vec<u8>>) {
        for &key in keys {
            match self.files.read(key) {
                Ok(bytes) => match to.send(bytes) {
                    Ok(()) => drop(self.desk.read.fetch_add(1, Ordering::Relaxed)),
                    Err(_) => return,
                },
                Err(error) => {
                    let name = Name::Ours(key);
                    lock(&self.index).remove(&name);
                    self.files.forget(&name);
                    // Another program may have made room; only what is damaged is a failure.
                    let failed = u64::from(error.kind() != io::ErrorKind::NotFound);
                    self.desk.failed.fetch_add(failed, Ordering::Relaxed);
                    return;
                }
            }
        }
    }

    fn touch(&self, keys: &[Key]) {
        let mut stamp = Stamp::new(now());
        for &key in keys {
            lock(&self.index).touch(&key, stamp);
            self.files.touch(key, stamp);
            stamp = stamp.deeper();
        }
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}
