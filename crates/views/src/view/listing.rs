//! What a bucket is, and under which ids it is found.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use timberline_model::Bucket;

use crate::record::BucketListed;

/// A bucket without its events. Views share it, so that a heartbeat does not pay for it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Listing {
    pub(crate) bucket: Bucket,
    /// Other ids under which it is found: what it was called before, and buckets that were merged into it. Sorted.
    pub(crate) aliases: Vec<Arc<str>>,
    /// It is left out of lists.
    pub(crate) archived: bool,
}

impl Listing {
    /// The id and the aliases.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let aliases = self.aliases.iter().map(AsRef::as_ref);
        std::iter::once(self.bucket.id.as_str()).chain(aliases)
    }

    /// The same after a record.
    pub(crate) fn after(&self, r: &BucketListed<'_>) -> Listing {
        let mut after = self.clone();
        if let Some(id) = r.id {
            id.clone_into(&mut after.bucket.id);
        }
        if let Some(aliases) = &r.aliases {
            after.aliases = aliases.iter().copied().map(Arc::from).collect();
        }
        after.archived = r.archived.unwrap_or(after.archived);
        after.aliases.retain(|alias| **alias != *after.bucket.id);
        after.aliases.sort_unstable();
        after.aliases.dedup();
        after
    }
}

impl From<Bucket> for Listing {
    fn from(bucket: Bucket) -> Listing {
        Listing {
            bucket,
            aliases: Vec::new(),
            archived: false,
        }
    }
}

impl Deref for Listing {
    type Target = Bucket;

    fn deref(&self) -> &Bucket {
        &self.bucket
    }
}

impl DerefMut for Listing {
    fn deref_mut(&mut self) -> &mut Bucket {
        &mut self.bucket
    }
}
