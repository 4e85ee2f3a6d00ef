//! What an answer means for a heartbeat.

use std::time::Duration;

use super::message;
use crate::client::transport::{Answer, NotSent};

/// What is to be done after a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was carried out; the body of the answer. (A bucket that exists already, 304, is one that was created.)
    Stored(Vec<u8>),
    /// There is no such bucket, or the server does not know such requests.
    NotFound(String),
    /// It will never be carried out.
    Refused(String),
    /// The key does not allow it.
    Forbidden(String),
    /// It may be carried out later.
    Wait {
        reason: String,
        retry_after: Option<Duration>,
        /// Whether it may have been carried out.
        may_have_arrived: bool,
    },
}

pub(super) fn judge(outcome: Result<Answer, NotSent>) -> Verdict {
    let answer = match outcome {
        Ok(answer) => answer,
        Err(error) => {
            return Verdict::Wait {
                may_have_arrived: error.may_have_arrived,
                reason: error.reason,
                retry_after: None,
            };
        }
    };
    let said = format!("the server answers with {}", message(&answer));
    match answer.status {
        200..=299 | 304 => Verdict::Stored(answer.body),
        404 | 405 => Verdict::NotFound(said),
        401 | 403 => Verdict::Forbidden(format!("{said}: give it the right API key or token")),
        408 | 425 | 429 => Verdict::Wait {
            reason: said,
            retry_after: answer.retry_after,
            may_have_arrived: answer.status == 408,
        },
        400..=499 => Verdict::Refused(said),
        // 5xx, and whatever is between this client and the server. A proxy may have lost the answer.
        _ => Verdict::Wait {
            reason: said,
            retry_after: answer.retry_after,
            may_have_arrived: true,
        },
    }
}
