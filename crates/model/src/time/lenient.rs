//! Times as ISO 8601 has them and RFC 3339 has not: without an offset, without seconds, without separators.
//!
//! aw-server (Python) reads these, and takes a time without an offset as UTC; so do heartbeats and imports here.

use super::{TimeError, Timestamp, excerpt};

/// The longest text that is a time: `20230128T134729.123456789 +01:00[America/Argentina/ComodRivadavia]`.
const MAX_BYTES: usize = 96;

impl Timestamp {
    /// [`Timestamp::parse`], and beyond that: a missing offset is UTC, a missing time of day midnight; seconds may be
    /// missing, a comma may stand before the fraction, separators may be left out, and a time zone in brackets behind
    /// an offset says nothing (RFC 9557).
    ///
    /// # Errors
    ///
    /// As [`Timestamp::parse`].
    #[inline]
    pub fn parse_lenient(text: &str) -> Result<Timestamp, TimeError> {
        match Timestamp::parse(text) {
            Err(TimeError::Malformed(_)) => match in_full(text) {
                Some(full) => Timestamp::parse(&full),
                None => Err(TimeError::Malformed(excerpt(text))),
            },
            other => other,
        }
    }
}

/// The same time in RFC 3339, if `text` has the shape of one. Whether its numbers make sense is not looked at.
#[cold]
fn in_full(text: &str) -> Option<String> {
    let text = text.trim();
    if text.len() > MAX_BYTES || !text.is_ascii() {
        return None;
    }
    let text = match text.split_once('[') {
        Some((time, zone)) if zone.ends_with(']') => time,
        Some(_) => return None,
        None => text,
    };
    let mut rest = text;
    let year = digits(&mut rest, 4)?;
    let separated = skip(&mut rest, '-');
    let month = digits(&mut rest, 2)?;
    if separated != skip(&mut rest, '-') {
        return None;
    }
    let day = digits(&mut rest, 2)?;
    let date = format!("{year}-{month}-{day}");
    if rest.is_empty() {
        return Some(format!("{date}T00:00:00Z"));
    }
    if !(skip(&mut rest, 'T') || skip(&mut rest, 't') || skip(&mut rest, ' ')) {
        return None;
    }
    let hour = digits(&mut rest, 2)?;
    let separated = skip(&mut rest, ':');
    let minute = digits(&mut rest, 2)?;
    let has_seconds = if separated {
        skip(&mut rest, ':')
    } else {
        rest.starts_with(|c: char| c.is_ascii_digit())
    };
    let second = if has_seconds { digits(&mut rest, 2)? } else { "00" };
    let mut fraction = "";
    if has_seconds && (skip(&mut rest, '.') || skip(&mut rest, ',')) {
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        fraction = digits(&mut rest, length).filter(|fraction| !fraction.is_empty())?;
    }
    let fraction = fraction.get(..fraction.len().min(9))?;
    let point = if fraction.is_empty() { "" } else { "." };
    let offset = offset(rest.trim_start())?;
    Some(format!(
        "{date}T{hour}:{minute}:{second}{point}{fraction}{offset}"
    ))
}

/// `Z`, `+01`, `+0100`, `+01:00`, or nothing, which is UTC.
fn offset(text: &str) -> Option<String> {
    if text.is_empty() || text == "Z" || text == "z" {
        return Some("Z".to_owned());
    }
    let (sign, mut rest) = text.split_at_checked(1)?;
    if sign != "+" && sign != "-" {
        return None;
    }
    let hours = digits(&mut rest, 2)?;
    let minutes = if rest.is_empty() {
        "00"
    } else {
        skip(&mut rest, ':');
        digits(&mut rest, 2)?
    };
    rest.is_empty().then(|| format!("{sign}{hours}:{minutes}"))
}

fn digits<'a>(rest: &mut &'a str, count: usize) -> Option<&'a str> {
    let (taken, after) = rest.split_at_checked(count)?;
    *rest = after;
    taken.bytes().all(|byte| byte.is_ascii_digit()).then_some(taken)
}

fn skip(rest: &mut &str, character: char) -> bool {
    match rest.strip_prefix(character) {
        Some(after) => {
            *rest = after;
            true
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_time_without_an_offset_is_utc() {
        for (text, full) in [
            ("2023-01-28T13:47:29", "2023-01-28T13:47:29Z"),
            ("2023-01-28T13:47:29.772", "2023-01-28T13:47:29.772Z"),
            ("2023-01-28 13:47:29.772", "2023-01-28T13:47:29.772Z"),
            ("2023-01-28T13:47:29,772Z", "2023-01-28T13:47:29.772Z"),
            ("2023-01-28T13:47Z", "2023-01-28T13:47:00Z"),
            ("2023-01-28T13:47", "2023-01-28T13:47:00Z"),
            ("2023-01-28", "2023-01-28T00:00:00Z"),
            ("20230128", "2023-01-28T00:00:00Z"),
            ("2023-01-28T13:47:29+01", "2023-01-28T12:47:29Z"),
            ("20230128T134729Z", "2023-01-28T13:47:29Z"),
            ("20230128T1347-0530", "2023-01-28T19:17:00Z"),
            ("2023-01-28 13:47:29.772 +01:00", "2023-01-28T12:47:29.772Z"),
            (
                "2023-01-28T14:47:29.772+01:00[Europe/Berlin]",
                "2023-01-28T13:47:29.772Z",
            ),
            ("2023-01-28T13:47:29.1234567899", "2023-01-28T13:47:29.123456789Z"),
            ("2023-01-28T13:47:29-00:00", "2023-01-28T13:47:29Z"),
        ] {
            let time = Timestamp::parse_lenient(text).map(|time| time.to_string());
            assert_eq!(time.as_deref(), Ok(full), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "yesterday",
            "1674913649",
            "2023-02-30",
            "2023-01-28T24:00:00",
            "2023-01-28T13",
            "2023-0128",
            "2023-01-28T13:47:29.",
            "2023-01-28T13:47:29+1",
            "2023-01-28T13:47:29+01:00x",
            "2023-01-28T13:47:29[Europe/Berlin",
            "2023-01-28X13:47:29",
            "\u{661}023-01-28",
        ] {
            assert!(Timestamp::parse_lenient(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_a_time_stays_what_it_is(nanos in any::<i64>()) {
            let time = Timestamp::from_nanos(nanos);
            prop_assert_eq!(Timestamp::parse_lenient(&time.to_string()), Ok(time));
            // Without its Z it is the same.
            let text = time.to_string();
            prop_assert_eq!(Timestamp::parse_lenient(text.trim_end_matches('Z')), Ok(time));
        }

        #[test]
        fn nothing_breaks_it(text in "[0-9TZ:,.+ \\[\\]-]{0,40}") {
            let _ = Timestamp::parse_lenient(&text);
        }
    }
}
