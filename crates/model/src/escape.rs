//! Strings of JSON: the one way they are escaped here, which is serde_json's.

/// How many bytes at the start of `bytes` stand for themselves in a JSON string: everything before the first quote,
/// backslash or control character. Eight at a time; titles and URLs are most of what goes through this server.
#[inline]
pub(crate) fn plain_run(bytes: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    let mut at = 0;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let word = u64::from_le_bytes(*chunk);
        let quote = word ^ (ONES * b'"' as u64);
        let backslash = word ^ (ONES * b'\\' as u64);
        // Each term flags a byte's high bit where subtracting from it borrows. A borrow may run on into the bytes
        // after a hit, never before it, so the lowest flag is always right, and only that is used.
        let hits = (word.wrapping_sub(ONES * 0x20) & !word)
            | (quote.wrapping_sub(ONES) & !quote)
            | (backslash.wrapping_sub(ONES) & !backslash);
        let hits = hits & HIGHS;
        if hits != 0 {
            return at + hits.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    let tail = bytes.get(at..).unwrap_or_default();
    at + tail
        .iter()
        .position(|&byte| !is_plain(byte))
        .unwrap_or(tail.len())
}

/// Whether a byte stands for itself in a JSON string.
#[inline]
fn is_plain(byte: u8) -> bool {
    byte >= 0x20 && byte != b'"' && byte != b'\\'
}

/// Appends one character that is no plain byte, escaped; a character that needs no escape as it is.
pub(crate) fn push_char(out: &mut Vec<u8>, character: char) {
    let short = match character {
        '"' => b'"',
        '\\' => b'\\',
        '\u{8}' => b'b',
        '\t' => b't',
        '\n' => b'n',
        '\u{c}' => b'f',
        '\r' => b'r',
        '\0'..'\u{20}' => {
            let code = character as u8;
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[hex_digit(code >> 4), hex_digit(code & 0xf)]);
            return;
        }
        _ => {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends a string with its quotes.
pub(crate) fn push_string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (plain, after) = rest.split_at(plain_run(rest));
        out.extend_from_slice(plain);
        let Some((&special, after)) = after.split_first() else {
            break;
        };
        push_char(out, char::from(special));
        rest = after;
    }
    out.push(b'"');
}

/// The digit of a number below 16.
const fn hex_digit(n: u8) -> u8 {
    match n {
        0..10 => b'0' + n,
        _ => b'a' + (n - 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn strings_are_written_as_serde_json_writes_them(text in "[\\x00-\\x7f\u{80}\u{e9}\u{20ac}\u{1f600}]{0,40}") {
            let mut out = Vec::new();
            push_string(&mut out, &text);
            prop_assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
        }

        #[test]
        fn a_plain_run_ends_at_the_first_byte_that_is_not_plain(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let expected = bytes.iter().position(|&byte| !is_plain(byte)).unwrap_or(bytes.len());
            prop_assert_eq!(plain_run(&bytes), expected);
        }

        #[test]
        fn a_plain_run_is_found_in_long_plain_text(at in 0usize..64, byte in any::<u8>()) {
            let mut bytes = vec![b'!'; 64];
            bytes[at] = byte;
            let expected = if is_plain(byte) { 64 } else { at };
            prop_assert_eq!(plain_run(&bytes), expected);
        }
    }
}
