//! Events: what happened in a bucket, from when, for how long.

use std::borrow::Cow;
use std::fmt;

use crate::{Data, Duration, Timestamp};

/// Names an event within its bucket's store. Ids a client gives are [`EventId::MIN`]..=[`EventId::MAX`].
///
/// [`EventId::NONE`] (0) is the id of no event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(pub u64);

impl EventId {
    /// The id of no event.
    pub const NONE: EventId = EventId(0);
    /// The least id.
    pub const MIN: EventId = EventId(1);
    /// The greatest id, 2^53 - 1: beyond it the numbers of JavaScript, which the web UI is written in, have gaps.
    pub const MAX: EventId = EventId((1 << 53) - 1);

    /// The id after this one.
    #[must_use]
    pub const fn next(self) -> EventId {
        self.plus(1)
    }

    /// The id so many further on.
    #[must_use]
    pub const fn plus(self, count: u64) -> EventId {
        EventId(self.0.saturating_add(count))
    }

    /// The ids from this one up to `end`, which is not one of them.
    pub fn until(self, end: EventId) -> impl Iterator<Item = EventId> + use<> {
        (self.0..end.0).map(EventId)
    }

    /// Whether a client may name an event so.
    #[must_use]
    pub fn is_valid(self) -> bool {
        (EventId::MIN..=EventId::MAX).contains(&self)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An event as a client sent it. Borrows its data from the request where that was canonical already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent<'a> {
    /// The id, when the client chose one: the event takes the place of the one that has it.
    pub id: Option<EventId>,
    /// When the event began.
    pub start: Timestamp,
    /// How long it lasted; may be negative, as in the reference servers. `start + duration` fits a [`Timestamp`].
    pub duration: Duration,
    /// Canonical JSON object, see [`Data`].
    pub data: Cow<'a, str>,
}

impl NewEvent<'_> {
    /// When the event ended.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.start.saturating_add(self.duration)
    }
}

/// An event as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// When it began.
    pub start: Timestamp,
    /// How long it lasted; may be negative. `start + duration` fits a [`Timestamp`].
    pub duration: Duration,
    /// What happened.
    pub data: Data,
}

impl Event {
    /// When the event ended.
    #[must_use]
    pub fn end(&self) -> Timestamp {
        self.start.saturating_add(self.duration)
    }
}
