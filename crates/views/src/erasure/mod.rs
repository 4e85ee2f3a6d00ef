//! How bytes become unrecoverable in the log, in the views and in a copy of the log.
//!
//! | file | what it does |
//! |---|---|
//! | `progress` | how far erasing and squashing have come |
//! | `select` | what a purge is to erase |
//! | `targets` | the events and buckets that purges name |
//! | `replacement` | the record that takes the place of one with erased data |
//! | `erase_log` | rewrites the log's segments without what was purged |
//! | `erase_copy` | the same in a copy of a log that was repaired since |
//! | `squash` | the squashed state of a segment's records |

pub(crate) mod erase_copy;
pub(crate) mod erase_log;
pub(crate) mod progress;
mod replacement;
pub(crate) mod select;
pub(crate) mod squash;
pub(crate) mod targets;

pub use erase_copy::CopyErasure;
pub use erase_log::{LogErasure, PurgeReceipt};
pub use progress::Maintenance;
pub use select::{Selected, SelectedEvent, Selection};
