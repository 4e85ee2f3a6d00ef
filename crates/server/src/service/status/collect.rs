//! Fills the report from the running server.

use timberline_backup::registered;
use timberline_model::{Duration, Timestamp};
use timberline_views::{BucketView, Snapshot, TimeRange};

use super::attention::attention;
use super::buckets::bucket_report;
use super::report::{
    AccessStatus, BackupStatus, DamageStatus, KnownBackup, MemoryStatus, Status, StoreStatus, TokenStatus,
};
use super::{disk, why_not_ready};
use crate::access::{Keys, Token};
use crate::app::App;
use crate::service::watchers;

/// Nanoseconds of a day.
pub const DAY: i64 = 86_400 * 1_000_000_000;

/// The report. It reads directories, so it belongs on a thread that may block.
pub(crate) fn collect(app: &App) -> Status {
    let snapshot = app.store.snapshot();
    let buckets = bucket_report(&snapshot, app.store.now(), Some(&app.identity.hostname));
    let not_ready = why_not_ready(app);
    let damage = damage(app);
    let build = &app.settings.build;
    Status {
        version: build.version.to_owned(),
        commit: build.commit.map(str::to_owned),
        date: build.date.map(str::to_owned),
        hostname: app.identity.hostname.clone(),
        device_id: app.identity.device_id.clone(),
        testing: app.settings.testing,
        process_id: std::process::id(),
        started: app.started.time.to_string(),
        uptime_seconds: timberline_clock::monotonic()
            .duration_since(app.started.at)
            .as_secs(),
        ready: not_ready.is_none(),
        access: access(app),
        store: store(app, &snapshot),
        backups: backups(app),
        memory: memory(app),
        watchers: watchers::list(app.watchers.as_deref()),
        attention: attention(app, not_ready.as_deref(), &damage, &buckets),
        not_ready,
        buckets,
        damage,
    }
}

fn access(app: &App) -> AccessStatus {
    let access = &app.settings.access;
    AccessStatus {
        addresses: app.started.addresses.iter().map(ToString::to_string).collect(),
        loopback_only: app.started.loopback_only(),
        authentication: if app.keys.is_some() { "required" } else { "none" }.to_owned(),
        allowed_hosts: access.allowed_hosts.clone(),
        cors: access.cors.iter().chain(&access.cors_regex).cloned().collect(),
        tokens: tokens(app),
    }
}

fn tokens(app: &App) -> Vec<TokenStatus> {
    let now = Timestamp::from(timberline_clock::wall());
    let known = app.keys.as_ref().map(Keys::tokens).unwrap_or_default();
    let report = |(token, used): (Token, Option<Timestamp>)| TokenStatus {
        expired: token.has_expired(now),
        name: token.name,
        scope: token.scope,
        buckets: token.buckets,
        expires: token.expires.map(|time| time.to_string()),
        last_used: used.map(|time| time.to_string()),
    };
    known.into_iter().map(report).collect()
}

fn store(app: &App, snapshot: &Snapshot) -> StoreStatus {
    let dir = &app.settings.data_dir;
    let now = app.store.now();
    let bytes = disk::used(dir);
    let since_start = i128::from(bytes) - i128::from(app.started.bytes);
    StoreStatus {
        data_dir: dir.clone(),
        encrypted: app.started.opened.encrypted(),
        bytes,
        log_bytes: disk::used(&dir.join("log")),
        view_bytes: disk::used(&dir.join("views")),
        bytes_since_start: i64::try_from(since_start).ok(),
        free_bytes: disk::free(dir),
        events: snapshot.buckets().map(BucketView::len).sum(),
        events_last_day: events_since(snapshot, now, DAY),
        events_last_week: events_since(snapshot, now, 7 * DAY),
        seq: snapshot.seq().get(),
        durable_seq: Some(app.store.durable_seq().get()),
    }
}

/// How many events lie in the last `nanos`; `None` if a view segment cannot be read.
pub fn events_since(snapshot: &Snapshot, now: Timestamp, nanos: i64) -> Option<u64> {
    let range = TimeRange {
        start: Some(now.saturating_add(Duration::from_nanos(-nanos))),
        end: Some(now),
    };
    snapshot.buckets().map(|view| view.count(range).ok()).sum()
}

fn backups(app: &App) -> BackupStatus {
    let wanted = app.settings.backup.as_ref();
    let waiting = app.erasure.waiting();
    BackupStatus {
        automatic_dir: wanted.map(|wanted| wanted.dir.clone()),
        automatic_every_seconds: wanted.map(|wanted| wanted.every.as_secs()),
        last_automatic: time_of(app.backups.last_success()),
        failures: app.backups.failures(),
        known: known_backups(&app.settings.data_dir),
        waiting_for_erasure: waiting.iter().map(|copy| copy.path.clone()).collect(),
    }
}

/// The backups that a data directory knows of. If their list cannot be read, `timberline doctor` says so.
pub fn known_backups(data_dir: &std::path::Path) -> Vec<KnownBackup> {
    let known = registered(data_dir).unwrap_or_default();
    known
        .into_iter()
        .map(|backup| KnownBackup {
            path: backup.path,
            time: backup.time,
        })
        .collect()
}

fn damage(app: &App) -> DamageStatus {
    let views = app.store.view_damage();
    DamageStatus {
        log: app.started.opened.damage.clone(),
        segments_missing: app.store.integrity().missing.len() as u64,
        view_segments_found: views.found,
        view_segments_healed: views.healed,
        events_lost: views.events_lost,
        scrub_places: app.scrub.damage(),
        scrub_finished: time_of(app.scrub.finished()),
    }
}

/// A time in seconds since 1970, where 0 stands for never.
fn time_of(seconds: i64) -> Option<String> {
    let nanos = seconds.checked_mul(1_000_000_000)?;
    (seconds != 0).then(|| Timestamp::from_nanos(nanos).to_string())
}

fn memory(app: &App) -> MemoryStatus {
    let resident = timberline_disk::os::process::resident_memory().unwrap_or_default();
    let query = app.engine.metrics();
    MemoryStatus {
        anonymous_bytes: resident.anonymous,
        file_bytes: resident.of_files,
        query_cache_bytes: query.cache_bytes,
        query_catalog_bytes: query.catalog_bytes,
    }
}
