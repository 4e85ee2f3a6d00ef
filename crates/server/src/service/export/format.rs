//! The formats of exports, and which one a client accepts.

use std::fmt;
use std::str::FromStr;

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// The export format of ActivityWatch.
    Json,
    /// One event a line.
    Ndjson,
    /// A table.
    Csv,
    /// A database of aw-server-rust.
    Sqlite,
    /// A calendar.
    Ical,
    /// Columns.
    Parquet,
}

impl Format {
    /// All of them. The first one is what a client gets that accepts anything.
    pub const ALL: [Format; 6] = [
        Format::Json,
        Format::Ndjson,
        Format::Csv,
        Format::Sqlite,
        Format::Ical,
        Format::Parquet,
    ];

    /// Its name in addresses and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
            Format::Sqlite => "sqlite",
            Format::Ical => "ical",
            Format::Parquet => "parquet",
        }
    }

    /// Its media type.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Ndjson => "application/x-ndjson",
            Format::Csv => "text/csv; charset=utf-8",
            Format::Sqlite => "application/vnd.sqlite3",
            Format::Ical => "text/calendar; charset=utf-8",
            Format::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// How names of such files end.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Format::Json => "json",
            Format::Ndjson => "ndjson",
            Format::Csv => "csv",
            Format::Sqlite => "db",
            Format::Ical => "ics",
            Format::Parquet => "parquet",
        }
    }

    /// Whether it is no text.
    #[must_use]
    pub fn is_binary(self) -> bool {
        matches!(self, Format::Sqlite | Format::Parquet)
    }

    /// Whether keys of the data become columns.
    #[must_use]
    pub fn has_columns(self) -> bool {
        matches!(self, Format::Csv | Format::Parquet)
    }

    /// The format that a client prefers, by its header `Accept` (RFC 9110, 12.5.1). `None` if it accepts none of them.
    #[must_use]
    pub fn accepted(accept: &str) -> Option<Format> {
        let mut best: Option<(f32, Format)> = None;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let wanted = parts.next().unwrap_or_default().to_ascii_lowercase();
            let weight = parts
                .find_map(|part| part.strip_prefix("q=")?.parse().ok())
                .unwrap_or(1.0);
            let fitting = Format::ALL.into_iter().find(|format| format.fits(&wanted));
            if let Some(format) = fitting
                && weight > 0.0
                && best.is_none_or(|(most, _)| weight > most)
            {
                best = Some((weight, format));
            }
        }
        best.map(|(_, format)| format)
    }

    fn fits(self, wanted: &str) -> bool {
        let own = self.media_type();
        let own = own.split_once(';').map_or(own, |(essence, _)| essence);
        let wide = |kind: &str| own.split_once('/').is_some_and(|(own, _)| own == kind);
        match wanted.split_once('/') {
            Some(("*", "*")) => true,
            Some((kind, "*")) => wide(kind),
            _ => {
                own == wanted
                    || self == Format::Ndjson && wanted == "application/ndjson"
                    || self == Format::Sqlite && wanted == "application/x-sqlite3"
            }
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Format, String> {
        let found = Format::ALL.into_iter().find(|format| format.name() == name);
        found.ok_or_else(|| {
            let names = Format::ALL.map(Format::name).join(", ");
            format!("there is no format of this name; there are {names}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_they_prefer() {
        for (accept, expected) in [
            ("*/*", Some(Format::Json)),
            ("text/csv", Some(Format::Csv)),
            ("TEXT/CSV;charset=utf-8", Some(Format::Csv)),
            ("text/calendar;q=0.5, text/csv;q=0.9", Some(Format::Csv)),
            ("text/html, application/x-ndjson;q=0.1", Some(Format::Ndjson)),
            ("text/*", Some(Format::Csv)),
            ("application/*", Some(Format::Json)),
            ("application/vnd.apache.parquet", Some(Format::Parquet)),
            ("application/x-sqlite3", Some(Format::Sqlite)),
            ("text/html,application/xhtml+xml,*/*;q=0.8", Some(Format::Json)),
            ("text/html", None),
            ("text/csv;q=0", None),
            ("", None),
        ] {
            assert_eq!(Format::accepted(accept), expected, "{accept}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for format in Format::ALL {
            assert_eq!(format.name().parse(), Ok(format));
        }
        assert!("xml".parse::<Format>().is_err());
    }
}
