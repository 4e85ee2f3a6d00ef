//! Columns that line up.

use std::time::Duration;

use crate::output::{Output, OutputError};

/// A table of text; columns of numbers are to the right.
pub(crate) struct Table {
    right: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these columns: heading, and whether it holds numbers.
    pub(crate) fn new(columns: &[(&str, bool)]) -> Self {
        let headings = columns.iter().map(|(heading, _)| (*heading).to_owned());
        Self {
            right: columns.iter().map(|(_, right)| *right).collect(),
            rows: vec![headings.collect()],
        }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows
            .push(cells.into_iter().map(|cell| printable(&cell)).collect());
    }

    /// Prints it.
    pub(crate) fn print(&self, out: &mut Output) -> Result<(), OutputError> {
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.right.len()).map(width).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).zip(&self.right);
            let cells = cells.map(|((cell, &width), right)| padded(cell, width, *right));
            let line = cells.collect::<Vec<_>>().join("  ");
            out.line(line.trim_end())?;
        }
        Ok(())
    }
}

/// A cell with spaces before or after it. By hand: the width of a formatter ends at 65,535 and it panics beyond, and a
/// setting may be longer.
fn padded(cell: &str, width: usize, right: bool) -> String {
    let spaces = " ".repeat(width.saturating_sub(cell.chars().count()));
    if right {
        format!("{spaces}{cell}")
    } else {
        format!("{cell}{spaces}")
    }
}

/// A time as a number of milliseconds.
pub(crate) fn milliseconds(time: Duration) -> String {
    format!("{:.3}", 1e3 * time.as_secs_f64())
}

/// Text without control characters: the name of a bucket may come from anybody.
pub(crate) fn printable(text: &str) -> String {
    let shown = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::{padded, printable};

    #[test]
    fn a_cell_of_any_length_is_padded() {
        assert_eq!(padded("é", 3, false), "é  ");
        assert_eq!(padded("é", 3, true), "  é");
        assert_eq!(padded("é", 70_000, true).chars().count(), 70_000);
        assert_eq!(padded(&"x".repeat(70_000), 3, false).len(), 70_000);
    }

    #[test]
    fn a_name_cannot_move_the_cursor() {
        assert_eq!(printable("a\u{1b}[2Jé\n"), "a\u{fffd}[2Jé\u{fffd}");
    }
}
