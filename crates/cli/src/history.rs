//! Someone's history, opened for looking into it.

use std::time::Duration;

use timberline_views::{OpenReport, Snapshot};

use crate::data_dir::{OpenDataDir, Scratch};

/// What a data directory holds, as of the moment when it was opened. No lock is taken and nothing is changed, so a
/// server may be at work there.
pub(crate) struct History {
    /// All of it.
    pub(crate) snapshot: Snapshot,
    /// What was found on the way.
    pub(crate) report: OpenReport,
    /// How long it took to open.
    pub(crate) opening: Duration,
    /// What did not fit in memory.
    _scratch: Scratch,
}

impl History {
    /// Opens a data directory, which must be there and have something in it.
    ///
    /// # Errors
    /// When it is not there, is empty, or cannot be read.
    pub(crate) fn open(data: &OpenDataDir) -> anyhow::Result<Self> {
        let begun = timberline_clock::monotonic();
        drop(data.log()?);
        let scratch = data.scratch()?;
        let (snapshot, report) = data.read(&scratch)?;
        Ok(Self {
            snapshot,
            report,
            opening: begun.elapsed(),
            _scratch: scratch,
        })
    }

    /// Tells on standard error what was damaged, and whether anything was. Everything else is there.
    pub(crate) fn complain(&self) -> bool {
        for damage in &self.report.damage {
            eprintln!("timberline: {damage}");
        }
        for (seq, why) in &self.report.unfolded {
            eprintln!("timberline: record {seq} could not be folded: {why}");
        }
        !(self.report.damage.is_empty() && self.report.unfolded.is_empty())
    }
}
