//! Which fields of events are shown, and in which format.

use timberline_model::json::write_string;
use timberline_views::BucketView;
use timberline_views::pages::{Listed, Page};

use crate::http::{ApiError, Echo};
use crate::service::privacy::Field;

/// The format of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Ndjson,
    Csv,
}

impl Format {
    /// Their media types, as a client names them.
    pub(crate) const TYPES: [&str; 3] = ["application/json", "application/x-ndjson", "text/csv"];

    pub(crate) fn of_number(number: usize) -> Option<Format> {
        [Format::Json, Format::Ndjson, Format::Csv].get(number).copied()
    }

    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// One field.
#[derive(Debug)]
enum Shown {
    Id,
    Bucket,
    Timestamp,
    Duration,
    Data,
    /// A field of the data, and what it is called.
    InData(Field, String),
}

/// The fields of each event, in order.
#[derive(Debug)]
pub(crate) struct Fields(Vec<Shown>);

impl Default for Fields {
    fn default() -> Self {
        Fields(vec![
            Shown::Id,
            Shown::Bucket,
            Shown::Timestamp,
            Shown::Duration,
            Shown::Data,
        ])
    }
}

impl Fields {
    pub(crate) fn parse(text: &str) -> Result<Fields, ApiError> {
        let shown = text.split(',').map(|name| Shown::parse(name.trim()));
        shown.collect::<Result<Vec<_>, _>>().map(Fields)
    }

    /// Writes a page with the cursors of the next one and the previous one.
    pub(crate) fn write(
        &self,
        format: Format,
        page: &Page,
        views: &[&BucketView],
        (next, prev): (Option<&str>, Option<&str>),
    ) -> Vec<u8> {
        let mut out = Vec::new();
        let bucket = |event: &Listed| {
            views
                .get(event.bucket)
                .map_or("", |view| view.bucket().id.as_str())
        };
        match format {
            Format::Json => {
                out.extend_from_slice(b"{\"events\":[");
                for (number, event) in page.events.iter().enumerate() {
                    if number > 0 {
                        out.push(b',');
                    }
                    self.write_json(&mut out, event, bucket(event));
                }
                out.push(b']');
                for (name, cursor) in [(",\"next\":", next), (",\"prev\":", prev)] {
                    out.extend_from_slice(name.as_bytes());
                    match cursor {
                        Some(cursor) => write_string(&mut out, cursor),
                        None => out.extend_from_slice(b"null"),
                    }
                }
                out.push(b'}');
            }
            Format::Ndjson => {
                for event in &page.events {
                    self.write_json(&mut out, event, bucket(event));
                    out.push(b'\n');
                }
            }
            Format::Csv => {
                self.write_row(&mut out, |shown| shown.name().to_owned());
                for event in &page.events {
                    self.write_row(&mut out, |shown| shown.text(event, bucket(event)));
                }
            }
        }
        out
    }

    fn write_json(&self, out: &mut Vec<u8>, event: &Listed, bucket: &str) {
        out.push(b'{');
        for (number, shown) in self.0.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            write_string(out, shown.name());
            out.push(b':');
            shown.write_json(out, event, bucket);
        }
        out.push(b'}');
    }

    fn write_row(&self, out: &mut Vec<u8>, cell: impl Fn(&Shown) -> String) {
        for (number, shown) in self.0.iter().enumerate() {
            if number > 0 {
                out.push(b',');
            }
            let text = cell(shown);
            match text.contains([',', '"', '\n', '\r']) {
                true => out.extend_from_slice(format!("\"{}\"", text.replace('"', "\"\"")).as_bytes()),
                false => out.extend_from_slice(text.as_bytes()),
            }
        }
        out.extend_from_slice(b"\r\n");
    }
}

impl Shown {
    fn parse(name: &str) -> Result<Shown, ApiError> {
        Ok(match name {
            "id" => Shown::Id,
            "bucket" => Shown::Bucket,
            "timestamp" => Shown::Timestamp,
            "duration" => Shown::Duration,
            "data" => Shown::Data,
            _ => match name.strip_prefix("data.").filter(|path| !path.is_empty()) {
                Some(path) => Shown::InData(Field::parse(path), name.to_owned()),
                None => {
                    return Err(ApiError::Malformed(format!(
                        "fields: expected id, bucket, timestamp, duration, data or data.NAME, not '{}'",
                        Echo(name)
                    )));
                }
            },
        })
    }

    fn name(&self) -> &str {
        match self {
            Shown::Id => "id",
            Shown::Bucket => "bucket",
            Shown::Timestamp => "timestamp",
            Shown::Duration => "duration",
            Shown::Data => "data",
            Shown::InData(_, name) => name,
        }
    }

    fn write_json(&self, out: &mut Vec<u8>, event: &Listed, bucket: &str) {
        match self {
            Shown::Id => out.extend_from_slice(event.place.id.0.to_string().as_bytes()),
            Shown::Bucket => write_string(out, bucket),
            Shown::Timestamp => {
                out.push(b'"');
                event.place.start.write(out);
                out.push(b'"');
            }
            Shown::Duration => event.place.duration.0.write(out),
            Shown::Data => out.extend_from_slice(event.data.as_bytes()),
            Shown::InData(field, _) => {
                let value = field.value(&event.data).unwrap_or("null");
                out.extend_from_slice(value.as_bytes());
            }
        }
    }

    /// A cell of a table: a string as it is, everything else as JSON, and nothing where there is no such field.
    fn text(&self, event: &Listed, bucket: &str) -> String {
        let mut out = Vec::new();
        match self {
            Shown::Bucket => return bucket.to_owned(),
            Shown::Timestamp => event.place.start.write(&mut out),
            Shown::InData(field, _) => {
                return match field.string(&event.data) {
                    Some(text) => text.into_owned(),
                    None => field.value(&event.data).unwrap_or_default().to_owned(),
                };
            }
            Shown::Id | Shown::Duration | Shown::Data => self.write_json(&mut out, event, bucket),
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}
