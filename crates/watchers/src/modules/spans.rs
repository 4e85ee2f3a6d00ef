//! Events of something that has one state at a time, such as what is played.

use timberline_model::{Data, Timestamp};

/// An event as far as it is known. A later one with the same start replaces it, and is never shorter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: Timestamp,
    pub(super) end: Timestamp,
    pub(super) data: Data,
}

/// Makes an event of each stretch of time in which the data stay the same. Times are whole milliseconds, and an earlier time
/// counts as the latest that was given.
#[derive(Debug, Default)]
pub(super) struct Spans {
    now: Option<Timestamp>,
    open: Option<Span>,
}

impl Spans {
    /// This is the case from now on; `None`: nothing is. Returns the event that has ended, if it got longer.
    pub(super) fn set(&mut self, at: Timestamp, data: Option<Data>) -> Option<Span> {
        let longer = self.tick(at);
        if self.open.as_ref().map(|open| &open.data) != data.as_ref() {
            let start = self.pass(at);
            let end = start;
            self.open = data.map(|data| Span { start, end, data });
        }
        longer
    }

    /// Time has passed. Returns the event that got longer.
    pub(super) fn tick(&mut self, now: Timestamp) -> Option<Span> {
        let end = self.pass(now);
        let open = self.open.as_mut().filter(|open| open.end < end)?;
        open.end = end;
        Some(open.clone())
    }

    /// From `at` on the machine slept, or the clock was set; it is `to` now. The same state continues in a new event.
    pub(super) fn interrupt(&mut self, at: Timestamp, to: Timestamp) -> Option<Span> {
        let longer = self.tick(at);
        let to = whole_millis(to);
        self.now = Some(to);
        if let Some(open) = &mut self.open {
            (open.start, open.end) = (to, to);
        }
        longer
    }

    /// Whether something is the case.
    pub(super) fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Since when something is the case.
    pub(super) fn since(&self) -> Option<Timestamp> {
        self.open.as_ref().map(|open| open.start)
    }

    fn pass(&mut self, at: Timestamp) -> Timestamp {
        let at = whole_millis(at);
        let now = self.now.map_or(at, |now| now.max(at));
        self.now = Some(now);
        now
    }
}

fn whole_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_nanos(at.nanos() - at.nanos().rem_euclid(1_000_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000 + 7)
    }

    fn data(number: u8) -> Option<Data> {
        Some(Data::from_canonical(number.to_string()))
    }

    fn shown(span: Option<Span>) -> Option<(i64, i64, String)> {
        let millis = |time: Timestamp| time.nanos() / 1_000_000;
        span.map(|span| {
            (
                millis(span.start),
                millis(span.end),
                span.data.as_str().to_owned(),
            )
        })
    }

    #[test]
    fn an_event_lasts_as_long_as_its_data() {
        let mut spans = Spans::default();
        assert_eq!(shown(spans.set(at(0), data(1))), None);
        assert_eq!(shown(spans.tick(at(10))), Some((0, 10, "1".to_owned())));
        assert_eq!(shown(spans.set(at(20), data(1))), Some((0, 20, "1".to_owned())));
        assert_eq!(shown(spans.set(at(30), data(2))), Some((0, 30, "1".to_owned())));
        assert_eq!(shown(spans.set(at(25), None)), None, "an earlier time is now");
        assert_eq!(shown(spans.tick(at(99))), None);
        assert!(!spans.is_open());
    }

    #[test]
    fn no_event_covers_sleep_or_skipped_time() {
        let mut spans = Spans::default();
        spans.set(at(0), data(1));
        assert_eq!(
            shown(spans.interrupt(at(10), at(500))),
            Some((0, 10, "1".to_owned()))
        );
        assert_eq!(shown(spans.tick(at(510))), Some((500, 510, "1".to_owned())));
        assert_eq!(
            shown(spans.interrupt(at(520), at(100))),
            Some((500, 520, "1".to_owned()))
        );
        assert_eq!(
            shown(spans.set(at(130), None)),
            Some((100, 130, "1".to_owned())),
            "set back"
        );
    }
}
