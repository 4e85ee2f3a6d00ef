//! Random bytes: the only place that asks the system for them.

use std::io;

/// Random bytes of the system.
///
/// # Errors
/// When the system has none.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    draw(&mut bytes)?;
    Ok(bytes)
}

/// Fills with random bytes of the system.
pub(crate) fn draw(bytes: &mut [u8]) -> io::Result<()> {
    getrandom::fill(bytes).map_err(io::Error::from)
}
