//! Heartbeats, and the rule by which they become events.
//!
//! A watcher says every few seconds "this is still so". Heartbeats that say the same close enough together are one
//! event that grows; everything else starts a new one. The rule is that of aw-server-rust, with the edges its
//! recorded answers show (`shared/conformance/README.md`, "Heartbeats").

use std::borrow::Cow;

use crate::{Duration, Pulsetime, Timestamp};

/// A heartbeat as a watcher sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heartbeat<'a> {
    /// When the state was seen.
    pub start: Timestamp,
    /// How long it had lasted from `start`; mostly 0, may be negative. `start + duration` fits a [`Timestamp`].
    pub duration: Duration,
    /// Canonical JSON object, see [`Data`](crate::Data).
    pub data: Cow<'a, str>,
}

/// Decides whether a heartbeat extends the last event: the new duration of that event, or `None` when the heartbeat
/// is a new event.
///
/// It extends when the data are the same and `last_start <= hb_start <= last_end + pulsetime`, both ends inclusive
/// (sums saturate). The event then ends at the later of the two ends: it never shrinks, and never ends before it
/// starts, even if it did so before. Should the merged duration not fit a [`Duration`] (more than 292 years), the
/// heartbeat is a new event, so that nothing of it is lost.
///
/// ```
/// use timberline_model::{Duration, Pulsetime, Timestamp, heartbeat};
///
/// let second = Duration::from_nanos(1_000_000_000);
/// let pulsetime = Pulsetime::from_secs_f64(1.0)?;
/// let at = Timestamp::parse("2024-03-01T10:00:01Z")?;
/// let last = Timestamp::parse("2024-03-01T10:00:00Z")?;
/// assert_eq!(heartbeat::merge(last, Duration::ZERO, true, at, Duration::ZERO, pulsetime), Some(second));
/// assert_eq!(heartbeat::merge(last, Duration::ZERO, false, at, Duration::ZERO, pulsetime), None);
/// # Ok::<(), timberline_model::TimeError>(())
/// ```
#[must_use]
pub fn merge(
    last_start: Timestamp,
    last_duration: Duration,
    same_data: bool,
    hb_start: Timestamp,
    hb_duration: Duration,
    pulsetime: Pulsetime,
) -> Option<Duration> {
    let last_end = last_start.saturating_add(last_duration);
    let latest = last_end.saturating_add(pulsetime.into());
    if !same_data || hb_start < last_start || hb_start > latest {
        return None;
    }
    let end = last_end.max(hb_start.saturating_add(hb_duration)).max(last_start);
    end.checked_since(last_start)
}
