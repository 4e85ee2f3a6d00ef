//! Query strings and percent escapes, by hand: a heartbeat's `pulsetime` is on the hot path.

use std::borrow::Cow;

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
                return decode(value, true).map(Some);
            }
        }
        Ok(None)
    }
}

/// One segment of a path, decoded.
///
/// # Errors
/// When its percent escapes are not UTF-8.
pub(crate) fn decode_segment(segment: &str) -> Result<Cow<'_, str>, ApiError> {
    decode(segment, false)
}

fn decode(text: &str, plus_is_blank: bool) -> Result<Cow<'_, str>, ApiError> {
    let special = |b: u8| b == b'%' || (plus_is_blank && b == b'+');
    if !text.bytes().any(special) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match *first {
            b'+' if plus_is_blank => out.push(b' '),
            b'%' => match escaped(after) {
                Some((byte, after)) => {
                    out.push(byte);
                    rest = after;
                }
                // A stray percent sign stands for itself, as browsers have it.
                None => out.push(b'%'),
            },
            other => out.push(other),
        }
    }
    String::from_utf8(out)
        .map(Cow::Owned)
        .map_err(|_| ApiError::Malformed(format!("'{}' is not UTF-8 when decoded", Echo(text))))
}

/// The byte that two hex digits at the start of `text` stand for, and what follows them.
fn escaped(text: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, after @ ..] = text else {
        return None;
    };
    Some((hex(*high)? << 4 | hex(*low)?, after))
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
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
