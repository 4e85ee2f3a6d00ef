//! How bytes become unrecoverable in the log, in the views and in a copy of the log.
//!
//! | file | what it does |
//! |---|---|
//! | `progress` | how far erasing and squashing have come |
//! | `select` | what a purge is to erase |
//! | `erase_log` | a segment's records without what was purged |
//! | `erase_copy` | the same in a copy of a log that was repaired since |
//! | `squash` | the squashed state of a segment's records |

pub(crate) mod erase_copy;
pub(crate) mod erase_log;
pub(crate) mod progress;
pub(crate) mod select;
pub(crate) mod squash;

pub use erase_copy::CopyErasure;
pub use erase_log::{LogErasure, PurgeReceipt};
pub use progress::Maintenance;
pub use select::{Selected, SelectedEvent, Selection};
