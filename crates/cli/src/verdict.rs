//! How a command has ended.

use std::process::ExitCode;

use timberline_server::ServeError;
use timberline_views::{OpenError, SegmentError};

use crate::output::OutputError;

/// An error and its causes. Some tell their cause themselves; nothing is said twice.
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

/// What to type about an error of the store, which knows no flags and no commands.
fn hint(error: &anyhow::Error) -> Option<&'static str> {
    let open = error.chain().find_map(|cause| {
        let serve = cause.downcast_ref().map(|serve| match serve {
            ServeError::Open(open) => Some(open),
            _ => None,
        });
        serve.flatten().or_else(|| cause.downcast_ref())
    });
    open.and_then(hint_of)
}

/// The same for an error of opening data.
pub(crate) fn hint_of(error: &OpenError) -> Option<&'static str> {
    match error {
        OpenError::NoLog { .. } => Some("name the data directory with --dbpath"),
        OpenError::LogBehindViews { .. } => Some("`timberline log rebuild` rebuilds the views"),
        OpenError::Segment(SegmentError::Damaged { .. } | SegmentError::Newer { .. }) => {
            Some("stop the server and run `timberline log rebuild`")
        }
        _ => None,
    }
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
