//! Bodies with something in them that no JSON reader takes, though it is clear what was meant.
//!
//! A window title that was cut in the middle of a character outside the Basic Multilingual Plane ends with half of
//! a surrogate pair, which Python's json writes as `\ud835`. To refuse it costs the whole minute or the whole batch
//! that it came with, because deployed clients throw away what is refused. So the half becomes the replacement
//! character, as bytes that are no UTF-8 do. Python also writes `NaN` and `Infinity`, which become `null`, and other
//! programs put a byte order mark in front.

use std::borrow::Cow;

/// The byte order mark of UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();
/// What stands for half of a surrogate pair. As long as the escape that it replaces.
const REPLACEMENT: &[u8] = b"\\ufffd";
/// What JSON has no word for. The sign comes before.
const NOT_NUMBERS: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];

/// What was changed in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Halves of surrogate pairs, and places that are no UTF-8: now the replacement character.
    pub characters: usize,
    /// `NaN` and infinities: now `null`.
    pub numbers: usize,
    /// A byte order mark was in front.
    pub mark: bool,
}

impl Mended {
    /// Whether nothing was.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Mended::default()
    }
}

/// `body` with all of that mended. Looks at every byte, so it is for bodies that could not be read as they are.
#[must_use]
pub fn mend(body: &[u8]) -> (Cow<'_, [u8]>, Mended) {
    let mut mended = Mended::default();
    let mut text = Cow::Borrowed(body);
    if let Some(rest) = body.strip_prefix(MARK) {
        mended.mark = true;
        text = Cow::Borrowed(rest);
    }
    if str::from_utf8(&text).is_err() {
        let lossy = String::from_utf8_lossy(&text);
        mended.characters += text
            .utf8_chunks()
            .filter(|chunk| !chunk.invalid().is_empty())
            .count();
        text = Cow::Owned(lossy.into_owned().into_bytes());
    }
    if let Some(rewritten) = rewrite(&text, &mut mended) {
        text = Cow::Owned(rewritten);
    }
    (text, mended)
}

/// `None` when there is nothing to rewrite.
fn rewrite(text: &[u8], mended: &mut Mended) -> Option<Vec<u8>> {
    let mut out: Option<Vec<u8>> = None;
    // What of the text is in `out` already.
    let mut copied = 0;
    let mut replace = |from: usize, to: usize, with: &[u8]| {
        let out = out.get_or_insert_with(|| Vec::with_capacity(text.len() + 16));
        out.extend_from_slice(text.get(copied..from).unwrap_or_default());
        out.extend_from_slice(with);
        copied = to;
    };
    let mut at = 0;
    let mut in_string = false;
    while let Some(&byte) = text.get(at) {
        let rest = text.get(at..).unwrap_or_default();
        match byte {
            b'"' => in_string = !in_string,
            b'\\' if in_string => {
                let (length, whole) = escape(rest);
                if !whole {
                    mended.characters += 1;
                    replace(at, at + length, REPLACEMENT);
                }
                at += length;
                continue;
            }
            b'N' | b'I' | b'-' if !in_string => {
                if let Some(word) = NOT_NUMBERS.iter().find(|word| rest.starts_with(word)) {
                    mended.numbers += 1;
                    replace(at, at + word.len(), b"null");
                    at += word.len();
                    continue;
                }
            }
            _ => {}
        }
        at += 1;
    }
    let mut out = out?;
    out.extend_from_slice(text.get(copied..).unwrap_or_default());
    Some(out)
}

/// The length of the escape at the start of `text`, with that of the other half if it is a pair; and whether it is
/// whole: not half of a pair.
fn escape(text: &[u8]) -> (usize, bool) {
    match unit(text) {
        None => (2, true),
        Some(0xd800..=0xdbff) => match text.get(6..).and_then(unit) {
            Some(0xdc00..=0xdfff) => (12, true),
            _ => (6, false),
        },
        Some(0xdc00..=0xdfff) => (6, false),
        Some(_) => (6, true),
    }
}

/// The code unit of a `\uXXXX` at the start of `text`.
fn unit(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    digits.iter().try_fold(0, |value, digit| {
        Some(value * 16 + char::from(*digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn mended(text: &str) -> String {
        String::from_utf8(mend(text.as_bytes()).0.into_owned()).unwrap()
    }

    #[test]
    fn half_of_a_surrogate_pair_becomes_the_replacement_character() {
        for (from, to) in [
            (r#"{"a":"\ud835"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":"x\uD835y"}"#, r#"{"a":"x\ufffdy"}"#),
            (r#"{"a":"\udd4e\ud835"}"#, r#"{"a":"\ufffd\ufffd"}"#),
            (r#"{"a":"\ud835\ud835\udd4e"}"#, r#"{"a":"\ufffd\ud835\udd4e"}"#),
            (r#"{"a":"\ud835\n"}"#, r#"{"a":"\ufffd\n"}"#),
            (r#"{"\udc00k":1}"#, r#"{"\ufffdk":1}"#),
        ] {
            assert_eq!(mended(from), to, "{from}");
            assert!(serde_json::from_str::<serde_json::Value>(to).is_ok(), "{to}");
        }
    }

    #[test]
    fn what_is_right_stays_as_it_is() {
        for text in [
            r#"{"a":"\ud835\udd4e"}"#,
            r#"{"a":"\\ud835"}"#,
            r#"{"a":"\"NaN\" Infinity -Infinity"}"#,
            r#"{"a":-1,"b":[null,-0.5]}"#,
            r#""\"#,
        ] {
            assert!(
                matches!(mend(text.as_bytes()), (Cow::Borrowed(_), changed) if changed.is_nothing()),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_number_becomes_null() {
        let text = r#"[NaN,{"a":Infinity,"b":-Infinity},"NaN"]"#;
        assert_eq!(mended(text), r#"[null,{"a":null,"b":null},"NaN"]"#);
        assert_eq!(mend(text.as_bytes()).1.numbers, 3);
    }

    #[test]
    fn bytes_that_are_no_text_and_a_mark_in_front() {
        let (text, changed) = mend(b"\xef\xbb\xbf{\"a\":\"M\xfcller\",\"b\":\"\xed\xa0\xb5\"}");
        assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok());
        assert_eq!(text.get(..12), Some("{\"a\":\"M\u{fffd}ll".as_bytes()));
        assert!(changed.mark && changed.characters >= 2);
    }

    proptest! {
        /// Whatever the halves, the result is text that serde_json takes.
        #[test]
        fn any_escapes_are_readable_afterwards(units in prop::collection::vec(any::<u16>(), 0..8)) {
            let escapes: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let text = mended(&format!("\"{escapes}\""));
            let read: String = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read, String::from_utf16_lossy(&units));
        }

        #[test]
        fn readable_text_stays_as_it_is(text in any::<String>()) {
            let json = serde_json::to_string(&[text]).unwrap();
            prop_assert_eq!(mended(&json), json);
        }

        #[test]
        fn nothing_breaks_it(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let (text, _) = mend(&bytes);
            let (again, changed) = mend(&text);
            prop_assert!(changed.characters == 0 && changed.numbers == 0);
            let again = again.strip_prefix(MARK).unwrap_or(&again).to_vec();
            prop_assert_eq!(again, text.strip_prefix(MARK).unwrap_or(&text).to_vec());
        }
    }
}
