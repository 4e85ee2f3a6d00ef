//! Progress bars, on a terminal only: indicatif shows nothing when standard error is something else.

use indicatif::{ProgressBar, ProgressStyle};
use timberline_log::{LogReader, Seq};

/// A bar that goes from one record to another.
pub(super) struct Progress {
    bar: ProgressBar,
    from: Seq,
}

impl Progress {
    /// A bar over all records from `from` to `to`.
    pub(super) fn new(doing: &'static str, from: Seq, to: Seq) -> Self {
        let bar = ProgressBar::new((to.get() + 1).saturating_sub(from.get()));
        let template = "{msg} {wide_bar} {human_pos}/{human_len} records, {per_sec}, {eta} left";
        // Should the template be wrong, the default bar does as well.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(doing);
        Self { bar, from }
    }

    /// A bar over the whole log as of now.
    pub(super) fn over(reader: &LogReader, doing: &'static str) -> anyhow::Result<Self> {
        Ok(Self::new(doing, Seq::FIRST, reader.newest()?))
    }

    /// This record is being worked on.
    pub(super) fn at(&self, seq: Seq) {
        self.bar.set_position(seq.get().saturating_sub(self.from.get()));
    }

    /// So many of so many are done.
    pub(super) fn set(&self, done: u64, of: u64) {
        self.bar.set_length(of);
        self.bar.set_position(done);
    }

    /// Something else is being done now.
    pub(super) fn doing(&self, doing: &'static str) {
        self.bar.set_message(doing);
    }

    /// Prints while the bar is out of the way.
    pub(super) fn aside<T>(&self, print: impl FnOnce() -> T) -> T {
        self.bar.suspend(print)
    }

    /// Takes the bar away.
    pub(super) fn done(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}
