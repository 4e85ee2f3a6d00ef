//! `timberline restore`: from a backup to a data directory.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::BinaryBytes;

use crate::data_dir::DataDirArgs;
use crate::output::Output;
use crate::table::printable;
use crate::verdict::Verdict;
use timberline_backup::restore;

/// From where.
#[derive(Debug, Args)]
#[command(after_help = "\
A data directory that has a log is never overwritten. The backup is checked first; the next start of the server folds \
it into views.

Example:
  timberline restore /mnt/usb/timberline --dbpath ~/.local/share/timberline

Documentation: docs/backup.md")]
pub(crate) struct RestoreArgs {
    #[command(flatten)]
    place: DataDirArgs,
    /// Directory of the backup
    #[arg(value_name = "BACKUP_DIR")]
    dir: PathBuf,
    /// Put it back though it is damaged, for `timberline log repair`
    #[arg(long)]
    despite_damage: bool,
}

/// Restores.
pub(crate) fn run(args: RestoreArgs) -> ExitCode {
    Verdict::exit(carry_out(args), 1)
}

fn carry_out(args: RestoreArgs) -> anyhow::Result<Verdict> {
    let settings = args.place.config()?.server;
    let restored = restore(&args.dir, &settings.data_dir, args.despite_damage)?;
    for damage in &restored.damage {
        eprintln!("timberline: {}", printable(damage));
    }
    let mut out = Output::new();
    out.line(format_args!(
        "{}: the log up to record {}, {} segments ({}); the next start folds it",
        printable(&settings.data_dir.display().to_string()),
        restored.seq,
        restored.segments,
        BinaryBytes(restored.bytes)
    ))?;
    out.flush()?;
    Ok(Verdict::faulty_if(!restored.damage.is_empty()))
}
