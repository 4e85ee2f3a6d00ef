//! What people type: `firefox "release notes" title:/v\d+/ -youtube`.

use regex::{Regex, RegexBuilder};
use thiserror::Error;

use super::fold::fold;

/// The longest text that is searched for, in bytes.
const MAX_BYTES: usize = 2_000;
/// The most terms; each has a bit.
const MAX_TERMS: usize = 32;
/// Bytes of a compiled regular expression.
const MAX_REGEX_BYTES: usize = 1 << 20;

/// Why a text cannot be searched for.
#[derive(Debug, Error)]
pub enum SearchError {
    /// Nothing to look for.
    #[error("there is nothing to search for; name a word, such as q=weather")]
    Empty,
    /// Too long.
    #[error("a search has at most {MAX_BYTES} bytes and {MAX_TERMS} terms")]
    TooLong,
    /// A regular expression that cannot be used.
    #[error("/{pattern}/ cannot be used as a regular expression: {reason}")]
    Regex {
        /// The expression.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// All terms of a search. An event is found if all of them hold.
#[derive(Debug)]
pub(super) struct Terms {
    pub(super) terms: Vec<Term>,
}

/// One condition on the values of an event's data.
#[derive(Debug)]
pub(super) struct Term {
    /// Whether it must not hold.
    pub(super) negated: bool,
    /// The only key whose value counts, as JSON text.
    pub(super) field: Option<String>,
    pub(super) what: What,
}

/// What a value must have in it.
#[derive(Debug)]
pub(super) enum What {
    /// A text, folded.
    Text(String),
    Regex(Regex),
}

impl What {
    /// Whether a text has it.
    pub(super) fn is_in(&self, text: &str, scratch: &mut String) -> bool {
        match self {
            What::Text(wanted) => {
                scratch.clear();
                fold(text, scratch);
                scratch.contains(wanted.as_str())
            }
            What::Regex(regex) => regex.is_match(text),
        }
    }
}

impl Terms {
    pub(super) fn parse(text: &str) -> Result<Terms, SearchError> {
        if text.len() > MAX_BYTES {
            return Err(SearchError::TooLong);
        }
        let mut terms = Vec::new();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (term, after) = Term::parse(rest)?;
            terms.extend(term);
            rest = after.trim_start();
        }
        if terms.len() > MAX_TERMS {
            return Err(SearchError::TooLong);
        }
        if terms.is_empty() {
            return Err(SearchError::Empty);
        }
        Ok(Terms { terms })
    }

    /// The bits of the terms that must hold, and of those that must not.
    pub(super) fn bits(&self) -> (u32, u32) {
        let bits = |negated: bool| {
            let terms = self.terms.iter().zip(0..);
            let bits = terms.filter(|(term, _)| term.negated == negated);
            bits.map(|(_, bit)| 1u32 << bit).sum()
        };
        (bits(false), bits(true))
    }
}

impl Term {
    /// The first term of a text, and what follows it. None if it looks for nothing, such as `""`.
    fn parse(text: &str) -> Result<(Option<Term>, &str), SearchError> {
        let (negated, text) = match text.strip_prefix('-') {
            Some(rest) if !rest.is_empty() && !rest.starts_with(char::is_whitespace) => (true, rest),
            _ => (false, text),
        };
        let (field, text) = match field(text) {
            Some((field, rest)) => (Some(field), rest),
            None => (None, text),
        };
        let (what, rest) = What::parse(text)?;
        let term = what.map(|what| Term {
            negated,
            field: field.map(|name| serde_json::Value::from(name).to_string()),
            what,
        });
        Ok((term, rest))
    }
}

/// The name of a field and what follows the colon, if a text begins so. An address such as `https://…` does not.
fn field(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once(':')?;
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$');
    let named = !name.is_empty() && name.chars().all(is_name);
    let valued = !rest.is_empty() && !rest.starts_with(char::is_whitespace) && !rest.starts_with("//");
    (named && valued).then_some((name, rest))
}

impl What {
    fn parse(text: &str) -> Result<(Option<What>, &str), SearchError> {
        if let Some(inside) = text.strip_prefix('"') {
            let (phrase, rest) = inside.split_once('"').unwrap_or((inside, ""));
            return Ok((What::text(phrase), rest));
        }
        if let Some((pattern, rest)) = text.strip_prefix('/').and_then(slashed) {
            return Ok((Some(What::regex(&pattern)?), rest));
        }
        let end = text.find(char::is_whitespace).unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        Ok((What::text(word), rest))
    }

    fn text(text: &str) -> Option<What> {
        let mut folded = String::new();
        fold(text, &mut folded);
        (!folded.is_empty()).then_some(What::Text(folded))
    }

    fn regex(pattern: &str) -> Result<What, SearchError> {
        let built = RegexBuilder::new(pattern)
            .case_insensitive(true)
            .size_limit(MAX_REGEX_BYTES)
            .dfa_size_limit(MAX_REGEX_BYTES)
            .build();
        built.map(What::Regex).map_err(|error| SearchError::Regex {
            pattern: pattern.to_owned(),
            reason: error.to_string(),
        })
    }
}

/// A regular expression up to the slash that ends it, and what follows. `\/` is a slash in it. Without a slash at its
/// end, at a blank or the end of the text, it is none: a path such as `/home/me` is a word.
fn slashed(text: &str) -> Option<(String, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '/' => {
                let rest = text.get(at + 1..)?;
                let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
                if ends && at > 0 {
                    return Some((text.get(..at)?.replace("\\/", "/"), rest));
                }
            }
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<String> {
        let terms = Terms::parse(text).unwrap().terms;
        let show = |term: &Term| {
            let sign = if term.negated { "-" } else { "" };
            let field = term
                .field
                .as_ref()
                .map(|field| format!("{field}:"))
                .unwrap_or_default();
            match &term.what {
                What::Text(text) => format!("{sign}{field}[{text}]"),
                What::Regex(regex) => format!("{sign}{field}/{regex}/"),
            }
        };
        terms.iter().map(show).collect()
    }

    #[test]
    fn words_phrases_expressions_fields_and_negations() {
        for (text, expected) in [
            ("Wetter  bericht", vec!["[wetter]", "[bericht]"]),
            (r#""Release notes" x"#, vec!["[release notes]", "[x]"]),
            (r#""never closed"#, vec!["[never closed]"]),
            (r"/v\d+/ x", vec![r"/v\d+/", "[x]"]),
            (r"/a\/b c/", vec!["/a/b c/"]),
            ("/home/me", vec!["[/home/me]"]),
            ("app:Firefox", vec![r#""app":[firefox]"#]),
            (r#"-title:"a b" c"#, vec![r#"-"title":[a b]"#, "[c]"]),
            ("title:/x/", vec![r#""title":/x/"#]),
            ("https://example.org/a", vec!["[https://example.org/a]"]),
            ("- a -", vec!["[-]", "[a]", "[-]"]),
            ("note: a", vec!["[note:]", "[a]"]),
            ("--x", vec!["-[-x]"]),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_searched_for_is_refused() {
        for text in ["", "  ", "\"\"", "\u{301}"] {
            assert!(matches!(Terms::parse(text), Err(SearchError::Empty)), "{text:?}");
        }
        assert!(matches!(
            Terms::parse(&"x ".repeat(33)),
            Err(SearchError::TooLong)
        ));
        assert!(matches!(
            Terms::parse(&"x".repeat(2_001)),
            Err(SearchError::TooLong)
        ));
        for pattern in ["/(/", r"/(\w{1000}){1000}/"] {
            assert!(
                matches!(Terms::parse(pattern), Err(SearchError::Regex { .. })),
                "{pattern}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_search_or_an_error(text in "\\PC{0,40}") {
            let _ = Terms::parse(&text);
        }
    }
}
