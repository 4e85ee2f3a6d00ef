//! Parameters that several operations have.
#![allow(dead_code, reason = "it describes parameters and is never constructed")]

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

/// A past state instead of the present one.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct AsOfParameter {
    /// Answer from a past state: the number of a record, or an instant. The answer then has the header
    /// `X-Timberline-Seq`, which names the record.
    #[param(nullable = false, value_type = Option<Moment>)]
    as_of: Option<Moment>,
}

/// The number of a record, or an instant.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Moment {
    /// The number of a record.
    Record(u64),
    /// An instant.
    Instant(#[schema(inline)] Instant),
}

/// An instant in RFC 3339.
#[derive(Serialize, ToSchema)]
#[schema(format = DateTime)]
pub(crate) struct Instant(String);

/// A range of time. An event belongs to it if it overlaps it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TimeRangeParameters {
    /// Where the range begins, in RFC 3339. A `+` must be sent as `%2B`.
    #[param(nullable = false, format = DateTime)]
    start: Option<String>,
    /// Where it ends.
    #[param(nullable = false, format = DateTime)]
    end: Option<String>,
    /// Another name for `start`, which counts if there is no `start`.
    #[param(nullable = false, format = DateTime)]
    starttime: Option<String>,
    /// Another name for `end`, which counts if there is no `end`.
    #[param(nullable = false, format = DateTime)]
    endtime: Option<String>,
}

/// A number that is ignored if it cannot be read.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum LenientNumber {
    /// A whole number.
    Number(i64),
    /// Anything else, which is ignored.
    Ignored(String),
}
