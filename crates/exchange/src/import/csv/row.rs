//! From a row to an event.

use serde_json::{Map, Value};
use timberline_model::{Data, Duration, NewEvent, TimeError, Timestamp};

use super::mapping::{ColumnType, Columns, Field, Span};
use super::table::Row;
use crate::export::columns::needs_guard;
use crate::import::report::{BucketReport, Reason};
use crate::import::text;

/// Reads the event of a row. What cannot be read is noted, and there is no event.
pub(super) fn event(
    columns: &Columns,
    row: &Row<'_>,
    report: &mut BucketReport,
) -> Option<NewEvent<'static>> {
    let at = || format!("row {}", row.number);
    let start = match time(&row.text(columns.timestamp)) {
        Ok(start) => start,
        Err(error) => {
            report
                .left_out
                .note(Reason::Time, || format!("{}: {error}", at()));
            return None;
        }
    };
    let duration = match span(columns, row, start) {
        Ok(duration) => duration,
        Err(error) => {
            report
                .left_out
                .note(Reason::Duration, || format!("{}: {error}", at()));
            return None;
        }
    };
    let mut object = rest(columns, row, report);
    for field in &columns.fields {
        let bytes = row.bytes(field.column);
        if bytes.is_empty()
            && !(field.keep_empty && field.column < row.len() && field.type_ == ColumnType::Text)
        {
            continue;
        }
        let cell = row.text(field.column);
        if matches!(cell, std::borrow::Cow::Owned(_)) {
            report.changed.note(Reason::Text, || {
                format!("{}: text that is not UTF-8 was replaced", at())
            });
        }
        object.insert(field.key.clone(), value(columns, field, &cell));
    }
    let data = Data::canonical(&Value::Object(object).to_string())
        .ok()?
        .into_owned();
    let id = columns.id.and_then(|column| row.text(column).parse().ok());
    text::event(id, start, duration, data, report, at)
}

/// The members of the column that has what is in no other.
fn rest(columns: &Columns, row: &Row<'_>, report: &mut BucketReport) -> Map<String, Value> {
    let Some(cell) = columns
        .rest
        .map(|column| row.bytes(column))
        .filter(|cell| !cell.is_empty())
    else {
        return Map::new();
    };
    match serde_json::from_slice(cell) {
        Ok(members) => members,
        Err(error) => {
            report.changed.note(Reason::Data, || {
                format!("row {}: column data: {error}: left out", row.number)
            });
            Map::new()
        }
    }
}

fn span(columns: &Columns, row: &Row<'_>, start: Timestamp) -> Result<Duration, String> {
    match columns.span {
        Span::None => Ok(Duration::ZERO),
        Span::Duration(column) => {
            let text = row.text(column);
            duration(text.trim(), columns.decimal_comma).map_err(|error| error.to_string())
        }
        Span::End(column) => {
            let end = time(&row.text(column)).map_err(|error| format!("the end: {error}"))?;
            end.checked_since(start)
                .ok_or_else(|| "the end is too far away".to_owned())
        }
    }
}

/// A number as text without what is around it; `None` for what is no plain number.
fn number(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    is_number.then_some(text)
}

/// A time as text, or a number since 1970 in a unit that follows from its size.
pub(crate) fn time(text: &str) -> Result<Timestamp, TimeError> {
    let text = text.trim();
    // 20240301 is a date, and would be a day in 1970.
    if text.len() == 8 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Timestamp::parse_lenient(text);
    }
    match number(text).and_then(|text| text.parse::<f64>().ok().map(|value| (text, value))) {
        Some((text, value)) => since_1970(text, value),
        None => Timestamp::parse_lenient(text),
    }
}

fn since_1970(text: &str, value: f64) -> Result<Timestamp, TimeError> {
    // Seconds stay below this until the year 5138; milliseconds are above it since 1973.
    const LARGEST: f64 = 1e11;
    let size = value.abs();
    let per_unit: i64 = if size < LARGEST {
        // Exact, unlike a float.
        return Duration::parse(text).map(|since| Timestamp::from_nanos(since.nanos()));
    } else if size < LARGEST * 1e3 {
        1_000_000
    } else if size < LARGEST * 1e6 {
        1_000
    } else {
        1
    };
    let malformed = || TimeError::Malformed(text.chars().take(48).collect());
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let whole: i64 = whole.parse().map_err(|_| malformed())?;
    let fraction: f64 = format!("0.{fraction}0").parse().map_err(|_| malformed())?;
    let fraction = (fraction * per_unit as f64) as i64 * if value < 0.0 { -1 } else { 1 };
    let nanos = whole
        .checked_mul(per_unit)
        .and_then(|nanos| nanos.checked_add(fraction));
    nanos.map(Timestamp::from_nanos).ok_or_else(malformed)
}

/// Seconds, or `hours:minutes:seconds`. An empty cell is no time.
fn duration(text: &str, decimal_comma: bool) -> Result<Duration, TimeError> {
    if text.is_empty() {
        return Ok(Duration::ZERO);
    }
    let with_point = match decimal_comma {
        true => text.replace(',', "."),
        false => text.to_owned(),
    };
    if !with_point.contains(':') {
        return Duration::parse(&with_point);
    }
    let malformed = || TimeError::NotSeconds(text.chars().take(48).collect());
    let (negative, clock) = match with_point.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, with_point.as_str()),
    };
    let (hours, minutes_seconds) = clock.split_once(':').ok_or_else(malformed)?;
    let (minutes, seconds) = minutes_seconds.split_once(':').unwrap_or((minutes_seconds, "0"));
    let whole = |text: &str| text.parse::<u32>().map(i64::from).map_err(|_| malformed());
    let seconds = number(seconds)
        .filter(|seconds| !seconds.starts_with('-'))
        .ok_or_else(malformed)?;
    let seconds = Duration::parse(seconds)?.nanos();
    let before = (whole(hours)? * 3600 + whole(minutes)? * 60).checked_mul(1_000_000_000);
    let nanos = before
        .and_then(|before| before.checked_add(seconds))
        .ok_or_else(malformed)?;
    Ok(Duration::from_nanos(if negative { -nanos } else { nanos }))
}

fn value(columns: &Columns, field: &Field, cell: &str) -> Value {
    let cell = plain(columns, cell);
    let parsed = match field.type_ {
        ColumnType::Text => None,
        ColumnType::Number => {
            let cell = cell.trim();
            let point = if columns.decimal_comma {
                cell.replace(',', ".")
            } else {
                cell.to_owned()
            };
            serde_json::from_str(&point).ok().filter(Value::is_number)
        }
        ColumnType::Boolean => match cell.trim() {
            "true" | "True" | "TRUE" => Some(Value::Bool(true)),
            "false" | "False" | "FALSE" => Some(Value::Bool(false)),
            _ => None,
        },
        ColumnType::Json => serde_json::from_str(cell).ok(),
    };
    parsed.unwrap_or_else(|| Value::String(cell.to_owned()))
}

/// Text without the apostrophe that keeps a spreadsheet from taking it as a formula.
pub(super) fn plain<'a>(columns: &Columns, cell: &'a str) -> &'a str {
    match cell.strip_prefix('\'') {
        Some(rest) if columns.guarded && needs_guard(rest) => rest,
        _ => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_any_unit() {
        let expected = Timestamp::parse("2024-03-01T10:00:00.25Z").unwrap();
        for text in [
            "2024-03-01T10:00:00.250Z",
            "2024-03-01 11:00:00.25+01:00",
            "2024-03-01 10:00:00.25",
            "1709287200.25",
            "1709287200250",
            "1709287200250000",
            "1709287200250000000",
            " 1709287200250.0 ",
        ] {
            assert_eq!(time(text).unwrap(), expected, "{text}");
        }
        for text in ["", "-", "yesterday", "99999999999999999999", "1.2.3", "."] {
            assert!(time(text).is_err(), "{text}");
        }
        assert_eq!(
            time("20240301").unwrap(),
            Timestamp::parse("2024-03-01T00:00:00Z").unwrap()
        );
        assert_eq!(time("-0.5").unwrap().nanos(), -500_000_000);
    }

    #[test]
    fn durations_are_seconds_or_a_clock() {
        for (text, nanos) in [
            ("1.5", 1_500_000_000),
            ("1,5", 1_500_000_000),
            ("", 0),
            ("0:01:30", 90_000_000_000),
            ("01:30", 5_400_000_000_000),
            ("-0:00:00.000000001", -1),
        ] {
            assert_eq!(duration(text, true).unwrap().nanos(), nanos, "{text}");
        }
        for text in ["1,5", "x", "1:x", "::", "1:2:-3", "99999999999:0:0"] {
            assert!(duration(text, false).is_err(), "{text}");
        }
    }
}
