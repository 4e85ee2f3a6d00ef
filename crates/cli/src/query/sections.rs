//! A result as people read it: lists of events as tables; of a dict one section for each member, under its path.

use timberline_model::{Duration, Timestamp};

use super::result::{Event, Value, cell, names};
use crate::moment::local_text;
use crate::output::{Output, OutputError};
use crate::table::{Table, printable};
use serde_json::value::RawValue;

/// Dicts within dicts beyond this are shown as JSON. No query of Timberline's nests so deep; another server's answer
/// might.
const MAX_DEPTH: usize = 64;
/// Characters of a cell; titles can be very long.
const MAX_CELL: usize = 60;

/// Prints a result.
///
/// # Errors
/// When it is no JSON, or cannot be written.
pub(super) fn print(result: &RawValue, out: &mut Output) -> anyhow::Result<()> {
    let mut sections = Sections { out, begun: false };
    sections.value(&mut Vec::new(), result)
}

struct Sections<'a> {
    out: &'a mut Output,
    /// Whether there is a section already, which the next one stands apart from.
    begun: bool,
}

impl Sections<'_> {
    fn value(&mut self, path: &mut Vec<String>, value: &RawValue) -> anyhow::Result<()> {
        match Value::of(value)? {
            Value::Dict(members) if path.len() < MAX_DEPTH => {
                for (name, value) in &members.0 {
                    path.push(printable(name));
                    self.value(path, value)?;
                    path.pop();
                }
            }
            Value::Dict(_) => self.line(path, value.get())?,
            Value::Events(events) if events.is_empty() => self.line(path, "no events")?,
            Value::Events(events) => {
                self.heading(path)?;
                table(&events).print(self.out)?;
            }
            Value::List(values) => {
                self.heading(path)?;
                for value in values {
                    self.text(&cell(value))?;
                }
            }
            Value::Text(text) => self.line(path, &text)?,
            Value::Plain(text) => self.line(path, text)?,
        }
        Ok(())
    }

    /// A heading on a line of its own.
    fn heading(&mut self, path: &[String]) -> Result<(), OutputError> {
        self.part()?;
        match path {
            [] => Ok(()),
            _ => self.out.line(path.join(".")),
        }
    }

    /// A value on the line of its heading.
    fn line(&mut self, path: &[String], text: &str) -> Result<(), OutputError> {
        self.part()?;
        match path {
            [] => self.text(text),
            _ => self
                .out
                .line(format_args!("{}  {}", path.join("."), printable(text))),
        }
    }

    fn part(&mut self) -> Result<(), OutputError> {
        match std::mem::replace(&mut self.begun, true) {
            true => self.out.line(""),
            false => Ok(()),
        }
    }

    /// Text with its lines.
    fn text(&mut self, text: &str) -> Result<(), OutputError> {
        text.split('\n')
            .try_for_each(|line| self.out.line(printable(line)))
    }
}

fn table(events: &[Event<'_>]) -> Table {
    let names = names(events);
    let mut columns = vec![("start", false), ("duration", true)];
    columns.extend(names.iter().map(|name| (*name, false)));
    let mut table = Table::new(&columns);
    for event in events {
        let data = names.iter().map(|name| {
            let value = event.data.get(name);
            value.map_or_else(String::new, |value| shortened(&path_or_cell(value)))
        });
        let times = [start(&event.timestamp), duration(event.duration.get())];
        table.row(times.into_iter().chain(data));
    }
    table
}

/// When it began, here; if it is no time, what it is.
fn start(text: &str) -> String {
    Timestamp::parse(text).map_or_else(|_| text.to_owned(), local_text)
}

/// Seconds as hours, minutes and seconds; if it is no number, what it is.
fn duration(text: &str) -> String {
    let Ok(duration) = Duration::parse(text) else {
        return text.to_owned();
    };
    let sign = if duration < Duration::ZERO { "-" } else { "" };
    let seconds = duration.nanos().unsigned_abs().saturating_add(500_000_000) / 1_000_000_000;
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    format!("{sign}{hours}:{minutes:02}:{:02}", seconds % 60)
}

/// A list of strings as the path that it is, as categories are; other values as in any cell.
fn path_or_cell(value: &RawValue) -> String {
    match serde_json::from_str::<Vec<String>>(value.get()) {
        Ok(path) => path.join(" > "),
        Err(_) => cell(value).into_owned(),
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_CELL) {
        None => text.to_owned(),
        Some(_) => text.chars().take(MAX_CELL - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_hours_minutes_and_seconds() {
        for (seconds, shown) in [
            ("0.0", "0:00:00"),
            ("59.5", "0:01:00"),
            ("-5.0", "-0:00:05"),
            ("360061", "100:01:01"),
            ("null", "null"),
        ] {
            assert_eq!(duration(seconds), shown);
        }
    }

    #[test]
    fn cells_are_short_and_categories_are_paths() {
        let value = |text: &'static str| -> &RawValue { serde_json::from_str(text).unwrap() };
        assert_eq!(path_or_cell(value(r#"["Work","Mail"]"#)), "Work > Mail");
        assert_eq!(path_or_cell(value("[1,2]")), "[1,2]");
        assert_eq!(path_or_cell(value(r#""a""#)), "a");
        let long = "é".repeat(MAX_CELL);
        assert_eq!(shortened(&long), long);
        let cut = shortened(&format!("{long}b"));
        assert_eq!(cut.chars().count(), MAX_CELL);
        assert!(cut.ends_with("é…"));
    }
}
