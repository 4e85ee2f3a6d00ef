//! The small files of a data directory beside its log and its views: are they whole? Each says for itself what is to be done
//! about it.

use std::path::Path;

use timberline_log::KeyFile;
use timberline_views::{Clock, clock_trust};

use crate::backup::registered;
use crate::config::Settings;
use crate::identity::Identity;
use crate::privacy;
use crate::retention::hold::Holds;

/// What is wrong with them, one text for each damaged file. Reads what is on the disk, also while a server holds the same in
/// memory: what went bad there would be found only at the next start.
pub(crate) fn damaged(settings: &Settings) -> Vec<String> {
    let dir = settings.data_dir.as_path();
    [
        device_id(settings),
        key(dir),
        registered(dir).err().map(|error| error.to_string()),
        Holds::read(dir).err().map(|error| error.to_string()),
        privacy::damaged_key(dir),
        clock_trust(dir, &Clock::system())
            .err()
            .map(|error| error.to_string()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn device_id(settings: &Settings) -> Option<String> {
    match Identity::find(settings) {
        Ok(identity) => identity.restored().map(|what| {
            format!(
                "the file device_id {what}: the next start restores the id {} from the log's segments",
                identity.device_id
            )
        }),
        Err(error) => Some(error.to_string()),
    }
}

fn key(dir: &Path) -> Option<String> {
    let file = KeyFile::of(dir);
    match file.exists() {
        Ok(false) => None,
        _ => file.check().err().map(|error| error.to_string()),
    }
}
