//! Which keys of events' data become columns.
//!
//! Tables have their columns before their rows, and the keys are only known once all data have been seen. So there is
//! a survey first. It needs every *distinct* object once, which is far less than every event.

use std::collections::HashMap;

use timberline_model::data::Members;

/// Columns for keys that nobody has chosen; other members go into one column as an object.
const MAX_COLUMNS: usize = 200;
/// The column with what is in no other.
pub(crate) const REST_COLUMN: &str = "data";
/// What is put before a key that is the name of another column.
pub(crate) const KEY_PREFIX: &str = "data.";
/// Columns that are not keys of the data.
const FIXED: [&str; 6] = [
    "bucket",
    "id",
    "timestamp",
    "duration",
    "duration_ns",
    REST_COLUMN,
];

/// What kind of values a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ValueType {
    Boolean,
    Integer,
    Float,
    Text,
    /// Objects, lists, or several of the others: kept as JSON.
    Json,
}

/// A key that has a column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// Its name in the header.
    pub(crate) name: String,
    /// `None`: nothing but null so far.
    pub(crate) type_: Option<ValueType>,
}

/// What happens to members that have no column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rest {
    /// They are kept, in a column of their own.
    Keep,
    /// They were not asked for.
    Drop,
}

/// Which keys of events' data become columns, in which order.
///
/// ```
/// use timberline_exchange::export::Columns;
///
/// let mut columns = Columns::default();
/// columns.observe(r#"{"app":"Firefox","title":"News"}"#);
/// columns.observe(r#"{"status":"afk"}"#);
/// assert_eq!(columns.names().collect::<Vec<_>>(), ["app", "title", "status"]);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Columns {
    columns: Vec<Column>,
    /// By key, as JSON.
    by_key: HashMap<String, usize>,
    is_chosen: bool,
    has_more: bool,
}

impl Columns {
    /// Columns for these keys and no others. Members of other keys are not written.
    #[must_use]
    pub fn chosen<S: AsRef<str>>(keys: &[S]) -> Columns {
        let mut columns = Columns::default();
        for key in keys.iter().map(S::as_ref).filter(|key| !key.is_empty()) {
            let quoted = quoted(key);
            if !columns.by_key.contains_key(&quoted) {
                columns.insert(&quoted, key.to_owned());
            }
        }
        columns.is_chosen = true;
        columns
    }

    /// Takes account of the data of an event, in canonical spelling.
    pub fn observe(&mut self, data: &str) {
        for (key, value) in Members::of(data) {
            if let Some(column) = self.add(key)
                && let Some(column) = self.columns.get_mut(column)
            {
                column.type_ = merged(column.type_, type_of(value));
            }
        }
    }

    /// The names of the columns, in order. A key that is the name of another column has `data.` in front.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The column of a key, which may be new; `None`: there are none for it.
    fn add(&mut self, key: &str) -> Option<usize> {
        if let Some(column) = self.by_key.get(key) {
            return Some(*column);
        }
        if self.is_chosen {
            return None;
        }
        let plain: String = serde_json::from_str(key).ok()?;
        if self.columns.len() == MAX_COLUMNS || plain.is_empty() {
            self.has_more = true;
            return None;
        }
        Some(self.insert(key, plain))
    }

    /// A new column for a key.
    fn insert(&mut self, key: &str, plain: String) -> usize {
        let name = match FIXED.contains(&plain.as_str()) || plain.starts_with(KEY_PREFIX) {
            true => format!("{KEY_PREFIX}{plain}"),
            false => plain,
        };
        self.by_key.insert(key.to_owned(), self.columns.len());
        self.columns.push(Column { name, type_: None });
        self.columns.len() - 1
    }

    pub(crate) fn all(&self) -> &[Column] {
        &self.columns
    }

    /// What happens to members without a column.
    pub(crate) fn rest(&self) -> Rest {
        if self.is_chosen { Rest::Drop } else { Rest::Keep }
    }

    /// Whether there may be members that have no column.
    pub(crate) fn has_rest(&self) -> bool {
        self.rest() == Rest::Keep && (self.has_more || self.columns.is_empty())
    }

    /// Takes data apart: for each column its value as JSON, and the rest as an object, empty if there is none. `fits`
    /// says whether a column takes a value.
    pub(crate) fn split<'a>(
        &self,
        data: &'a str,
        cells: &mut Vec<Option<&'a str>>,
        rest: &mut String,
        fits: impl Fn(usize, &str) -> bool,
    ) {
        cells.clear();
        cells.resize(self.columns.len(), None);
        rest.clear();
        for (key, value) in Members::of(data) {
            match self.by_key.get(key) {
                Some(_) if value == "null" => continue,
                Some(column) if fits(*column, value) => {
                    if let Some(cell) = cells.get_mut(*column) {
                        *cell = Some(value);
                    }
                    continue;
                }
                None if self.rest() == Rest::Drop => continue,
                _ => {}
            }
            rest.push(if rest.is_empty() { '{' } else { ',' });
            rest.push_str(key);
            rest.push(':');
            rest.push_str(value);
        }
        if !rest.is_empty() {
            rest.push('}');
        }
    }
}

/// A JSON string.
fn quoted(text: &str) -> String {
    let mut out = Vec::new();
    timberline_model::json::write_string(&mut out, text);
    String::from_utf8(out).unwrap_or_default()
}

/// The type of a JSON value; `None` for null.
pub(crate) fn type_of(value: &str) -> Option<ValueType> {
    Some(match value.as_bytes().first()? {
        b'n' => return None,
        b't' | b'f' => ValueType::Boolean,
        b'"' => ValueType::Text,
        b'{' | b'[' => ValueType::Json,
        _ if value.parse::<i64>().is_ok() => ValueType::Integer,
        _ => ValueType::Float,
    })
}

fn merged(old: Option<ValueType>, new: Option<ValueType>) -> Option<ValueType> {
    match (old, new) {
        (old, None) => old,
        (None, new) => new,
        (Some(old), Some(new)) if old == new => Some(old),
        (Some(ValueType::Integer | ValueType::Float), Some(ValueType::Integer | ValueType::Float)) => {
            Some(ValueType::Float)
        }
        _ => Some(ValueType::Json),
    }
}

/// What a JSON value looks like in a cell: a string as its text, everything else as JSON.
pub(crate) fn plain(value: &str) -> std::borrow::Cow<'_, str> {
    use std::borrow::Cow;
    match value.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')) {
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        Some(_) => serde_json::from_str(value).map_or(Cow::Borrowed(value), Cow::Owned),
        None => Cow::Borrowed(value),
    }
}

/// Whether a spreadsheet would take a text as a formula, or would take away an apostrophe that we put before one.
pub(crate) fn needs_guard(text: &str) -> bool {
    text.trim_start_matches('\'')
        .starts_with(['=', '+', '-', '@', '\t', '\r'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_as_many_columns_as_were_chosen() {
        let keys: Vec<String> = (0..MAX_COLUMNS + 50).map(|n| format!("k{n}")).collect();
        assert_eq!(Columns::chosen(&keys).names().count(), keys.len());
    }
}
