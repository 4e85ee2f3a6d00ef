//! What all parts of the supervisor share: the user's choices, and the status of each watcher.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration as StdDuration;

use parking_lot::Mutex;
use timberline_model::Timestamp;
use tokio::sync::watch;

use super::choices::{Choices, Pause, PauseEvent};
use super::choices_file::ChoicesFile;
use super::status::{Condition, Exit, Kind, WatcherStatus};
use crate::clock::Clock;
use crate::modules::{State, Status};

/// Waiting for a time of the wall clock looks at it so often: timers stand still while the machine sleeps, and the clock may be
/// set.
const LOOK_EVERY: StdDuration = StdDuration::from_secs(60);

/// What a watcher is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To record.
    Run,
    /// Not to record, until then.
    Rest(Option<Timestamp>),
    /// Not to record any more: Timberline ends.
    End,
}

/// Whether a watcher is on unless the person has chosen otherwise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ByDefault {
    pub(super) on: bool,
    /// Why, if that is worth a word.
    pub(super) why: Option<String>,
}

/// The choices, and the status of each watcher.
pub(super) struct Board {
    clock: Arc<dyn Clock>,
    file: ChoicesFile,
    state: Mutex<BoardState>,
    /// Told when what a watcher is to do may have changed.
    orders: watch::Sender<()>,
    /// Told when anything has changed.
    news: watch::Sender<()>,
}

struct BoardState {
    choices: Choices,
    watchers: BTreeMap<String, Entry>,
    /// See [`Handle::queue_alarm`](super::Handle::queue_alarm).
    queue_alarm: Option<String>,
    ending: bool,
}

struct Entry {
    /// See [`WatcherStatus::number`].
    number: usize,
    kind: Kind,
    by_default: ByDefault,
    condition: Condition,
    /// What a module says of itself, while it runs and after.
    module: Option<watch::Receiver<Status>>,
    restarts: u64,
    last_exit: Option<Exit>,
    alarm: Option<String>,
}

impl Board {
    pub(super) fn new(clock: Arc<dyn Clock>, file: ChoicesFile) -> Board {
        let state = BoardState {
            choices: file.read(),
            watchers: BTreeMap::new(),
            queue_alarm: None,
            ending: false,
        };
        Board {
            clock,
            file,
            state: Mutex::new(state),
            orders: watch::Sender::new(()),
            news: watch::Sender::new(()),
        }
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(super) fn now(&self) -> Timestamp {
        self.clock.read().wall
    }

    /// Adds a watcher. False: there is one of that name already.
    pub(super) fn add(&self, name: &str, kind: Kind, by_default: ByDefault) -> bool {
        let mut state = self.state.lock();
        if state.watchers.contains_key(name) {
            return false;
        }
        let entry = Entry {
            // None is ever removed.
            number: state.watchers.len(),
            kind,
            by_default,
            condition: Condition::Off,
            module: None,
            restarts: 0,
            last_exit: None,
            alarm: None,
        };
        state.watchers.insert(name.to_owned(), entry);
        drop(state);
        self.news.send_replace(());
        true
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.state.lock().watchers.contains_key(name)
    }

    /// What a watcher is to do now.
    pub(super) fn order(&self, name: &str) -> Order {
        self.state.lock().order(name, self.now())
    }

    /// Waits until a watcher's order is such.
    pub(super) async fn until(&self, name: &str, such: impl Fn(Order) -> bool) -> Order {
        let mut changed = self.orders.subscribe();
        loop {
            changed.borrow_and_update();
            let order = self.order(name);
            if such(order) {
                return order;
            }
            let end_of_rest = async {
                match order {
                    Order::Rest(Some(until)) => self.look_at(until).await,
                    _ => std::future::pending().await,
                }
            };
            tokio::select! {
                // The sender is part of the board.
                _ = changed.changed() => {}
                () = end_of_rest => {}
            }
        }
    }

    /// Waits until a time of the wall clock, or until it should be looked at again.
    pub(super) async fn look_at(&self, time: Timestamp) {
        let left = u64::try_from(time.since(self.now()).nanos()).unwrap_or(0);
        // Timers of tokio count whole milliseconds.
        let left = StdDuration::from_nanos(left).saturating_add(StdDuration::from_millis(1));
        tokio::select! {
            () = tokio::time::sleep(left.min(LOOK_EVERY)) => {}
            () = self.clock.jumped() => {}
        }
    }

    /// Changes the choices, and keeps them. The change counts also if it cannot be kept: then the next start does not know of it.
    pub(super) fn choose<R>(
        &self,
        change: impl FnOnce(&mut Choices, &[&str], Timestamp) -> R,
    ) -> (R, std::io::Result<()>) {
        let now = self.now();
        let chosen = {
            let mut state = self.state.lock();
            let state = &mut *state;
            let known: Vec<&str> = state.watchers.keys().map(String::as_str).collect();
            let result = change(&mut state.choices, &known, now);
            state.choices.forget_ended(now);
            // Under the lock: the file has the last change.
            (result, self.file.write(&state.choices))
        };
        // Not under the lock: these channels have locks of their own.
        self.orders.send_replace(());
        self.news.send_replace(());
        chosen
    }

    /// Reads the choices.
    pub(super) fn choices<R>(&self, read: impl FnOnce(&Choices) -> R) -> R {
        read(&self.state.lock().choices)
    }

    /// The watchers that would record if they were not paused, and when the first of these pauses ends by itself.
    pub(super) fn paused(&self) -> (Vec<String>, Option<Timestamp>) {
        let now = self.now();
        let state = self.state.lock();
        let on = state.watchers.keys().filter(|name| state.is_on(name));
        let paused: Vec<(&String, Pause)> = on
            .filter_map(|name| Some((name, state.choices.pause_of(name, now)?)))
            .collect();
        let first_end = paused.iter().filter_map(|(_, pause)| pause.until).min();
        (
            paused.into_iter().map(|(name, _)| name.clone()).collect(),
            first_end,
        )
    }

    /// Keeps the event of a pause, so that it goes on after a restart.
    pub(super) fn keep_pause_event(&self, event: Option<PauseEvent>) {
        let mut state = self.state.lock();
        state.choices.pause_event = event;
        if let Err(error) = self.file.write(&state.choices) {
            tracing::debug!(%error, "the event of a pause cannot be written");
        }
    }

    /// Ends all watchers.
    pub(super) fn end(&self) {
        self.state.lock().ending = true;
        self.orders.send_replace(());
    }

    /// Waits until all watchers are to end.
    pub(super) async fn ended(&self) {
        let mut changed = self.orders.subscribe();
        loop {
            changed.borrow_and_update();
            if self.state.lock().ending {
                return;
            }
            // The sender is part of the board.
            let _ = changed.changed().await;
        }
    }

    pub(super) fn set_condition(&self, name: &str, condition: Condition) {
        self.change(name, |entry| entry.condition = condition);
    }

    /// From now on a module says itself how it is.
    pub(super) fn listen_to(&self, name: &str, module: watch::Receiver<Status>) {
        self.change(name, |entry| {
            entry.module = Some(module);
            entry.condition = Condition::Module(State::Starting);
        });
    }

    pub(super) fn note_exit(&self, name: &str, exit: Exit, restart_at: Timestamp) {
        self.change(name, |entry| {
            entry.last_exit = Some(exit);
            entry.restarts += 1;
            entry.condition = Condition::Restarting { at: restart_at };
        });
    }

    pub(super) fn set_alarm(&self, name: &str, alarm: Option<String>) {
        let is_new = |entry: &mut Entry| entry.alarm != alarm;
        if self.state.lock().watchers.get_mut(name).is_some_and(is_new) {
            self.change(name, |entry| entry.alarm = alarm);
        }
    }

    pub(super) fn set_queue_alarm(&self, alarm: Option<String>) {
        let before = std::mem::replace(&mut self.state.lock().queue_alarm, alarm.clone());
        if before != alarm {
            self.news.send_replace(());
        }
    }

    pub(super) fn queue_alarm(&self) -> Option<String> {
        self.state.lock().queue_alarm.clone()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.state.lock().watchers.get_mut(name) {
            change(entry);
        }
        self.news.send_replace(());
    }

    /// A module has said something new of itself.
    pub(super) fn tell(&self) {
        self.news.send_replace(());
    }

    /// Changes when anything has changed.
    pub(super) fn news(&self) -> watch::Receiver<()> {
        self.news.subscribe()
    }

    /// Changes when what a watcher is to do may have changed.
    pub(super) fn orders(&self) -> watch::Receiver<()> {
        self.orders.subscribe()
    }

    /// The status of all watchers, by name.
    pub(super) fn list(&self) -> Vec<WatcherStatus> {
        let now = self.now();
        let state = self.state.lock();
        let status = |(name, entry): (&String, &Entry)| entry.status(name, &state, now);
        state.watchers.iter().map(status).collect()
    }
}

impl BoardState {
    fn is_on(&self, name: &str) -> bool {
        let entry = self.watchers.get(name);
        let by_default = entry.is_some_and(|entry| entry.by_default.on);
        self.choices.switched(name).unwrap_or(by_default)
    }

    fn order(&self, name: &str, now: Timestamp) -> Order {
        if self.ending {
            return Order::End;
        }
        if !self.is_on(name) {
            return Order::Rest(None);
        }
        match self.choices.pause_of(name, now) {
            None => Order::Run,
            Some(pause) => Order::Rest(pause.until),
        }
    }
}

impl Entry {
    fn status(&self, name: &str, state: &BoardState, now: Timestamp) -> WatcherStatus {
        let said = self.module.as_ref().map(|module| module.borrow().clone());
        let said = said.unwrap_or_default();
        let condition = match &self.condition {
            Condition::Module(_) => Condition::Module(said.state),
            other => other.clone(),
        };
        let enabled = state.is_on(name);
        WatcherStatus {
            name: name.to_owned(),
            number: self.number,
            kind: self.kind.clone(),
            enabled,
            note: self
                .by_default
                .why
                .clone()
                .filter(|_| enabled == self.by_default.on),
            paused: state.choices.pause_of(name, now),
            condition,
            backends: said.backends,
            bucket: said.bucket,
            last_recorded: said.last_recorded,
            restarts: self.restarts,
            last_exit: self.last_exit.clone(),
            alarm: self.alarm.clone(),
        }
    }
}
