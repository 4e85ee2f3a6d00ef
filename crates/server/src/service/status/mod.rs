//! The status of a server, for people: `GET /api/1/status`, `/ready`, the status page, and part of `/metrics`.
//!
//! | file | what it does |
//! |---|---|
//! | `report` | the report as data; the command line reads the same types |
//! | `collect` | fills the report from the running server |
//! | `buckets` | the report's part about buckets, and the rule by which a watcher counts as stopped |
//! | `attention` | what is wrong, one line each |
//! | `readiness` | whether the server can write |
//! | `disk` | how much space the data take, and how much is left |
//! | `started` | what is known since the start |

mod attention;
pub(crate) mod buckets;
mod collect;
pub(crate) mod disk;
mod readiness;
pub(crate) mod report;
mod started;

pub(crate) use self::attention::troubles;
pub(crate) use self::collect::collect;
pub use self::collect::{DAY, events_since, known_backups};
pub(crate) use self::readiness::why_not_ready;
pub(crate) use self::started::{Opened, Started};
