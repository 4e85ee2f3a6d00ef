//! Why a purge or redaction is refused.

use std::io;

use timberline_views::HistoryError;

use crate::service::write_hold::HoldError;

/// Why nothing is erased.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PurgeError {
    /// The request makes no sense.
    #[error("{0}")]
    Unfit(String),
    /// There is no such bucket.
    #[error("no such bucket: {0}")]
    NoSuchBucket(String),
    /// The token cannot be used.
    #[error("This token is not known, was used, or is older than ten minutes: ask for a preview again")]
    UnknownToken,
    /// No token can be made.
    #[error("The system has no random bytes: {0}")]
    NoRandomness(io::Error),
    /// The events cannot be searched.
    #[error(transparent)]
    History(#[from] HistoryError),
    /// The order cannot be written.
    #[error(transparent)]
    Write(#[from] HoldError),
}
