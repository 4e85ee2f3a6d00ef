//! What the columns of a table mean.

use std::str::FromStr;

use crate::export::columns;
use crate::{Error, Result};

/// How the text of a cell becomes a value of an event's data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColumnType {
    /// A string.
    #[default]
    Text,
    /// A number. Any other cell stays a string.
    Number,
    /// `true` or `false`. A cell that is neither stays a string.
    Boolean,
    /// Any JSON. Any other cell stays a string.
    Json,
}

/// What the columns of a table mean, as the flag `--map` says it.
///
/// ```
/// use timberline_exchange::import::{ColumnType, CsvMapping};
///
/// let mapping: CsvMapping = "timestamp=Start,end=Stop,app=Program,tabs=Tab count:number".parse()?;
/// assert_eq!(mapping.end.as_deref(), Some("Stop"));
/// assert_eq!(mapping.fields[1], ("tabs".to_owned(), "Tab count".to_owned(), ColumnType::Number));
/// # Ok::<(), timberline_exchange::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CsvMapping {
    /// The column with the start: a time as in ISO 8601, or a number of seconds, milli-, micro- or nanoseconds since
    /// 1970.
    pub timestamp: String,
    /// The column with the duration, in seconds or as `hours:minutes:seconds`.
    pub duration: Option<String>,
    /// The column with the end, in place of a duration.
    pub end: Option<String>,
    /// The column with the name of the bucket.
    pub bucket: Option<String>,
    /// For each key of the data: the key, the column, and its type. Empty cells give no value.
    pub fields: Vec<(String, String, ColumnType)>,
}

impl FromStr for CsvMapping {
    type Err = Error;

    /// Reads `TARGET=COLUMN[:TYPE],...`. Targets are `timestamp`, `duration`, `end`, `bucket`, and keys of the data.
    fn from_str(text: &str) -> Result<CsvMapping> {
        let mut mapping = CsvMapping::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (target, column) = part.split_once('=').ok_or_else(|| {
                Error::Mapping(format!(
                    "'{part}' is no mapping: write it like timestamp=Start,end=Stop,app=Program"
                ))
            })?;
            let (target, column) = (target.trim(), column.trim());
            match target {
                "timestamp" => mapping.timestamp = column.to_owned(),
                "duration" => mapping.duration = Some(column.to_owned()),
                "end" => mapping.end = Some(column.to_owned()),
                "bucket" => mapping.bucket = Some(column.to_owned()),
                "" => return Err(Error::Mapping(format!("'{part}' has no name before the '='"))),
                key => {
                    let (column, type_) = typed(column);
                    mapping.fields.push((key.to_owned(), column.to_owned(), type_));
                }
            }
        }
        if mapping.timestamp.is_empty() {
            return Err(Error::Mapping(
                "the mapping does not say which column has the start: add timestamp=COLUMN".to_owned(),
            ));
        }
        Ok(mapping)
    }
}

fn typed(column: &str) -> (&str, ColumnType) {
    for (suffix, type_) in [
        (":text", ColumnType::Text),
        (":number", ColumnType::Number),
        (":boolean", ColumnType::Boolean),
        (":json", ColumnType::Json),
    ] {
        if let Some(name) = column.strip_suffix(suffix) {
            return (name, type_);
        }
    }
    (column, ColumnType::Text)
}

/// Where the end of an event comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Span {
    /// There is no column: events last no time.
    None,
    Duration(usize),
    End(usize),
}

/// A mapping that fits a table: columns are numbers.
pub(super) struct Columns {
    pub(super) timestamp: usize,
    pub(super) span: Span,
    pub(super) bucket: Option<usize>,
    /// The event's id, which only our own files have.
    pub(super) id: Option<usize>,
    /// A column with an object whose members belong to the data as well.
    pub(super) rest: Option<usize>,
    pub(super) fields: Vec<Field>,
    /// Whether a comma can stand for a decimal point.
    pub(super) decimal_comma: bool,
    /// Whether text has an apostrophe in front where a spreadsheet would otherwise see a formula.
    pub(super) guarded: bool,
}

/// A key of the data.
pub(super) struct Field {
    pub(super) key: String,
    pub(super) column: usize,
    pub(super) type_: ColumnType,
    /// Whether an empty cell is an empty string.
    pub(super) keep_empty: bool,
}

/// Columns that are no text, in the watchers that the standard bundle has.
const KNOWN_TYPES: [(&str, ColumnType); 4] = [
    ("audible", ColumnType::Boolean),
    ("incognito", ColumnType::Boolean),
    ("running", ColumnType::Boolean),
    ("tabCount", ColumnType::Number),
];

impl Columns {
    pub(super) fn new(header: &[String], mapping: Option<&CsvMapping>, delimiter: u8) -> Result<Columns> {
        let columns = match mapping {
            Some(mapping) => Columns::mapped(header, mapping)?,
            None => Columns::known(header)?,
        };
        Ok(Columns {
            decimal_comma: delimiter != b',',
            ..columns
        })
    }

    fn mapped(header: &[String], mapping: &CsvMapping) -> Result<Columns> {
        let find = |name: &String| find(header, name);
        let span = match (&mapping.duration, &mapping.end) {
            (Some(_), Some(_)) => {
                return Err(Error::Mapping("map either duration or end, not both".to_owned()));
            }
            (Some(name), None) => Span::Duration(find(name)?),
            (None, Some(name)) => Span::End(find(name)?),
            (None, None) => Span::None,
        };
        let mut fields = Vec::new();
        for (key, name, type_) in &mapping.fields {
            fields.push(Field {
                key: key.clone(),
                column: find(name)?,
                type_: *type_,
                keep_empty: false,
            });
        }
        Ok(Columns {
            timestamp: find(&mapping.timestamp)?,
            span,
            bucket: mapping.bucket.as_ref().map(find).transpose()?,
            id: None,
            rest: None,
            fields,
            decimal_comma: false,
            guarded: false,
        })
    }

    /// The columns `timestamp`, `duration` and one for each key, as the standard web UI writes them; our own have
    /// `bucket` and `id` in front and may have `data` behind.
    fn known(header: &[String]) -> Result<Columns> {
        let at = |name: &str| header.iter().position(|column| column == name);
        let (Some(timestamp), Some(duration)) = (at("timestamp"), at("duration")) else {
            return Err(Error::Mapping(format!(
                "this CSV file has no columns 'timestamp' and 'duration', so say what its columns mean, like \
                 --map 'timestamp=Start,end=Stop,app=Program'. It has: {}",
                listed(header)
            )));
        };
        // Keys come after these; a key of the same name then has another one in front.
        let own = |name: &str| at(name).filter(|column| *column < timestamp);
        let (bucket, id) = (own("bucket"), own("id"));
        let rest = at(columns::REST_COLUMN).filter(|_| bucket.is_some());
        let special = [Some(timestamp), Some(duration), bucket, id, rest];
        let fields = header
            .iter()
            .enumerate()
            .filter(|(column, _)| !special.contains(&Some(*column)));
        let fields = fields.map(|(column, name)| {
            let ours = bucket.and_then(|_| name.strip_prefix(columns::KEY_PREFIX));
            let name = ours.unwrap_or(name);
            let known = KNOWN_TYPES.iter().find(|(key, _)| *key == name);
            Field {
                key: name.to_owned(),
                column,
                type_: known.map_or(ColumnType::Text, |(_, type_)| *type_),
                keep_empty: bucket.is_none(),
            }
        });
        Ok(Columns {
            timestamp,
            span: Span::Duration(duration),
            bucket,
            id,
            rest,
            fields: fields.collect(),
            decimal_comma: false,
            guarded: id.is_some(),
        })
    }

    /// The type of a bucket, as far as its name and columns say it.
    pub(super) fn bucket_type(&self, id: &str) -> &'static str {
        for (part, type_) in [
            ("aw-watcher-afk", "afkstatus"),
            ("aw-watcher-window", "currentwindow"),
            ("aw-watcher-web", "web.tab.current"),
            ("aw-stopwatch", "general.stopwatch"),
        ] {
            if id.starts_with(part) {
                return type_;
            }
        }
        timberline_model::json::UNKNOWN
    }
}

fn find(header: &[String], name: &String) -> Result<usize> {
    header.iter().position(|column| column == name).ok_or_else(|| {
        Error::Mapping(format!(
            "there is no column '{name}'. The columns are: {}",
            listed(header)
        ))
    })
}

fn listed(header: &[String]) -> String {
    const SHOWN: usize = 20;
    let mut shown: Vec<String> = header
        .iter()
        .take(SHOWN)
        .map(|name| format!("'{name}'"))
        .collect();
    if header.len() > SHOWN {
        shown.push("...".to_owned());
    }
    shown.join(", ")
}
