//! The Timberline server: HTTP, and the use cases behind it.
//!
//! It speaks the REST API of the ActivityWatch servers, so that clients and the web UI work with it
//! unchanged, and keeps everything in a [`timberline_views::Store`]. Flags and configuration files are not its business: it is
//! given [`Settings`](settings::Settings), and [`Start`] serves.
//!
//! | module | what it does |
//! |---|---|
//! | `start` | from settings to a running server, and its end |
//! | `error` | why it does not start, or did not stop in order |
//! | [`settings`] | what the server is to do |
//! | `serve` | the accept loop; each request: guard, then the fast path or the router |
//! | `http` | sockets, connections, the guard, bodies and errors |
//! | `access` | the API key; tokens and what they may do |
//! | `api` | the endpoints; a file for each resource |
//! | `web` | files, the status page, `/metrics`, `/health`, `/ready` |
//! | `service` | the use cases: write hold, import, privacy, purge, erasure, retention, scrub, status, memory |
//! | `app` | what all handlers share |
//! | [`identity`] | device id and host name |
//! | `logging` | what the server logs about itself |
//! | `open_files` | how many connections fit into the limit of open files |
//! | `json`, `owner_only`, `pattern`, `size` | JSON written by hand; files only their owner may read; patterns of bucket ids; sizes for people |
//! | [`export`] | history and results of queries in the formats of other programs |
//! | [`merge`] | merging sources into a store, without a server or in one |
//! | [`doctor`], [`inspect`], [`status`], [`tokens`], [`render`] | what the command line shares with the server |

#![cfg_attr(not(test), deny(clippy::disallowed_methods))]

mod access;
mod api;
mod app;
mod causes;
mod error;
mod http;
pub mod identity;
mod json;
mod logging;
pub mod merge;
mod open_files;
mod owner_only;
mod pattern;
mod serve;
mod service;
pub mod settings;
mod size;
mod start;
mod web;

pub use error::ServeError;
pub use http::ListenError;
pub use start::{Start, store_options};

/// What clients take for the server's version. The web UI reads what comes before the first blank as
/// a semantic version and compares it with ActivityWatch's releases, so that is the version whose API
/// this is; it offers a link to an API browser, which we do not have, unless it finds "rust" in it.
pub(crate) const VERSION: &str = concat!("v0.14.0 (timberline ", env!("CARGO_PKG_VERSION"), ", rust)");

/// What a server leaves in its data directory, for `timberline doctor`.
pub mod inspect {
    pub use crate::service::retention::{HeldRule, Holds, confirm, is_waiting};
    pub use crate::service::scrub::Progress;
}

/// The checks of `timberline doctor` that are right also while a server runs.
pub mod doctor {
    pub use crate::service::doctor::{Check, Outcome, Subject};
}

/// Exports, for `timberline export`.
pub mod export {
    pub use crate::service::export::{Content, ExportError, Exporter, Format, HistoryContent, ResultContent};
}

/// The report about a server (`GET /api/1/status`), and parts of it that need no server.
pub mod status {
    pub use crate::service::status::buckets::bucket_report;
    pub use crate::service::status::disk::{free, used};
    pub use crate::service::status::report::{
        AccessStatus, BackupStatus, BucketStatus, DamageStatus, KnownBackup, MemoryStatus, Status,
        StoreStatus, TokenStatus, WatcherState,
    };
    pub use crate::service::status::{DAY, events_since, known_backups};
}

/// The watchers that `timberline up` runs beside the server.
pub mod watchers {
    pub use crate::service::watchers::{
        Command, CommandError, Companions, Watcher, WatcherActivity, WatcherBackend, WatcherExit,
        WatcherList, WatcherPause, WatcherQueue, Watchers,
    };
}

/// Certificates, for `timberline cert` and clients.
pub mod tls {
    pub use crate::http::tls::{TlsError, certificates, digest, fingerprint};
    pub use crate::http::tls_roots::{RootsError, roots, system_roots};
}

/// The tokens of a data directory, for `timberline token`.
pub mod tokens {
    pub use crate::access::{LOOK_AFTER, NewToken, Scope, Token, TokenError, TokenForm, Tokens, last_uses};
}

/// How the server shows things, for commands that show the same.
pub mod render {
    pub use crate::api::v1::event_change::{change, name};
    pub use crate::http::query_limits::{message as query_error, warning as query_warning};
    pub use crate::http::query_warnings::{HEADER as WARNINGS_HEADER, of_header as warnings_of};
}

/// What the targets in `fuzz/` need to reach; no part of the interface.
#[doc(hidden)]
pub mod fuzz {
    pub use crate::api::v0::query::accepts as accepts_query;
    pub use crate::service::import::fuzz as import;
}
