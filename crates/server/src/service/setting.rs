//! Limits of a setting.

/// Longest value. Data of an event are held to less by what a request may be; settings are all kept in memory.
pub(crate) const VALUE_BYTES: usize = 1 << 20;
/// Keys must be shorter; the reference's limit.
pub(crate) const KEY_BYTES: usize = 128;

/// Whether a setting can have this key and this value, which is JSON that every client can read.
pub(crate) fn fits(key: &str, value: &str) -> bool {
    let readable = serde_json::from_str::<serde_json::Value>(value).is_ok();
    key.len() < KEY_BYTES && value.len() <= VALUE_BYTES && readable
}
