//! Heartbeats of WakaTime's editor plugins, kept as events of editor buckets.
//!
//! A heartbeat of WakaTime is an instant: "at this time, this file was worked on". Its plugins send one when the file
//! changes, when it is saved, and every two minutes in between. An event of ActivityWatch has a duration. [`place`] turns
//! one into the other by WakaTime's own rule: the time from one heartbeat to the next belongs to the earlier one's file,
//! unless it is longer than 15 minutes. `docs/wakatime.md` shows it for users.
//!
//! | file | what it does |
//! |---|---|
//! | `heartbeat` | what plugins send; the bucket and the data that it becomes |
//! | `place` | where a heartbeat belongs among the events of its bucket |
//! | `today` | the time of a day, for the status bars of editors |

mod heartbeat;
mod place;
mod today;

use timberline_model::{Bucket, Data, Timestamp};
use timberline_views::{Receipt, SegmentError};

use crate::app::App;
use crate::service::privacy::Verdict;
use crate::service::write_hold::HoldError;

pub(crate) use self::heartbeat::{Heartbeat, Sender};
pub(crate) use self::today::{Day, Sums, TodayError};

/// The client of buckets that are made for WakaTime's plugins.
pub(crate) const CLIENT: &str = "wakatime";
/// The type by which the web UIs find editors.
const BUCKET_TYPE: &str = "app.editor.activity";

/// Why a heartbeat was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] HoldError),
    /// The events around it could not be read.
    #[error(transparent)]
    Read(#[from] SegmentError),
}

/// Stores a heartbeat. Gives what to wait for before it is acknowledged: nothing if it changed nothing.
///
/// It runs on a blocking thread. Heartbeats are stored one at a time, because each depends on the events around it.
///
/// # Errors
/// As every write.
pub(crate) fn store(
    app: &App,
    sender: &Sender,
    heartbeat: &Heartbeat<'_>,
) -> Result<Option<Receipt>, StoreError> {
    let bucket = heartbeat.bucket(sender);
    let data = heartbeat.data();
    let _one_at_a_time = app.wakatime.lock();
    let snapshot = app.store.snapshot();
    let filters = app.privacy.filters(&snapshot);
    let data = match filters.judge_sent(&snapshot, &bucket, data.as_str()) {
        Verdict::Keep => data.as_str().to_owned(),
        Verdict::Drop => return Ok(None),
        Verdict::Change(data) => data,
    };
    if snapshot.bucket(&bucket).is_none() {
        create(app, &bucket, sender)?;
    }
    drop(snapshot);
    let snapshot = app.store.snapshot();
    // If somebody has just deleted the bucket, the write says so.
    let events = match snapshot.bucket(&bucket) {
        Some(view) => place::place(view, heartbeat.time, &data)?,
        None => place::alone(heartbeat.time, &data),
    };
    if events.is_empty() {
        return Ok(None);
    }
    drop(snapshot);
    let (_, receipt) = app
        .hold
        .write_blocking(data.len(), || app.store.insert_events(&bucket, &events))?;
    Ok(Some(receipt))
}

fn create(app: &App, id: &str, sender: &Sender) -> Result<(), StoreError> {
    let bucket = Bucket {
        id: id.to_owned(),
        type_: BUCKET_TYPE.to_owned(),
        client: CLIENT.to_owned(),
        hostname: sender.hostname.clone(),
        created: Timestamp::from(timberline_clock::wall()),
        data: Data::default(),
        last_updated: None,
    };
    app.hold
        .write_blocking(id.len(), || app.store.create_bucket(&bucket))?;
    Ok(())
}
