//! The Timberline server and its command.
//!
//! It speaks the REST API of the ActivityWatch servers, so that clients and the web UI work with it
//! unchanged, and keeps everything in a [`timberline_views::Store`].
//!
//! | module | what it does |
//! |---|---|
//! | [`command`] | the command line |
//! | [`config`] | the configuration file, defaults, limits |
//! | [`http`] | sockets, connections, the guard, bodies and errors |
//! | `routes` | what each path answers; a file per resource |
//! | `hold` | writes that cannot be done now wait instead of failing |
//! | [`identity`] | device id and host name |
//! | [`logging`] | what the server says about itself |
//! | `memory` | gives memory back when it is not needed |
//! | `kind` | the kinds of records by name |
//! | `privacy` | what of an event is not to be kept |
//! | `retention` | how long events are |
//! | `history` | how what happened is told |
//! | [`App`] | what every request may use |

mod app;
pub mod command;
pub mod config;
mod erasure;
mod history;
mod hold;
pub mod http;
pub mod identity;
pub mod logging;
mod memory;
mod open_files;
mod owner_only;
mod privacy;
mod retention;
mod routes;
mod scrub;
mod side_files;

/// What the targets in `fuzz/` need to reach; no part of the interface.
#[doc(hidden)]
pub mod fuzz {
    pub use crate::routes::import::fuzz as import;
    pub use crate::routes::query::accepts as accepts_query;
}

pub use app::App;
