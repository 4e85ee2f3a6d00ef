//! A simulated directory: the names and lengths of its files, as programs see them and as they are on the disk.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::Arc;

use super::file::SimFile;
use super::lock_ignoring_poison;

#[derive(Debug, Default)]
pub(super) struct Directory {
    /// As programs see it.
    pub(super) files: BTreeMap<String, Arc<SimFile>>,
    /// As it survives a power cut.
    pub(super) durable: BTreeMap<String, Arc<SimFile>>,
    /// Changes of names and lengths that are not durable yet, oldest first.
    pub(super) pending: VecDeque<Change>,
    pub(super) locked: bool,
    /// A test has moved the directory away.
    pub(super) gone: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Create(String, Arc<SimFile>),
    Rename(String, String),
    Remove(String),
    SetLen(Arc<SimFile>, usize),
}

impl Directory {
    /// The names and lengths that a power cut leaves if the first `count` pending changes became durable.
    pub(super) fn durable_after(&self, count: usize) -> Vec<(String, Arc<SimFile>, usize)> {
        let mut names = self.durable.clone();
        let mut lens: Vec<(Arc<SimFile>, usize)> = Vec::new();
        for change in self.pending.iter().take(count) {
            apply(&mut names, change);
            if let Change::SetLen(file, len) = change {
                lens.push((Arc::clone(file), *len));
            }
        }
        let len_of = |file: &Arc<SimFile>| {
            let changed = lens.iter().rev().find(|(other, _)| Arc::ptr_eq(other, file));
            changed.map_or_else(
                || lock_ignoring_poison(&file.inner).durable.len(),
                |(_, len)| *len,
            )
        };
        names
            .into_iter()
            .map(|(name, file)| (name, Arc::clone(&file), len_of(&file)))
            .collect()
    }

    pub(super) fn commit(&mut self) {
        for change in std::mem::take(&mut self.pending) {
            apply(&mut self.durable, &change);
            if let Change::SetLen(file, len) = change {
                file.set_durable_len(len);
            }
        }
    }

    /// Syncing a file makes its length durable, whatever the order.
    pub(super) fn commit_len(&mut self, file: &Arc<SimFile>) {
        self.pending
            .retain(|change| !matches!(change, Change::SetLen(other, _) if Arc::ptr_eq(other, file)));
        file.set_durable_len(file.len());
    }

    pub(super) fn find(&self, name: &str) -> io::Result<Arc<SimFile>> {
        self.files
            .get(name)
            .cloned()
            .ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

fn apply(names: &mut BTreeMap<String, Arc<SimFile>>, change: &Change) {
    match change {
        Change::Create(name, file) => {
            names.insert(name.clone(), Arc::clone(file));
        }
        Change::Rename(from, to) => {
            if let Some(file) = names.remove(from) {
                names.insert(to.clone(), file);
            }
        }
        Change::Remove(name) => {
            names.remove(name);
        }
        Change::SetLen(..) => {}
    }
}
