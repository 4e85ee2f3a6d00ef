//! Why a query has no answer, and where in its text.

use std::fmt;

use timberline_views::SegmentError;

use crate::clock::ClockError;
use crate::syntax::{Position, Span, SyntaxError};

/// Why a query has no answer. The message says what is wrong, where, and what to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}{message}", self.place())]
pub struct QueryError {
    /// The kind of error.
    pub kind: ErrorKind,
    /// What is wrong.
    pub message: String,
    /// The place in the program, if the error has one.
    pub position: Option<Position>,
}

/// The kinds of errors. The first three have the names of aw-server's exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is not a program, or the program has no result.
    Parse,
    /// An unknown name, a wrong number of arguments, or an operator that does not fit its operands.
    Interpret,
    /// An argument of the wrong kind, or one that names something that does not exist.
    Function,
    /// A limit was reached.
    Limit(Limited),
    /// The query was cancelled.
    Cancelled,
    /// The store cannot be read.
    Storage,
    /// A bug of the engine.
    Internal,
}

/// The limits of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Bytes of the program's text.
    ProgramLength,
    /// Brackets open at once, or values within values.
    Depth,
    /// Periods in one request.
    Periods,
    /// Wall time.
    Time,
    /// Memory.
    Memory,
    /// Bytes of the answer.
    ResultSize,
    /// Bytes of an argument: a pattern, rules, or values to look for. These limits are fixed.
    Argument,
}

impl ErrorKind {
    /// The `type` in an answer.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Parse => "QueryParseException",
            ErrorKind::Interpret => "QueryInterpretException",
            ErrorKind::Function => "QueryFunctionException",
            ErrorKind::Limit(_) => "QueryLimitException",
            ErrorKind::Cancelled => "QueryCancelledException",
            ErrorKind::Storage => "QueryStorageException",
            ErrorKind::Internal => "QueryInternalException",
        }
    }
}

/// Shortens a message: it may quote a program, which may be long.
fn cut(mut message: String) -> String {
    const MAX_LETTERS: usize = 600;
    if let Some((at, _)) = message.char_indices().nth(MAX_LETTERS) {
        message.truncate(at);
        message.push('…');
    }
    message
}

impl QueryError {
    /// The place in the program, to stand in front of the message; empty if the error has none.
    #[must_use]
    pub fn place(&self) -> String {
        self.position
            .map_or_else(String::new, |place| format!("{place}: "))
    }

    /// An error without a place.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> QueryError {
        QueryError {
            kind,
            message: cut(message.into()),
            position: None,
        }
    }

    /// The same error, with its subject in front.
    pub(crate) fn about(mut self, what: impl fmt::Display) -> QueryError {
        self.message = cut(format!("{what}: {}", self.message));
        self
    }

    pub(crate) fn limit(limited: Limited, message: impl Into<String>) -> QueryError {
        QueryError::new(ErrorKind::Limit(limited), message)
    }

    pub(crate) fn function(message: impl Into<String>) -> QueryError {
        QueryError::new(ErrorKind::Function, message)
    }

    pub(crate) fn interpret(message: impl Into<String>) -> QueryError {
        QueryError::new(ErrorKind::Interpret, message)
    }

    pub(crate) fn internal(message: &str) -> QueryError {
        debug_assert!(false, "{message}");
        QueryError::new(ErrorKind::Internal, message)
    }

    pub(crate) fn cancelled() -> QueryError {
        QueryError::new(ErrorKind::Cancelled, "the client has gone")
    }

    /// The same error at a place, unless it has one already.
    pub(crate) fn at(mut self, program: &str, span: Span) -> QueryError {
        self.position = self.position.or_else(|| Some(Position::of(program, span.start)));
        self
    }

    pub(crate) fn syntax(error: SyntaxError, program: &str) -> QueryError {
        let kind = match error.too_deep {
            true => ErrorKind::Limit(Limited::Depth),
            false => ErrorKind::Parse,
        };
        QueryError::new(kind, error.message).at(program, error.span)
    }
}

impl From<SegmentError> for QueryError {
    fn from(error: SegmentError) -> QueryError {
        QueryError::new(ErrorKind::Storage, error.to_string())
    }
}

impl From<ClockError> for QueryError {
    fn from(error: ClockError) -> QueryError {
        QueryError::function(error.to_string())
    }
}
