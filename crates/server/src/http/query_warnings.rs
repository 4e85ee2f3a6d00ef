//! Warnings about what an answer does not take into account. The body stays that of the reference servers.
//!
//! The client finds them in a header, the operator in the log.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use axum::body::Body;
use http::{HeaderName, HeaderValue, Response};
use parking_lot::Mutex;
use timberline_query::Warning;

use crate::http::query_limits;

/// A JSON list of strings, in ASCII.
pub const HEADER: HeaderName = HeaderName::from_static("x-timberline-warnings");

/// Bytes of the header, at most: clients and proxies take 8 KiB for all headers together.
const MAX_BYTES: usize = 4 << 10;
/// The same rule is logged so often, at most: a page may ask the same every few seconds.
const SELDOM: Duration = Duration::from_secs(600);
/// How many rules are kept as already logged. If there are more, the others are not logged.
const MAX_RULES: usize = 256;

/// Which warnings the log has.
#[derive(Debug, Default)]
pub(crate) struct Logged(Mutex<HashMap<Warning, Instant>>);

impl Logged {
    /// Logs those that were not logged lately. A rule is named by its category or tag. A pattern without a name is not
    /// shown: it may be a piece of someone's data.
    pub(crate) fn log(&self, warnings: &[Warning]) {
        for warning in warnings {
            if !self.is_due(warning, timberline_clock::monotonic()) {
                continue;
            }
            match warning {
                Warning::Category(rule) => log("category", rule),
                Warning::Tag(rule) => log("tag", rule),
                _ => log("filter_keyvals_regex", "a pattern"),
            }
        }
    }

    fn is_due(&self, warning: &Warning, now: Instant) -> bool {
        let mut logged = self.0.lock();
        let is_recent = |at: &Instant| now.saturating_duration_since(*at) < SELDOM;
        if logged.get(warning).is_some_and(is_recent) {
            return false;
        }
        if logged.len() >= MAX_RULES {
            logged.retain(|_, at| is_recent(at));
        }
        logged.len() < MAX_RULES
            && logged
                .insert(warning.clone(), now)
                .is_none_or(|at| !is_recent(&at))
    }
}

fn log(of: &str, rule: &str) {
    tracing::warn!(
        of,
        rule,
        "a regular expression of a query took too many steps on some texts (limits.query_backtracking_steps) and counts \
         as not found in them"
    );
}

/// Puts warnings into the header of an answer.
pub(crate) fn mark(mut response: Response<Body>, warnings: &[Warning]) -> Response<Body> {
    if let Some(value) = header(warnings) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn header(warnings: &[Warning]) -> Option<HeaderValue> {
    if warnings.is_empty() {
        return None;
    }
    let mut text = String::from("[");
    for warning in warnings {
        let next = quoted(&query_limits::warning(warning));
        let separator = if text.len() > 1 { "," } else { "" };
        if text.len() + separator.len() + next.len() >= MAX_BYTES {
            break;
        }
        text.push_str(separator);
        text.push_str(&next);
    }
    text.push(']');
    HeaderValue::try_from(text).ok()
}

/// A JSON string, with everything beyond ASCII escaped.
fn quoted(text: &str) -> String {
    use std::fmt::Write;
    let json = serde_json::Value::from(text).to_string();
    let mut ascii = String::with_capacity(json.len());
    for letter in json.chars() {
        if letter.is_ascii() && !letter.is_ascii_control() {
            ascii.push(letter);
            continue;
        }
        for unit in letter.encode_utf16(&mut [0; 2]) {
            // A string takes whatever is written to it.
            let _ = write!(ascii, "\\u{unit:04x}");
        }
    }
    ascii
}

/// The warnings in a header.
pub fn of_header(value: &HeaderValue) -> Vec<String> {
    serde_json::from_slice(value.as_bytes()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_ascii_and_bounded_and_can_be_read_again() {
        assert_eq!(header(&[]), None);
        let odd = Warning::Tag("\u{7f}\"ä😀\n".into());
        let value = header(std::slice::from_ref(&odd)).unwrap();
        assert!(value.as_bytes().iter().all(|byte| (0x20..0x7f).contains(byte)));
        assert_eq!(of_header(&value), [query_limits::warning(&odd)]);
        let many: Vec<Warning> = (0..100)
            .map(|i| Warning::Tag(format!("{i}{}", "😀".repeat(50)).into()))
            .collect();
        let value = header(&many).unwrap();
        assert!(value.len() <= MAX_BYTES);
        assert!(!of_header(&value).is_empty());
    }

    #[test]
    fn a_rule_is_logged_once_in_a_while_and_the_memory_of_that_is_bounded() {
        let (logged, begin) = (Logged::default(), Instant::now());
        let rule = |i: usize| Warning::Tag(i.to_string().into());
        assert!(logged.is_due(&rule(0), begin));
        assert!(!logged.is_due(&rule(0), begin + SELDOM / 2));
        assert!(logged.is_due(&rule(0), begin + SELDOM));
        for i in 1..2 * MAX_RULES {
            assert_eq!(logged.is_due(&rule(i), begin + SELDOM), i < MAX_RULES, "{i}");
        }
        assert!(logged.is_due(&rule(1_000_000), begin + 3 * SELDOM));
    }
}
