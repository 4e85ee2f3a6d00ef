//! The JSON of errors, as `http/error.rs` writes it.
#![allow(dead_code, reason = "it describes JSON and is never constructed")]

use utoipa::ToSchema;

/// Why a request was not carried out.
#[derive(ToSchema)]
pub(crate) struct Error {
    /// The reason, for people.
    message: String,
    /// The kind of the error in a few words, the same ones for every error of this kind. Errors of queries have
    /// aw-server's names, such as `QueryParseException`.
    #[schema(rename = "type", example = "no such bucket")]
    kind: String,
    /// What else can be done about it.
    #[schema(nullable = false)]
    hint: Option<String>,
    /// What stands in the way, one line each. Only errors with the status 409 have it.
    #[schema(nullable = false)]
    conflicts: Option<Vec<String>>,
    /// The oldest record that is kept. Only errors with the status 410 have it.
    #[schema(nullable = false, minimum = 0)]
    from_seq: Option<u64>,
    /// The time of that record.
    #[schema(nullable = false, format = DateTime)]
    from_time: Option<String>,
}
