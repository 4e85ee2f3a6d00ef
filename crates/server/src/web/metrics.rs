//! `GET /metrics`: what the server does, for Prometheus and for whoever wants to know.

use std::fmt::Write;
use std::sync::Arc;

use axum::extract::State;
use http::{HeaderValue, header};

use crate::app::App;

/// Prometheus' text format.
const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

pub(crate) async fn get(State(app): State<Arc<App>>) -> ([(header::HeaderName, HeaderValue); 1], String) {
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text(&app))
}

fn text(app: &App) -> String {
    let query = app.engine.metrics();
    let snapshot = app.store.snapshot();
    let mut out = String::new();
    let mut metric = |name: &str, kind: &str, help: &str, value: f64| {
        // A string takes whatever is written to it.
        let _ = writeln!(
            out,
            "# HELP timberline_{name} {help}\n# TYPE timberline_{name} {kind}\ntimberline_{name} {value}"
        );
    };
    let seconds = query.time.as_secs_f64();
    metric(
        "log_seq",
        "gauge",
        "Newest record of the log that readers see.",
        snapshot.seq().get() as f64,
    );
    metric(
        "scrub_last_finished_timestamp_seconds",
        "gauge",
        "When everything had been read last to find damage; 0 if never.",
        app.scrub.finished() as f64,
    );
    metric(
        "scrub_damage",
        "gauge",
        "Damaged places that the last scrub has found.",
        app.scrub.damage() as f64,
    );
    metric(
        "scrub_bytes_total",
        "counter",
        "Bytes read by the scrub.",
        app.scrub.bytes() as f64,
    );
    let integrity = app.store.integrity();
    metric(
        "log_held",
        "gauge",
        "1 while nothing can be stored, because the log's files are not at their paths.",
        f64::from(u8::from(integrity.held.is_some())),
    );
    metric(
        "log_segments_restored_total",
        "counter",
        "Segment files that were removed or replaced while they were written, and were written again.",
        integrity.restored as f64,
    );
    metric(
        "log_segments_missing",
        "gauge",
        "Sealed segment files that were removed while the server runs.",
        integrity.missing.len() as f64,
    );
    metric("buckets", "gauge", "Buckets.", snapshot.bucket_count() as f64);
    let views = app.store.view_damage();
    metric(
        "view_segments_damaged_total",
        "counter",
        "View segments that were found damaged.",
        views.found as f64,
    );
    metric(
        "view_segments_healed_total",
        "counter",
        "Damaged view segments that were put together again from the log.",
        views.healed as f64,
    );
    metric(
        "view_heal_failures_total",
        "counter",
        "How often a damaged view segment could not be put together again.",
        views.failed as f64,
    );
    metric(
        "view_events_lost_total",
        "counter",
        "Events that neither a damaged view segment nor the log had.",
        views.events_lost as f64,
    );
    metric(
        "checkpoints_damaged_total",
        "counter",
        "Checkpoints and copies of them that could not be used; the other one of the two was.",
        views.checkpoints as f64,
    );
    metric(
        "log_events_salvaged_total",
        "counter",
        "Events that a damaged log had lost and that the start wrote back from old view files.",
        views.salvaged as f64,
    );
    metric(
        "log_events_in_doubt",
        "gauge",
        "Events in old view files that a damaged log may have lost and that could not be brought back with certainty. The files are kept.",
        views.in_doubt as f64,
    );
    metric(
        "backup_last_success_timestamp_seconds",
        "gauge",
        "When the newest automatic backup was made; 0 if there is none.",
        app.backups.last_success() as f64,
    );
    metric(
        "backup_failures_total",
        "counter",
        "Automatic backups that could not be made.",
        app.backups.failures() as f64,
    );
    metric(
        "erasing_suspended",
        "gauge",
        "1 while the clock is not trusted and nothing is erased because of its age, else 0.",
        f64::from(u8::from(app.store.suspension().is_some())),
    );
    metric(
        "retention_held_buckets",
        "gauge",
        "Buckets in which a retention rule waits for a confirmation.",
        app.retention.held().len() as f64,
    );
    metric(
        "backups_waiting_for_erasure",
        "gauge",
        "Known backups that could not be reached and may still hold what was erased.",
        app.erasure.waiting().len() as f64,
    );
    metric(
        "purges_pending",
        "gauge",
        "Orders to erase that are not completed yet.",
        app.store.purges_pending() as f64,
    );
    metric(
        "queries_total",
        "counter",
        "Queries that were answered or refused.",
        query.queries as f64,
    );
    metric(
        "queries_failed_total",
        "counter",
        "Queries that were refused or cancelled.",
        query.failed as f64,
    );
    metric(
        "queries_warned_total",
        "counter",
        "Queries that were answered although a rule took too many steps on some texts.",
        query.warned as f64,
    );
    metric(
        "query_seconds_total",
        "counter",
        "Time spent on queries.",
        seconds,
    );
    metric(
        "query_cache_hits_total",
        "counter",
        "Results of periods that were remembered.",
        query.cache_hits as f64,
    );
    metric(
        "query_cache_misses_total",
        "counter",
        "Results of periods that had to be made.",
        query.cache_misses as f64,
    );
    metric(
        "query_cache_entries",
        "gauge",
        "Results that are remembered.",
        query.cache_entries as f64,
    );
    metric(
        "query_cache_bytes",
        "gauge",
        "Bytes of results that are remembered.",
        query.cache_bytes as f64,
    );
    metric(
        "query_catalog_bytes",
        "gauge",
        "Bytes of distinct data that are remembered.",
        query.catalog_bytes as f64,
    );
    metric(
        "query_catalog_resets_total",
        "counter",
        "How often the distinct data were forgotten as too many.",
        query.catalog_resets as f64,
    );
    metric(
        "query_memory_bytes",
        "gauge",
        "Bytes that running queries hold.",
        query.memory_bytes as f64,
    );
    app.refusals.write_metrics(&mut out);
    out
}
