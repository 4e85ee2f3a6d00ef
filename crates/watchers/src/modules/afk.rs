//! The module `afk`: whether the user is at the keyboard, and the reasons to count as present without input.
//!
//! When no backend is left, it is not known whether there is input. Then the event ends, and there is none until a
//! backend reports again; `docs/afk.md` has the rules.

use std::sync::Arc;

use timberline_model::{Duration, Timestamp};

use super::board::Board;
use super::chooser::{Chooser, Feed};
use super::drive::{Drive, Machine, Record, next_extension, next_multiple};
use super::facts::Facts;
use super::module::{Context, Module, Running};
use super::options::AfkOptions;
use super::sources::Sources;
use super::spans::Span;
use crate::afk::{Afk, AfkEvent, Fact, Presence, PresenceEvent, Reason};
use crate::desktop::{Activity, At, IDLE_AFTER, Report};

/// How often the event is extended while the user is not active, in seconds.
const SELDOM: i64 = 60;

/// After so long without input, `input` of the presence bucket is false.
const INPUT_TIMEOUT: Duration = Duration::from_secs(60);

/// While a source says `Active` or `Unknown`, there was an input at most so long ago: the time after which it reports `Idle`,
/// and a second for the report to arrive.
const CERTAIN: Duration = IDLE_AFTER.saturating_add(Duration::from_secs(1));

/// The module.
pub(super) struct AfkModule {
    pub(super) options: AfkOptions,
    pub(super) sources: Arc<Sources>,
    pub(super) board: Board,
}

impl Module for AfkModule {
    fn name(&self) -> &'static str {
        "afk"
    }

    fn run(&self, context: Context) -> Running {
        let mut facts = (self.sources.facts)(&context.session);
        facts.push(self.board.source());
        let drive = Drive {
            name: "afk",
            buckets: vec![context.client.afk_bucket(), context.client.presence_bucket()],
            chooser: Chooser::start((self.sources.activity)(&context.session), &context.clock),
            facts: Facts::start(facts, &context.clock),
            machine: Watch::new(self.options.timeout),
        };
        Box::pin(drive.run(context))
    }
}

/// Computes events from input and facts, as long as a source reports input.
struct Watch {
    timeout: Duration,
    /// What makes the events; `None` while no source has reported input.
    seeing: Option<Seeing>,
    /// Whether a source has ever reported input.
    seen_before: bool,
    /// The facts that hold. They still hold after a time in which no source reported input.
    held: Vec<Fact>,
    /// Whether the source has not said that there is no input, and since when.
    active_since: Option<Timestamp>,
}

struct Seeing {
    afk: Afk,
    presence: Presence,
}

impl Seeing {
    fn observe(&mut self, at: Timestamp, fact: Fact) -> Vec<Record> {
        records(self.afk.observe(at, fact), self.presence.observe(at, fact))
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Record> {
        records(self.afk.tick(now), self.presence.tick(now))
    }
}

fn records(afk: Vec<AfkEvent>, presence: Vec<PresenceEvent>) -> Vec<Record> {
    let record = |bucket, start, end, data| Record {
        bucket,
        span: Span { start, end, data },
    };
    let afk = afk
        .into_iter()
        .map(|event| record(0, event.start, event.end, event.status.data()));
    let presence = presence
        .into_iter()
        .map(|event| record(1, event.start, event.end, event.data()));
    afk.chain(presence).collect()
}

impl Watch {
    fn new(timeout: Duration) -> Watch {
        Watch {
            timeout,
            seeing: None,
            seen_before: false,
            held: Vec::new(),
            active_since: None,
        }
    }

    /// A source has reported input, or that there was none since `input`. When it is the first, the events begin at `now`.
    fn see(&mut self, now: Timestamp, input: Timestamp) -> Vec<Record> {
        if self.seeing.is_some() {
            return Vec::new();
        }
        // A person starts the session. Later the user is away until the next input, as after sleep.
        let present = !self.seen_before && now.since(input) < self.timeout;
        self.seen_before = true;
        let (afk, presence) = if present {
            (Afk::start(now, self.timeout), Presence::start(now, INPUT_TIMEOUT))
        } else {
            (
                Afk::start_away(now, self.timeout),
                Presence::start_away(now, INPUT_TIMEOUT),
            )
        };
        let mut seeing = Seeing { afk, presence };
        let held = self.held.iter();
        let records = held.flat_map(|fact| seeing.observe(now, *fact)).collect();
        self.seeing = Some(seeing);
        records
    }

    fn observe(&mut self, at: Timestamp, fact: Fact) -> Vec<Record> {
        let seeing = self.seeing.as_mut();
        seeing.map(|seeing| seeing.observe(at, fact)).unwrap_or_default()
    }

    /// While input goes on: the latest input that is certain.
    fn go_on(&mut self, now: Timestamp) -> Vec<Record> {
        let certain = now.saturating_sub(CERTAIN);
        if self.active_since.is_none_or(|since| since > certain) {
            return Vec::new();
        }
        let mut records = self.see(certain, certain);
        records.extend(self.observe(certain, Fact::Input));
        records
    }

    /// The source no longer says that input goes on: the last one was then.
    fn last_input(&mut self, time: Timestamp) -> Vec<Record> {
        // An input before a sleep, or before this source was used, says nothing new.
        match self.active_since.take() {
            Some(since) if since < time => self.observe(time, Fact::Input),
            _ => Vec::new(),
        }
    }

    /// Remembers which facts hold.
    fn hold(&mut self, fact: Fact) {
        let ends = match fact {
            Fact::Locked | Fact::SwitchedAway | Fact::SleepBegan | Fact::Reason(_, Some(_)) => false,
            Fact::Unlocked | Fact::LockUnknown | Fact::SwitchedBack | Fact::SwitchUnknown => true,
            Fact::SleepEnded | Fact::Reason(_, None) => true,
            Fact::Input | Fact::ClockStepped { .. } | Fact::Ended => return,
        };
        self.held.retain(|held| !fact.replaces(held));
        if !ends {
            self.held.push(fact);
        }
    }
}

impl Machine<Activity> for Watch {
    fn fact(&mut self, fact: At<Fact>) -> Vec<Record> {
        let At { time, report } = fact;
        let mut records = self.go_on(time);
        self.hold(report);
        // After a sleep the source says whether there is input only when its own time has passed, and then again.
        match report {
            Fact::SleepEnded => self.active_since = self.active_since.map(|_| time),
            Fact::ClockStepped { to } => self.active_since = self.active_since.map(|_| to),
            _ => {}
        }
        records.extend(self.observe(time, report));
        records
    }

    fn feed(&mut self, now: Timestamp, feed: Feed<Activity>) -> Vec<Record> {
        match feed {
            Feed::From(at, source) => {
                let mut records = self.go_on(at);
                self.active_since = None;
                records.extend(self.fact(At {
                    time: at,
                    report: Fact::Reason(Reason::Inhibitor, None),
                }));
                if source.is_none() {
                    records.extend(self.tick(at));
                    self.seeing = None;
                }
                records
            }
            Feed::Report(At { time, report }) => match report {
                Activity::Active => {
                    let mut records = self.see(now, time);
                    records.extend(self.observe(time, Fact::Input));
                    self.active_since = Some(time);
                    records
                }
                Activity::Idle => {
                    let mut records = self.see(now, time);
                    records.extend(self.last_input(time));
                    records
                }
                Activity::Unknown => {
                    let mut records = self.last_input(time);
                    // Only the start counts as input. Later there is no event until something is known.
                    if !self.seen_before {
                        records.extend(self.see(now, time));
                    }
                    self.active_since = Some(time);
                    records
                }
                Activity::Inhibited(holds) => self.fact(At {
                    time,
                    report: Fact::Reason(Reason::Inhibitor, Some(holds)),
                }),
            },
        }
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Record> {
        let mut records = self.go_on(now);
        if let Some(seeing) = &mut self.seeing {
            records.extend(seeing.tick(now));
        }
        records
    }

    fn end(&mut self, now: Timestamp) -> Vec<Record> {
        let mut records = self.go_on(now);
        records.extend(self.observe(now, Fact::Ended));
        records
    }

    fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let Some(seeing) = &self.seeing else {
            // Then the input is certain, if the source has not said otherwise.
            return self.active_since.map(|since| since.saturating_add(CERTAIN));
        };
        let tick = match self.active_since {
            Some(since) => next_extension(now, since),
            None => next_multiple(now, SELDOM),
        };
        let deadline = seeing.afk.deadline().filter(|deadline| *deadline > now);
        Some(deadline.map_or(tick, |deadline| deadline.min(tick)))
    }
}
