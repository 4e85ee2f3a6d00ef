//! RFC 3339, as far as servers and tests write it, in nanoseconds since 1970.

/// Nanoseconds in a second.
pub(crate) const SECOND: i128 = 1_000_000_000;

/// Reads a date and time such as `2024-03-01T12:00:05.25+02:00`. The separator may be a blank, and the
/// offset may be missing (then it is UTC), because the reference servers write that too.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let mut rest = text.as_bytes();
    let year = digits(&mut rest, 4, 9)?;
    one_of(&mut rest, b"-")?;
    let month = digits(&mut rest, 2, 2)?;
    one_of(&mut rest, b"-")?;
    let day = digits(&mut rest, 2, 2)?;
    one_of(&mut rest, b"Tt ")?;
    let hour = digits(&mut rest, 2, 2)?;
    one_of(&mut rest, b":")?;
    let minute = digits(&mut rest, 2, 2)?;
    one_of(&mut rest, b":")?;
    let second = digits(&mut rest, 2, 2)?;
    let fraction = match one_of(&mut rest, b".") {
        Some(_) => fraction(&mut rest)?,
        None => 0,
    };
    let offset = offset(&mut rest)?;
    let valid = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    (valid && rest.is_empty()).then(|| {
        let minutes = (days_since_1970(year, month, day) * 24 + hour) * 60 + minute - offset;
        (minutes * 60 + second) * SECOND + fraction
    })
}

/// Writes an instant in UTC, with a fraction only where there is one.
pub(crate) fn format(nanos: i128) -> String {
    let (seconds, fraction) = (nanos.div_euclid(SECOND), nanos.rem_euclid(SECOND));
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let fraction = if fraction == 0 {
        String::new()
    } else {
        format!(".{fraction:09}")
    };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// Takes one byte off the front if it is among `wanted`.
fn one_of(rest: &mut &[u8], wanted: &[u8]) -> Option<u8> {
    let (&first, others) = rest.split_first()?;
    wanted.contains(&first).then(|| {
        *rest = others;
        first
    })
}

/// Takes a number of `least` to `most` digits off the front.
fn digits(rest: &mut &[u8], least: usize, most: usize) -> Option<i128> {
    let length = rest
        .iter()
        .take(most)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (number, others) = rest.split_at(length);
    *rest = others;
    (length >= least).then(|| {
        number
            .iter()
            .fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0'))
    })
}

/// Takes the digits behind the point off the front, in nanoseconds; what is finer is cut off.
fn fraction(rest: &mut &[u8]) -> Option<i128> {
    let length = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, others) = rest.split_at(length);
    *rest = others;
    let nine = number.iter().chain(std::iter::repeat(&b'0')).take(9);
    (length > 0).then(|| nine.fold(0, |sum, digit| sum * 10 + i128::from(digit - b'0')))
}

/// Takes the offset off the front, in minutes east of UTC.
fn offset(rest: &mut &[u8]) -> Option<i128> {
    if rest.is_empty() || one_of(rest, b"Zz").is_some() {
        return Some(0);
    }
    let sign = if one_of(rest, b"+-")? == b'+' { 1 } else { -1 };
    let hours = digits(rest, 2, 2)?;
    one_of(rest, b":");
    Some(sign * (hours * 60 + digits(rest, 2, 2)?))
}

fn is_leap(year: i128) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn days_in_month(year: i128, month: i128) -> i128 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date of the Gregorian calendar.
fn days_since_1970(year: i128, month: i128, day: i128) -> i128 {
    let leap_days = |year: i128| year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let years = (year - 1970) * 365 + leap_days(year - 1) - leap_days(1969);
    let months: i128 = (1..month).map(|earlier| days_in_month(year, earlier)).sum();
    years + months + day - 1
}

/// The date that many days after 1970-01-01.
fn date(days: i128) -> (i128, i128, i128) {
    // The mean length of a year leads to the right one or to a neighbour of it.
    let mut year = 1970 + days * 400 / 146_097;
    while days < days_since_1970(year, 1, 1) {
        year -= 1;
    }
    while days >= days_since_1970(year + 1, 1, 1) {
        year += 1;
    }
    let mut day = days - days_since_1970(year, 1, 1);
    let mut month = 1;
    while day >= days_in_month(year, month) {
        day -= days_in_month(year, month);
        month += 1;
    }
    (year, month, day + 1)
}
