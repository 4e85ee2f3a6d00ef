//! How the background threads sleep, are woken, and end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// What a failed flush or checkpoint waits for: a full disk must not make the compactor spin.
const PAUSE: Duration = Duration::from_secs(1);
/// How long a writer waits for the compactor at a time.
const ROOM_WAIT: Duration = Duration::from_millis(20);

/// Signals between writers, the compactor and the history thread. A writer takes the lock only to wake a compactor that
/// nobody has woken yet.
#[derive(Debug)]
pub(crate) struct Wakeup {
    /// Whether the compactor has been woken and has not looked yet. Heartbeats only read this flag.
    woken: AtomicBool,
    /// Whether the store is closing. Once true it stays true, and every wait ends.
    closing: AtomicBool,
    /// Held while a thread decides to sleep, so that no signal is lost between its decision and its sleep. It guards no
    /// data.
    sleep: Mutex<()>,
    /// Signalled when the compactor has work, and when the store closes.
    work: Condvar,
    /// Signalled when the history thread has work, and when the store closes.
    history: Condvar,
    /// Signalled when the compactor has made heads smaller. Importing threads wait for it.
    room: Condvar,
}

impl Wakeup {
    /// The compactor begins with a look at what there is to do.
    pub(crate) fn new() -> Wakeup {
        Wakeup {
            woken: AtomicBool::new(true),
            closing: AtomicBool::new(false),
            sleep: Mutex::default(),
            work: Condvar::new(),
            history: Condvar::new(),
            room: Condvar::new(),
        }
    }

    /// Tells the compactor that there may be work.
    pub(crate) fn wake_compactor(&self) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            let _guard = self.sleep.lock();
            self.work.notify_one();
        }
    }

    /// Ends the current rest of the history thread.
    pub(crate) fn wake_history(&self) {
        let _guard = self.sleep.lock();
        self.history.notify_all();
    }

    /// Sleeps until there may be work for the compactor. False when the store closes.
    pub(crate) fn wait_for_work(&self) -> bool {
        let mut guard = self.sleep.lock();
        while !self.woken.swap(false, Ordering::AcqRel) {
            if self.is_closing() {
                return false;
            }
            self.work.wait(&mut guard);
        }
        !self.is_closing()
    }

    /// Lets the history thread sleep for a while. False when the store closes.
    pub(crate) fn rest(&self, time: Duration) -> bool {
        let mut guard = self.sleep.lock();
        if !self.is_closing() {
            self.history.wait_for(&mut guard, time);
        }
        !self.is_closing()
    }

    /// Lets the compactor wait for a moment after a failure, and then look for work again.
    pub(crate) fn pause(&self) {
        let mut guard = self.sleep.lock();
        if !self.is_closing() {
            self.work.wait_for(&mut guard, PAUSE);
        }
        self.woken.store(true, Ordering::Release);
    }

    /// Waits for a moment, or until the compactor has done something.
    pub(crate) fn wait_for_room(&self) {
        let mut guard = self.sleep.lock();
        self.room.wait_for(&mut guard, ROOM_WAIT);
    }

    /// Tells the threads that import that heads may be smaller now.
    pub(crate) fn announce_room(&self) {
        self.room.notify_all();
    }

    /// Whether the store is closing.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    /// Makes both background threads end.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
        let _guard = self.sleep.lock();
        self.work.notify_all();
        self.history.notify_all();
    }
}
