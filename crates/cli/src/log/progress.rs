//! Progress bars, on a terminal only (indicatif shows nothing when standard error is something else), and what is
//! complained of beside them.

use std::cell::Cell;
use std::fmt::Display;

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use timberline_log::{LogReader, Seq};

/// Problems beyond this number are counted, not printed: thousands of records may depend on a lost one.
const MAX_COMPLAINTS: u64 = 20;

/// A bar that goes from one record to another.
pub(super) struct Progress {
    bar: ProgressBar,
    from: Seq,
    complaints: Cell<u64>,
}

impl Progress {
    /// A bar over all records from `from` to `to`.
    pub(super) fn new(doing: &'static str, from: Seq, to: Seq) -> Self {
        let bar = ProgressBar::new((to.get() + 1).saturating_sub(from.get()));
        let template = "{msg} {wide_bar} {human_pos}/{human_len} records, {rate}/s, {eta} left";
        // Should the template be wrong, the default bar does as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A bar that cannot be drawn does not matter.
                let _ = write!(out, "{}", HumanCount(state.per_sec() as u64));
            };
            bar.set_style(style.with_key("rate", rate));
        }
        bar.set_message(doing);
        Self {
            bar,
            from,
            complaints: Cell::new(0),
        }
    }

    /// A bar over the whole log as of now.
    pub(super) fn over(reader: &LogReader, doing: &'static str) -> anyhow::Result<Self> {
        Ok(Self::new(doing, Seq::FIRST, reader.newest()?))
    }

    /// Sets the position of the bar to this record.
    pub(super) fn at(&self, seq: Seq) {
        self.bar.set_position(seq.get().saturating_sub(self.from.get()));
    }

    /// Sets how much is done, and of how much.
    pub(super) fn set(&self, done: u64, of: u64) {
        self.bar.set_length(of);
        self.bar.set_position(done);
    }

    /// Changes the text of the bar.
    pub(super) fn doing(&self, doing: &'static str) {
        self.bar.set_message(doing);
    }

    /// Prints while the bar is hidden.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Reports a problem on standard error.
    pub(super) fn complain(&self, of: impl Display) {
        self.complaints.set(self.complaints.get() + 1);
        if self.complaints.get() <= MAX_COMPLAINTS {
            self.aside(|| eprintln!("timberline: {of}"));
        }
    }

    /// Whether a problem was reported.
    pub(super) fn complained(&self) -> bool {
        self.complaints.get() > 0
    }

    /// Removes the bar.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
        let more = self.complaints.take().saturating_sub(MAX_COMPLAINTS);
        if more > 0 {
            eprintln!("timberline: and {} more of these", HumanCount(more));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}
