//! Checks the small files of a data directory, those that are neither log nor views. Each problem says what to do about it.

use std::path::Path;

use timberline_disk::KeyFile;
use timberline_views::time_trust::{Clock, clock_trust};
use timberline_views::tools::log_files;

use crate::access::Tokens;
use crate::identity::Identity;
use crate::service::privacy;
use crate::service::retention::Holds;
use crate::service::webhooks;
use crate::settings::Settings;
use timberline_backup::registered;

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
        webhooks::damaged(dir),
        Tokens::read(dir).err().map(|error| error.to_string()),
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
        Ok(false) if !is_encrypted(dir) => None,
        Ok(false) => Some(format!(
            "{} is missing, and the log is encrypted: put a copy back (each backup has one), or nobody can read the data after the \
             server has stopped",
            file.path().display()
        )),
        _ => file.check().err().map(|error| error.to_string()),
    }
}

fn is_encrypted(dir: &Path) -> bool {
    let segments = log_files(dir).and_then(|log| Ok(log.segments()?));
    // A log that cannot be read is reported where it is read.
    segments.is_ok_and(|segments| segments.iter().any(|segment| segment.encrypted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::sync::Arc;

    use timberline_views::{Store, StoreOptions};

    /// A data directory with a log; and its settings.
    fn data(encrypted: bool) -> (tempfile::TempDir, Settings) {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            data_dir: dir.path().to_owned(),
            ..crate::settings::test_settings()
        };
        let cipher = encrypted.then(|| Arc::new(KeyFile::of(dir.path()).create(b"passphrase").unwrap()));
        let identity = Identity::load(&settings).unwrap();
        let options = StoreOptions {
            background: false,
            device: identity.log_id(),
            cipher,
            ..StoreOptions::default()
        };
        let (store, _) = Store::open(dir.path(), options).unwrap();
        store.set_setting("a", "1").unwrap();
        store.close().unwrap();
        (dir, settings)
    }

    #[test]
    fn each_damaged_file_is_named_and_whole_ones_are_not() {
        let (dir, settings) = data(false);
        assert_eq!(damaged(&settings), Vec::<String>::new());
        for (file, content) in [
            ("device_id", "two words"),
            ("backups.json", "{"),
            ("retention.json", "[1"),
            ("tokens.json", "{"),
            ("webhooks.json", "{"),
            ("webhooks-state.json", "{"),
            ("privacy.key", "not hexadecimal"),
            ("CLOCK", "timberline clock 1\n"),
        ] {
            let path = dir.path().join(file);
            let whole = fs::read(&path).ok();
            fs::write(&path, content).unwrap();
            let found = damaged(&settings);
            assert!(found.len() == 1 && found[0].contains(file), "{file}: {found:?}");
            match whole {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
        }
        assert_eq!(damaged(&settings), Vec::<String>::new());
    }

    #[test]
    fn a_key_that_is_damaged_or_gone_is_named() {
        let (dir, settings) = data(true);
        assert_eq!(damaged(&settings), Vec::<String>::new());
        let path = dir.path().join("KEY");
        let whole = fs::read(&path).unwrap();
        let mut flipped = whole.clone();
        flipped[20] ^= 1;
        for bytes in [Some(&flipped[..]), Some(&whole[..10]), None] {
            match bytes {
                Some(bytes) => fs::write(&path, bytes).unwrap(),
                None => fs::remove_file(&path).unwrap(),
            }
            let found = damaged(&settings);
            assert!(found.len() == 1 && found[0].contains("KEY"), "{found:?}");
        }
        fs::write(&path, whole).unwrap();
        assert_eq!(damaged(&settings), Vec::<String>::new());
    }
}
