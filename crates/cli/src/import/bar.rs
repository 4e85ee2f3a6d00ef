//! How far reading a source has come: on a terminal only.

use std::path::Path;

use indicatif::{HumanCount, ProgressBar, ProgressState, ProgressStyle};
use timberline_exchange::import::Progress;

use crate::table::printable;

/// A progress bar with the number of events, their rate, and the time that is left.
pub(super) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub(super) fn new(path: &Path) -> Bar {
        let bar = ProgressBar::new(0);
        let name = path.file_name().unwrap_or(path.as_os_str());
        bar.set_prefix(printable(&name.to_string_lossy()));
        Bar { bar }
    }

    /// A part has been read: so many events so far.
    pub(super) fn at(&self, progress: Progress, events: u64) {
        if self.bar.is_hidden() {
            return;
        }
        let seconds = self.bar.elapsed().as_secs_f64().max(1e-3);
        let rate = HumanCount((events as f64 / seconds) as u64).to_string();
        if let Ok(style) =
            ProgressStyle::with_template("{prefix} {wide_bar} {percent}%  {msg} events, {rate}/s, {eta} left")
        {
            let show = move |_: &ProgressState, out: &mut dyn std::fmt::Write| {
                // A bar that cannot be drawn does not matter.
                let _ = out.write_str(&rate);
            };
            self.bar.set_style(style.with_key("rate", show));
        }
        self.bar.set_length(progress.total.max(progress.done));
        self.bar.set_position(progress.done);
        self.bar.set_message(HumanCount(events).to_string());
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
