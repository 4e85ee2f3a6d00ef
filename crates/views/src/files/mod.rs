//! The files of the views: the checkpoint, and view segments that are healed when they are damaged.

pub(crate) mod checkpoint;
pub(crate) mod checkpointer;
pub(crate) mod generations;
pub(crate) mod healer;
pub(crate) mod names;
pub(crate) mod open_report;
pub(crate) mod view_files;
