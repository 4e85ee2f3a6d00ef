//! Where something stands in a program.

use std::fmt;

/// Bytes of the program's text, from `start` up to `end`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// Both and what is between them.
    #[must_use]
    pub fn to(self, last: Span) -> Span {
        Span {
            start: self.start,
            end: last.end.max(self.end),
        }
    }
}

/// A place as people count: both from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line of the program, whose lines are those of the request and those in them.
    pub line: u32,
    /// Character of the line.
    pub column: u32,
}

impl Position {
    /// Where byte `offset` of `text` is.
    #[must_use]
    pub fn of(text: &str, offset: u32) -> Position {
        let before = text.get(..offset as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Position {
            line: count(before.bytes().filter(|b| *b == b'\n').count() + 1),
            column: count(before.get(line_start..).unwrap_or_default().chars().count() + 1),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_characters_and_lines_begin_at_one() {
        let text = "a = 1;\nbü = x;";
        let at = |offset| Position::of(text, offset).to_string();
        assert_eq!(at(0), "line 1, column 1");
        assert_eq!(at(7), "line 2, column 1");
        assert_eq!(at(13), "line 2, column 6");
        assert_eq!(at(1000), "line 2, column 8");
    }
}
