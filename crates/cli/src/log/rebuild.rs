//! `timberline log rebuild`: makes all views again from the log.

use anyhow::ensure;
use clap::Args;
use indicatif::HumanCount;
use timberline_disk::{FileStorage, Storage};
use timberline_log::{LogReader, Seq};
use timberline_views::{OpenReport, Store, StoreOptions};

use super::progress::Progress;
use crate::data_dir::OpenDataDir;
use crate::output::Output;
use crate::verdict::Verdict;
use timberline_server::identity::Identity;
use timberline_server::settings::Settings;
use timberline_server::store_options;

/// What may stand in the way.
#[derive(Debug, Args)]
#[command(after_help = "\
Views are derived from the log, so this loses nothing. The old ones are in use until the new ones are complete: \
stopping it half-way (Ctrl-C, a power cut) leaves everything as it was.

Only when the log is damaged may the views hold what it has lost. Then nothing is done without --despite-damage: \
save an export (GET /api/0/export) or a copy of the directory before. With it, events that the log has lost are taken from \
the old views and written to the log again. Where a lost record may have deleted an event, it is left out, and its view file \
is kept as views/*.view.damaged. Settings that the log has lost are gone, and so are the ids of buckets whose first record \
is lost (`timberline log repair` keeps those).

Example:
  systemctl --user stop timberline && timberline log rebuild")]
pub(super) struct RebuildArgs {
    /// Rebuild even if the log is damaged; events that only the old views have are written to the log again
    #[arg(long)]
    despite_damage: bool,
}

/// Rebuilds.
pub(super) fn run(settings: &Settings, data: &OpenDataDir, args: &RebuildArgs) -> anyhow::Result<Verdict> {
    let reader = data.log()?;
    // Opening the store takes the lock again and keeps it. Taking it here first reports a running server at once, and not
    // only after the check.
    drop(FileStorage::open(&settings.data_dir)?.lock_writer()?);
    if !args.despite_damage {
        refuse_damage(&reader)?;
    }
    let progress = Progress::over(&reader, "folding")?;
    let identity = Identity::load(settings)?;
    if args.despite_damage {
        save_heads(settings, &identity, data)?;
    }
    let begun = timberline_clock::monotonic();
    let (store, report) = Store::rebuild(
        &settings.data_dir,
        store_options(settings, &identity, data.cipher().cloned()),
        &mut |folded, newest| progress.set(folded, newest),
    )?;
    progress.doing("writing");
    let snapshot = store.snapshot();
    store.close()?;
    progress.done();
    print_report(&report);
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

/// Writes the events that only the checkpoint has to view segments, from where they can be saved.
fn save_heads(settings: &Settings, identity: &Identity, data: &OpenDataDir) -> anyhow::Result<()> {
    let options = StoreOptions {
        background: false,
        ..store_options(settings, identity, data.cipher().cloned())
    };
    let (store, _) = Store::open(&settings.data_dir, options)?;
    store.flush(1)?;
    Ok(store.close()?)
}

/// Fails if the log has lost anything that the views may still have.
fn refuse_damage(reader: &LogReader) -> anyhow::Result<()> {
    let progress = Progress::over(reader, "checking")?;
    let mut records = reader.read_from(Seq::FIRST)?;
    while let Some(record) = records.next() {
        match record {
            Ok(record) => progress.at(record.seq),
            Err(damage) if damage.lost.is_some() => progress.complain(damage),
            Err(_) => {}
        }
    }
    ensure!(
        !progress.complained(),
        "the log is damaged, and the views may still hold what it has lost: save an export or a copy of {}, \
         then rebuild with --despite-damage",
        reader.path().parent().unwrap_or(reader.path()).display()
    );
    Ok(())
}

/// Damage in the log is reported and is not a failure: the views show all that it still has.
fn print_report(report: &OpenReport) {
    if report.salvaged > 0 {
        eprintln!(
            "timberline: {} events that the log had lost were taken from the old views and written to the log again",
            HumanCount(report.salvaged)
        );
    }
    if !report.kept_views.is_empty() {
        eprintln!(
            "timberline: {} events of the old views are left out, because a record that may have deleted them is lost; {} old view \
             files are kept as views/*.view.damaged",
            HumanCount(report.events_in_doubt),
            report.kept_views.len()
        );
    }
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
