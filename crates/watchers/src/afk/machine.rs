//! The state machine that computes AFK events from facts.

use timberline_model::{Data, Duration, Timestamp};

use super::fact::{Fact, millis, span, timestamp};

/// After this time without input, the user counts as away: 180 s, as in ActivityWatch's watcher.
pub const TIMEOUT: Duration = Duration::from_secs(180);

/// Whether the user is present.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// The user is away.
    Afk,
    /// The user is present.
    NotAfk,
}

impl Status {
    /// The data of an event, as the reference's: `{"status":"afk"}` or `{"status":"not-afk"}`.
    #[must_use]
    pub fn data(self) -> Data {
        Data::from_canonical(match self {
            Status::Afk => r#"{"status":"afk"}"#,
            Status::NotAfk => r#"{"status":"not-afk"}"#,
        })
    }

    /// What the data of an AFK event say, whoever has written it. `None`: neither.
    #[must_use]
    pub fn of(data: &Data) -> Option<Status> {
        let fields: serde_json::Value = serde_json::from_str(data.as_str()).ok()?;
        match fields.get("status")?.as_str()? {
            "not-afk" => Some(Status::NotAfk),
            "afk" => Some(Status::Afk),
            _ => None,
        }
    }
}

/// An event as far as it is known. A later one with the same start replaces it, and is never shorter.
///
/// Sent as a heartbeat with this start, this duration and a pulsetime of 0, it makes exactly this event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AfkEvent {
    /// When it began.
    pub start: Timestamp,
    /// When it ended, as far as is known. Always after `start`.
    pub end: Timestamp,
    /// The status during this time.
    pub status: Status,
}

impl AfkEvent {
    /// How long it is.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end.since(self.start)
    }
}

/// Computes AFK events from facts.
///
/// Pass facts in the order of their times. A time before the latest one counts as the latest one. Only an input may
/// be reported late, as long as no event covers that time yet.
///
/// ```
/// use timberline_model::{Duration, Timestamp};
/// use timberline_watchers::afk::{Afk, Fact, Status, TIMEOUT};
///
/// let ten = Timestamp::parse("2026-03-01T10:00:00Z")?;
/// let after = |seconds| ten.saturating_add(Duration::from_secs(seconds));
/// let mut afk = Afk::start(ten, TIMEOUT);
/// let events = afk.observe(after(60), Fact::Input);
/// assert_eq!((events[0].status, events[0].end), (Status::NotAfk, after(60)));
/// let events = afk.observe(after(70), Fact::Locked);
/// assert_eq!((events[0].status, events[0].end), (Status::NotAfk, after(70)));
/// let events = afk.tick(after(75));
/// assert_eq!((events[0].status, events[0].start, events[0].end), (Status::Afk, after(70), after(75)));
/// # Ok::<(), timberline_model::TimeError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Afk {
    timeout: i64,
    /// The latest time that was given.
    now: i64,
    /// The current event; `None` while the machine sleeps, and after the end.
    open: Option<Open>,
    /// The event before it, unless something separates them.
    before: Option<Open>,
    /// The last input, while it is not yet known whether the user is away.
    input: Option<i64>,
    locked: bool,
    switched_away: bool,
    asleep: bool,
    ended: bool,
    said: Vec<AfkEvent>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    start: i64,
    end: i64,
    status: Status,
}

impl Afk {
    /// Begins at `at` with the user present, because a person has started the session.
    #[must_use]
    pub fn start(at: Timestamp, timeout: Duration) -> Afk {
        let now = millis(at);
        Afk {
            timeout: span(timeout),
            now,
            open: Some(Open {
                start: now,
                end: now,
                status: Status::NotAfk,
            }),
            before: None,
            input: Some(now),
            locked: false,
            switched_away: false,
            asleep: false,
            ended: false,
            said: Vec::new(),
        }
    }

    /// Begins at `at` with the user away until the next input. For the end of a time in which no source reported input.
    #[must_use]
    pub fn start_away(at: Timestamp, timeout: Duration) -> Afk {
        let mut afk = Afk::start(at, timeout);
        afk.input = None;
        afk.open = afk.open.map(|open| Open {
            status: Status::Afk,
            ..open
        });
        afk
    }

    /// Time has passed. Returns the events that began or got longer, in order.
    pub fn tick(&mut self, now: Timestamp) -> Vec<AfkEvent> {
        self.pass(millis(now));
        std::mem::take(&mut self.said)
    }

    /// Something happened. Returns the events that began or got longer, in order.
    pub fn observe(&mut self, at: Timestamp, fact: Fact) -> Vec<AfkEvent> {
        let at = millis(at);
        match fact {
            Fact::Input => self.late_input(at),
            Fact::Locked => self.leave(at, |afk| afk.locked = true),
            Fact::SwitchedAway => self.leave(at, |afk| afk.switched_away = true),
            Fact::Unlocked => self.come_back(at, |afk| std::mem::take(&mut afk.locked)),
            Fact::SwitchedBack => self.come_back(at, |afk| std::mem::take(&mut afk.switched_away)),
            Fact::LockUnknown => self.forget(at, |afk| afk.locked = false),
            Fact::SwitchUnknown => self.forget(at, |afk| afk.switched_away = false),
            Fact::SleepBegan => self.leave(at, |afk| afk.asleep = true),
            Fact::SleepEnded => self.wake(at),
            Fact::ClockStepped { to } => self.step(at, millis(to)),
            Fact::Reason(..) => self.pass(at),
            Fact::Ended => self.leave(at, |afk| afk.ended = true),
        }
        std::mem::take(&mut self.said)
    }

    /// When the user will count as away if there is no input until then: the next time at which a tick changes the status.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let input = self.input.filter(|_| self.is_present())?;
        Some(timestamp(input.saturating_add(self.timeout)))
    }

    /// The present status, as far as it is known; `None` while the machine sleeps.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        self.open.map(|open| open.status)
    }

    fn is_present(&self) -> bool {
        !(self.locked || self.switched_away || self.asleep || self.ended)
    }

    fn pass(&mut self, at: i64) {
        self.now = self.now.max(at);
        let Some(open) = self.open else { return };
        match self.input {
            // Whether this time is active depends on when the next input is.
            Some(input) if self.now.saturating_sub(input) < self.timeout => {}
            Some(input) => {
                self.input = None;
                // A single input is a millisecond of activity: no two events begin at the same time.
                let single = i64::from(input == open.start);
                let last = input.saturating_add(single).max(open.start);
                self.switch(last, Some(Status::Afk));
                self.extend(self.now);
            }
            None => self.extend(self.now),
        }
    }

    /// An input. It may be reported late, because no event covers the time after the end of the open event yet.
    fn late_input(&mut self, at: i64) {
        let said = self.open.map_or(self.now, |open| open.end);
        let at = at.max(said);
        if at >= self.now || self.input.is_none() {
            self.pass(at);
        }
        self.use_input(at);
    }

    fn use_input(&mut self, at: i64) {
        if !self.is_present() {
            return;
        }
        if self.open.is_none_or(|open| open.status == Status::Afk) {
            self.switch(at, Some(Status::NotAfk));
        }
        self.input = Some(at);
        self.extend(at);
    }

    /// The user is away from now on, and was present until now if present before.
    fn leave(&mut self, at: i64, how: impl FnOnce(&mut Self)) {
        self.pass(at);
        let at = self.now;
        if self.input.take().is_some() {
            self.extend(at);
        }
        how(self);
        let status = (!self.asleep && !self.ended).then_some(Status::Afk);
        self.switch(at, status);
    }

    fn come_back(&mut self, at: i64, was_gone: impl FnOnce(&mut Self) -> bool) {
        self.pass(at);
        if was_gone(self) {
            self.use_input(self.now);
        }
    }

    /// What kept somebody from counting as present is not known any more. Nobody is there until the next input.
    fn forget(&mut self, at: i64, what: impl FnOnce(&mut Self)) {
        self.pass(at);
        what(self);
    }

    fn wake(&mut self, at: i64) {
        self.pass(at);
        if std::mem::take(&mut self.asleep) && !self.ended {
            // The machine may have woken up by itself: the user is away until the next input.
            self.switch(self.now, Some(Status::Afk));
        }
    }

    /// The clock was set from `at` to `to`: a new event with the same status begins at `to`.
    fn step(&mut self, at: i64, to: i64) {
        self.pass(at);
        let by = to.saturating_sub(self.now);
        if by == 0 {
            return;
        }
        let at = self.now;
        if self.input.is_some() {
            self.extend(at);
        }
        self.now = to;
        self.input = self.input.map(|input| input.saturating_add(by));
        self.before = None;
        self.open = self.open.map(|open| Open {
            start: to,
            end: to,
            ..open
        });
    }

    /// Ends the open event at `at`, and begins another one there.
    fn switch(&mut self, at: i64, status: Option<Status>) {
        if self.open.map(|open| open.status) == status {
            return;
        }
        self.extend(at);
        if let Some(ended) = self.open.take().filter(|open| open.end > open.start) {
            self.before = Some(ended);
        }
        let Some(status) = status else { return };
        // If an event turns out to be empty, the event before it continues.
        let goes_on = self
            .before
            .filter(|before| before.status == status && before.end == at);
        self.open = Some(goes_on.unwrap_or(Open {
            start: at,
            end: at,
            status,
        }));
    }

    /// The open event lasts until `end`.
    fn extend(&mut self, end: i64) {
        let Some(open) = self.open.as_mut() else { return };
        if end <= open.end {
            return;
        }
        open.end = end;
        let event = AfkEvent {
            start: timestamp(open.start),
            end: timestamp(end),
            status: open.status,
        };
        self.said.retain(|said| said.start != event.start);
        self.said.push(event);
    }
}
