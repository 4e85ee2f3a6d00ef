//! Bounds of an answer: an assistant pays for each byte, and has room for few of them.

use std::io::Write;

use serde_json::{Map, Value};

/// Bytes of an answer as JSON.
pub(super) const MAX_BYTES: usize = 48 << 10;
/// Elements of one list.
pub(super) const MAX_ROWS: usize = 1_000;
/// Bytes of one text.
const MAX_TEXT: usize = 1_000;

/// An answer that fits, and what it lacks.
#[derive(Debug)]
pub(super) struct Bounded {
    pub(super) value: Value,
    /// Elements of lists and members of objects that were left out.
    pub(super) omitted: usize,
    /// Texts that were shortened.
    pub(super) shortened: usize,
}

/// Keeps the beginning of each list, so that the whole fits in `bytes` and no list has more than `rows` elements.
pub(super) fn bound(mut value: Value, bytes: usize, rows: usize) -> Bounded {
    let shortened = shorten(&mut value);
    let mut fitting = Fitting {
        left: bytes,
        rows,
        omitted: 0,
    };
    let value = fitting.fit(value);
    Bounded {
        value,
        omitted: fitting.omitted,
        shortened,
    }
}

/// Shortens the texts that are too long, and counts them.
fn shorten(value: &mut Value) -> usize {
    match value {
        Value::String(text) if text.len() > MAX_TEXT => {
            text.truncate(text.floor_char_boundary(MAX_TEXT));
            text.push('…');
            1
        }
        Value::Array(items) => items.iter_mut().map(shorten).sum(),
        Value::Object(members) => members.values_mut().map(shorten).sum(),
        _ => 0,
    }
}

struct Fitting {
    left: usize,
    rows: usize,
    omitted: usize,
}

impl Fitting {
    fn fit(&mut self, value: Value) -> Value {
        match value {
            Value::Array(items) => self.list(items),
            Value::Object(members) => self.object(members),
            scalar => {
                self.spend(size(&scalar));
                scalar
            }
        }
    }

    fn list(&mut self, items: Vec<Value>) -> Value {
        self.spend(2);
        let total = items.len();
        let mut kept = Vec::new();
        for item in items {
            // Rows are whole. Only a first one that is too large by itself is looked into: a list of lists, for example.
            let comma = usize::from(!kept.is_empty());
            let fits = comma + size(&item) <= self.left;
            let is_looked_into = kept.is_empty() && is_container(&item) && self.left >= 2;
            if kept.len() == self.rows || !(fits || is_looked_into) {
                break;
            }
            self.spend(comma);
            kept.push(self.fit(item));
        }
        self.omitted += total - kept.len();
        Value::Array(kept)
    }

    /// Single values first: they say what the lists are about.
    fn object(&mut self, members: Map<String, Value>) -> Value {
        self.spend(2);
        let (lists, scalars): (Vec<_>, Vec<_>) =
            members.into_iter().partition(|(_, value)| is_container(value));
        let mut kept = Map::new();
        for (key, value) in scalars.into_iter().chain(lists) {
            // Quotes are part of the key's size. A list takes at least its brackets.
            let label = size(&key) + 1 + usize::from(!kept.is_empty());
            let least = label + if is_container(&value) { 2 } else { size(&value) };
            if least > self.left || kept.len() == self.rows {
                self.omitted += 1;
                continue;
            }
            self.spend(label);
            let value = self.fit(value);
            kept.insert(key, value);
        }
        Value::Object(kept)
    }

    fn spend(&mut self, bytes: usize) {
        self.left = self.left.saturating_sub(bytes);
    }
}

fn is_container(value: &Value) -> bool {
    value.is_array() || value.is_object()
}

/// How long it is as JSON.
fn size(value: &impl serde::Serialize) -> usize {
    let mut counter = Counter(0);
    // Counting cannot fail, and these values can be written.
    let _ = serde_json::to_writer(&mut counter, value);
    counter.0
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    /// Any JSON, not deep.
    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "[a-zé\"\\\\]{0,20}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 200, 20, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..20).prop_map(Value::from),
                prop::collection::btree_map("[a-z]{0,5}", inner, 0..20)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    /// Whether `part` is `whole` with ends of lists and members of objects left out.
    fn is_part(part: &Value, whole: &Value) -> bool {
        match (part, whole) {
            (Value::Array(part), Value::Array(whole)) => {
                part.len() <= whole.len() && part.iter().zip(whole).all(|(part, whole)| is_part(part, whole))
            }
            (Value::Object(part), Value::Object(whole)) => part
                .iter()
                .all(|(key, part)| whole.get(key).is_some_and(|whole| is_part(part, whole))),
            (part, whole) => part == whole,
        }
    }

    proptest! {
        #[test]
        fn what_is_kept_fits_and_is_a_part_of_the_whole(value in any_json(), bytes in 24_usize..2_000, rows in 1_usize..20) {
            let bounded = bound(value.clone(), bytes, rows);
            prop_assert!(size(&bounded.value) <= bytes.max(size(&value).min(64)), "{}", bounded.value);
            prop_assert!(is_part(&bounded.value, &value));
            prop_assert_eq!(bounded.omitted == 0, bounded.value == value);
        }

        #[test]
        fn what_fits_stays_as_it_is(value in any_json()) {
            let bounded = bound(value.clone(), usize::MAX, usize::MAX);
            prop_assert_eq!((bounded.value, bounded.omitted, bounded.shortened), (value, 0, 0));
        }
    }

    #[test]
    fn rows_are_whole_and_the_values_beside_them_stay() {
        let rows: Vec<Value> = (0..100)
            .map(|n| json!({"title": "x".repeat(50), "n": n}))
            .collect();
        let bounded = bound(
            json!({"groups": rows, "start": "2026", "z": [1]}),
            1_000,
            MAX_ROWS,
        );
        let kept = bounded.value["groups"].as_array().unwrap();
        assert!((5..20).contains(&kept.len()), "{}", kept.len());
        assert!(
            kept.iter()
                .all(|row| row["title"].as_str().unwrap().len() == 50 && row["n"].is_u64())
        );
        assert_eq!(bounded.value["start"], "2026");
        assert!(bounded.omitted >= 100 - kept.len());
    }

    #[test]
    fn a_list_in_a_list_is_cut_within() {
        let events: Vec<u64> = (0..10_000).collect();
        let bounded = bound(json!([events, [1]]), 100, MAX_ROWS);
        assert!(bounded.value[0].as_array().unwrap().len() > 10);
        assert_eq!(bounded.value.as_array().unwrap().len(), 1);
    }

    #[test]
    fn long_texts_are_shortened_between_characters() {
        let bounded = bound(json!(["é".repeat(2_000)]), MAX_BYTES, MAX_ROWS);
        let text = bounded.value[0].as_str().unwrap();
        assert!(text.len() <= MAX_TEXT + '…'.len_utf8() && text.ends_with('…'));
        assert_eq!((bounded.shortened, bounded.omitted), (1, 0));
    }
}
