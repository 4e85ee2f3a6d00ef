//! The data of an event: into the canonical spelling, repaired where that is possible.

use std::borrow::Cow;

use timberline_model::{Data, Duration, NewEvent, Timestamp, json};

use super::report::{BucketReport, Reason};

/// The data of an event from the bytes that a source has. Half of a surrogate pair, bytes that are no UTF-8 and `NaN`
/// are replaced, and noted. `None`: there is nothing to keep, and that is noted too.
pub(super) fn data(raw: &[u8], report: &mut BucketReport, at: impl Fn() -> String) -> Option<String> {
    if let Ok(text) = str::from_utf8(raw)
        && let Ok(canonical) = Data::canonical(text)
    {
        return Some(canonical.into_owned());
    }
    repaired(raw, report, at)
}

#[cold]
fn repaired(raw: &[u8], report: &mut BucketReport, at: impl Fn() -> String) -> Option<String> {
    if raw.trim_ascii().is_empty() || raw.trim_ascii() == b"null" {
        report.changed.note(Reason::Field, || {
            format!("{}: data: are missing: they are empty now", at())
        });
        return Some("{}".to_owned());
    }
    let (mended, _) = json::mend(raw);
    let error = match str::from_utf8(&mended).map(Data::canonical) {
        Ok(Ok(canonical)) => {
            report.changed.note(Reason::Text, || {
                format!("{}: data: text that cannot be kept was replaced", at())
            });
            return Some(canonical.into_owned());
        }
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    report
        .left_out
        .note(Reason::Data, || format!("{}: data: {error}", at()));
    None
}

/// An event, if its end can be kept.
pub(super) fn event(
    id: Option<i64>,
    start: Timestamp,
    duration: Duration,
    data: String,
    report: &mut BucketReport,
    at: impl Fn() -> String,
) -> Option<NewEvent<'static>> {
    if start.checked_add(duration).is_none() {
        report.left_out.note(Reason::Duration, || {
            format!(
                "{}: {duration} seconds from {start} end beyond what a timestamp can hold",
                at()
            )
        });
        return None;
    }
    let id = id
        .and_then(|id| u64::try_from(id).ok())
        .map(timberline_model::EventId);
    let event = NewEvent {
        id: id.filter(|id| id.is_valid()),
        start,
        duration,
        data: Cow::Owned(data),
    };
    report.count(&event);
    Some(event)
}
