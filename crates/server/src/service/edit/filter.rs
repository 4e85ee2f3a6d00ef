//! Which events are meant: all conditions hold.

use serde_json::Value;
use timberline_model::EventId;

use super::EditError;
use crate::service::privacy::Field;
use crate::service::purge::DataCondition;

/// Conditions on an event, apart from its time.
#[derive(Debug, Default)]
pub(crate) struct EventFilter {
    /// Sorted.
    ids: Option<Vec<EventId>>,
    /// In lower case.
    text: Option<String>,
    pattern: Option<DataCondition>,
    value: Option<(Field, String)>,
}

impl EventFilter {
    /// Only events with this text in one of their strings, in upper or lower case.
    pub(crate) fn with_text(self, text: Option<&str>) -> Self {
        Self {
            text: text.map(str::to_lowercase),
            ..self
        }
    }

    /// Only these events.
    pub(crate) fn with_ids(self, mut ids: Option<Vec<EventId>>) -> Self {
        ids.iter_mut().for_each(|ids| ids.sort_unstable());
        Self { ids, ..self }
    }

    /// Only events in which a regular expression is found: in all of their data, or in one field.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn with_pattern(self, pattern: &str, field: Option<&str>) -> Result<Self, EditError> {
        let pattern =
            DataCondition::new(pattern, field).map_err(|error| EditError::Unfit(error.to_string()))?;
        Ok(Self {
            pattern: Some(pattern),
            ..self
        })
    }

    /// Only events of which a field has this value.
    pub(crate) fn with_value(self, field: &str, value: &Value) -> Self {
        Self {
            value: Some((Field::parse(field), value.to_string())),
            ..self
        }
    }

    /// Whether an event is meant, by its id and its canonical data.
    pub(crate) fn matches(&self, id: EventId, data: &str) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.binary_search(&id).is_ok())
            && (self.value.as_ref()).is_none_or(|(field, value)| field.value(data) == Some(value.as_str()))
            && self.pattern.as_ref().is_none_or(|pattern| pattern.matches(data))
            && self.text.as_ref().is_none_or(|text| has_text(data, text))
    }
}

fn has_text(data: &str, text: &str) -> bool {
    serde_json::from_str(data).is_ok_and(|value: Value| is_in(&value, text))
}

fn is_in(value: &Value, text: &str) -> bool {
    match value {
        Value::String(string) => string.to_lowercase().contains(text),
        Value::Array(list) => list.iter().any(|value| is_in(value, text)),
        Value::Object(members) => members.values().any(|value| is_in(value, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_conditions_hold() {
        let data = r#"{"app":"Firefox","n":1,"url":{"host":"Example.org"}}"#;
        let matches = |filter: EventFilter| filter.matches(EventId(7), data);
        let none = EventFilter::default;
        assert!(matches(none()));
        for (text, found) in [("firefox", true), ("EXAMPLE", true), ("app", false), ("1", false)] {
            assert_eq!(matches(none().with_text(Some(text))), found, "{text}");
        }
        assert!(matches(none().with_pattern("^Fire", Some("app")).unwrap()));
        assert!(!matches(none().with_pattern("^fire", Some("app")).unwrap()));
        assert!(none().with_pattern("(", None).is_err());
        assert!(matches(none().with_value("url.host", &json!("Example.org"))));
        assert!(matches(none().with_value("n", &json!(1))));
        assert!(!matches(none().with_value("n", &json!("1"))));
        assert!(!matches(none().with_value("m", &json!(null))));
        assert!(!matches(
            none().with_ids(Some(vec![EventId(8)])).with_text(Some("firefox"))
        ));
    }
}
