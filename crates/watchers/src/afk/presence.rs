//! Events with all signs of presence, input and other reasons, so that rules can judge them later.

use std::collections::VecDeque;

use timberline_model::{Data, Duration, Timestamp};

use super::fact::{Fact, Reason, millis, timestamp};
use super::machine::{Afk, Status};

/// What the session is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is on the screen, unlocked.
    Unlocked,
    /// It is locked.
    Locked,
    /// Another user's session is on the screen.
    Elsewhere,
    /// The machine sleeps.
    Asleep,
}

impl State {
    fn name(self) -> &'static str {
        match self {
            State::Unlocked => "unlocked",
            State::Locked => "locked",
            State::Elsewhere => "elsewhere",
            State::Asleep => "asleep",
        }
    }
}

/// An event of the bucket with the reasons, as far as it is known. One with the same start replaces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PresenceEvent {
    /// When it began.
    pub start: Timestamp,
    /// When it ended, as far as is known. Always after `start`.
    pub end: Timestamp,
    /// What the session did.
    pub state: State,
    /// Whether there was input.
    pub input: bool,
    reasons: Reasons,
}

impl PresenceEvent {
    /// Whether this reason held; `None`: nobody could tell.
    #[must_use]
    pub fn holds(&self, reason: Reason) -> Option<bool> {
        self.reasons.get(reason)
    }

    /// How long it is.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end.since(self.start)
    }

    /// The data of the event, such as `{"audio":false,"fullscreen":null,"inhibitor":true,"input":false,"microphone":false,
    /// "state":"unlocked"}`.
    #[must_use]
    pub fn data(&self) -> Data {
        let [audio, full_screen, inhibitor, microphone] = [
            Reason::Audio,
            Reason::FullScreen,
            Reason::Inhibitor,
            Reason::Microphone,
        ]
        .map(|reason| match self.holds(reason) {
            Some(true) => "true",
            Some(false) => "false",
            None => "null",
        });
        Data::from_canonical(format!(
            r#"{{"audio":{audio},"fullscreen":{full_screen},"inhibitor":{inhibitor},"input":{},"microphone":{microphone},"state":"{}"}}"#,
            self.input,
            self.state.name(),
        ))
    }
}

/// Whether each reason holds; `None`: nobody can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Reasons {
    inhibitor: Option<bool>,
    audio: Option<bool>,
    microphone: Option<bool>,
    full_screen: Option<bool>,
}

impl Reasons {
    /// While the machine sleeps, none holds.
    const ASLEEP: Reasons = Reasons {
        inhibitor: Some(false),
        audio: Some(false),
        microphone: Some(false),
        full_screen: Some(false),
    };

    fn get(self, reason: Reason) -> Option<bool> {
        match reason {
            Reason::Inhibitor => self.inhibitor,
            Reason::Audio => self.audio,
            Reason::Microphone => self.microphone,
            Reason::FullScreen => self.full_screen,
        }
    }

    fn set(&mut self, reason: Reason, holds: Option<bool>) {
        match reason {
            Reason::Inhibitor => self.inhibitor = holds,
            Reason::Audio => self.audio = holds,
            Reason::Microphone => self.microphone = holds,
            Reason::FullScreen => self.full_screen = holds,
        }
    }
}

/// Computes events from the same facts as [`Afk`]: one for each stretch of time in which nothing changes.
///
/// `input` is what [`Afk`] says with a shorter timeout (a minute is sensible), so that a rule can use a longer one later.
/// The events have no gaps: time asleep is an event too.
///
/// ```
/// use timberline_model::{Duration, Timestamp};
/// use timberline_watchers::afk::{Fact, Presence, Reason};
///
/// let ten = Timestamp::parse("2026-03-01T10:00:00Z")?;
/// let after = |seconds| ten.saturating_add(Duration::from_secs(seconds));
/// let mut presence = Presence::start(ten, Duration::from_secs(60));
/// presence.observe(after(10), Fact::Reason(Reason::Microphone, Some(true)));
/// let events = presence.observe(after(70), Fact::Locked);
/// let spans: Vec<_> = events.iter().map(|event| (event.end, event.input, event.holds(Reason::Microphone))).collect();
/// assert_eq!(spans[1..], [(after(10), false, None), (after(70), false, Some(true))]);
/// # Ok::<(), timberline_model::TimeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Presence {
    input: Afk,
    now: i64,
    /// The events are complete up to this time.
    done: i64,
    /// The states, each with its beginning: the first began before `done`, the others after it.
    contexts: VecDeque<(i64, Context)>,
    locked: bool,
    switched_away: bool,
    asleep: bool,
    reasons: Reasons,
    open: Option<PresenceEvent>,
    said: Vec<PresenceEvent>,
}

/// Everything except the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Context {
    state: State,
    reasons: Reasons,
}

impl Presence {
    /// Begins with the user present and no reasons known.
    #[must_use]
    pub fn start(at: Timestamp, timeout: Duration) -> Presence {
        Presence::with(at, Afk::start(at, timeout))
    }

    /// Begins with the user away and no reasons known; see [`Afk::start_away`].
    #[must_use]
    pub fn start_away(at: Timestamp, timeout: Duration) -> Presence {
        Presence::with(at, Afk::start_away(at, timeout))
    }

    fn with(at: Timestamp, input: Afk) -> Presence {
        let now = millis(at);
        let mut presence = Presence {
            input,
            now,
            done: now,
            contexts: VecDeque::new(),
            locked: false,
            switched_away: false,
            asleep: false,
            reasons: Reasons::default(),
            open: None,
            said: Vec::new(),
        };
        presence.note_context();
        presence
    }

    /// Time has passed. Returns the events that began or got longer, in order.
    pub fn tick(&mut self, now: Timestamp) -> Vec<PresenceEvent> {
        self.now = self.now.max(millis(now));
        let events = self.input.tick(now);
        self.cover_all(&events);
        std::mem::take(&mut self.said)
    }

    /// Something happened. Returns the events that began or got longer, in order.
    pub fn observe(&mut self, at: Timestamp, fact: Fact) -> Vec<PresenceEvent> {
        self.now = self.now.max(millis(at));
        let events = self.input.observe(at, fact);
        self.cover_all(&events);
        if self.asleep {
            self.cover(self.now, false);
        }
        self.take_up(fact);
        std::mem::take(&mut self.said)
    }

    fn take_up(&mut self, fact: Fact) {
        match fact {
            Fact::Locked => self.locked = true,
            Fact::Unlocked | Fact::LockUnknown => self.locked = false,
            Fact::SwitchedAway => self.switched_away = true,
            Fact::SwitchedBack | Fact::SwitchUnknown => self.switched_away = false,
            Fact::SleepBegan => self.asleep = true,
            Fact::SleepEnded => self.asleep = false,
            Fact::Reason(reason, holds) => self.reasons.set(reason, holds),
            Fact::ClockStepped { to } => {
                if millis(to) != self.now {
                    self.now = millis(to);
                    self.done = self.now;
                    self.open = None;
                    self.contexts.clear();
                }
            }
            Fact::Input | Fact::Ended => return,
        }
        self.note_context();
    }

    fn note_context(&mut self) {
        let state = match (self.asleep, self.switched_away, self.locked) {
            (true, ..) => State::Asleep,
            (_, true, _) => State::Elsewhere,
            (_, _, true) => State::Locked,
            _ => State::Unlocked,
        };
        let reasons = if self.asleep {
            Reasons::ASLEEP
        } else {
            self.reasons
        };
        self.contexts.push_back((self.now, Context { state, reasons }));
    }

    fn cover_all(&mut self, events: &[super::AfkEvent]) {
        for event in events {
            self.done = self.done.max(millis(event.start));
            self.cover(millis(event.end), event.status == Status::NotAfk);
        }
    }

    /// From `done` until `end` there was input, or there was none.
    fn cover(&mut self, end: i64, input: bool) {
        while self.done < end {
            // The context at `done`: those that have ended by then are dropped.
            while self.contexts.get(1).is_some_and(|(from, _)| *from <= self.done) {
                self.contexts.pop_front();
            }
            let Some(&(_, context)) = self.contexts.front() else {
                return;
            };
            let until = self.contexts.get(1).map_or(end, |(from, _)| end.min(*from));
            self.say(until, context, input);
            self.done = until;
        }
    }

    fn say(&mut self, end: i64, context: Context, input: bool) {
        let continues = |open: &PresenceEvent| {
            open.input == input
                && open.state == context.state
                && open.reasons == context.reasons
                && millis(open.end) == self.done
        };
        let start = self
            .open
            .filter(continues)
            .map_or(self.done, |open| millis(open.start));
        let event = PresenceEvent {
            start: timestamp(start),
            end: timestamp(end),
            state: context.state,
            input,
            reasons: context.reasons,
        };
        self.open = Some(event);
        self.said.retain(|said| said.start != event.start);
        self.said.push(event);
    }
}
