//! The state of the clock in a running store.
//!
//! Every record's time goes through [`TrustedClock::stamp`], under the sequencer's lock. It compares the wall clock with
//! what it was at the last look, which costs a load and a subtraction; only when more than a minute lies between them the
//! clocks are compared properly. So a jump is noticed at the first record that it concerns.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use timberline_disk::Storage;
use timberline_log::{SegmentInfo, Seq};
use timberline_model::{Duration, Timestamp};

use super::clock::Clock;
use super::dating::{RecordDates, Spans};
use super::file::{self, FILE};
use super::report::take_confirmation;
use super::state::{Reading, Suspension, TimeState, TimeTrust};

/// Records whose times are further apart have the clocks compared between them. Less than the tolerance, so that no jump
/// that counts is overlooked.
const LOOK_AFTER: Duration = Duration::from_secs(60);
/// How often the state is saved when nothing happens: so much of the time that was lived through is lost in a crash.
const SAVE_EVERY: Duration = Duration::from_secs(3_600);

/// Tells the newest record.
type Newest = Box<dyn Fn() -> Seq + Send + Sync>;

/// The clock of a store, and whether it is believed.
pub(crate) struct TrustedClock {
    clock: Clock,
    /// The data directory; without one nothing is saved.
    dir: Option<Arc<dyn Storage>>,
    /// `None` until the log is open: before that it is not known with what to compare the clock.
    state: Mutex<Option<TimeState>>,
    newest: OnceLock<Newest>,
    /// The wall clock when the clocks were last compared, ns since 1970.
    looked: AtomicI64,
    /// Held while the file is saved.
    saved: Mutex<Saved>,
}

/// What is on the disk, and what was said of it.
#[derive(Default)]
struct Saved {
    /// Without the times that change at each look.
    decisive: Option<(Option<Timestamp>, Spans)>,
    up: Duration,
    /// The jump that was last warned of.
    warned_of: Option<Timestamp>,
    failed: bool,
}

impl std::fmt::Debug for TrustedClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TrustedClock")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

impl TrustedClock {
    pub(crate) fn new(clock: Clock, dir: Option<Arc<dyn Storage>>) -> TrustedClock {
        TrustedClock {
            looked: AtomicI64::new(clock.now().nanos()),
            clock,
            dir,
            state: Mutex::default(),
            newest: OnceLock::new(),
            saved: Mutex::default(),
        }
    }

    /// Begins to judge, when the log is open. `newest_time` tells when its newest record was written by what it says
    /// itself, if there is one; it is only asked when nothing else is known. `newest` tells the newest record from now on.
    pub(crate) fn begin(
        &self,
        last: Seq,
        newest_time: impl FnOnce() -> Option<Timestamp>,
        newest: impl Fn() -> Seq + Send + Sync + 'static,
    ) {
        let reading = self.reading(last);
        let state = match self.read() {
            Some(mut state) => {
                state.restore(reading);
                state
            }
            None => TimeState::first(reading, newest_time()),
        };
        *self.state.lock() = Some(state);
        let _ = self.newest.set(Box::new(newest));
    }

    /// The time for a record or a segment.
    pub(crate) fn stamp(&self) -> Timestamp {
        let now = self.clock.now();
        let looked = Timestamp::from_nanos(self.looked.load(Ordering::Relaxed));
        if now.since(looked).abs() > LOOK_AFTER {
            self.look();
        }
        now
    }

    /// What the wall clock says, believed or not.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Compares the clocks.
    fn look(&self) -> Option<TimeTrust> {
        let newest = self.newest.get()?();
        let mut state = self.state.lock();
        // Read under the lock: of two looks side by side, the later one must see the later time.
        let reading = self.reading(newest);
        self.looked.store(reading.wall.nanos(), Ordering::Relaxed);
        let state = state.as_mut()?;
        state.observe(reading);
        Some(state.trust())
    }

    fn reading(&self, newest: Seq) -> Reading {
        Reading {
            wall: self.clock.now(),
            boot: self.clock.boot(),
            newest,
        }
    }

    /// Whether the clock is believed now. Takes confirmations, saves what must not be forgotten, and logs when erasing is
    /// suspended or goes on.
    pub(crate) fn trust(&self) -> TimeTrust {
        let looked = self.look();
        let confirmed = self.take_confirmation();
        let trust = confirmed
            .or(looked)
            .unwrap_or_else(|| TimeTrust::Trusted(self.clock.now()));
        self.save(false);
        self.tell(&trust);
        trust
    }

    /// Why nothing is erased, as of the last look.
    pub(crate) fn suspension(&self) -> Option<Suspension> {
        match self.state.lock().as_ref()?.trust() {
            TimeTrust::Suspended(why) => Some(why),
            TimeTrust::Trusted(_) => None,
        }
    }

    /// Tells when records were written.
    pub(crate) fn record_dates(&self, segments: &[SegmentInfo]) -> RecordDates {
        let state = self.state.lock();
        let none = Spans::default();
        let spans = state.as_ref().map_or(&none, |state| &state.spans);
        RecordDates::of(spans, segments, self.clock.now())
    }

    fn take_confirmation(&self) -> Option<TimeTrust> {
        let dir = self.dir.as_ref()?;
        let newest = self.newest.get()?();
        let is_now = take_confirmation(&**dir, &self.reading(newest))?;
        let mut state = self.state.lock();
        let state = state.as_mut()?;
        if !is_now {
            tracing::warn!(
                "a confirmation of the clock was given for another time than it is now and is not taken: set the clock, or confirm it again"
            );
        } else if state.confirm(self.reading(newest)) {
            tracing::info!("the clock was confirmed by hand");
        }
        Some(state.trust())
    }

    /// One line in the log when erasing is suspended, and one when it goes on.
    fn tell(&self, trust: &TimeTrust) {
        let mut saved = self.saved.lock();
        match trust {
            TimeTrust::Suspended(why) if saved.warned_of != Some(why.since) => {
                saved.warned_of = Some(why.since);
                tracing::warn!("{why}");
            }
            TimeTrust::Trusted(_) if saved.warned_of.take().is_some() => {
                tracing::info!("the clock is trusted again: what is old enough is erased again");
            }
            _ => {}
        }
    }

    /// Saves the state if something of it must not be forgotten, if an hour has passed, or `now`.
    pub(crate) fn save(&self, now: bool) {
        let Some(dir) = &self.dir else { return };
        let mut saved = self.saved.lock();
        let Some(state) = self.state.lock().clone() else {
            return;
        };
        let decisive = Some((state.doubt.map(|doubt| doubt.line.start), state.spans.clone()));
        let passed = state.boot.up.saturating_sub(saved.up);
        if !now && saved.decisive == decisive && (Duration::ZERO..SAVE_EVERY).contains(&passed) {
            return;
        }
        match dir.write_file(FILE, &file::encode(&state)) {
            Ok(()) => {
                (saved.decisive, saved.up, saved.failed) = (decisive, state.boot.up, false);
            }
            Err(error) => {
                if !std::mem::replace(&mut saved.failed, true) {
                    tracing::warn!(%error, file = FILE, "what is known about the clock cannot be saved; it is tried again");
                }
            }
        }
    }

    fn read(&self) -> Option<TimeState> {
        let bytes = self.dir.as_ref()?.read_file(FILE).ok()?;
        let state = file::decode(&bytes);
        if state.is_none() {
            tracing::warn!(
                file = FILE,
                "what was known about the clock cannot be read; the newest record of the log is taken instead"
            );
        }
        state
    }
}
