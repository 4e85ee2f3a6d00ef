//! What the start of the server found.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use timberline_disk::Cipher;
use timberline_model::Timestamp;
use timberline_views::OpenReport;

/// What opening the store has found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opened {
    /// What the data are encrypted with.
    pub(crate) cipher: Option<Arc<Cipher>>,
    /// Damaged places of the log.
    pub(crate) damage: Vec<String>,
}

impl Opened {
    pub(crate) fn new(report: &OpenReport, cipher: Option<Arc<Cipher>>) -> Self {
        Self {
            cipher,
            damage: report.damage.iter().map(ToString::to_string).collect(),
        }
    }

    /// Whether the data are encrypted.
    pub(crate) fn encrypted(&self) -> bool {
        self.cipher.is_some()
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
