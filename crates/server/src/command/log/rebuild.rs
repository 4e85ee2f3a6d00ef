//! `timberline log rebuild`: all views anew from the log.

use indicatif::HumanCount;
use timberline_views::{OpenReport, Store};

use super::Verdict;
use super::output::Output;
use super::place::open_log;
use super::progress::Progress;
use crate::command::serve::store_options;
use crate::config::Settings;
use crate::identity::Identity;

pub(super) const HELP: &str = "\
Views are derived from the log, so this loses nothing. The old ones are in use until the new ones are complete:
stopping it half-way (Ctrl-C, a power cut) leaves everything as it was.

Example:
  systemctl --user stop timberline && timberline log rebuild";

/// Rebuilds.
pub(super) fn run(settings: &Settings) -> anyhow::Result<Verdict> {
    let progress = Progress::over(&open_log(&settings.data_dir)?, "folding")?;
    let identity = Identity::load(settings)?;
    let begun = std::time::Instant::now();
    let (store, report) = Store::rebuild(
        &settings.data_dir,
        store_options(settings, &identity),
        &mut |folded, newest| progress.set(folded, newest),
    )?;
    progress.doing("writing");
    let snapshot = store.snapshot();
    store.close()?;
    progress.done();
    tell(&report);
    let mut out = Output::new();
    out.line(format_args!(
        "all views are new: {} records, {} buckets, {} events in {:.1} s",
        HumanCount(report.folded),
        snapshot.buckets().count(),
        HumanCount(snapshot.buckets().map(|bucket| bucket.len()).sum()),
        begun.elapsed().as_secs_f64()
    ))?;
    out.flush()?;
    Ok(Verdict::Clean)
}

/// What is wrong with the log is told, but is no failure: the views show all that it still has.
fn tell(report: &OpenReport) {
    if let Some(torn) = &report.torn {
        eprintln!(
            "timberline: {} ended in {} torn bytes at {}, which were cut off; nothing in them was acknowledged as durable",
            torn.path.display(),
            torn.bytes,
            torn.offset
        );
    }
    for damage in &report.damage {
        eprintln!("timberline: {damage}");
    }
    for (seq, why) in &report.unfolded {
        eprintln!("timberline: record {seq} could not be folded: {why}");
    }
}
