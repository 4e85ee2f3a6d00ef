//! What is wrong with a body.

use serde_json::error::Category;
use thiserror::Error;

use crate::{DataError, TimeError};

/// Why a body was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct ParseError {
    /// Whether it was no JSON at all, or not the right one.
    pub kind: ParseErrorKind,
    /// What is wrong, where, and what was expected.
    pub message: String,
}

/// The two ways in which a body may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParseErrorKind {
    /// It is no JSON, or not text: HTTP status 400.
    Syntax,
    /// It is JSON, but a field is missing, of the wrong type or out of range: HTTP status 422.
    Shape,
}

impl ParseError {
    pub(super) fn syntax(message: impl Into<String>) -> ParseError {
        ParseError {
            kind: ParseErrorKind::Syntax,
            message: message.into(),
        }
    }

    pub(super) fn shape(message: impl Into<String>) -> ParseError {
        ParseError {
            kind: ParseErrorKind::Shape,
            message: message.into(),
        }
    }

    /// Says where it is wrong, before what is wrong.
    #[must_use]
    pub(super) fn within(mut self, place: impl std::fmt::Display) -> ParseError {
        self.message = format!("{place}: {}", self.message);
        self
    }
}

impl From<serde_json::Error> for ParseError {
    fn from(error: serde_json::Error) -> ParseError {
        match error.classify() {
            Category::Data => ParseError::shape(error.to_string()),
            Category::Io | Category::Syntax | Category::Eof => ParseError::syntax(error.to_string()),
        }
    }
}

impl From<TimeError> for ParseError {
    fn from(error: TimeError) -> ParseError {
        ParseError::shape(error.to_string())
    }
}

impl From<DataError> for ParseError {
    fn from(error: DataError) -> ParseError {
        match error {
            DataError::NotAnObject { .. } => ParseError::shape(error.to_string()),
            DataError::Unreadable(_) => ParseError::syntax(error.to_string()),
        }
    }
}
