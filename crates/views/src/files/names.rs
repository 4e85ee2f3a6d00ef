//! The names of directories and files that views know, and how they are opened.

use std::path::Path;
use std::sync::Arc;

use timberline_disk::{Cipher, EncryptedStorage, FileStorage, IoError, KeyFile, Storage};
use timberline_log::Seq;

use crate::error::OpenError;
use crate::record::BucketKey;
use crate::view::Snapshot;

/// A damaged view file that was set aside has its old name and this ending.
pub(crate) const SET_ASIDE: &str = ".damaged";

/// Whether this is the name of a view segment.
pub(crate) fn is_view_file(name: &str) -> bool {
    name.ends_with(".view")
}

/// The bucket and the number in the name of a view segment.
pub(crate) fn parse_view_file(name: &str) -> Option<(BucketKey, u64)> {
    let (key, number) = name.strip_suffix(".view")?.split_once('-')?;
    Some((BucketKey(key.parse().ok()?), number.parse().ok()?))
}

/// The bucket of a damaged view file that was set aside.
pub(crate) fn set_aside_bucket(name: &str) -> Option<BucketKey> {
    let (key, _) = name.strip_suffix(SET_ASIDE)?.split_once('-')?;
    key.parse().ok().map(BucketKey)
}

/// The view segments that a snapshot reads from.
pub(crate) fn named_files(snapshot: &Snapshot) -> impl Iterator<Item = String> {
    let segments = snapshot.kept().flat_map(|view| view.segments.iter());
    segments.map(|masked| masked.segment.file().to_owned())
}

/// The names in the directory of the views.
///
/// # Errors
/// When it cannot be listed.
pub(crate) fn list(views: &dyn Storage) -> Result<Vec<String>, OpenError> {
    Ok(views.list().map_err(IoError::at("list", views.path()))?)
}

/// The directory if it is there. Opening one that is not there would make it.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn existing(path: &Path) -> Result<Option<FileStorage>, OpenError> {
    if !path.is_dir() {
        return Ok(None);
    }
    open_dir(path).map(Some)
}

/// Opens a directory and makes it if it is not there.
///
/// # Errors
/// When it cannot be opened.
pub(crate) fn open_dir(path: &Path) -> Result<FileStorage, OpenError> {
    Ok(FileStorage::open(path).map_err(IoError::at("open", path))?)
}

/// The storage that encrypts and decrypts, if there is a key.
pub(crate) fn encrypted(views: Arc<dyn Storage>, cipher: Option<&Arc<Cipher>>) -> Arc<dyn Storage> {
    match cipher {
        Some(cipher) => Arc::new(EncryptedStorage::new(views, Arc::clone(cipher))),
        None => views,
    }
}

/// Checks that a key was given if the data directory has a key file, and none if it has none. Otherwise a server without
/// a key would add plain data to encrypted data, and a server with a key would add data that nobody can read without it.
///
/// # Errors
/// When there is a key file and no key, or the other way round.
pub(crate) fn expect_key(path: &Path, given: bool) -> Result<(), OpenError> {
    let file = KeyFile::of(path);
    match (file.exists()?, given) {
        (true, false) => Err(OpenError::Encrypted {
            path: path.display().to_string(),
        }),
        (false, true) => Err(OpenError::NoKey {
            file: file.path().display().to_string(),
        }),
        _ => Ok(()),
    }
}

/// Checks that the log has every record that the views were folded from.
///
/// # Errors
/// [`OpenError::LogBehindViews`].
pub(crate) fn expect_log_to_reach(log: &Path, last: Seq, views: Seq) -> Result<(), OpenError> {
    if views <= last {
        return Ok(());
    }
    Err(OpenError::LogBehindViews {
        path: log.display().to_string(),
        log: last,
        views,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_file_says_its_bucket_and_number() {
        assert_eq!(parse_view_file("00007-0000000012.view"), Some((BucketKey(7), 12)));
        assert_eq!(parse_view_file("00007-0000000012.view.damaged"), None);
        assert_eq!(parse_view_file("checkpoint"), None);
        assert_eq!(
            set_aside_bucket("00007-0000000012.view.damaged"),
            Some(BucketKey(7))
        );
        assert_eq!(set_aside_bucket("00007-0000000012.view"), None);
    }
}
