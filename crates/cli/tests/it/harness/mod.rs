//! What the tests of the real server share: an installation of it in directories of its own, HTTP/1.1 with
//! nothing in between, the ledger of writers that are cut off, and RFC 3339.
//!
//! Nothing in here uses Timberline's own crates: what proves the server must not share its mistakes.

pub(crate) mod clock;
pub(crate) mod http;
pub(crate) mod ledger;
pub(crate) mod page;
pub(crate) mod rfc3339;
pub(crate) mod server;

pub(crate) use timberline_test_support::{PATIENCE, let_work, poll};
