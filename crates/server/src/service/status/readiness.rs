//! Whether the server can write.

use super::disk;
use crate::app::App;
use crate::service::write_trouble::Trouble;

/// Why the server cannot write, if so.
pub(crate) fn why_not_ready(app: &App) -> Option<String> {
    if app.hold.is_stopping() {
        return Some("the server is stopping".to_owned());
    }
    if let Some(held) = app.store.integrity().held {
        return Some(held);
    }
    match app.hold.trouble.get()? {
        // If space has returned, the next write goes through, whether or not one has tried.
        Trouble::NoSpace => no_space(app),
        Trouble::Unavailable => Some("the log cannot be written at the moment".to_owned()),
        Trouble::Failed => {
            Some("the disk refused a sync: nothing is written until the server is started again".to_owned())
        }
    }
}

fn no_space(app: &App) -> Option<String> {
    let needed = app.settings.storage.segment_bytes;
    match disk::free(&app.settings.data_dir) {
        Some(free) if free >= needed => None,
        Some(free) => Some(format!(
            "the disk is full: {free} bytes are free, the next log segment takes {needed}"
        )),
        None => Some("the disk is full".to_owned()),
    }
}
