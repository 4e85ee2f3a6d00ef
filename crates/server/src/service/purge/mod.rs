//! Purge and redaction: previews them, and erases everywhere.
//!
//! | file | what it does |
//! |---|---|
//! | `request` | the selection of what to erase |
//! | `pending` | requests that were previewed and may be confirmed |
//!
//! A purge that has begun is completed, whatever the client does meanwhile.

mod error;
pub(crate) mod pending;
mod request;

use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::erasure::{PurgeReceipt, Selected, Selection};
use timberline_views::record::PurgeBegun;
use timberline_views::{BucketKey, BucketView, Redacting, Snapshot};

pub(crate) use self::error::PurgeError;
pub(crate) use self::request::{Action, DataCondition, PurgeRequest, bucket_keys};
use super::erasure::{Copy, reach_copies};
use super::write_hold::HoldError;
use crate::app::App;

/// Examples in a preview.
const SAMPLES: usize = 20;

/// What a request comes to.
pub(crate) enum ErasureTarget {
    Events(Selected),
    Buckets(Vec<BucketKey>),
}

/// What would be erased, or was.
pub(crate) struct Preview {
    /// Events that are there now.
    pub(crate) events: u64,
    /// Events in the trash.
    pub(crate) deleted: u64,
    /// Prior versions of events.
    pub(crate) prior_versions: u64,
    /// The ids of the buckets, and how many events of each.
    pub(crate) buckets: Vec<(String, u64)>,
    /// Some of the events.
    pub(crate) samples: Vec<Sample>,
}

/// An event of a preview.
pub(crate) struct Sample {
    pub(crate) bucket: String,
    pub(crate) id: EventId,
    pub(crate) start: Timestamp,
    pub(crate) duration: Duration,
    /// Canonical JSON.
    pub(crate) data: String,
}

/// What became of a purge or redaction.
pub(crate) struct Receipt {
    /// What was to be erased.
    pub(crate) counts: Preview,
    pub(crate) progress: Progress,
    /// What of a redaction could not be ordered.
    pub(crate) missing: Option<Missing>,
}

/// How far erasing has come.
pub(crate) enum Progress {
    /// Everything is erased, except from copies that are waiting.
    Completed {
        receipt: Option<PurgeReceipt>,
        copies: Vec<Copy>,
    },
    /// It is hidden. The store erases it as soon as it can; this is why it could not yet.
    Ordered { reason: String },
}

/// What of a redaction could not be ordered.
pub(crate) struct Missing {
    /// Events that are redacted.
    pub(crate) redacted: u64,
    /// Why the others are not.
    pub(crate) reason: HoldError,
}

/// Searches for what a request asks for, now and in the history.
///
/// # Errors
/// When a bucket does not exist, or the history cannot be read.
pub(crate) fn search(
    app: &App,
    request: &PurgeRequest,
    cancel: &Cancel,
) -> Result<ErasureTarget, PurgeError> {
    let snapshot = app.store.snapshot();
    let buckets = request.bucket_keys(&snapshot)?;
    if matches!(request.action, Action::PurgeBuckets) {
        return Ok(ErasureTarget::Buckets(buckets));
    }
    let matches = |data: &str| request.matches(data);
    let selection = Selection {
        buckets,
        ids: request.events.clone(),
        range: request.range,
        data: &matches,
    };
    Ok(ErasureTarget::Events(
        app.store.select(&selection, SAMPLES, cancel)?,
    ))
}

/// Counts what would be erased.
pub(crate) fn preview(snapshot: &Snapshot, target: &ErasureTarget) -> Preview {
    let name = |key: BucketKey| {
        let view = snapshot.kept_of(key);
        view.map(|view| view.bucket().id.clone()).unwrap_or_default()
    };
    match target {
        ErasureTarget::Buckets(keys) => {
            let count = |key: BucketKey| snapshot.kept_of(key).map_or(0, BucketView::len);
            Preview {
                events: keys.iter().copied().map(count).sum(),
                deleted: 0,
                prior_versions: 0,
                buckets: keys.iter().map(|key| (name(*key), count(*key))).collect(),
                samples: Vec::new(),
            }
        }
        ErasureTarget::Events(selected) => Preview {
            events: selected.events,
            deleted: selected.deleted,
            prior_versions: selected.prior_versions,
            buckets: selected
                .by_bucket
                .iter()
                .map(|(key, count)| (name(*key), *count))
                .collect(),
            samples: selected
                .samples
                .iter()
                .map(|event| Sample {
                    bucket: name(event.bucket),
                    id: event.id,
                    start: event.start,
                    duration: event.duration,
                    data: event.data.clone(),
                })
                .collect(),
        },
    }
}

/// Orders the erasure and completes it; the receipt says how far that came. What is ordered is never ordered again: the
/// store completes it as soon as it can.
///
/// # Errors
/// When nothing could be ordered. Then nothing has happened.
pub(crate) fn carry_out(app: &Arc<App>, request: &PurgeRequest) -> Result<Receipt, PurgeError> {
    let snapshot = app.store.snapshot();
    // Again, because the data may have changed since the preview.
    let target = search(app, request, &Cancel::new())?;
    let counts = preview(&snapshot, &target);
    let missing = enqueue_purges(app, request, &target)?;
    Ok(Receipt {
        counts,
        progress: complete(app),
        missing,
    })
}

/// The same for whole buckets that the server itself has chosen.
///
/// # Errors
/// As [`carry_out`].
pub(crate) fn purge_buckets(app: &Arc<App>, keys: Vec<BucketKey>) -> Result<Receipt, PurgeError> {
    let target = ErasureTarget::Buckets(keys);
    let counts = preview(&app.store.snapshot(), &target);
    if let ErasureTarget::Buckets(keys) = &target {
        order_buckets(app, keys)?;
    }
    Ok(Receipt {
        counts,
        progress: complete(app),
        missing: None,
    })
}

/// Erases what is ordered, as far as that is possible now.
fn complete(app: &Arc<App>) -> Progress {
    if let Some(watchers) = &app.watchers {
        watchers.forget_sent();
    }
    match app.store.complete_purges() {
        Ok(receipt) => Progress::Completed {
            receipt,
            copies: reach_copies(app),
        },
        Err(error) => {
            tracing::warn!(%error, "a purge is ordered and could not be completed; it is tried again");
            app.engine.forget();
            Progress::Ordered {
                reason: error.to_string(),
            }
        }
    }
}

/// Writes the orders to the log. A write that waits for space is done again; what was written before it is not.
fn enqueue_purges(
    app: &App,
    request: &PurgeRequest,
    target: &ErasureTarget,
) -> Result<Option<Missing>, PurgeError> {
    let ordering = |purges: &[PurgeBegun]| app.hold.change_blocking(|| app.store.order_purge(purges));
    match (target, &request.action) {
        (ErasureTarget::Events(selected), Action::Redact { replacement }) => {
            redact(app, request, selected, replacement)
        }
        (ErasureTarget::Events(selected), _) => {
            ordering(selected.purges())?;
            Ok(None)
        }
        (ErasureTarget::Buckets(keys), _) => {
            order_buckets(app, keys)?;
            Ok(None)
        }
    }
}

/// In one go: the log is rewritten once, and the receipt is for all buckets.
fn order_buckets(app: &App, keys: &[BucketKey]) -> Result<(), PurgeError> {
    let orders: Vec<PurgeBegun> = keys.iter().copied().map(PurgeBegun::whole).collect();
    Ok(app.hold.change_blocking(|| app.store.order_purge(&orders))?)
}

fn redact(
    app: &App,
    request: &PurgeRequest,
    selected: &Selected,
    replacement: &str,
) -> Result<Option<Missing>, PurgeError> {
    let condition = request.data.as_ref();
    let redacted = |data: &str| condition.and_then(|condition| condition.redacted(data, replacement));
    let mut redacting = Redacting::of(selected);
    let done = app
        .hold
        .change_blocking(|| app.store.redact_on(&mut redacting, &redacted));
    match done {
        Ok(()) => Ok(None),
        Err(error) if redacting.redacted() > 0 => Ok(Some(Missing {
            redacted: redacting.redacted(),
            reason: error,
        })),
        Err(error) => Err(error.into()),
    }
}
