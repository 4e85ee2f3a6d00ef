//! The text of a query, and pointing at what is wrong in it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use anyhow::{Context, anyhow, ensure};
use timberline_query::QueryError;
use timberline_query::syntax::Position;
use timberline_server::render::query_error;

use crate::table::printable;

/// The longest text that is read; a server's own bound is well below it.
const MAX_BYTES: u64 = 64 << 20;
/// The characters of a long line that are shown before and after the one that is pointed at.
const BEFORE: usize = 60;
const AFTER: usize = 40;

/// A query's text, and where it is from.
#[derive(Debug)]
pub(super) struct Program {
    from: String,
    text: String,
}

impl Program {
    /// Reads a file, or standard input for `-`.
    ///
    /// # Errors
    /// When it cannot be read or is no text.
    pub(super) fn read(file: &Path) -> anyhow::Result<Self> {
        let (from, bytes) = if file == Path::new("-") {
            ("standard input".to_owned(), read(io::stdin().lock()))
        } else {
            let bytes = File::open(file).and_then(read);
            (printable(&file.display().to_string()), bytes)
        };
        let bytes = bytes.with_context(|| format!("cannot read {from}"))?;
        ensure!(bytes.len() as u64 <= MAX_BYTES, "{from} is longer than any query");
        let text = String::from_utf8(bytes).map_err(|_| anyhow!("{from} is not UTF-8 text"))?;
        Ok(Self { from, text })
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// What the engine says is wrong, with the line in question.
    pub(super) fn error(&self, error: &QueryError) -> anyhow::Error {
        self.complaint(error.position, &query_error(error))
    }

    /// What a server says is wrong. Timberline's begin with the place; of others' none is known.
    pub(super) fn server_error(&self, message: &str) -> anyhow::Error {
        match placed(message) {
            Some((place, message)) => self.complaint(Some(place), message),
            None => self.complaint(None, message),
        }
    }

    fn complaint(&self, place: Option<Position>, message: &str) -> anyhow::Error {
        let Self { from, text } = self;
        let message = printable(message);
        let Some(place) = place else {
            return anyhow!("{from}: {message}");
        };
        let line = text.split('\n').nth((place.line as usize).saturating_sub(1));
        let shown = pointed_at(line.unwrap_or_default(), place.column as usize);
        anyhow!("{from}, {place}: {message}\n{shown}")
    }
}

fn read(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// `line 3, column 5: …` taken apart.
fn placed(message: &str) -> Option<(Position, &str)> {
    let (line, rest) = message.strip_prefix("line ")?.split_once(", column ")?;
    let (column, rest) = rest.split_once(": ")?;
    let place = Position {
        line: line.parse().ok()?,
        column: column.parse().ok()?,
    };
    Some((place, rest))
}

/// A line, or what fits of it, and under it a caret at the column.
fn pointed_at(line: &str, column: usize) -> String {
    // Each character takes one place, so that the caret stands where it should.
    let line: Vec<char> = printable(&line.trim_end().replace('\t', " ")).chars().collect();
    let at = column.saturating_sub(1).min(line.len());
    let (from, to) = (at.saturating_sub(BEFORE), (at + AFTER).min(line.len()));
    let (head, tail) = (
        if from > 0 { "…" } else { "" },
        if to < line.len() { "…" } else { "" },
    );
    let part: String = line[from..to].iter().collect();
    let indent = " ".repeat(head.chars().count() + at - from);
    format!("  {head}{part}{tail}\n  {indent}^")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_the_character() {
        assert_eq!(pointed_at("a = floo(b);", 5), "  a = floo(b);\n      ^");
        assert_eq!(pointed_at("\tü = x;\r", 6), "   ü = x;\n       ^");
        assert_eq!(pointed_at("", 1), "  \n  ^");
        assert_eq!(pointed_at("short", 99), "  short\n       ^");
    }

    #[test]
    fn of_a_long_line_the_part_around_it_is_shown() {
        let line = format!("{}!{}", "a".repeat(500), "b".repeat(500));
        let expected = format!(
            "  …{}!{}…\n  {}^",
            "a".repeat(BEFORE),
            "b".repeat(AFTER - 1),
            " ".repeat(BEFORE + 1)
        );
        assert_eq!(pointed_at(&line, 501), expected);
    }

    #[test]
    fn a_place_is_found_at_the_front_of_a_message() {
        let (place, message) = placed("line 3, column 15: no: none").unwrap();
        assert_eq!((place.line, place.column, message), (3, 15, "no: none"));
        for other in ["VariableNotDefined(\"f\")", "line 3: no", "line x, column 1: no"] {
            assert!(placed(other).is_none(), "{other}");
        }
    }
}
