//! `timberline log rebuild`: all views anew from the log.

use timberline_views::Store;

use super::Verdict;
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
    for damage in &report.damage {
        eprintln!("timberline: {damage}");
    }
    for (seq, why) in &report.unfolded {
        eprintln!("timberline: record {seq} could not be folded: {why}");
    }
    println!(
        "all views are new: {} records, {} buckets, {} events in {:.1} s",
        indicatif::HumanCount(report.folded),
        snapshot.buckets().count(),
        indicatif::HumanCount(snapshot.buckets().map(|bucket| bucket.len()).sum()),
        begun.elapsed().as_secs_f64()
    );
    Ok(Verdict::faulty_if(
        !report.damage.is_empty() || !report.unfolded.is_empty(),
    ))
}
