//! What each watcher makes of what happens in front of it.

use timberline_model::{Duration, NewEvent, Timestamp, json};

use crate::day::{MINUTE, Millis, SECOND};
use crate::random::Random;
use crate::scenes::{Page, Shot, Source};

/// Events of one bucket, in the order of time.
pub(crate) type Events = Vec<NewEvent<'static>>;

/// The events of a device, as its watchers record them.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    pub(crate) window: Events,
    pub(crate) web: Events,
    pub(crate) editor: Events,
    /// Until when the tab of the last event would still be reported if no other came.
    tab_until: Option<Millis>,
}

impl Recorder {
    /// A window in front, from one instant to another. The watcher looks once a second: so the event begins at one look, ends at
    /// another, and the next one begins at the look after that.
    pub(crate) fn window(&mut self, random: &mut Random, shot: &Shot, from: Millis, to: Millis) {
        let end = (to - SECOND - random.between(0, 60)).max(from);
        let data = object(&[("app", shot.app), ("title", &shot.title)]);
        self.window.push(event(from, end, data));
        if let Some(page) = &shot.page {
            self.tab(random, page, from, end);
        }
        if let Some(source) = &shot.source {
            self.editor.push(event(from, end, source_data(source)));
        }
    }

    /// A tab of the browser. Its event goes on for a while when another program comes to the front.
    fn tab(&mut self, random: &mut Random, page: &Page, from: Millis, end: Millis) {
        self.end_tab(from);
        self.web.push(event(from, end, page_data(page)));
        self.tab_until = Some(end + random.skewed(0, 2 * MINUTE));
    }

    /// Ends the event of the tab before `at`.
    pub(crate) fn end_tab(&mut self, at: Millis) {
        if let (Some(last), Some(until)) = (self.web.last_mut(), self.tab_until.take()) {
            let length = until.min(at - 1).saturating_mul(1_000_000) - last.start.nanos();
            last.duration = last.duration.max(Duration::from_nanos(length));
        }
    }

    /// The last window stays in front until then, while nobody is there.
    pub(crate) fn stay(&mut self, until: Millis) {
        if let Some(last) = self.window.last_mut() {
            let length = until.saturating_mul(1_000_000) - last.start.nanos();
            last.duration = last.duration.max(Duration::from_nanos(length));
        }
    }
}

/// Whether somebody is there, while the device is on: from `from` to `to`, away during `away` (in order, apart from each other).
pub(crate) fn afk(events: &mut Events, from: Millis, to: Millis, away: &[(Millis, Millis)]) {
    let mut push = |from: Millis, to: Millis, status: &str| {
        if to > from {
            events.push(event(from, to, object(&[("status", status)])));
        }
    };
    let mut at = from;
    for (gone, back) in away {
        push(at, *gone, "not-afk");
        // The watcher begins the next event a millisecond after the end of the one before.
        push(gone + 1, *back, "afk");
        at = back + 1;
    }
    push(at, to, "not-afk");
}

pub(crate) fn event(from: Millis, to: Millis, data: String) -> NewEvent<'static> {
    NewEvent {
        id: None,
        start: Timestamp::from_nanos(from.saturating_mul(1_000_000)),
        duration: Duration::from_nanos((to - from).max(0).saturating_mul(1_000_000)),
        data: data.into(),
    }
}

/// The canonical text of an object of strings. The keys must be in their order.
pub(crate) fn object(members: &[(&str, &str)]) -> String {
    let mut out = Vec::with_capacity(96);
    for (index, (key, value)) in members.iter().enumerate() {
        out.push(if index == 0 { b'{' } else { b',' });
        json::write_string(&mut out, key);
        out.push(b':');
        json::write_string(&mut out, value);
    }
    out.push(b'}');
    text(out)
}

fn source_data(source: &Source) -> String {
    object(&[
        ("file", &source.file),
        ("language", source.language),
        ("project", source.project),
    ])
}

fn page_data(page: &Page) -> String {
    let mut out = Vec::with_capacity(160);
    let flags = format!(
        "{{\"audible\":{},\"incognito\":{},\"tabCount\":{},\"title\":",
        page.audible, page.incognito, page.tabs
    );
    out.extend_from_slice(flags.as_bytes());
    json::write_string(&mut out, &page.title);
    out.extend_from_slice(b",\"url\":");
    json::write_string(&mut out, &page.url);
    out.push(b'}');
    text(out)
}

/// JSON is UTF-8.
fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).unwrap_or_default()
}
