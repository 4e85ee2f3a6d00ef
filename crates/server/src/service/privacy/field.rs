//! A field inside canonical data. It is found and replaced in the text, without parsing the data. All other bytes stay as
//! they are, so canonical data stays canonical.

use std::borrow::Cow;

use timberline_model::data::Members;

/// Names joined by dots, from the outermost object in: `title`, `url.host`. A name that has a dot itself cannot be
/// said, as in aw-server-rust.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    /// Each name as canonical JSON, with quotes: so it compares with the text as it stands.
    names: Vec<String>,
}

impl Field {
    pub(crate) fn parse(path: &str) -> Field {
        let names = path.split('.').map(json_string).collect();
        Field { names }
    }

    /// The field's value, when it is there and is a string.
    pub(crate) fn string<'a>(&self, data: &'a str) -> Option<Cow<'a, str>> {
        let text = self.find(data)?;
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(text).ok().map(Cow::Owned)
    }

    /// `data` with another string in this field, which is there.
    pub(crate) fn replaced(&self, data: &str, value: &str) -> String {
        let mut out = String::with_capacity(data.len() + value.len());
        write_replaced(&self.names, data, &json_string(value), &mut out);
        out
    }

    /// The field's value as JSON, when it is there.
    pub(crate) fn value<'a>(&self, data: &'a str) -> Option<&'a str> {
        self.find(data)
    }

    fn find<'a>(&self, data: &'a str) -> Option<&'a str> {
        self.names.iter().try_fold(data, |object, name| {
            // Of other values the members are not what they seem.
            let object = object.starts_with('{').then_some(object)?;
            Members::of(object)
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
        })
    }
}

fn write_replaced(names: &[String], object: &str, value: &str, out: &mut String) {
    let Some((name, inner)) = names.split_first() else {
        out.push_str(value);
        return;
    };
    out.push('{');
    for (at, (key, old)) in Members::of(object).enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(key);
        out.push(':');
        if key == name {
            write_replaced(inner, old, value, out);
        } else {
            out.push_str(old);
        }
    }
    out.push('}');
}

fn json_string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn string(path: &str, data: &str) -> Option<String> {
        Field::parse(path).string(data).map(Cow::into_owned)
    }

    #[test]
    fn a_path_leads_into_objects_and_to_strings_only() {
        let data = r#"{"a":{"b":"deep","c":1},"d":"{\"b\":\"no object\"}","é\"":"e\n","list":["x"]}"#;
        assert_eq!(string("a.b", data).as_deref(), Some("deep"));
        assert_eq!(string("é\"", data).as_deref(), Some("e\n"));
        for path in [
            "a", "a.c", "a.b.c", "d.b", "list", "list.0", "x", "a.x", "", "a.", ".a",
        ] {
            assert_eq!(string(path, data), None, "{path}");
        }
    }

    #[test]
    fn an_empty_name_is_a_name() {
        assert_eq!(string("", r#"{"":"x"}"#).as_deref(), Some("x"));
        assert_eq!(string("a.", r#"{"a":{"":"x"}}"#).as_deref(), Some("x"));
    }

    #[test]
    fn replacing_leaves_the_rest_as_it_was() {
        let data = r#"{"a":{"b":"x","c":[1,"{,}"]},"d":2.50}"#;
        assert_eq!(
            Field::parse("a.b").replaced(data, "q\"\n"),
            r#"{"a":{"b":"q\"\n","c":[1,"{,}"]},"d":2.50}"#
        );
    }
}
