//! The few pieces of JSON that are written by hand.

pub(crate) use timberline_model::json::write_string;

/// Writes a decimal number.
pub(crate) fn write_number(out: &mut Vec<u8>, number: u64) {
    use std::io::Write;
    // A vector takes whatever is written to it.
    let _ = write!(out, "{number}");
}
