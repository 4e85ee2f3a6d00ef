//! What can go wrong with a query, and where in its text.

use std::fmt;

use timberline_views::SegmentError;

use crate::syntax::{Position, Span, SyntaxError};

/// Why a query has no answer. Displayed, it says what is wrong, where, and what to do.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}{message}", place(*position))]
pub struct QueryError {
    /// Of what sort.
    pub kind: ErrorKind,
    /// What is wrong.
    pub message: String,
    /// Where in the program, if it is any place in particular.
    pub position: Option<Position>,
}

/// The sorts of errors. The first three have the names of aw-server's exceptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no program, or its program has no result.
    Parse,
    /// A name that is not known, a wrong number of arguments, an operator that does not fit.
    Interpret,
    /// An argument that does not fit, or names what is not there.
    Function,
    /// A limit was reached.
    Limit(Limited),
    /// Nobody waits for the answer any more.
    Cancelled,
    /// The store cannot be read.
    Storage,
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
        }
    }
}

/// What a program has in it may be long; a message is for people.
fn cut(mut message: String) -> String {
    const LONGEST: usize = 600;
    if let Some((at, _)) = message.char_indices().nth(LONGEST) {
        message.truncate(at);
        message.push('…');
    }
    message
}

fn place(position: Option<Position>) -> String {
    position.map_or_else(String::new, |p| format!("{p}: "))
}

impl QueryError {
    /// An error at no place in particular.
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> QueryError {
        QueryError {
            kind,
            message: cut(message.into()),
            position: None,
        }
    }

    /// The same, said of something.
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

    pub(crate) fn cancelled() -> QueryError {
        QueryError::new(ErrorKind::Cancelled, "the client has gone")
    }

    /// The same at a place, unless it has one already.
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
