//! Brings an erasure from the store to the memory of the query engine and to every known copy of the data.
//!
//! | file | what it does |
//! |---|---|
//! | `state` | which copies are waiting, and how far erasing has come |
//! | `reach` | goes through the copies |
//! | `threads` | a thread for each directory with copies |
//! | `task` | the thread that does it when nobody waits for it |
//!
//! The store erases from its own log, views and checkpoint (`Store::complete_purges`), whoever ordered it: a purge, a
//! redaction, retention, or its own expiry of the trash. From there on this is the only way. A copy that cannot
//! be reached is *waiting*: it is named in the receipt, on the status page, in `/metrics` and by `timberline doctor`,
//! and [`ErasureTask`] tries again until it is reached.
//!
//! Copies are on disks of their own, and a disk may be slow or not respond at all. So each directory with copies has a
//! thread while its copies are gone through, and nobody waits for a thread that makes no progress: its copies are waiting.
//!
//! (The spool of an import is encrypted with a key that only the process has, and its file has no name.)

mod reach;
mod state;
mod task;
mod threads;

pub(crate) use self::reach::{forget, reach_copies};
pub(crate) use self::state::{Copy, Erasure};
pub(crate) use self::task::{AT_STOP, ErasureTask};
