//! How far an export has come: on a terminal only.

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressStyle};

/// A progress bar, or a spinner if nobody knows how much there is.
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Of so many events, if their number is known.
    pub(super) fn new(events: Option<u64>) -> Bar {
        let (bar, template) = match events {
            Some(events) => (
                ProgressBar::new(events),
                "{wide_bar} {percent}%  {msg}, {eta} left",
            ),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Bar { bar }
    }

    /// So many events have been written.
    pub(super) fn events(&self, events: u64) {
        self.at(events, |rate| {
            format!("{} events, {}/s", HumanCount(events), HumanCount(rate))
        });
    }

    /// So many bytes have come.
    pub(super) fn bytes(&self, bytes: u64) {
        self.at(bytes, |rate| {
            format!("{}, {}/s", HumanBytes(bytes), HumanBytes(rate))
        });
    }

    fn at(&self, done: u64, message: impl FnOnce(u64) -> String) {
        if self.bar.is_hidden() {
            return;
        }
        let seconds = self.bar.elapsed().as_secs_f64().max(1e-3);
        self.bar.set_position(done);
        self.bar.set_message(message((done as f64 / seconds) as u64));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
