//! `timberline log repair`: what can be read of a damaged log, as a whole log in a new directory.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::Args;
use indicatif::HumanCount;
use timberline_disk::{FileStorage, Storage, create_private_dir, sync_dir};
use timberline_views::tools::{LostRecords, RepairReport, last_checkpoint, repair};

use super::progress::Progress;
use crate::data_dir::OpenDataDir;
use crate::output::{Output, OutputError};
use crate::table::printable;
use crate::verdict::Verdict;
use timberline_backup::{copy_companions, copy_registry};
use timberline_server::identity::Identity;
use timberline_server::settings::Settings;

/// Where the log is put together; it gets its name when it is complete.
const UNFINISHED: &str = "log.repairing";

/// Where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Nothing is changed in the data directory. Every record that can be read and folded is in the new one, under its number; \
the others are listed, each with file, offset and number, and their numbers stay used. Stop the server first, or what it \
writes meanwhile is missing.

Exit code: 0 nothing was lost, 1 something was (it is listed) or it could not be done.

Example:
  timberline log repair ~/repaired && timberline log verify --dbpath ~/repaired")]
pub(super) struct RepairArgs {
    /// Directory for the new log: one that does not exist yet, or an empty one
    #[arg(value_name = "NEWDIR")]
    new: PathBuf,
}

/// Repairs.
pub(super) fn run(settings: &Settings, data: &OpenDataDir, args: &RepairArgs) -> anyhow::Result<Verdict> {
    let reader = data.log()?;
    refuse_used(&args.new)?;
    let progress = Progress::over(&reader, "salvaging")?;
    let unfinished = args.new.join(UNFINISHED);
    create_private_dir(&unfinished).with_context(|| format!("cannot make {}", unfinished.display()))?;
    let target: Arc<dyn Storage> = Arc::new(
        FileStorage::open(&unfinished).with_context(|| format!("cannot open {}", unfinished.display()))?,
    );
    copy_companions(&settings.data_dir, &args.new)?;
    // What is erased from the repaired log is erased from the backups, too.
    copy_registry(&settings.data_dir, &args.new)?;
    let device = device(settings, &args.new)?;
    let scratch = data.scratch()?;
    let options = (device, settings.storage.segment_bytes);
    let known = last_checkpoint(data.path(), data.cipher());
    let spill = scratch.storage();
    let report = repair(&reader, target, options, spill, known.as_ref(), &mut |seq| {
        progress.at(seq)
    })?;
    let log = args.new.join(timberline_disk::DataDir::LOG);
    fs::rename(&unfinished, &log)
        .with_context(|| format!("cannot put the log in its place: {}", log.display()))?;
    sync_dir(&args.new).with_context(|| format!("cannot sync {}", args.new.display()))?;
    progress.done();
    print_report(&report, &args.new)?;
    Ok(Verdict::faulty_if(!report.lost.is_empty()))
}

/// Refuses a directory with files in it: they may be the user's, and an interrupted repair cannot be resumed.
fn refuse_used(dir: &Path) -> anyhow::Result<()> {
    match fs::read_dir(dir) {
        Ok(mut entries) => ensure!(
            entries.next().is_none(),
            "{} is not empty: name a new directory, nothing is repaired in place",
            dir.display()
        ),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot look into {}", dir.display())),
    }
    Ok(())
}

/// Whose log it is: that of the copied file, or a new device if there was none.
fn device(settings: &Settings, new: &Path) -> anyhow::Result<timberline_log::DeviceId> {
    let moved = Settings {
        data_dir: new.to_owned(),
        ..settings.clone()
    };
    Ok(Identity::load(&moved)?.log_id())
}

fn print_report(report: &RepairReport, new: &Path) -> anyhow::Result<()> {
    let mut out = Output::new();
    for lost in &report.lost {
        out.line(line(lost))?;
    }
    for id in &report.renamed {
        let id = printable(id);
        out.line(format_args!(
            "the bucket {id} has its id again, from the checkpoint: the record that made it is lost"
        ))?;
    }
    summary(report, new, &mut out)?;
    out.flush()?;
    Ok(())
}

fn line(lost: &LostRecords) -> String {
    let records = match &lost.lost {
        None => "no record lost".to_owned(),
        Some(range) if range.start() == range.end() => format!("record {} lost", range.start()),
        Some(range) => format!("records {} to {} lost", range.start(), range.end()),
    };
    let why = if lost.unfoldable { "cannot be folded: " } else { "" };
    let file = printable(&lost.path.display().to_string());
    format!("{file} at byte {}: {records}: {why}{}", lost.offset, lost.reason)
}

fn summary(report: &RepairReport, new: &Path, out: &mut Output) -> Result<(), OutputError> {
    out.line(format_args!(
        "{}: {} records up to {}; {} lost to damage, {} because they built on those; {} segments as they were, {} written anew",
        printable(&new.display().to_string()),
        HumanCount(report.kept),
        report.seq,
        HumanCount(report.damaged),
        HumanCount(report.unfoldable),
        report.taken_over,
        report.rewritten
    ))
}
