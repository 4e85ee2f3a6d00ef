//! View segments that were damaged and that the server set aside when it built them again from the log.

use timberline_views::tools::set_aside_views;

use super::{Check, Subject};

const NAME: &str = "views";
/// Files that are listed.
const MAX_LISTED: usize = 20;

pub(super) fn set_aside(subject: &Subject<'_>) -> Check {
    let files = match set_aside_views(&subject.settings.data_dir) {
        Ok(files) => files,
        Err(error) => {
            return Check::warn(
                NAME,
                format!("the view files cannot be listed: {}", subject.say(&error)),
            );
        }
    };
    if files.is_empty() {
        return Check::ok(NAME, "no view segment was set aside as damaged");
    }
    let listed = files
        .iter()
        .take(MAX_LISTED)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let more = match files.len().saturating_sub(MAX_LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Check::warn(
        NAME,
        format!(
            "view segments were set aside because they, or the log, were damaged: {listed}{more}. The server built the views \
             again from the log. Check the disk; run `timberline log verify`; if it finds nothing, remove these files. If the \
             log is damaged, keep them: they may be the last copy of events that it has lost"
        ),
    )
}
