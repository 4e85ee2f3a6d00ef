//! How a command has ended.

use std::error::Error;
use std::process::ExitCode;

use crate::hint::hint;
use crate::output::OutputError;

/// An error and its causes, each said once: some name their cause themselves.
fn one_line<'a>(causes: impl Iterator<Item = &'a (dyn Error + 'static)>) -> String {
    let mut line = String::new();
    for cause in causes.map(ToString::to_string) {
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
    with_hint(one_line(error.chain()), error.chain().find_map(hint))
}

/// The same for an error of one of the crates below.
pub(crate) fn advise(error: &(dyn Error + 'static)) -> String {
    let causes = || std::iter::successors(Some(error), |&error| error.source());
    with_hint(one_line(causes()), causes().find_map(hint))
}

fn with_hint(line: String, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{line}: {hint}"),
        None => line,
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

    /// The exit code: 0 well, 1 with something found, `failed` when it could not be carried out; the reason is then
    /// printed to standard error.
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
