//! HTTP, from the listening socket to a route and back.
//!
//! | file | what it does |
//! |---|---|
//! | `listen` | sockets: opened here, or handed over by systemd |
//! | `connections` | all connections: bounds, who makes way, time limits, draining |
//! | `connection`, `patience`, `socket` | one connection: what it does, how slow its client is, its bytes |
//! | `forwarded` | what a trusted proxy says about the client |
//! | `guard` | the checks of `Host`, `Origin` and `Sec-Fetch-Site`; what browser extensions may do |
//! | `protection` | headers that keep other pages from embedding answers |
//! | `arriving`, `collect` | request bodies: counted, bounded |
//! | `mended` | bodies that need a second look |
//! | `answer` | answer bodies: whole, or streamed from a blocking task |
//! | `accept` | which of several formats a client prefers |
//! | `compress` | gzip and brotli, where they pay |
//! | `error` | what went wrong, as a status and JSON |
//! | `refusals` | what was refused, for the log and `/metrics` |
//! | `paths` | paths without empty segments and without the base path |
//! | `query_limits` | the configuration keys in messages about a query's limits |
//! | `query_warnings` | the warnings of a query, as a header |
//! | `run_blocking` | work on a blocking thread; cancelling it when the client disconnects |
//! | `tls_roots` | the certificate authorities that the system trusts |
//! | `tls` | the certificate, and TLS on a socket |
//! | `query`, `json` | small parsers and writers |

pub(crate) mod accept;
pub(crate) mod answer;
pub(crate) mod arriving;
mod collect;
mod compress;
pub(crate) mod connection;
pub(crate) mod connections;
mod error;
pub(crate) mod forwarded;
pub(crate) mod guard;
pub(crate) mod json;
mod listen;
mod mended;
pub(crate) mod paths;
mod patience;
pub(crate) mod protection;
mod query;
pub(crate) mod query_limits;
pub(crate) mod query_warnings;
pub(crate) mod refusals;
mod run_blocking;
pub(crate) mod socket;
pub(crate) mod tls;
pub(crate) mod tls_roots;

pub(crate) use answer::{ChunkSender, StreamEnded, json_answer, stream};
pub(crate) use collect::{BodyPool, collect, collect_json, pass_over, pieces};
pub(crate) use compress::compression;
pub(crate) use error::{ApiError, Echo};
pub(crate) use mended::parse_mended;
pub(crate) use query::{Query, decode_segment};
pub(crate) use refusals::Refusals;
pub(crate) use run_blocking::{cancel_on_disconnect, in_place, run_blocking};

pub use listen::ListenError;
pub(crate) use listen::Listeners;
