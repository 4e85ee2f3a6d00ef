//! What the errors of the use cases and of the lower crates mean to a client. All conversions are here.

use timberline_model::{ParseError, ParseErrorKind};
use timberline_views::{HistoryError, SegmentError, WriteError};

use crate::causes::with_causes;
use crate::http::{ApiError, Echo};
use crate::service::chosen_buckets::FitsNone;
use crate::service::edit::EditError;
use crate::service::export::ExportError;
use crate::service::import::{ImportError, LayoutError};
use crate::service::merge_buckets::MergeError;
use crate::service::purge::PurgeError;
use crate::service::webhooks::WebhookError;
use crate::service::write_hold::HoldError;

impl From<HistoryError> for ApiError {
    fn from(error: HistoryError) -> Self {
        match error {
            HistoryError::Write(error) => error.into(),
            error => Self::History(error),
        }
    }
}

impl From<ParseError> for ApiError {
    fn from(error: ParseError) -> Self {
        match error.kind {
            ParseErrorKind::Syntax => Self::Malformed(error.message),
            ParseErrorKind::Shape => Self::Unfit(error.message),
        }
    }
}

impl From<SegmentError> for ApiError {
    fn from(error: SegmentError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<WriteError> for ApiError {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::NoSuchBucket(id) => Self::NoSuchBucket(id),
            WriteError::NameTaken(ref name) => Self::Conflict {
                message: format!("Another bucket has the id or alias '{}'", Echo(name)),
                conflicts: Vec::new(),
            },
            WriteError::NoSpace(_) | WriteError::Unavailable(_) | WriteError::Busy { .. } => {
                Self::Unavailable(format!("Not stored: {error}"))
            }
            // No answer that invites to send it again: what is stored would be stored twice.
            WriteError::Partly { .. } => Self::Internal(format!(
                "Not all of it is stored, and it was not tried again: {error}. Look at what is there before you send the rest"
            )),
            WriteError::TooLarge(_) => Self::TooLarge(error.to_string()),
            other => Self::Internal(format!("Not stored: {other}")),
        }
    }
}

impl From<HoldError> for ApiError {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::GaveUp(message) => Self::Unavailable(message),
            HoldError::NotDurable(_) => Self::Internal(error.to_string()),
            HoldError::Write(error) => error.into(),
            HoldError::History(error) => error.into(),
        }
    }
}

impl From<LayoutError> for ApiError {
    fn from(error: LayoutError) -> Self {
        match error {
            LayoutError::Syntax { .. } => Self::Malformed(error.to_string()),
            LayoutError::Shape(_) => Self::Unfit(error.to_string()),
            LayoutError::TooLarge(_) => Self::TooLarge(error.to_string()),
            LayoutError::Read(error) => read_error(&error),
        }
    }
}

impl From<ImportError> for ApiError {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::Layout(error) => error.into(),
            ImportError::Read(error) => read_error(&error),
            ImportError::Write(error) => error.into(),
            ImportError::Stored(error) => error.into(),
            ImportError::BrokeOff => Self::Internal(error.to_string()),
            ImportError::Partly {
                buckets,
                events,
                source,
            } => partly_imported(buckets, events, Self::from(*source)),
        }
    }
}

/// An error, with what was stored before it.
fn partly_imported(buckets: u64, events: u64, error: ApiError) -> ApiError {
    let say = |why: &str| {
        format!(
            "The import broke off: {buckets} new buckets and {events} events are stored. Import the file again to add the \
             rest; events that are stored are left out then. The reason: {why}"
        )
    };
    match error {
        ApiError::Unavailable(why) => ApiError::Unavailable(say(&why)),
        error => ApiError::Internal(say(&error.to_string())),
    }
}

/// What a failure to read or keep the body means for the client.
fn read_error(error: &std::io::Error) -> ApiError {
    use std::io::ErrorKind;
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            ApiError::Unavailable(format!("Not imported: no space to keep the file: {error}"))
        }
        ErrorKind::InvalidData => ApiError::Malformed(error.to_string()),
        ErrorKind::ConnectionAborted => ApiError::BodyLost(error.to_string()),
        _ => ApiError::Internal(format!("Not imported: {error}")),
    }
}

impl From<ExportError> for ApiError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::NoSuchBucket(id) => Self::NoSuchBucket(id),
            ExportError::Unfit(_) | ExportError::Result(_) => Self::Unfit(error.to_string()),
            ExportError::Read(error) => error.into(),
            ExportError::Cancelled => Self::Unavailable(error.to_string()),
            ExportError::Write(_) => Self::Unavailable(format!("Not exported: {}", with_causes(&error))),
        }
    }
}

impl From<FitsNone> for ApiError {
    fn from(FitsNone(pattern): FitsNone) -> Self {
        Self::NoSuchBucket(pattern)
    }
}

impl From<MergeError> for ApiError {
    fn from(error: MergeError) -> Self {
        match error {
            MergeError::Write(error) => error.into(),
            MergeError::Same(_) | MergeError::OtherType { .. } => Self::Unfit(error.to_string()),
        }
    }
}

impl From<EditError> for ApiError {
    fn from(error: EditError) -> Self {
        match error {
            EditError::Unfit(message) => Self::Unfit(message),
            EditError::NoSuchBucket(id) => Self::NoSuchBucket(id),
            EditError::NoSuchEvent { bucket, event } => Self::NoSuchEvent {
                bucket,
                event: event.to_string(),
            },
            EditError::TooMany => Self::TooLarge(error.to_string()),
            EditError::History(HistoryError::Unsettled) => Self::Unavailable(error.to_string()),
            EditError::History(error) => error.into(),
            EditError::Hold(error) => error.into(),
        }
    }
}

impl From<PurgeError> for ApiError {
    fn from(error: PurgeError) -> Self {
        match error {
            PurgeError::Unfit(message) => Self::Unfit(message),
            PurgeError::NoSuchBucket(id) => Self::NoSuchBucket(id),
            PurgeError::UnknownToken => Self::Conflict {
                message: error.to_string(),
                conflicts: Vec::new(),
            },
            PurgeError::NoRandomness(_) => Self::Internal(error.to_string()),
            PurgeError::History(error) => error.into(),
            PurgeError::Write(error) => error.into(),
        }
    }
}

impl From<WebhookError> for ApiError {
    fn from(error: WebhookError) -> Self {
        match error {
            WebhookError::Unknown(id) => Self::NoSuchWebhook(id),
            WebhookError::Definition(_) | WebhookError::Replay(_) | WebhookError::TooMany => {
                Self::Unfit(with_causes(&error))
            }
            WebhookError::Unreadable(_) | WebhookError::File(_) | WebhookError::NoRandomness(_) => {
                Self::Internal(with_causes(&error))
            }
        }
    }
}
