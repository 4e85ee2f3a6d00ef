//! The directory of the view segments: who makes files, and when one may be removed.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, MutexGuard};
use rustc_hash::FxHashSet;
use timberline_disk::{IoError, Storage};

use crate::error::{CompactError, OpenError};
use crate::files::names::{self, SET_ASIDE, is_view_file, set_aside_bucket};
use crate::fold::flush::write_segment;
use crate::record::BucketKey;
use crate::segment::{Heal, Source, ViewSegment};

/// The view segments of a store.
///
/// A file that no snapshot needs is *obsolete*. It is removed only after the next checkpoint, because until then the
/// checkpoint on the disk names it, and a start reads the files that the checkpoint names.
#[derive(Debug)]
pub(crate) struct ViewFiles {
    /// Where the files are. It encrypts them if the data are encrypted.
    storage: Arc<dyn Storage>,
    /// The number in the name of the next file. Names are never used twice, so that a file that is open keeps its
    /// meaning.
    next_number: AtomicU64,
    /// Files that the next checkpoint will no longer name. The compactor adds to it, and a checkpoint takes all of it.
    obsolete: Mutex<Vec<String>>,
    /// Held during a flush, a merge, an erasure or a checkpoint, because each of them swaps segments that it read before.
    /// No reader and no heartbeat waits for it; an undo or a redaction that was overtaken several times takes it.
    exclusive: Mutex<()>,
}

/// Files that became obsolete before a checkpoint was begun.
pub(crate) struct Obsolete(pub(crate) Vec<String>);

impl ViewFiles {
    /// The files in a directory.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub(crate) fn open(storage: Arc<dyn Storage>) -> Result<ViewFiles, OpenError> {
        let used = names::list(&*storage)?;
        let numbers = used.iter().filter_map(|name| names::parse_view_file(name));
        let greatest = numbers.map(|(_, number)| number).max().unwrap_or(0);
        Ok(ViewFiles {
            storage,
            next_number: AtomicU64::new(greatest + 1),
            obsolete: Mutex::default(),
            exclusive: Mutex::default(),
        })
    }

    pub(crate) fn storage(&self) -> &dyn Storage {
        &*self.storage
    }

    /// Keeps everybody else from swapping segments while this is held.
    pub(crate) fn exclusive(&self) -> MutexGuard<'_, ()> {
        self.exclusive.lock()
    }

    /// Writes the rows of these sources to a new view segment; none when there are no rows.
    ///
    /// # Errors
    /// When a source is damaged or the file cannot be written.
    pub(crate) fn write(
        &self,
        key: BucketKey,
        sources: &[Source],
        healer: Arc<dyn Heal>,
    ) -> Result<Option<ViewSegment>, CompactError> {
        write_segment(&*self.storage, &self.next_number, key, sources, Some(healer))
    }

    /// Notes that no snapshot will need these files from now on.
    pub(crate) fn retire(&self, files: impl IntoIterator<Item = String>) {
        self.obsolete.lock().extend(files);
    }

    /// Whether a checkpoint would allow files to be removed.
    pub(crate) fn has_obsolete(&self) -> bool {
        !self.obsolete.lock().is_empty()
    }

    /// The files that a checkpoint of the present will no longer name. They are taken before its snapshot, so that it
    /// cannot name one of them.
    pub(crate) fn take_obsolete(&self) -> Obsolete {
        Obsolete(std::mem::take(&mut *self.obsolete.lock()))
    }

    /// Removes a file, or sets it aside if it is damaged: it may be the last copy of what the log has lost.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn remove(&self, file: &str, damaged: bool) -> std::io::Result<()> {
        if damaged {
            self.set_aside(file)
        } else {
            self.storage.remove(file)
        }
    }

    /// Renames a view file so that nobody opens it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn set_aside(&self, file: &str) -> std::io::Result<()> {
        match self.storage.rename(file, &format!("{file}{SET_ASIDE}")) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            renamed => renamed,
        }
    }

    /// Removes, after an erasure and its checkpoint, every view file that the present does not name, and the damaged ones
    /// of these buckets that were set aside. Says how many.
    ///
    /// # Errors
    /// When the disk refuses: then bytes may be left.
    pub(crate) fn remove_unnamed(
        &self,
        named: &FxHashSet<String>,
        erased: &FxHashSet<BucketKey>,
    ) -> Result<u64, CompactError> {
        let io = |op, file: &str| IoError::at(op, self.storage.path().join(file));
        let mut removed = 0;
        for name in self.storage.list().map_err(io("list", ""))? {
            let set_aside = set_aside_bucket(&name).is_some_and(|key| erased.contains(&key));
            if set_aside || (is_view_file(&name) && !named.contains(&name)) {
                self.storage.remove(&name).map_err(io("remove", &name))?;
                removed += 1;
            }
        }
        self.obsolete.lock().retain(|name| named.contains(name));
        self.storage.sync_dir().map_err(io("sync", ""))?;
        Ok(removed)
    }

    /// Removes files that a crash left: view segments that nothing names, and half-written ones. Those that the
    /// checkpoint on the disk may still name wait for the next checkpoint.
    ///
    /// # Errors
    /// When the directory cannot be listed.
    pub(crate) fn remove_leftovers(
        &self,
        named: &FxHashSet<String>,
        in_checkpoint: &dyn Fn(&str) -> bool,
    ) -> Result<(), OpenError> {
        let is_leftover =
            |name: &str| (is_view_file(name) && !named.contains(name)) || name.ends_with(".tmp");
        for name in names::list(&*self.storage)? {
            if !is_leftover(&name) {
                continue;
            }
            if in_checkpoint(&name) {
                self.retire([name]);
            } else if let Err(error) = self.storage.remove(&name) {
                tracing::warn!(name, %error, "a left-over view file could not be removed");
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use timberline_disk::SimDisk;

    use super::*;

    fn files(disk: &SimDisk, names: &[&str]) -> ViewFiles {
        let dir = disk.dir("views");
        for name in names {
            dir.write_file(name, b"x").unwrap();
        }
        ViewFiles::open(dir).unwrap()
    }

    #[test]
    fn numbers_of_files_go_on_after_the_greatest() {
        let disk = SimDisk::new(1);
        let files = files(
            &disk,
            &["00001-0000000007.view", "00002-0000000003.view", "checkpoint"],
        );
        assert_eq!(files.next_number.into_inner(), 8);
    }

    #[test]
    fn a_file_that_the_checkpoint_names_outlives_the_clearing() {
        let disk = SimDisk::new(1);
        let [kept, left, used] = [
            "00001-0000000001.view",
            "00001-0000000002.view",
            "00001-0000000003.view",
        ];
        let files = files(&disk, &[kept, left, used, "x.tmp"]);
        files
            .remove_leftovers(&[used.to_owned()].into_iter().collect(), &|name| name == kept)
            .unwrap();
        let mut there = files.storage().list().unwrap();
        there.sort();
        assert_eq!(there, [kept, used]);
        assert!(files.has_obsolete());
        assert_eq!(files.take_obsolete().0, [kept]);
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_goes_with_an_erasure_of_its_bucket() {
        let disk = SimDisk::new(1);
        let file = "00001-0000000001.view";
        let files = files(&disk, &[file]);
        files.remove(file, true).unwrap();
        let nothing = FxHashSet::default();
        let buckets = |key: u32| [BucketKey(key)].into_iter().collect();
        assert_eq!(files.remove_unnamed(&nothing, &buckets(2)).unwrap(), 0);
        assert_eq!(files.remove_unnamed(&nothing, &buckets(1)).unwrap(), 1);
        assert!(files.storage().list().unwrap().is_empty());
    }
}
