//! The status from the data directory, when no server runs.

use std::path::Path;

use serde::Serialize;
use timberline_log::LogReader;
use timberline_model::Timestamp;
use timberline_server::settings::Build;
use timberline_server::status::{
    BucketStatus, DAY, KnownBackup, StoreStatus, bucket_report, events_since, free, known_backups, used,
};
use timberline_views::{BucketView, OpenReport, Snapshot};

use crate::build::BUILD;
use crate::config::Config;
use crate::data_dir::OpenDataDir;
use crate::verdict::describe;

/// What was found.
#[derive(Debug, Serialize)]
pub(super) struct Found {
    version: &'static str,
    commit: Option<&'static str>,
    date: Option<&'static str>,
    /// What is stored; nothing if there is no data directory.
    pub(super) store: Option<StoreStatus>,
    pub(super) buckets: Vec<BucketStatus>,
    pub(super) backups: Vec<KnownBackup>,
    /// Damaged places of the log.
    pub(super) damage: Vec<String>,
    /// Why the data could not be read, if so.
    pub(super) unreadable: Option<String>,
}

/// Looks, and changes nothing.
pub(super) fn look(config: &Config) -> Found {
    let Build {
        version,
        commit,
        date,
    } = BUILD;
    let mut found = Found {
        version,
        commit,
        date,
        store: None,
        buckets: Vec::new(),
        backups: Vec::new(),
        damage: Vec::new(),
        unreadable: None,
    };
    let dir = &config.server.data_dir;
    if !dir.is_dir() {
        return found;
    }
    let mut store = space(dir);
    found.backups = known_backups(dir);
    match read(config) {
        Ok(read) => {
            store.encrypted = read.encrypted;
            store.seq = read.report.seq.get();
            count(&mut store, &read.snapshot);
            found.damage = read.report.damage.iter().map(ToString::to_string).collect();
            found.buckets = bucket_report(&read.snapshot, now(), None);
        }
        Err(error) => found.unreadable = Some(describe(&error)),
    }
    found.store = Some(store);
    found
}

fn now() -> Timestamp {
    Timestamp::from(timberline_clock::wall())
}

/// What the files take.
fn space(dir: &Path) -> StoreStatus {
    StoreStatus {
        data_dir: dir.to_owned(),
        encrypted: false,
        bytes: used(dir),
        log_bytes: used(&dir.join("log")),
        view_bytes: used(&dir.join("views")),
        bytes_since_start: None,
        free_bytes: free(dir),
        events: 0,
        events_last_day: None,
        events_last_week: None,
        seq: 0,
        durable_seq: None,
    }
}

struct Read {
    encrypted: bool,
    snapshot: Snapshot,
    report: OpenReport,
    _log: LogReader,
}

fn read(config: &Config) -> anyhow::Result<Read> {
    let dir = OpenDataDir::open(config)?;
    let log = dir.log()?;
    let scratch = dir.scratch()?;
    let (snapshot, report) = dir.read_with(&log, &scratch)?;
    Ok(Read {
        encrypted: dir.cipher().is_some(),
        snapshot,
        report,
        _log: log,
    })
}

fn count(store: &mut StoreStatus, snapshot: &Snapshot) {
    store.events = snapshot.buckets().map(BucketView::len).sum();
    store.events_last_day = events_since(snapshot, now(), DAY);
    store.events_last_week = events_since(snapshot, now(), 7 * DAY);
}
