//! Arguments in one text, as a shell divides them.

/// The words of a text: blanks divide, quotation marks and backslashes keep together. `None`: a quotation mark is missing.
pub(super) fn split(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = None;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match (quoted, letter) {
            (Some(quote), letter) if letter == quote => quoted = None,
            (None, '\'' | '"') => {
                quoted = Some(letter);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => word.get_or_insert_default().push(letters.next()?),
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quoted.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_are_divided_as_a_shell_does() {
        let words = |text| split(text).expect("words");
        assert_eq!(words("  a  b\tc "), ["a", "b", "c"]);
        assert_eq!(
            words(r#"--title 'a "b"' "c d"'e' ''"#),
            ["--title", "a \"b\"", "c de", ""]
        );
        assert_eq!(words(r#"a\ b "c\"d" 'e\f'"#), ["a b", "c\"d", "e\\f"]);
        assert!(words("").is_empty());
        assert_eq!(split("'a"), None);
        assert_eq!(split("a\\"), None);
    }
}
