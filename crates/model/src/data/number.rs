//! Recognises numbers that are spelled as serde_json writes them, without computing them.

/// Length of the number the text starts with, if serde_json would write what it reads there in the very same way.
/// That is so for
///
/// - integers of up to 18 digits, which fit an `i64` (but `-0`, which is a float);
/// - decimals of up to 15 digits: no two of these are the same `f64`, so the shortest spelling of the float is the
///   one without trailing zeros, and that is not written with an exponent from 0.0001 up.
#[inline]
pub(super) fn canonical_length(text: &[u8]) -> Option<usize> {
    let unsigned = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits(unsigned);
    let (whole_digits, rest) = unsigned.split_at_checked(whole)?;
    let signed = text.len() - unsigned.len();
    if whole_digits.is_empty() || (whole > 1 && whole_digits.first() == Some(&b'0')) {
        return None;
    }
    let is_zero = whole_digits == b"0";
    match rest {
        [b'.', rest @ ..] => {
            let count = digits(rest);
            let (fraction, rest) = rest.split_at_checked(count)?;
            let canonical = is_canonical_fraction(fraction) && whole + count <= 15;
            let small = is_zero && fraction.starts_with(b"0000");
            let exponent = matches!(rest, [b'e' | b'E', ..]);
            (canonical && !small && !exponent).then_some(signed + whole + 1 + count)
        }
        [b'e' | b'E', ..] => None,
        _ => (whole <= 18 && !(is_zero && signed == 1)).then_some(signed + whole),
    }
}

#[inline]
fn digits(text: &[u8]) -> usize {
    text.iter().take_while(|byte| byte.is_ascii_digit()).count()
}

/// No trailing zero, but for the one of a whole number.
fn is_canonical_fraction(fraction: &[u8]) -> bool {
    fraction == b"0" || fraction.last().is_some_and(|&last| last != b'0')
}
