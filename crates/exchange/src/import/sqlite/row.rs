//! From a row to an event.

use std::borrow::Cow;

use rusqlite::types::ValueRef;
use timberline_model::{Duration, NewEvent, Timestamp};

use super::dialect::{Dialect, Times};
use super::open::Database;
use super::scan::Cells;
use crate::import::csv::time_from_text;
use crate::import::report::{BucketReport, Reason};
use crate::import::text;

/// How every frame of zstd begins.
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// Bytes of an event's data, decompressed.
const MAX_DATA: usize = 16 << 20;

/// Reads the events of one database.
pub(super) struct Decoder {
    times: Times,
    decompressor: Option<zstd::bulk::Decompressor<'static>>,
}

impl Decoder {
    pub(super) fn new(database: &Database, dialect: &Dialect) -> Decoder {
        let dictionary = || {
            let sql = "SELECT dict FROM compression_dict WHERE id = 0";
            database
                .connection
                .query_row(sql, [], |row| row.get::<_, Vec<u8>>(0))
                .ok()
        };
        let dictionary = dialect.has_dictionary.then(dictionary).flatten();
        Decoder {
            times: dialect.times,
            decompressor: zstd::bulk::Decompressor::with_dictionary(&dictionary.unwrap_or_default()).ok(),
        }
    }

    /// Reads the event in a row. What cannot be read is noted, and there is no event.
    pub(super) fn event(
        &mut self,
        row: i64,
        cells: Cells<'_>,
        report: &mut BucketReport,
    ) -> Option<NewEvent<'static>> {
        let at = || format!("event {row}");
        let start = match self.start(cells.start) {
            Ok(start) => start,
            Err(error) => {
                report
                    .left_out
                    .note(Reason::Time, || format!("{}: {error}", at()));
                return None;
            }
        };
        let duration = match self.duration(start, cells.span) {
            Ok(duration) => duration,
            Err(error) => {
                report
                    .left_out
                    .note(Reason::Duration, || format!("{}: {error}", at()));
                return None;
            }
        };
        let raw = match self.raw_data(cells.data) {
            Ok(raw) => raw,
            Err(error) => {
                report
                    .left_out
                    .note(Reason::Data, || format!("{}: {error}", at()));
                return None;
            }
        };
        let data = text::data(&raw, report, at)?;
        text::event(Some(row), start, duration, data, report, at)
    }

    fn start(&self, value: ValueRef<'_>) -> Result<Timestamp, String> {
        match (self.times, value) {
            (Times::Nanoseconds | Times::NanosecondsAndDuration, ValueRef::Integer(nanos)) => {
                Ok(Timestamp::from_nanos(nanos))
            }
            (Times::Microseconds, value) => microseconds(value).map(Timestamp::from_nanos),
            (Times::TextAndSeconds, ValueRef::Text(text)) => {
                let text = str::from_utf8(text).map_err(|error| error.to_string())?;
                time_from_text(text).map_err(|error| error.to_string())
            }
            (Times::TextAndSeconds, ValueRef::Integer(number)) => {
                time_from_text(&number.to_string()).map_err(|error| error.to_string())
            }
            (Times::TextAndSeconds, ValueRef::Real(number)) => {
                time_from_text(&format!("{number:.9}")).map_err(|error| error.to_string())
            }
            (_, value) => Err(found(value, "a time")),
        }
    }

    fn duration(&self, start: Timestamp, value: ValueRef<'_>) -> Result<Duration, String> {
        let since_start = |end: i64| {
            let duration = Timestamp::from_nanos(end).checked_since(start);
            duration.ok_or_else(|| "start and end are too far apart".to_owned())
        };
        match (self.times, value) {
            (Times::Nanoseconds, ValueRef::Integer(end)) => since_start(end),
            (Times::NanosecondsAndDuration, ValueRef::Integer(nanos)) => Ok(Duration::from_nanos(nanos)),
            (Times::Microseconds, value) => microseconds(value).and_then(since_start),
            (Times::TextAndSeconds, ValueRef::Integer(seconds)) => seconds
                .checked_mul(1_000_000_000)
                .map(Duration::from_nanos)
                .ok_or_else(|| "too long".to_owned()),
            (Times::TextAndSeconds, ValueRef::Real(seconds)) => {
                Duration::from_secs_f64(seconds).map_err(|error| error.to_string())
            }
            (Times::TextAndSeconds, ValueRef::Text(text)) => {
                let text = str::from_utf8(text).map_err(|error| error.to_string())?;
                Duration::parse(text.trim()).map_err(|error| error.to_string())
            }
            (_, value) => Err(found(value, "an end or duration")),
        }
    }

    fn raw_data<'a>(&mut self, value: ValueRef<'a>) -> Result<Cow<'a, [u8]>, String> {
        match value {
            ValueRef::Text(bytes) => Ok(Cow::Borrowed(bytes)),
            ValueRef::Blob(bytes) if bytes.starts_with(ZSTD_MAGIC) => {
                let decompressor = self
                    .decompressor
                    .as_mut()
                    .ok_or("it is compressed, and there is no dictionary")?;
                let size = zstd::bulk::Decompressor::upper_bound(bytes)
                    .unwrap_or(MAX_DATA)
                    .min(MAX_DATA);
                let data = decompressor.decompress(bytes, size);
                data.map(Cow::Owned)
                    .map_err(|error| format!("it cannot be decompressed: {error}"))
            }
            ValueRef::Blob(bytes) => Ok(Cow::Borrowed(bytes)),
            ValueRef::Null => Ok(Cow::Borrowed(b"")),
            ValueRef::Integer(_) | ValueRef::Real(_) => Err(found(value, "an object")),
        }
    }
}

/// Microseconds as nanoseconds. Fractions come from Python's floats, which are not exact in them; that server itself
/// rounds them when it reads.
fn microseconds(value: ValueRef<'_>) -> Result<i64, String> {
    let too_far = || "out of the range that a timestamp can hold".to_owned();
    match value {
        ValueRef::Integer(micros) => micros.checked_mul(1_000).ok_or_else(too_far),
        // Beyond 2^53 there would be gaps, and that is the year 2255.
        ValueRef::Real(micros) if micros.abs() < 9_007_199_254_740_992.0 => {
            (micros.round() as i64).checked_mul(1_000).ok_or_else(too_far)
        }
        ValueRef::Real(_) => Err(too_far()),
        value => Err(found(value, "a number")),
    }
}

fn found(value: ValueRef<'_>, expected: &str) -> String {
    let type_ = match value {
        ValueRef::Null => "nothing",
        ValueRef::Integer(_) | ValueRef::Real(_) => "a number",
        ValueRef::Text(_) => "a text",
        ValueRef::Blob(_) => "bytes",
    };
    format!("expected {expected}, found {type_}")
}
