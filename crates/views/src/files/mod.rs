//! The files of the views: the checkpoint, and view segments that are healed when they are damaged.

pub(crate) mod checkpoint;
pub(crate) mod generations;
pub(crate) mod heal;
