//! Errors of requests, and how they are reported to the client.
//!
//! Every error is a status and `{"type": "…", "message": "…"}`: the web UI and the clients show the message. Bodies
//! are JSON whatever the client accepts, as the reference server does it.

use std::io::Write;
use std::time::Duration;

use axum::response::IntoResponse;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use timberline_query::{ErrorKind, Limited, QueryError};
use timberline_views::HistoryError;

use super::json;
use super::refusals::Reason;
use crate::access::{Refused, Scope};

/// Seconds after which a client that got 503 may as well try again.
const RETRY_AFTER: &str = "10";

/// How many bytes of a client's text an error quotes.
const ECHO_BYTES: usize = 256;
/// The longest message, whatever it repeats.
const MESSAGE_BYTES: usize = 2048;

/// Text of a client within an error: its beginning, if it is long.
pub(crate) struct Echo<'a>(pub(crate) &'a str);

impl std::fmt::Display for Echo<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.len() <= ECHO_BYTES {
            return f.write_str(self.0);
        }
        let end = self.0.floor_char_boundary(ECHO_BYTES);
        let start = self.0.get(..end).unwrap_or_default();
        write!(f, "{start}… ({} bytes)", self.0.len())
    }
}

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The wording is the reference server's; clients look for it.
    #[error("The requested bucket '{}' does not exist", Echo(.0))]
    NoSuchBucket(String),
    #[error("Bucket '{}' has no event with the id {}", Echo(.bucket), Echo(.event))]
    NoSuchEvent { bucket: String, event: String },
    #[error("There is nothing at this path")]
    NoSuchRoute,
    #[error(
        "The server does not speak the Model Context Protocol here; http = true in the section [mcp] of the configuration makes it do so, and the command `timberline mcp` does not need it (docs/mcp.md)"
    )]
    NoMcp,
    #[error("This path does not take the method {0}")]
    WrongMethod(http::Method),
    /// The body is not JSON, or a parameter cannot be read.
    #[error("{0}")]
    Malformed(String),
    /// The body is JSON, but not what is needed here.
    #[error("{0}")]
    Unfit(String),
    #[error("The content type must be application/json")]
    WrongContentType,
    /// None of the formats that there are is one that the client accepts.
    #[error("There is no format that the header Accept allows; format=… names one")]
    NotAcceptable,
    #[error("The body is larger than the limit of {limit} bytes (limits.body_bytes)")]
    BodyTooLarge { limit: usize },
    #[error("{0}")]
    TooLarge(String),
    #[error("The body did not arrive: {0}")]
    BodyLost(String),
    /// The wording is the reference server's.
    #[error("Host header is invalid")]
    ForeignHost(Option<String>),
    #[error(
        "Host header is invalid: '{}' is not a name of this server; if it is, add it to allowed_hosts in the configuration", Echo(.0)
    )]
    UnknownHost(String),
    #[error("The origin '{}' may not use this server; to allow it, add it to cors in the configuration", Echo(.0))]
    ForeignOrigin(String),
    /// A browser extension requests more than to record.
    #[error(
        "The browser extension '{}' may create buckets and send heartbeats, nothing else; to allow it everything, add it to cors in the configuration", Echo(.0)
    )]
    ExtensionRefused(String),
    /// The wording is the reference server's.
    #[error("Missing or invalid API key. Set 'Authorization: Bearer <key>' header.")]
    Unauthorized,
    /// The token is accepted, but not for this.
    #[error(
        "The token '{token}' of scope {scope}{} may not do this (docs/access.md)", if *.limited { " for some buckets" } else { "" }
    )]
    Forbidden {
        token: String,
        scope: Scope,
        limited: bool,
    },
    /// Guessing a key must be pointless.
    #[error("Too many requests with a wrong key, or beyond the scope of a token: wait {}", seconds(*.wait))]
    TooManyRefusals { wait: Duration },
    /// A page of another site sent this without an origin, as for an image or a script.
    #[error(
        "This request comes from a page of another site (Sec-Fetch-Site); open this address in a window of its own instead"
    )]
    CrossSite,
    /// A query has no answer.
    #[error("{}{}", .0.place(), crate::http::query_limits::message(.0))]
    Query(#[from] QueryError),
    /// The past or a change of it.
    #[error(transparent)]
    History(HistoryError),
    #[error("There is nothing of the id {} in the trash", Echo(.0))]
    NotInTrash(String),
    #[error("There is no webhook with the id '{}'", Echo(.0))]
    NoSuchWebhook(String),
    #[error("There is no watcher called '{}'; GET /api/1/watchers lists them", Echo(.0))]
    NoSuchWatcher(String),
    #[error("The record {0} began no version of the categories, or is no longer kept")]
    NoSuchVersion(u64),
    /// Not what `If-Match` asks for.
    #[error("{0}")]
    Outdated(String),
    /// Things have changed since.
    #[error("{message}")]
    Conflict { message: String, conflicts: Vec<String> },
    /// Nothing is wrong with the request; it may succeed later.
    #[error("{0}")]
    Unavailable(String),
    #[error("{0}")]
    Internal(String),
}

impl ApiError {
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoSuchBucket(_)
            | Self::NoSuchEvent { .. }
            | Self::NoSuchRoute
            | Self::NoMcp
            | Self::NotInTrash(_)
            | Self::NoSuchVersion(_)
            | Self::NoSuchWebhook(_)
            | Self::NoSuchWatcher(_) => StatusCode::NOT_FOUND,
            Self::Outdated(_) => StatusCode::PRECONDITION_FAILED,
            Self::Conflict { .. } => StatusCode::CONFLICT,
            Self::History(error) => history_status(error),
            Self::WrongMethod(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Malformed(_) | Self::BodyLost(_) => StatusCode::BAD_REQUEST,
            Self::Unfit(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::WrongContentType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::BodyTooLarge { .. } | Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::ForeignHost(_) | Self::UnknownHost(_) => StatusCode::BAD_REQUEST,
            Self::ForeignOrigin(_) | Self::ExtensionRefused(_) | Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Unauthorized => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::TooManyRefusals { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Query(error) => query_status(error.kind),
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// The reason in a few words that are always the same: for programs, and for the log and the counters, where
    /// nothing that a client sent belongs.
    fn name(&self) -> &'static str {
        match self {
            Self::NoSuchBucket(_) => "no such bucket",
            Self::NoSuchEvent { .. } => "no such event",
            Self::NoSuchRoute | Self::NoMcp => "no such path",
            Self::WrongMethod(_) => "wrong method",
            Self::Malformed(_) => "not readable",
            Self::Unfit(_) => "not what is needed here",
            Self::WrongContentType => "content type is not JSON",
            Self::NotAcceptable => "no format that is accepted",
            Self::BodyTooLarge { .. } => "body too large",
            Self::TooLarge(_) => "too large",
            Self::BodyLost(_) => "body did not arrive",
            Self::ForeignHost(_) | Self::UnknownHost(_) => "foreign host name (allowed_hosts)",
            Self::ForeignOrigin(_) => "foreign origin (cors)",
            Self::ExtensionRefused(_) => "browser extension (cors)",
            Self::CrossSite => "request from another site",
            Self::Unauthorized => "no valid API key or token",
            Self::Forbidden { .. } => "not in the scope of the token",
            Self::TooManyRefusals { .. } => "too many refusals",
            Self::Query(error) => error.kind.name(),
            Self::History(HistoryError::TooOld { .. } | HistoryError::TooNew { .. }) => "not in the history",
            Self::History(_) => "history cannot be read",
            Self::NotInTrash(_) => "not in the trash",
            Self::NoSuchWebhook(_) => "no such webhook",
            Self::NoSuchWatcher(_) => "no such watcher",
            Self::NoSuchVersion(_) => "no such version",
            Self::Outdated(_) => "changed since",
            Self::Conflict { .. } => "conflict",
            Self::Unavailable(_) => "not possible now",
            Self::Internal(_) => "internal error",
        }
    }

    /// What of this error the log says. The message is in it only if the fault is ours: others repeat what the
    /// client sent.
    fn reason(&self) -> Reason {
        let ours = self.status() == StatusCode::INTERNAL_SERVER_ERROR || matches!(self, Self::Unavailable(_));
        Reason {
            name: self.name(),
            detail: ours.then(|| self.to_string()),
        }
    }

    /// Details for programs, in addition to the message.
    fn write_details(&self, text: &mut Vec<u8>) {
        match self {
            Self::History(HistoryError::TooOld { from, time }) => {
                let _ = write!(text, r#","from_seq":{from},"from_time":"{time}""#);
            }
            Self::ForeignHost(Some(name)) => {
                text.extend_from_slice(br#","hint":"#);
                json::write_string(text, &Self::UnknownHost(name.clone()).to_string());
            }
            Self::Conflict { conflicts, .. } => {
                text.extend_from_slice(br#","conflicts":["#);
                for (index, conflict) in conflicts.iter().enumerate() {
                    if index > 0 {
                        text.push(b',');
                    }
                    json::write_string(text, conflict);
                }
                text.push(b']');
            }
            _ => {}
        }
    }

    /// The answer, in whatever body type the caller needs.
    pub(crate) fn answer<B: From<Bytes>>(&self) -> Response<B> {
        // Clients distinguish errors by the type: those of queries have aw-server's names.
        let mut text = br#"{"type":"#.to_vec();
        json::write_string(&mut text, self.name());
        text.extend_from_slice(br#","message":"#);
        json::write_string(&mut text, &bounded(self.to_string()));
        self.write_details(&mut text);
        text.push(b'}');
        let mut response = Response::new(B::from(Bytes::from(text)));
        *response.status_mut() = self.status();
        response.extensions_mut().insert(self.reason());
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, json::CONTENT_TYPE);
        if matches!(self, Self::Unauthorized) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if matches!(self, Self::Unavailable(_)) {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        }
        if let Self::TooManyRefusals { wait } = self {
            // Digits: always a header value.
            let value = HeaderValue::from(whole_seconds(*wait));
            headers.insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// Whole seconds after which the wait is over.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
}

fn seconds(wait: Duration) -> String {
    match whole_seconds(wait) {
        1 => "a second".to_owned(),
        seconds => format!("{seconds} seconds"),
    }
}

/// The beginning of a message that quotes too much of a client's text.
fn bounded(mut message: String) -> String {
    if message.len() > MESSAGE_BYTES {
        message.truncate(message.floor_char_boundary(MESSAGE_BYTES));
        message.push('…');
    }
    message
}

/// What is no longer kept is gone, and what is still to come was asked wrongly.
fn history_status(error: &HistoryError) -> StatusCode {
    match error {
        HistoryError::TooOld { .. } => StatusCode::GONE,
        HistoryError::TooNew { .. } => StatusCode::BAD_REQUEST,
        HistoryError::Unsealed(_) | HistoryError::Unsettled | HistoryError::Cancelled => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An error in a query is the client's (400), and so is a query that exceeds a limit: the message names the limit.
fn query_status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::Parse | ErrorKind::Interpret | ErrorKind::Function => StatusCode::BAD_REQUEST,
        ErrorKind::Limit(Limited::ProgramLength | Limited::Periods) => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Limit(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorKind::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Storage | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::Unauthorized,
            Refused::TooMany { wait } => Self::TooManyRefusals { wait },
            Refused::Forbidden {
                token,
                scope,
                limited,
            } => Self::Forbidden {
                token,
                scope,
                limited,
            },
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> axum::response::Response {
        self.answer()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_json_with_the_message() {
        let error = ApiError::NoSuchBucket("a\"b".to_owned());
        let response: Response<Bytes> = error.answer();
        assert_eq!(response.status(), 404);
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["message"], "The requested bucket 'a\"b' does not exist");
        assert_eq!(body["type"], "no such bucket");
    }

    #[test]
    fn a_message_does_not_repeat_all_that_was_sent() {
        let long = "é".repeat(1 << 20);
        for error in [
            ApiError::ForeignOrigin(long.clone()),
            ApiError::NoSuchBucket(long.clone()),
            ApiError::Malformed(long.clone()),
        ] {
            let response: Response<Bytes> = error.answer();
            assert!(response.body().len() < 2 * MESSAGE_BYTES);
            let _: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        }
        let text = ApiError::ForeignOrigin(long).to_string();
        assert!(text.ends_with("add it to cors in the configuration"), "{text}");
    }

    #[test]
    fn only_an_answer_to_try_again_says_when() {
        let busy: Response<Bytes> = ApiError::Unavailable("full".to_owned()).answer();
        assert!(busy.headers().contains_key(header::RETRY_AFTER));
        let wrong: Response<Bytes> = ApiError::NoSuchRoute.answer();
        assert!(!wrong.headers().contains_key(header::RETRY_AFTER));
    }
}
