//! Query strings and percent escapes. What needs no decoding is not copied: a heartbeat's `pulsetime` is on the hot path.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::{ApiError, Echo};

/// The part of a URI after `?`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Query<'a>(&'a str);

impl<'a> Query<'a> {
    pub(crate) fn of(uri: &'a http::Uri) -> Self {
        Self(uri.query().unwrap_or_default())
    }

    /// The value of the first parameter `name`, decoded; `+` is a blank, as forms have it.
    ///
    /// # Errors
    /// When its percent escapes are not UTF-8.
    pub(crate) fn get(self, name: &str) -> Result<Option<Cow<'a, str>>, ApiError> {
        for pair in self.0.split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            if key == name {
                return decode_value(value).map(Some);
            }
        }
        Ok(None)
    }

    /// The values of all parameters `name`, decoded in the same way.
    ///
    /// # Errors
    /// When their percent escapes are not UTF-8.
    pub(crate) fn get_all(self, name: &str) -> Result<Vec<String>, ApiError> {
        let pairs = self
            .0
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        pairs
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| decode_value(value).map(Cow::into_owned))
            .collect()
    }
}

/// One segment of a path, decoded.
///
/// # Errors
/// When its percent escapes are not UTF-8.
pub(crate) fn decode_segment(segment: &str) -> Result<Cow<'_, str>, ApiError> {
    decode(segment)
}

/// The value of a parameter, in which `+` is a blank.
fn decode_value(value: &str) -> Result<Cow<'_, str>, ApiError> {
    if !value.contains('+') {
        return decode(value);
    }
    let blanks = value.replace('+', " ");
    match percent_decode_str(&blanks).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(not_utf8(value)),
    }
}

/// A stray percent sign stands for itself, as in browsers.
fn decode(text: &str) -> Result<Cow<'_, str>, ApiError> {
    percent_decode_str(text).decode_utf8().map_err(|_| not_utf8(text))
}

fn not_utf8(text: &str) -> ApiError {
    ApiError::Malformed(format!("'{}' is not UTF-8 when decoded", Echo(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get<'a>(query: &'a str, name: &str) -> Option<Cow<'a, str>> {
        Query(query).get(name).unwrap()
    }

    #[test]
    fn the_first_parameter_of_that_name_counts() {
        assert_eq!(get("a=1&pulsetime=2&pulsetime=3", "pulsetime").unwrap(), "2");
        assert_eq!(get("xpulsetime=2", "pulsetime"), None);
        assert_eq!(get("pulsetime", "pulsetime").unwrap(), "");
        assert_eq!(get("", "pulsetime"), None);
        let all = Query("bucket=a&x=1&bucket=b%2Fc&buckets=d").get_all("bucket");
        assert_eq!(all.unwrap(), ["a", "b/c"]);
    }

    #[test]
    fn a_plus_is_a_blank_in_a_query_and_itself_in_a_path() {
        assert_eq!(
            get("start=2024-03-01T10:00:45+00:00", "start").unwrap(),
            "2024-03-01T10:00:45 00:00"
        );
        assert_eq!(get("start=10%3A00%2B00", "start").unwrap(), "10:00+00");
        assert_eq!(decode_segment("a+b%20c").unwrap(), "a+b c");
    }

    #[test]
    fn what_needs_no_decoding_is_not_copied() {
        assert!(matches!(decode_segment("bucket"), Ok(Cow::Borrowed(_))));
    }

    #[test]
    fn broken_escapes_stand_for_themselves_and_broken_utf8_is_refused() {
        assert_eq!(decode_segment("100%").unwrap(), "100%");
        assert_eq!(decode_segment("%zz%4").unwrap(), "%zz%4");
        assert!(decode_segment("%ff").is_err());
    }
}
