//! Instants as people type them.

use timberline_model::{Duration, Timestamp};

const SECOND: i64 = 1_000_000_000;

/// How an instant may be written; part of the help of each option that takes one.
pub(super) const FORMS: &str = "TIME is RFC 3339 (2024-03-01T10:00:00Z, or with +01:00), \
    a date (its midnight in UTC), or how long ago (90s, 15m, 2h, 7d)";

/// Reads an instant: see [`FORMS`].
///
/// # Errors
/// With the forms there are.
pub(super) fn moment(text: &str) -> Result<Timestamp, String> {
    let read = match ago(text) {
        Some(ago) => Timestamp::now().checked_add(ago),
        None if text.len() == "2024-03-01".len() => Timestamp::parse(&format!("{text}T00:00:00Z")).ok(),
        None => Timestamp::parse(text).ok(),
    };
    read.ok_or_else(|| FORMS.to_owned())
}

/// `15m` as minus fifteen minutes.
fn ago(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => SECOND,
        'm' => 60 * SECOND,
        'h' => 3_600 * SECOND,
        'd' => 86_400 * SECOND,
        _ => return None,
    };
    let count: u32 = text.get(..text.len() - 1)?.parse().ok()?;
    Some(Duration::from_nanos(unit.checked_mul(-i64::from(count))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_rfc_3339_or_dates() {
        let ten = Timestamp::parse("2024-03-01T10:00:00Z").unwrap();
        assert_eq!(moment("2024-03-01T11:00:00+01:00").unwrap(), ten);
        let midnight = Timestamp::parse("2024-03-01T00:00:00Z").unwrap();
        assert_eq!(moment("2024-03-01").unwrap(), midnight);
    }

    #[test]
    fn instants_are_told_as_so_long_ago() {
        assert_eq!(ago("90s"), Some(Duration::from_nanos(-90 * SECOND)));
        assert_eq!(ago("7d"), Some(Duration::from_nanos(-7 * 86_400 * SECOND)));
        assert!(moment("2h").unwrap() < Timestamp::now());
    }

    #[test]
    fn anything_else_is_told_what_there_is() {
        for text in ["", "h", "-2h", "2x", "yesterday", "2024-13-01", "99999999999d"] {
            assert_eq!(moment(text), Err(FORMS.to_owned()), "{text}");
        }
    }
}
