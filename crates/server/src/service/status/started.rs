//! What the start of the server found.

use std::net::SocketAddr;
use std::time::Instant;

use timberline_model::Timestamp;
use timberline_views::OpenReport;

/// What opening the store has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opened {
    /// Whether the data are encrypted.
    pub(crate) encrypted: bool,
    /// Damaged places of the log.
    pub(crate) damage: Vec<String>,
}

impl Opened {
    pub(crate) fn new(report: &OpenReport, encrypted: bool) -> Self {
        Self {
            encrypted,
            damage: report.damage.iter().map(ToString::to_string).collect(),
        }
    }
}

/// When the server started, and what it was like then.
#[derive(Clone, Debug)]
pub(crate) struct Started {
    /// By the monotonic clock.
    pub(crate) at: Instant,
    /// By the wall clock.
    pub(crate) time: Timestamp,
    /// The addresses that it listens on.
    pub(crate) addresses: Vec<SocketAddr>,
    /// Bytes that the data took on the disk.
    pub(crate) bytes: u64,
    /// What opening the store has found.
    pub(crate) opened: Opened,
}

impl Started {
    /// Whether only programs on this machine can connect.
    pub(crate) fn loopback_only(&self) -> bool {
        self.addresses
            .iter()
            .all(|address| address.ip().to_canonical().is_loopback())
    }
}
