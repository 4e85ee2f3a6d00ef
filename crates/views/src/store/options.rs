//! How a store is opened.

use std::sync::Arc;
use std::time::Duration;

use timberline_disk::{Cipher, Storage};
use timberline_log::DeviceId;

use crate::time_trust::Clock;

/// When a heartbeat is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatDurability {
    /// When it is in the log; it is synced within this time. `kill -9` loses nothing, a power cut at most this much.
    Interval(Duration),
    /// When it is synced.
    Always,
}

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Whose log it is.
    pub device: DeviceId,
    /// Bytes of a log segment.
    pub segment_bytes: u64,
    /// When heartbeats are acknowledged.
    pub heartbeat: HeartbeatDurability,
    /// Whether threads flush heads, write checkpoints and keep history short; tests do it by hand with
    /// [`Store::compact`](crate::Store::compact) and [`Store::maintain`](crate::Store::maintain).
    pub background: bool,
    /// How long all records are kept; older log segments are squashed to their final state.
    pub history: Duration,
    /// How long deleted things can be restored; then they are erased.
    pub erase_after: Duration,
    /// How often the history thread looks for what is older than that.
    pub maintain_every: Duration,
    /// Where the time comes from.
    pub clock: Clock,
    /// Where to keep what is known about the clock: the data directory. Without one it is known only while the store is
    /// open.
    pub clock_dir: Option<Arc<dyn Storage>>,
    /// Where to put what a fold of the past cannot keep in memory: an empty directory of its own. Without one it stays
    /// in memory.
    pub scratch: Option<Arc<dyn Storage>>,
    /// What everything is encrypted with, log and views; `None` for a data directory that is not encrypted.
    pub cipher: Option<Arc<Cipher>>,
    /// Without a sync thread, see [`timberline_log::LogOptions::manual_sync`].
    #[cfg(feature = "sim")]
    pub manual_sync: bool,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            device: DeviceId::default(),
            segment_bytes: 64 << 20,
            heartbeat: HeartbeatDurability::Interval(Duration::from_secs(1)),
            background: true,
            history: Duration::from_secs(30 * 86_400),
            erase_after: Duration::from_secs(7 * 86_400),
            maintain_every: Duration::from_secs(3600),
            clock: Clock::system(),
            clock_dir: None,
            scratch: None,
            cipher: None,
            #[cfg(feature = "sim")]
            manual_sync: false,
        }
    }
}
