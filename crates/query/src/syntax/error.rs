//! What is wrong with the text of a program.

use thiserror::Error;

use super::span::Span;

/// Why a text is not a program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct SyntaxError {
    /// What is wrong, and what was expected.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Whether the only error is that it is nested too deeply.
    pub too_deep: bool,
}

impl SyntaxError {
    pub(super) fn new(message: impl Into<String>, span: Span) -> SyntaxError {
        SyntaxError {
            message: message.into(),
            span,
            too_deep: false,
        }
    }
}
