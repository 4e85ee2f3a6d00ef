//! JSON merge patches (RFC 7386): members of the patch take the place of those of the data, null removes one, and objects
//! are merged member by member.

use serde_json::Value;
use timberline_model::Data;

/// The data with a patch applied.
///
/// # Errors
/// When the outcome is no object.
pub(crate) fn patched(data: &Data, patch: &Value) -> Result<Data, String> {
    let mut value: Value = serde_json::from_str(data.as_str()).map_err(|error| error.to_string())?;
    apply(&mut value, patch);
    Data::parse(&value.to_string()).map_err(|error| format!("data: {error}"))
}

fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(serde_json::Map::new());
    }
    let Value::Object(members) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            members.remove(name);
        } else {
            apply(members.entry(name.as_str()).or_insert(Value::Null), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The examples of the RFC's appendix whose data and outcome are objects.
    #[test]
    fn the_examples_of_the_rfc() {
        for (data, patch, outcome) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (
                json!({"a": {"b": "c"}}),
                json!({"a": {"b": "d", "c": null}}),
                json!({"a": {"b": "d"}}),
            ),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (
                json!({}),
                json!({"a": {"bb": {"ccc": null}}}),
                json!({"a": {"bb": {}}}),
            ),
        ] {
            let data = Data::parse(&data.to_string()).unwrap();
            let expected = Data::parse(&outcome.to_string()).unwrap();
            assert_eq!(patched(&data, &patch), Ok(expected), "{data} {patch}");
        }
        assert!(patched(&Data::default(), &json!([1])).is_err());
        assert!(patched(&Data::default(), &json!(null)).is_err());
    }
}
