//! The state machine that computes window events from changes of the window in front.

use timberline_model::{Data, Duration, Timestamp, json};

use super::rules::Rules;

/// How long a title must last to become an event.
pub const SETTLE: Duration = Duration::from_secs(1);

/// After this long without a title that lasts, the current title becomes an event.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The window in front.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Front {
    /// The program, as the desktop names it.
    pub app: String,
    /// The title of the window.
    pub title: String,
}

impl Front {
    /// The data of an event: exactly `app` and `title`, as the reference's.
    #[must_use]
    pub fn data(&self) -> Data {
        let mut text = br#"{"app":"#.to_vec();
        json::write_string(&mut text, &self.app);
        text.extend_from_slice(br#","title":"#);
        json::write_string(&mut text, &self.title);
        text.push(b'}');
        Data::from_canonical(String::from_utf8_lossy(&text).into_owned())
    }
}

/// An event as far as it is known. A later one with the same start replaces it, and is never shorter.
///
/// Sent as a heartbeat with this start, this duration and a pulsetime of 0, it makes exactly this event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowEvent {
    /// When it began.
    pub start: Timestamp,
    /// When it ended, as far as is known. Always after `start`.
    pub end: Timestamp,
    /// What was in front.
    pub front: Front,
}

impl WindowEvent {
    /// How long it is.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.end.since(self.start)
    }
}

/// Makes window events.
///
/// While one program is in front, a title that lasts for less than the settle time does not become an event: its time
/// belongs to the title before it, or, at the beginning, to the one after it. If no title lasts for so long, one is taken
/// every ten seconds. Times are whole milliseconds; of several changes within one the last counts.
///
/// ```
/// use timberline_model::{Duration, Timestamp};
/// use timberline_watchers::window::{Front, Rules, Window};
///
/// let ten = Timestamp::parse("2026-03-01T10:00:00Z")?;
/// let after = |seconds| ten.saturating_add(Duration::from_secs(seconds));
/// let front = |app: &str, title: &str| Some(Front { app: app.to_owned(), title: title.to_owned() });
/// let mut window = Window::new(Rules::default());
/// window.change(ten, front("vim", "notes"));
/// let events = window.change(after(60), front("firefox", "News"));
/// assert_eq!((events[0].start, events[0].end, events[0].front.app.as_str()), (ten, after(60), "vim"));
/// let events = window.tick(after(90));
/// assert_eq!((events[0].start, events[0].end, events[0].front.app.as_str()), (after(60), after(90), "firefox"));
/// # Ok::<(), timberline_model::TimeError>(())
/// ```
#[derive(Debug)]
pub struct Window {
    rules: Rules,
    settle: i64,
    patience: i64,
    now: i64,
    /// The newest change. It takes effect when a later time is given.
    incoming: Option<(i64, Option<Front>)>,
    run: Option<Run>,
    said: Vec<WindowEvent>,
}

/// A stretch of time in which one program is in front.
#[derive(Debug)]
struct Run {
    start: i64,
    app: String,
    /// The current title, and since when.
    title: String,
    since: i64,
    /// Whether that title was taken for the event.
    taken: bool,
    /// Since when no title has been taken: the end of the last one that was, or the start.
    untaken_since: i64,
    event: Option<OpenEvent>,
}

#[derive(Debug)]
struct OpenEvent {
    start: i64,
    end: i64,
    title: String,
}

impl Window {
    /// With the usual settle time. No window is in front yet.
    #[must_use]
    pub fn new(rules: Rules) -> Window {
        Window::with_settle(rules, SETTLE, PATIENCE)
    }

    /// With other times; see [`SETTLE`] and [`PATIENCE`].
    #[must_use]
    pub fn with_settle(rules: Rules, settle: Duration, patience: Duration) -> Window {
        Window {
            rules,
            settle: (settle.nanos() / NANOS_PER_MILLI).max(1),
            patience: (patience.nanos() / NANOS_PER_MILLI).max(1),
            now: i64::MIN,
            incoming: None,
            run: None,
            said: Vec::new(),
        }
    }

    /// Another window, or another title, is in front; `None`: no window, or nobody can see it (lock, sleep, another user).
    /// Returns the events that began or got longer, in order.
    pub fn change(&mut self, at: Timestamp, front: Option<Front>) -> Vec<WindowEvent> {
        let front = front.and_then(|front| self.rules.apply(front));
        self.pass(at);
        self.incoming = Some((self.now, front));
        std::mem::take(&mut self.said)
    }

    /// Time has passed. Returns the events that began or got longer, in order.
    pub fn tick(&mut self, now: Timestamp) -> Vec<WindowEvent> {
        self.pass(now);
        std::mem::take(&mut self.said)
    }

    /// The wall clock was set. The window in front continues at `to`, in a new event.
    pub fn clock_stepped(&mut self, at: Timestamp, to: Timestamp) -> Vec<WindowEvent> {
        self.pass(at);
        let front = match self.incoming.take() {
            Some((_, front)) => front,
            None => self.run.as_ref().map(|run| Front {
                app: run.app.clone(),
                title: run.title.clone(),
            }),
        };
        self.end_run(self.now);
        self.now = millis(to);
        self.incoming = Some((self.now, front));
        std::mem::take(&mut self.said)
    }

    /// The next time at which a tick decides something: that a title has lasted for long enough.
    #[must_use]
    pub fn deadline(&self) -> Option<Timestamp> {
        let since = match (&self.incoming, &self.run) {
            (Some((at, Some(_))), _) => *at,
            (None, Some(run)) if !run.taken => run.since,
            _ => return None,
        };
        Some(timestamp(since.saturating_add(self.settle)))
    }

    fn pass(&mut self, at: Timestamp) {
        self.now = self.now.max(millis(at));
        if let Some((at, front)) = self.incoming.take_if(|(at, _)| *at < self.now) {
            self.put(at, front);
        }
        self.settle(self.now);
    }

    /// Takes the current title if it has lasted for long enough, and lets its event last until `now`.
    fn settle(&mut self, now: i64) {
        let Some(run) = self.run.as_mut() else { return };
        if !run.taken && now.saturating_sub(run.since) >= self.settle {
            self.take();
        }
        if self.run.as_ref().is_some_and(|run| run.taken) {
            self.extend(now);
        }
    }

    /// What is in front from `at` on.
    fn put(&mut self, at: i64, front: Option<Front>) {
        self.settle(at);
        match (self.run.as_mut(), front) {
            (Some(run), Some(front)) if run.app == front.app => {
                if run.title == front.title {
                    return;
                }
                if !run.taken && at.saturating_sub(run.untaken_since) >= self.patience {
                    self.take();
                }
                self.extend(at);
                if let Some(run) = self.run.as_mut() {
                    if run.taken {
                        run.untaken_since = at;
                    }
                    (run.title, run.since, run.taken) = (front.title, at, false);
                }
            }
            (_, front) => {
                self.end_run(at);
                self.run = front.map(|Front { app, title }| Run {
                    start: at,
                    app,
                    title,
                    since: at,
                    taken: false,
                    untaken_since: at,
                    event: None,
                });
            }
        }
    }

    /// The current title gets an event, from its beginning on.
    fn take(&mut self) {
        let Some(since) = self.run.as_ref().map(|run| run.since) else {
            return;
        };
        self.extend(since);
        let Some(run) = self.run.as_mut() else { return };
        run.taken = true;
        if run.event.as_ref().is_some_and(|event| event.title == run.title) {
            return;
        }
        let start = if run.event.is_some() { since } else { run.start };
        run.event = Some(OpenEvent {
            start,
            end: start,
            title: run.title.clone(),
        });
    }

    fn end_run(&mut self, at: i64) {
        if self.run.as_ref().is_some_and(|run| run.event.is_none()) {
            self.take();
        }
        self.extend(at);
        self.run = None;
    }

    /// The event of the run lasts until `end`.
    fn extend(&mut self, end: i64) {
        let Some(run) = self.run.as_mut() else { return };
        let Some(event) = run.event.as_mut().filter(|event| end > event.end) else {
            return;
        };
        event.end = end;
        let event = WindowEvent {
            start: timestamp(event.start),
            end: timestamp(end),
            front: Front {
                app: run.app.clone(),
                title: event.title.clone(),
            },
        };
        self.said.retain(|said| said.start != event.start);
        self.said.push(event);
    }
}

const NANOS_PER_MILLI: i64 = 1_000_000;

fn millis(at: Timestamp) -> i64 {
    at.nanos().div_euclid(NANOS_PER_MILLI)
}

fn timestamp(millis: i64) -> Timestamp {
    Timestamp::from_nanos(millis.saturating_mul(NANOS_PER_MILLI))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        timestamp(millis)
    }

    fn front(title: &str) -> Option<Front> {
        Some(Front {
            app: "app".to_owned(),
            title: title.to_owned(),
        })
    }

    #[test]
    fn data_are_exactly_app_and_title() {
        let front = Front {
            app: "Code \"x\"".to_owned(),
            title: "é\n".to_owned(),
        };
        let data = front.data();
        assert_eq!(Data::parse(data.as_str()), Ok(data.clone()), "it is canonical");
        assert_eq!(data.as_str(), r#"{"app":"Code \"x\"","title":"é\n"}"#);
    }

    #[test]
    fn a_clock_that_is_set_ends_an_event_and_begins_another() {
        for to in [3_600_000, -3_600_000] {
            let mut window = Window::new(Rules::default());
            window.change(at(0), front("a"));
            let before = window.clock_stepped(at(5_000), at(to));
            assert_eq!((before[0].start, before[0].end), (at(0), at(5_000)));
            let after = window.tick(at(to + 4_000));
            assert_eq!((after[0].start, after[0].end), (at(to), at(to + 4_000)));
            assert_eq!(after[0].front.title, "a");
        }
    }

    #[test]
    fn a_tick_is_only_needed_to_settle_a_title() {
        let mut window = Window::new(Rules::default());
        assert_eq!(window.deadline(), None);
        window.change(at(0), front("a"));
        assert_eq!(window.deadline(), Some(at(1_000)));
        window.tick(at(1_000));
        assert_eq!(window.deadline(), None);
        window.change(at(9_000), None);
        assert_eq!(window.deadline(), None);
    }
}
