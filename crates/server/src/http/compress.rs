//! gzip and brotli, for answers that are worth it: lists, exports, files. Never on heartbeats.

use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

/// The layer for routes whose answers are large and repetitive. Fast levels: an answer that waits
/// for its compression is late, and event JSON shrinks tenfold at any level.
///
/// Answers below 32 bytes, images, and answers that are encoded or partial already stay as they are
/// (tower-http's default rule).
pub(crate) fn compression() -> CompressionLayer {
    CompressionLayer::new().quality(CompressionLevel::Fastest)
}
