//! For the tools that work on a data directory without a store: look, compare, repair.

mod inspect;
mod repair;
mod verify;

pub use crate::files::healer::set_aside_views;
pub use crate::fold::{Replica, ReplicaError};
pub use inspect::{
    check_start, damaged_views, explain, last_checkpoint, log_files, read_log, read_only, read_only_with,
    view_files,
};
pub use repair::{LostRecords, RepairError, RepairReport, repair};
pub use verify::{check, damaged_view_segments, differences};
