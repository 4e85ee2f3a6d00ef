//! The privacy filters, applied once more to an answer.
//!
//! The filters act when an event is stored. A rule that was added later has not seen older events, so an assistant could
//! still read them. Here every object of an answer is judged as the data of an event, by all rules that are enabled, whatever
//! buckets they are for: an answer does not always say where its parts come from.

use serde_json::{Map, Value, json};

use crate::service::privacy::{Filters, Verdict};

/// An answer as the filters leave it.
#[derive(Debug)]
pub(super) struct Screened {
    pub(super) value: Value,
    /// Parts that a filter dropped.
    pub(super) withheld: usize,
}

pub(super) fn screen(value: Value, filters: &Filters) -> Screened {
    if filters.is_empty() {
        return Screened { value, withheld: 0 };
    }
    let mut screen = Screen { filters, withheld: 0 };
    let value = screen.value(value, None).unwrap_or(Value::Null);
    Screened {
        value,
        withheld: screen.withheld,
    }
}

struct Screen<'a> {
    filters: &'a Filters,
    withheld: usize,
}

impl Screen<'_> {
    /// The value as it may be shown; `None` if it may not. `field` is the field of events that the member `value` of an object
    /// is a value of, in sums by a field.
    fn value(&mut self, value: Value, field: Option<&str>) -> Option<Value> {
        match value {
            Value::Object(members) => self.object(members, field),
            Value::Array(items) => {
                let shown = items.into_iter().filter_map(|item| self.value(item, field));
                Some(Value::Array(shown.collect()))
            }
            scalar => Some(scalar),
        }
    }

    fn object(&mut self, members: Map<String, Value>, outer: Option<&str>) -> Option<Value> {
        let mut members = self.judged(members)?;
        let own = ["by", "field"].iter().find_map(|key| members.get(*key)?.as_str());
        let field = own.or(outer).map(str::to_owned);
        if let (Some(field), Some(Value::String(text))) = (&field, members.get("value")) {
            let shown = self.text(field, text)?;
            members.insert("value".to_owned(), Value::String(shown));
        }
        let mut shown = Map::new();
        for (key, value) in members {
            match self.value(value, field.as_deref()) {
                Some(value) => {
                    shown.insert(key, value);
                }
                // Without its data, an event is nothing. It was counted already.
                None if key == "data" => return None,
                None => {}
            }
        }
        Some(Value::Object(shown))
    }

    /// The object as its rules leave it, if it is the data of an event.
    fn judged(&mut self, members: Map<String, Value>) -> Option<Map<String, Value>> {
        // Members are in the order of their keys, as in canonical data.
        let value = Value::Object(members);
        let verdict = self.filters.judge_in_any_bucket(&value.to_string());
        let Value::Object(members) = value else {
            return None;
        };
        match verdict {
            Verdict::Keep => Some(members),
            Verdict::Change(text) => match serde_json::from_str(&text) {
                Ok(Value::Object(changed)) => Some(changed),
                _ => self.withhold(),
            },
            Verdict::Drop => self.withhold(),
        }
    }

    /// A text that is the value of this field.
    fn text(&mut self, field: &str, text: &str) -> Option<String> {
        let mut shown = text.to_owned();
        for name in names_of(field) {
            match self
                .filters
                .judge_in_any_bucket(&json!({ name: shown }).to_string())
            {
                Verdict::Keep => {}
                Verdict::Drop => return self.withhold(),
                Verdict::Change(changed) => {
                    let changed: Value = serde_json::from_str(&changed).unwrap_or_default();
                    match changed.get(name) {
                        Some(Value::String(changed)) => shown.clone_from(changed),
                        _ => return self.withhold(),
                    }
                }
            }
        }
        Some(shown)
    }

    fn withhold<T>(&mut self) -> Option<T> {
        self.withheld += 1;
        None
    }
}

/// The fields of events that sums by this field come from.
fn names_of(field: &str) -> Vec<&str> {
    match field {
        "domain" | "$domain" => vec!["url", "$domain", "domain"],
        _ => vec![field],
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::service::privacy::Privacy;

    fn screened(rules: Value, value: Value) -> Screened {
        let filters = Privacy::draft_in(Path::new("/nowhere"), &rules.to_string());
        screen(value, &filters)
    }

    fn drop_titles() -> Value {
        json!([{"enabled": true, "field": "title", "pattern": "(?i)bank", "action": "drop", "bucket_prefix": "aw-watcher-window"}])
    }

    #[test]
    fn events_that_would_be_dropped_are_withheld_wherever_they_are() {
        let answer = json!({"results": [[
            {"id": 1, "data": {"app": "a", "title": "My Bank"}},
            {"id": 2, "data": {"app": "a", "title": "mail"}},
        ], {"title": "BANK"}], "n": 1});
        let screened = screened(drop_titles(), answer);
        let expected = json!({"results": [[{"id": 2, "data": {"app": "a", "title": "mail"}}]], "n": 1});
        assert_eq!((screened.value, screened.withheld), (expected, 2));
    }

    #[test]
    fn values_of_sums_are_judged_as_the_field_that_they_are_of() {
        let groups = json!([{"value": "Bank", "duration": 1}, {"value": "mail", "duration": 2}]);
        let by_title = screened(drop_titles(), json!({"by": "title", "groups": groups}));
        assert_eq!(
            by_title.value["groups"],
            json!([{"value": "mail", "duration": 2}])
        );
        let by_app = screened(drop_titles(), json!({"by": "app", "groups": groups}));
        assert_eq!((by_app.value["groups"].clone(), by_app.withheld), (groups, 0));
        let urls = json!([{"enabled": true, "field": "url", "pattern": "bank", "action": "drop"}]);
        let by_domain = screened(
            urls,
            json!({"by": "domain", "groups": [{"value": "bank.example"}]}),
        );
        assert_eq!(
            (by_domain.value["groups"].clone(), by_domain.withheld),
            (json!([]), 1)
        );
    }

    #[test]
    fn what_would_be_redacted_is_redacted() {
        let rules = json!([{"enabled": true, "field": "title", "pattern": "secret", "action": "redact", "replacement": "***"}]);
        let screened = screened(
            rules,
            json!({"by": "title", "groups": [{"value": "a secret"}], "events": [{"data": {"title": "secret"}}]}),
        );
        let expected =
            json!({"by": "title", "groups": [{"value": "***"}], "events": [{"data": {"title": "***"}}]});
        assert_eq!((screened.value, screened.withheld), (expected, 0));
    }
}
