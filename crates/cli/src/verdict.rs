//! How a command has ended.

use std::error::Error;
use std::process::ExitCode;

use timberline_backup::BackupError;
use timberline_disk::LockError;
use timberline_log::LogError;
use timberline_server::ServeError;
use timberline_views::{OpenError, SegmentError};

use crate::output::OutputError;

/// An error and its causes. Some errors name their cause themselves; it is not repeated.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.is_empty() && !line.contains(&cause) {
            line.push_str(": ");
        }
        if !line.contains(&cause) {
            line.push_str(&cause);
        }
    }
    line
}

/// An error for standard error, and what to type about it.
pub(crate) fn describe(error: &anyhow::Error) -> String {
    let line = one_line(error);
    match hint(error) {
        Some(hint) => format!("{line}: {hint}"),
        None => line,
    }
}

/// What to type about a data directory that another process uses.
const IN_USE: &str = "stop it or choose another --dbpath";

/// What to type about an error of the store, which knows no flags and no commands.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    error.chain().find_map(|cause| {
        let open = match cause.downcast_ref() {
            Some(ServeError::Open(open)) => Some(open),
            _ => cause.downcast_ref(),
        };
        open.and_then(hint_of).or_else(|| hint_of_lock(cause))
    })
}

/// The same for an error of opening data.
pub(crate) fn hint_of(error: &OpenError) -> Option<&'static str> {
    match error {
        OpenError::Log(LogError::Locked { .. }) => Some(IN_USE),
        OpenError::NoLog { .. } => Some("name the data directory with --dbpath"),
        OpenError::LogBehindViews { .. } => Some("`timberline log rebuild` rebuilds the views"),
        OpenError::Segment(SegmentError::Damaged { .. } | SegmentError::Newer { .. }) => {
            Some("stop the server and run `timberline log rebuild`")
        }
        _ => None,
    }
}

/// The same for the lock of a directory: of the data, or of a backup.
fn hint_of_lock(cause: &(dyn Error + 'static)) -> Option<&'static str> {
    if let Some(BackupError::Log(LogError::Locked { .. })) = cause.downcast_ref() {
        return Some("stop it or choose another directory");
    }
    let lock = matches!(cause.downcast_ref(), Some(LockError::Locked { .. }));
    let log = matches!(cause.downcast_ref(), Some(LogError::Locked { .. }));
    (lock || log).then_some(IN_USE)
}

/// What a command has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing to complain about.
    Clean,
    /// Damage, or requests that were refused. It has been printed.
    Faulty,
}

impl Verdict {
    pub(crate) fn faulty_if(faulty: bool) -> Self {
        if faulty { Self::Faulty } else { Self::Clean }
    }

    /// The exit code: 0 well, 1 with something found, `failed` when it could not be carried out, which is told on
    /// standard error.
    pub(crate) fn exit(result: anyhow::Result<Self>, failed: u8) -> ExitCode {
        match result {
            Ok(Self::Clean) => ExitCode::SUCCESS,
            Ok(Self::Faulty) => ExitCode::FAILURE,
            // Whoever reads has seen enough (`| head`). Where 1 means that something was found, an end that nobody saw
            // is none.
            Err(error) if failed == 1 && matches!(error.downcast_ref(), Some(OutputError::Closed)) => {
                ExitCode::SUCCESS
            }
            Err(error) => {
                eprintln!("timberline: {}", describe(&error));
                ExitCode::from(failed)
            }
        }
    }
}
