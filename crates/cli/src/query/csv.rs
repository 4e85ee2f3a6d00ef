//! A list of events as comma-separated values (RFC 4180).

use anyhow::bail;
use serde_json::value::RawValue;

use super::result::{Value, cell, names};
use crate::output::Output;

/// Prints a list of events: `timestamp`, `duration` in seconds, and a column for each name in their data.
///
/// # Errors
/// When it is not that, or cannot be written.
pub(super) fn print(result: &RawValue, out: &mut Output) -> anyhow::Result<()> {
    let events = match Value::of(result)? {
        Value::Events(events) => events,
        other => bail!(
            "--csv prints a list of events, but the result is {}: make one of its lists the RETURN, or use --json",
            other.kind()
        ),
    };
    let names = names(&events);
    let mut record = Vec::new();
    let head = ["timestamp", "duration"].into_iter().chain(names.iter().copied());
    head.for_each(|name| field(&mut record, name));
    end(&mut record);
    out.bytes(&record)?;
    for event in &events {
        record.clear();
        field(&mut record, &event.timestamp);
        field(&mut record, event.duration.get());
        for name in &names {
            let value = event.data.get(name).map(cell);
            field(&mut record, value.as_deref().unwrap_or_default());
        }
        end(&mut record);
        out.bytes(&record)?;
    }
    Ok(())
}

/// Appends a field and a comma: in quotes where it must be, with its own quotes doubled.
fn field(record: &mut Vec<u8>, text: &str) {
    if text.contains(['"', ',', '\r', '\n']) {
        record.push(b'"');
        record.extend_from_slice(text.replace('"', "\"\"").as_bytes());
        record.push(b'"');
    } else {
        record.extend_from_slice(text.as_bytes());
    }
    record.push(b',');
}

/// Ends the record instead of the last field.
fn end(record: &mut Vec<u8>) {
    record.pop();
    record.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_quoted_where_they_must_be() {
        let mut record = Vec::new();
        for text in ["plain é", "", "a,b", "say \"hi\"", "two\nlines", " blank "] {
            field(&mut record, text);
        }
        end(&mut record);
        let expected = "plain é,,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\", blank \r\n";
        assert_eq!(String::from_utf8(record).unwrap(), expected);
    }
}
