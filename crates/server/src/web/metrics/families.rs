//! The metrics, a function for each family.

use timberline_views::Snapshot;

use super::text::Text;
use crate::app::App;
use crate::service::status::{disk, why_not_ready};

/// Buckets that have a sample of their own. More would burden the Prometheus server.
const MAX_BUCKETS: usize = 1_000;

/// Which program this is, since when it runs, whether it can write.
pub(super) fn process(out: &mut Text, app: &App) {
    let build = &app.settings.build;
    out.family(
        "build_info",
        "gauge",
        "Always 1; the labels say which Timberline this is.",
    );
    let labels = [
        ("version", build.version),
        ("commit", build.commit.unwrap_or("unknown")),
        ("date", build.date.unwrap_or("unknown")),
    ];
    out.sample("build_info", &labels, 1.0);
    let started = app.started.time.nanos() as f64 / 1e9;
    out.gauge("start_timestamp_seconds", "When the server started.", started);
    let ready = f64::from(u8::from(why_not_ready(app).is_none()));
    out.gauge("ready", "1 if the server can write, else 0.", ready);
    let Some(resident) = timberline_disk::os::process::resident_memory() else {
        return;
    };
    out.gauge(
        "memory_anonymous_bytes",
        "Memory of the process itself.",
        resident.anonymous as f64,
    );
    out.gauge(
        "memory_file_bytes",
        "Pages of mapped files in memory.",
        resident.of_files as f64,
    );
}

/// The live stream and webhooks.
pub(super) fn live(out: &mut Text, app: &App) {
    out.gauge(
        "streams",
        "Live streams that are open.",
        app.live.readers() as f64,
    );
    let hooks = app.webhooks.list();
    out.gauge("webhooks", "Webhooks.", hooks.len() as f64);
    let paused = hooks.iter().filter(|hook| hook.seen().paused.is_some());
    out.gauge(
        "webhooks_paused",
        "Webhooks that send nothing until a person continues them.",
        paused.count() as f64,
    );
}

/// The log.
pub(super) fn log(out: &mut Text, app: &App, snapshot: &Snapshot) {
    let integrity = app.store.integrity();
    out.gauge(
        "log_seq",
        "Newest record of the log that readers see.",
        snapshot.seq().get() as f64,
    );
    out.gauge(
        "log_held",
        "1 while nothing can be stored, because the log's files are not at their paths.",
        f64::from(u8::from(integrity.held.is_some())),
    );
    out.counter(
        "log_segments_restored_total",
        "Segment files that were removed or replaced while they were written, and were written again.",
        integrity.restored as f64,
    );
    out.gauge(
        "log_segments_missing",
        "Sealed segment files that were removed while the server runs.",
        integrity.missing.len() as f64,
    );
    let durable = app.store.durable_seq().get() as f64;
    out.gauge(
        "log_durable_seq",
        "Newest record of the log that survives a power cut.",
        durable,
    );
    let damaged = app.started.opened.damage.len() as f64;
    out.gauge(
        "log_damaged_places",
        "Damaged places of the log, as of the start.",
        damaged,
    );
    let dir = &app.settings.data_dir;
    out.gauge(
        "disk_used_bytes",
        "Bytes that the data directory takes.",
        disk::used(dir) as f64,
    );
    if let Some(free) = disk::free(dir) {
        out.gauge(
            "disk_free_bytes",
            "Bytes that are free on the disk of the data directory.",
            free as f64,
        );
    }
}

/// Buckets and their last events.
pub(super) fn buckets(out: &mut Text, snapshot: &Snapshot) {
    out.gauge("buckets", "Buckets.", snapshot.bucket_count() as f64);
    let views = || snapshot.buckets().take(MAX_BUCKETS);
    let name = "bucket_events";
    out.family(name, "gauge", "Events of each of the first 1000 buckets.");
    for view in views() {
        out.sample(name, &[("bucket", &view.bucket().id)], view.len() as f64);
    }
    let name = "bucket_last_event_timestamp_seconds";
    out.family(
        name,
        "gauge",
        "When the last event of each of the first 1000 buckets ended.",
    );
    for view in views() {
        if let Some(end) = view.end() {
            out.sample(name, &[("bucket", &view.bucket().id)], end.nanos() as f64 / 1e9);
        }
    }
}

/// The views.
pub(super) fn views(out: &mut Text, app: &App) {
    let views = app.store.view_damage();
    out.counter(
        "view_segments_damaged_total",
        "View segments that were found damaged.",
        views.found as f64,
    );
    out.counter(
        "view_segments_healed_total",
        "Damaged view segments that were put together again from the log.",
        views.healed as f64,
    );
    out.counter(
        "view_heal_failures_total",
        "How often a damaged view segment could not be put together again.",
        views.failed as f64,
    );
    out.counter(
        "view_events_lost_total",
        "Events that neither a damaged view segment nor the log had.",
        views.events_lost as f64,
    );
    out.counter(
        "checkpoints_damaged_total",
        "Checkpoints and copies of them that could not be used; the other one of the two was.",
        views.checkpoints as f64,
    );
    out.counter(
        "log_events_salvaged_total",
        "Events that a damaged log had lost and that the start wrote back from old view files.",
        views.salvaged as f64,
    );
    out.gauge("log_events_in_doubt", "Events in old view files that a damaged log may have lost and that could not be brought back with certainty. The files are kept.", views.in_doubt as f64);
}

/// The scrub.
pub(super) fn scrub(out: &mut Text, app: &App) {
    out.gauge(
        "scrub_last_finished_timestamp_seconds",
        "When everything had been read last to find damage; 0 if never.",
        app.scrub.finished() as f64,
    );
    out.gauge(
        "scrub_damage",
        "Damaged places that the last scrub has found.",
        app.scrub.damage() as f64,
    );
    out.counter(
        "scrub_bytes_total",
        "Bytes read by the scrub.",
        app.scrub.bytes() as f64,
    );
}

/// Automatic backups.
pub(super) fn backups(out: &mut Text, app: &App) {
    out.gauge(
        "backup_last_success_timestamp_seconds",
        "When the newest automatic backup was made; 0 if there is none.",
        app.backups.last_success() as f64,
    );
    out.counter(
        "backup_failures_total",
        "Automatic backups that could not be made.",
        app.backups.failures() as f64,
    );
}

/// Erasing: retention, purges, backups.
pub(super) fn erasure(out: &mut Text, app: &App) {
    out.gauge(
        "erasing_suspended",
        "1 while the clock is not trusted and nothing is erased because of its age, else 0.",
        f64::from(u8::from(app.store.suspension().is_some())),
    );
    out.gauge(
        "retention_held_buckets",
        "Buckets in which a retention rule waits for a confirmation.",
        app.retention.held().len() as f64,
    );
    out.gauge(
        "backups_waiting_for_erasure",
        "Known backups that could not be reached and may still hold what was erased.",
        app.erasure.waiting().len() as f64,
    );
    out.gauge(
        "purges_pending",
        "Orders to erase that are not completed yet.",
        app.store.purges_pending() as f64,
    );
}

/// Queries.
pub(super) fn queries(out: &mut Text, app: &App) {
    let query = app.engine.metrics();
    out.counter(
        "queries_total",
        "Queries that were answered or refused.",
        query.queries as f64,
    );
    out.counter(
        "queries_failed_total",
        "Queries that were refused or cancelled.",
        query.failed as f64,
    );
    out.counter(
        "queries_warned_total",
        "Queries that were answered although a rule took too many steps on some texts.",
        query.warned as f64,
    );
    out.counter(
        "query_seconds_total",
        "Time spent on queries.",
        query.time.as_secs_f64(),
    );
    out.counter(
        "query_cache_hits_total",
        "Results of periods that were remembered.",
        query.cache_hits as f64,
    );
    out.counter(
        "query_cache_misses_total",
        "Results of periods that had to be made.",
        query.cache_misses as f64,
    );
    out.gauge(
        "query_cache_entries",
        "Results that are remembered.",
        query.cache_entries as f64,
    );
    out.gauge(
        "query_cache_bytes",
        "Bytes of results that are remembered.",
        query.cache_bytes as f64,
    );
    out.gauge(
        "query_catalog_bytes",
        "Bytes of distinct data that are remembered.",
        query.catalog_bytes as f64,
    );
    out.counter(
        "query_catalog_resets_total",
        "How often the distinct data were forgotten as too many.",
        query.catalog_resets as f64,
    );
    out.gauge(
        "query_memory_bytes",
        "Bytes that running queries hold.",
        query.memory_bytes as f64,
    );
}
