//! How a log is to be kept.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use timberline_disk::Cipher;

use crate::DeviceId;
use crate::format::segment::SEGMENT_HEADER;
use crate::sync::placement::Incident;

/// Tells the time in nanoseconds since 1970. Passed in, so that tests need not wait.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Receives an [`Incident`] when something happens to the log's files while it is written. Called on the sync thread.
pub type OnIncident = Arc<dyn Fn(&Incident) + Send + Sync>;

/// The least and greatest segment sizes; see [`LogOptions::segment_bytes`].
const SEGMENT_SIZES: (u64, u64) = (16 << 10, 1 << 30);

/// How a log is to be kept.
#[derive(Clone)]
pub struct LogOptions {
    /// The size of a segment file: 64 MiB unless set. Made a multiple of 4096 between 16 KiB and 1 GiB.
    pub segment_bytes: u64,
    /// The device that writes.
    pub device: DeviceId,
    /// The longest that an appended record stays unsynced when nobody asks: 1 s unless set.
    pub sync_interval: Duration,
    /// Where the time comes from.
    pub clock: Clock,
    /// What payloads are encrypted with; `None`: they are not encrypted.
    pub cipher: Option<Arc<Cipher>>,
    /// Who hears of incidents.
    pub on_incident: Option<OnIncident>,
    /// Without a sync thread: nothing is synced but by [`Log::sync_now`](crate::Log::sync_now). Makes a test on the
    /// simulated disk repeatable. Always here, whatever the features: a field that a feature adds breaks every crate that
    /// was built without it.
    pub manual_sync: bool,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            device: DeviceId::default(),
            sync_interval: Duration::from_secs(1),
            clock: Arc::new(system_nanos),
            cipher: None,
            on_incident: None,
            manual_sync: false,
        }
    }
}

impl fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOptions")
            .field("segment_bytes", &self.segment_bytes)
            .field("device", &self.device)
            .field("sync_interval", &self.sync_interval)
            .field("encrypted", &self.cipher.is_some())
            .finish_non_exhaustive()
    }
}

impl LogOptions {
    /// The size of a segment, within its limits.
    pub(crate) fn segment_len(&self) -> u64 {
        self.segment_bytes
            .clamp(SEGMENT_SIZES.0, SEGMENT_SIZES.1)
            .next_multiple_of(SEGMENT_HEADER as u64)
    }
}

pub(crate) fn system_nanos() -> i64 {
    // A clock before 1970 or after 2262 is broken; the time of a record is information, not order, so go on.
    timberline_clock::wall()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_nanos()).ok())
        .unwrap_or(0)
}
