//! Views that are damaged, read in full; and view segments that were damaged and that the server set aside when it built them
//! again from the log.

use timberline_views::tools::{damaged_views, set_aside_views};

use super::Check;
use crate::data_dir::OpenDataDir;
use crate::verdict::advise;
use timberline_server::settings::Settings;

const NAME: &str = "views";
/// Files that are listed.
const MAX_LISTED: usize = 20;

pub(super) fn checks(settings: &Settings, data: &anyhow::Result<OpenDataDir>) -> Vec<Check> {
    let mut checks = data.as_ref().map_or_else(|_| Vec::new(), damaged);
    checks.push(set_aside(settings));
    checks
}

/// What is damaged on the disk now. The log has all of it, so this is a warning.
fn damaged(data: &OpenDataDir) -> Vec<Check> {
    let found = match damaged_views(data.path(), data.cipher()) {
        Ok(found) => found,
        Err(error) => {
            return vec![Check::warn(
                NAME,
                format!("the views cannot be read: {}", advise(&error)),
            )];
        }
    };
    if found.is_empty() {
        return vec![Check::ok(
            NAME,
            "the checkpoint, its copy and all view segments are whole",
        )];
    }
    let listed = found.iter().take(MAX_LISTED).map(|what| {
        let text = format!("{what}. The server makes it again from the log; check the disk");
        Check::warn(NAME, text)
    });
    listed.collect()
}

fn set_aside(settings: &Settings) -> Check {
    let files = match set_aside_views(&settings.data_dir) {
        Ok(files) => files,
        Err(error) => {
            return Check::warn(
                NAME,
                format!("the view files cannot be listed: {}", advise(&error)),
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
