//! How a command has ended.

use std::process::ExitCode;

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
                eprintln!("timberline: {}", one_line(&error));
                ExitCode::from(failed)
            }
        }
    }
}
