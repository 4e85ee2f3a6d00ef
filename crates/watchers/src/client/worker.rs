//! The thread that sends.

use std::sync::Arc;
use std::time::Duration as StdDuration;

use parking_lot::{Condvar, Mutex};
use timberline_model::Duration;

use super::sender::{Now, Sender, Step};
use crate::clock::Clock;
use crate::queue::Queue;

/// What the thread and the handles share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) queue: Arc<Mutex<Queue>>,
    pub(super) clock: Arc<dyn Clock>,
    control: Mutex<Control>,
    /// The control has changed.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Control {
    /// The thread is to end: when everything is sent, or nothing can be, and at this time at the latest.
    closing: Option<Duration>,
    finished: bool,
    /// Whether the thread has something to look at.
    nudged: bool,
    /// What the thread does.
    rests: Rests,
    trouble: Option<String>,
}

/// Until when the thread does nothing.
#[derive(Clone, Copy, Debug, Default)]
enum Rests {
    #[default]
    Works,
    /// There is nothing to send.
    Idle(Option<Duration>),
    /// The server is not to be asked before some time.
    Waits(Duration),
}

impl Shared {
    pub(super) fn new(queue: Arc<Mutex<Queue>>, clock: Arc<dyn Clock>) -> Shared {
        Shared {
            queue,
            clock,
            control: Mutex::new(Control::default()),
            changed: Condvar::new(),
        }
    }

    /// A heartbeat was taken: wakes the thread if it has something to do before it wakes by itself.
    pub(super) fn taken(&self, something_to_send: bool, deadline: Option<Duration>) {
        let mut control = self.control.lock();
        let earlier =
            |until: Option<Duration>| deadline.is_some_and(|at| until.is_none_or(|until| at < until));
        control.nudged |= match control.rests {
            Rests::Works => true,
            Rests::Idle(until) => something_to_send || earlier(until),
            Rests::Waits(until) => earlier(Some(until)),
        };
        if control.nudged {
            self.changed.notify_all();
        }
    }

    /// Why nothing is sent.
    pub(super) fn trouble(&self) -> Option<String> {
        self.control.lock().trouble.clone()
    }

    /// Tells the thread to end, after so long at the latest.
    pub(super) fn close(&self, patience: StdDuration) {
        let patience = i64::try_from(patience.as_nanos()).unwrap_or(i64::MAX);
        let by = self
            .now()
            .monotonic
            .saturating_add(Duration::from_nanos(patience));
        self.control.lock().closing = Some(by);
        self.changed.notify_all();
    }

    /// Waits until the thread has ended, at most so long.
    pub(super) fn wait_finished(&self, patience: StdDuration) {
        let mut control = self.control.lock();
        self.changed
            .wait_while_for(&mut control, |control| !control.finished, patience);
    }

    fn now(&self) -> Now {
        let reading = self.clock.read();
        Now {
            monotonic: reading.monotonic,
            wall: reading.wall,
        }
    }

    /// Rests until there is something to do, or to look at. `closing` is what it knows of the end; what it should know comes
    /// back.
    fn rest(&self, rests: Rests, trouble: Option<String>, closing: Option<Duration>) -> Option<Duration> {
        let now = self.now().monotonic;
        let mut control = self.control.lock();
        control.trouble = trouble;
        control.rests = rests;
        let until = match rests {
            Rests::Works => Some(now),
            Rests::Idle(until) => until,
            Rests::Waits(until) => Some(until),
        };
        let nothing_new = |control: &mut Control| !control.nudged && control.closing == closing;
        match until {
            None => self.changed.wait_while(&mut control, nothing_new),
            Some(until) => {
                let left = u64::try_from(until.saturating_sub(now).nanos()).unwrap_or(0);
                let left = StdDuration::from_nanos(left);
                self.changed.wait_while_for(&mut control, nothing_new, left);
            }
        }
        (control.nudged, control.rests) = (false, Rests::Works);
        control.closing
    }
}

/// The body of the thread.
pub(super) fn run(shared: &Shared, mut sender: Sender) {
    let mut closing: Option<Duration> = None;
    loop {
        let now = shared.now();
        shared.queue.lock().maintain(now.monotonic);
        let step = sender.step(now);
        if closing.is_some_and(|by| is_over(step, by, &sender, shared.now())) {
            break;
        }
        let deadline = shared.queue.lock().deadline();
        let rests = match step {
            Step::Again => Rests::Works,
            Step::Idle => Rests::Idle(deadline),
            Step::WaitUntil(until) => Rests::Waits(deadline.map_or(until, |deadline| until.min(deadline))),
        };
        let close = shared.rest(rests, sender.trouble(), closing);
        if close != closing {
            closing = close;
            sender.try_at_once();
        }
    }
    if let Err(error) = shared.queue.lock().close(shared.now().monotonic) {
        tracing::warn!("the queue of heartbeats could not be closed: {error}");
    }
    shared.control.lock().finished = true;
    shared.changed.notify_all();
}

/// Whether a client that is closing has no more to do.
fn is_over(step: Step, by: Duration, sender: &Sender, now: Now) -> bool {
    let too_late = now.monotonic >= by;
    match step {
        Step::Again => too_late,
        Step::Idle => true,
        // A server that is not there will hardly come back now.
        Step::WaitUntil(until) => too_late || until >= by || sender.nobody_listens(),
    }
}
