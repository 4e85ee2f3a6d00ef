//! Texts without what a search ignores: case, accents, and the several ways of writing the same letters.
//!
//! A text is decomposed (NFKD), its combining marks are dropped, and what is left becomes small letters. So `É` is `e`,
//! `ﬁ` is `fi`, `Ａ` is `a`, `ß` is `ss` and `Й` is `и`. Most letters become one letter; those are looked up in a table.

use std::sync::LazyLock;

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;

/// Letters below this are in the table: all alphabets, and kana. Nearly all beyond it are ideographs.
const TABLE: u32 = 0x3400;
/// In the table: no letter.
const DROPPED: u16 = 0;
/// In the table: several letters, or one that does not fit.
const UNUSUAL: u16 = u16::MAX;
/// Letters that stand for themselves: ideographs, and the syllables of Korean.
const UNCHANGED: [std::ops::RangeInclusive<char>; 3] = [
    '\u{3400}'..='\u{9fff}',
    '\u{ac00}'..='\u{d7a3}',
    '\u{20000}'..='\u{2f7ff}',
];

static FOLDED: LazyLock<Box<[u16]>> = LazyLock::new(|| {
    let folded = |code: u32| {
        let Some(letter) = char::from_u32(code) else {
            return UNUSUAL;
        };
        let mut out = String::new();
        fold_unusual(letter, &mut out);
        let mut letters = out.chars();
        match (letters.next(), letters.next()) {
            (None, _) => DROPPED,
            (Some(only), None) => u16::try_from(u32::from(only)).unwrap_or(UNUSUAL),
            _ => UNUSUAL,
        }
    };
    (0..TABLE).map(folded).collect()
});

/// Appends a text as it is compared.
pub(super) fn fold(text: &str, out: &mut String) {
    if text.is_ascii() {
        let begun = out.len();
        out.push_str(text);
        if let Some(added) = out.get_mut(begun..) {
            added.make_ascii_lowercase();
        }
        return;
    }
    let table = &**FOLDED;
    for letter in text.chars() {
        match table.get(letter as usize) {
            Some(&DROPPED) if letter != '\0' => {}
            Some(&UNUSUAL) => fold_unusual(letter, out),
            Some(&folded) => out.extend(char::from_u32(u32::from(folded))),
            None if UNCHANGED.iter().any(|range| range.contains(&letter)) => out.push(letter),
            None => fold_unusual(letter, out),
        }
    }
}

fn fold_unusual(letter: char, out: &mut String) {
    let marks = CanonicalCombiningClassMapBorrowed::new();
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(std::iter::once(letter));
    for part in decomposed.filter(|part| marks.get_u8(*part) == 0) {
        match part {
            'ß' | 'ẞ' => out.push_str("ss"),
            'ς' => out.push('σ'),
            part => out.extend(part.to_lowercase()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn folded(text: &str) -> String {
        let mut out = String::new();
        fold(text, &mut out);
        out
    }

    #[test]
    fn case_accents_and_ways_of_writing_are_ignored() {
        for (text, expected) in [
            ("Weather", "weather"),
            ("Éclair à la crème", "eclair a la creme"),
            ("e\u{301}clair", "eclair"),
            ("ﬁn Ａ１ ½", "fin a1 1⁄2"),
            ("Straße STRASSE", "strasse strasse"),
            ("Ελλάς ΕΛΛΑΣ", "ελλασ ελλασ"),
            ("Йод İstanbul", "иод istanbul"),
            ("日本語 한국어 ｶﾞ", "日本語 한국어 カ"),
            ("naïve 😀", "naive 😀"),
        ] {
            assert_eq!(folded(text), expected, "{text}");
        }
    }

    proptest! {
        /// What is looked for is folded as what is looked through, whatever is around it.
        #[test]
        fn a_part_of_a_text_is_found_in_it(before in "\\PC{0,8}", part in "\\PC{1,8}", after in "\\PC{0,8}") {
            let whole = format!("{before}{part}{after}");
            prop_assert!(folded(&whole).contains(&folded(&part)));
        }

        #[test]
        fn to_fold_twice_changes_nothing(text in "\\PC{0,20}") {
            let once = folded(&text);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
