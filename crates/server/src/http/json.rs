//! The content type of JSON, and the writers of [`crate::json`].

use http::HeaderValue;

pub(crate) use crate::json::{write_number, write_string};

pub(crate) const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("application/json");

/// Whether a `Content-Type` says JSON: case and parameters do not matter.
pub(crate) fn is_json(content_type: Option<&HeaderValue>) -> bool {
    // What every client sends, compared without a look at each letter's case.
    const EXACT: &[u8] = b"application/json";
    let Some(value) = content_type.map(HeaderValue::as_bytes) else {
        return false;
    };
    if value == EXACT {
        return true;
    }
    let essence = value.split(|b| *b == b';').next().unwrap_or_default();
    essence.trim_ascii().eq_ignore_ascii_case(EXACT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_recognised_whatever_its_case_and_parameters() {
        for (value, expected) in [
            ("application/json", true),
            ("Application/JSON", true),
            ("application/json; charset=utf-8", true),
            ("application/json ;charset=utf-8", true),
            ("application/jsonx", false),
            ("text/plain", false),
            ("text/plain; application/json", false),
        ] {
            let header = HeaderValue::from_static(value);
            assert_eq!(is_json(Some(&header)), expected, "{value}");
        }
        assert!(!is_json(None));
    }
}
