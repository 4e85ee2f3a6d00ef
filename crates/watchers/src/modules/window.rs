//! The module `window`: which window is in front.
//!
//! While nobody can see a window (the session is locked or not on the screen, or the machine sleeps) none is in front. When no
//! backend is left, nothing is known, and the event ends.

use std::sync::Arc;

use serde_json::Value;
use timberline_model::{Data, Duration, Timestamp};

use super::board::{Board, Posting};
use super::chooser::{Chooser, Feed};
use super::drive::{Drive, Machine, Record, next_extension};
use super::facts::Facts;
use super::module::{Context, Module, ModuleError, Running};
use super::options::WindowOptions;
use super::sources::Sources;
use super::spans::{Span, Spans};
use crate::afk::{Fact, Reason};
use crate::data::object;
use crate::desktop::{At, Sighting};
use crate::window::{Rules, Window, WindowEvent};

/// The module.
pub(super) struct WindowModule {
    pub(super) options: WindowOptions,
    pub(super) sources: Arc<Sources>,
    pub(super) board: Board,
}

impl Module for WindowModule {
    fn name(&self) -> &'static str {
        "window"
    }

    fn run(&self, context: Context) -> Running {
        let (options, board) = (self.options.clone(), self.board.clone());
        let sources = Arc::clone(&self.sources);
        Box::pin(async move {
            let rules = options.compile();
            let rules = rules.map_err(|error| ModuleError(error.to_string()))?;
            let drive = Drive {
                name: "window",
                buckets: vec![
                    context.client.window_bucket(),
                    context.client.window_facts_bucket(),
                ],
                chooser: Chooser::start((sources.window)(&context.session), &context.clock),
                facts: Facts::start((sources.facts)(&context.session), &context.clock),
                machine: Front::new(rules, Posting::new(&board, Reason::FullScreen)),
            };
            drive.run(context).await
        })
    }
}

/// Makes events of windows, and of what else is known of them.
struct Front {
    window: Window,
    rules: Rules,
    facts: Spans,
    full_screen: Posting,
    seen: Option<Sighting>,
    /// When what is in front last changed.
    changed: Timestamp,
    backend: Option<&'static str>,
    locked: bool,
    switched_away: bool,
    asleep: bool,
}

impl Front {
    fn new(rules: Rules, full_screen: Posting) -> Front {
        Front {
            window: Window::new(rules.clone()),
            rules,
            facts: Spans::default(),
            full_screen,
            seen: None,
            changed: Timestamp::MIN,
            backend: None,
            locked: false,
            switched_away: false,
            asleep: false,
        }
    }

    /// What is in front is recorded from `at` on, if somebody can see it.
    fn show(&mut self, at: Timestamp) -> Vec<Record> {
        self.changed = at;
        let hidden = self.locked || self.switched_away || self.asleep;
        let seen = self.seen.as_ref().filter(|_| !hidden);
        self.full_screen.set(match seen {
            Some(seen) => seen.full_screen,
            // No window is in front, unless no backend is there to say so.
            None => self.backend.map(|_| false),
        });
        let recorded = seen.filter(|seen| self.rules.apply(seen.front.clone()).is_some());
        let facts = recorded.map(|seen| facts_of(seen, self.backend));
        let events = self.window.change(at, seen.map(|seen| seen.front.clone()));
        records(events, self.facts.set(at, facts))
    }
}

fn records(events: Vec<WindowEvent>, facts: Option<Span>) -> Vec<Record> {
    let event = |event: WindowEvent| Record {
        bucket: 0,
        span: Span {
            start: event.start,
            end: event.end,
            data: event.front.data(),
        },
    };
    let facts = facts.map(|span| Record { bucket: 1, span });
    events.into_iter().map(event).chain(facts).collect()
}

impl Machine<Option<Sighting>> for Front {
    fn fact(&mut self, fact: At<Fact>) -> Vec<Record> {
        match fact.report {
            Fact::Locked => self.locked = true,
            Fact::Unlocked | Fact::LockUnknown => self.locked = false,
            Fact::SwitchedAway => self.switched_away = true,
            Fact::SwitchedBack | Fact::SwitchUnknown => self.switched_away = false,
            Fact::SleepBegan => self.asleep = true,
            Fact::SleepEnded => self.asleep = false,
            Fact::ClockStepped { to } => {
                let events = self.window.clock_stepped(fact.time, to);
                return records(events, self.facts.interrupt(fact.time, to));
            }
            Fact::Input | Fact::Reason(..) | Fact::Ended => return Vec::new(),
        }
        self.show(fact.time)
    }

    fn feed(&mut self, _: Timestamp, feed: Feed<Option<Sighting>>) -> Vec<Record> {
        match feed {
            Feed::From(at, None) => {
                (self.seen, self.backend) = (None, None);
                self.show(at)
            }
            // The window of the new backend follows. Until this time, that of the old one holds.
            Feed::From(at, backend) => {
                self.backend = backend;
                self.tick(at)
            }
            Feed::Report(At { time, report }) => {
                self.seen = report;
                self.show(time)
            }
        }
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Record> {
        let events = self.window.tick(now);
        records(events, self.facts.tick(now))
    }

    fn end(&mut self, now: Timestamp) -> Vec<Record> {
        self.seen = None;
        let mut records = self.show(now);
        // The newest change takes effect when a later time is given.
        let later = now.saturating_add(Duration::from_nanos(1_000_000));
        records.extend(self.tick(later));
        records
    }

    fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let visible = self.facts.is_open() || self.window.deadline().is_some();
        let tick = visible.then(|| next_extension(now, self.changed));
        self.window.deadline().into_iter().chain(tick).min()
    }
}

/// The data of the bucket with the facts: what is known of the window beyond its event.
fn facts_of(seen: &Sighting, backend: Option<&str>) -> Data {
    object([
        ("backend", backend.map(Value::from)),
        ("fullscreen", seen.full_screen.map(Value::from)),
        ("monitor", seen.monitor.clone().map(Value::from)),
        ("pid", seen.pid.map(Value::from)),
        ("sandbox", seen.sandbox.clone().map(Value::from)),
    ])
}
