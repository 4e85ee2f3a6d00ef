//! Why the first pass over an import refuses the file.

use std::io;

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LayoutError {
    #[error("The file is not JSON: {expected} expected at byte {offset}")]
    Syntax { offset: u64, expected: &'static str },
    #[error("The file is not an export: {0}")]
    Shape(String),
    #[error("{0}")]
    TooLarge(String),
    #[error(transparent)]
    Read(#[from] io::Error),
}

pub(super) type Result<T, E = LayoutError> = std::result::Result<T, E>;
