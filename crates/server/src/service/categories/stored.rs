//! The categories of a snapshot.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use timberline_query::categories::{Categories, CategoriesError, SETTING};
use timberline_views::Snapshot;

/// Bytes of a tag.
const TAG_BYTES: usize = 8;

/// The value of the setting, and what it says.
#[derive(Debug)]
pub(crate) struct Stored {
    /// As it is in the store; none for a setting that is not set.
    pub(crate) text: Option<String>,
    /// The list, or why it is none.
    pub(crate) categories: Result<Categories, CategoriesError>,
}

impl Stored {
    pub(crate) fn of(snapshot: &Snapshot) -> Stored {
        Stored::read(snapshot.settings().get(SETTING).cloned())
    }

    pub(crate) fn read(text: Option<String>) -> Stored {
        let categories = Categories::read(text.as_deref());
        Stored { text, categories }
    }

    /// Names this version: equal values have equal tags, others have others.
    pub(crate) fn tag(&self) -> String {
        let hash = Sha256::digest(self.text.as_deref().unwrap_or_default());
        let mut tag = String::new();
        for byte in hash.iter().take(TAG_BYTES) {
            // Writing to a string does not fail.
            let _ = write!(tag, "{byte:02x}");
        }
        tag
    }
}
