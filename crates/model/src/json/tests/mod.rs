//! Bodies and answers: every edge the conformance corpus shows, and random ones against serde_json.

mod buckets;
mod events;
mod heartbeats;
mod model;
mod write;

use super::{ParseError, ParseErrorKind};
use crate::Timestamp;

const TEN: &str = "2024-03-01T10:00:00Z";

pub(super) fn ten() -> Timestamp {
    Timestamp::parse(TEN).unwrap()
}

pub(super) fn assert_refused<T: std::fmt::Debug>(
    result: Result<T, ParseError>,
    kind: ParseErrorKind,
    message: &str,
) {
    let error = result.unwrap_err();
    assert_eq!(error.kind, kind, "{error}");
    assert!(
        error.message.contains(message),
        "'{error}' does not say '{message}'"
    );
}
