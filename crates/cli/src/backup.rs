//! `timberline backup`: a copy of the log, brought up to date and checked.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use timberline_cancel::Cancel;

use crate::config::Config;
use crate::data_dir::{DataDirArgs, OpenDataDir};
use crate::output::Output;
use crate::table::printable;
use crate::verdict::Verdict;
use timberline_backup::{Backup, BackupReport, check};

/// Where to.
#[derive(Debug, Args)]
#[command(after_help = "\
Works while the server runs. The first backup copies everything, later ones only what is new. Every frame is checked \
while it is copied. The backup is the log up to one record, whose number is printed.

Exit code: 0 done (with --verify: whole), 1 damage was found in the log (it was copied as it is) or in the backup, \
2 it could not be carried out.

Examples:
  timberline backup /mnt/usb/timberline
  timberline backup --verify /mnt/usb/timberline
  timberline restore /mnt/usb/timberline --dbpath ~/restored

Documentation: docs/backup.md")]
pub(crate) struct BackupArgs {
    #[command(flatten)]
    place: DataDirArgs,
    /// Directory of the backup; it is created if it does not exist
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// Copy nothing: read every frame of the backup, fold its log, and check the result
    #[arg(long)]
    verify: bool,
}

/// Makes or checks a backup.
pub(crate) fn run(args: BackupArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 2)
}

fn carry_out(args: BackupArgs) -> anyhow::Result<Verdict> {
    if args.verify {
        return verify(&args.place.config()?, &args.dir);
    }
    let settings = args.place.config()?.server;
    let report = Backup::update(&settings.data_dir, &args.dir, &Cancel::new())?;
    print_report(&report)?;
    Ok(Verdict::faulty_if(!report.damage.is_empty()))
}

fn print_report(report: &BackupReport) -> anyhow::Result<()> {
    for damage in &report.damage {
        eprintln!("timberline: {damage}");
    }
    if let Some(why) = &report.unregistered {
        eprintln!(
            "timberline: the backup is made, but not on the list of backups, so a purge will not reach it: {why}"
        );
    }
    let mut out = Output::new();
    out.line(format_args!(
        "{}: the log up to record {}, {} segments ({}); {} copied, {} extended, {} written",
        printable(&report.path.display().to_string()),
        report.seq,
        report.segments,
        BinaryBytes(report.bytes_total),
        report.copied,
        report.extended,
        BinaryBytes(report.bytes_written)
    ))?;
    out.flush()?;
    Ok(())
}

fn verify(config: &Config, dir: &Path) -> anyhow::Result<Verdict> {
    // The backup of an encrypted data directory contains its key.
    let backup = OpenDataDir::open_at(dir, &config.encryption)?;
    let scratch = backup.scratch()?;
    let checked = check(dir, backup.cipher(), scratch.storage())?;
    let mut out = Output::new();
    for wrong in &checked.wrong {
        out.line(printable(wrong))?;
    }
    if checked.wrong.is_empty() {
        out.line(format_args!(
            "{}: whole. {} records up to {}: every checksum and every invariant holds; {} buckets, {} events",
            printable(&dir.display().to_string()),
            HumanCount(checked.records),
            checked.seq,
            checked.buckets,
            HumanCount(checked.events)
        ))?;
    }
    out.flush()?;
    Ok(Verdict::faulty_if(!checked.wrong.is_empty()))
}
