//! Regular expressions: in linear time where that is possible, with a bound on steps where it is not.

use regex::Regex;

use crate::error::{Limited, QueryError};

/// A regular expression that is searched for in texts.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// Without look-around and back-references: linear time.
    Linear(Regex),
    /// With them: what it does may take exponential time, so its steps are counted.
    Backtracking(Box<fancy_regex::Regex>),
}

impl Pattern {
    /// Compiles a pattern. Its syntax is that of fancy-regex, which is that of regex and more.
    ///
    /// # Errors
    /// When it is none, or too large.
    pub(crate) fn compile(text: &str, ignore_case: bool, steps: usize) -> Result<Pattern, QueryError> {
        let flagged = if ignore_case {
            format!("(?i){text}")
        } else {
            text.to_owned()
        };
        if let Ok(regex) = Regex::new(&flagged) {
            return Ok(Pattern::Linear(regex));
        }
        let built = fancy_regex::RegexBuilder::new(&flagged)
            .backtrack_limit(steps)
            .build();
        match built {
            Ok(regex) => Ok(Pattern::Backtracking(Box::new(regex))),
            Err(error) => Err(QueryError::function(format!(
                "the regular expression \"{text}\" cannot be used: {error}"
            ))),
        }
    }

    /// Its text, if it does well in a set of patterns: if it is linear, and has no word boundaries. Those of a set keep
    /// the fast engine from all of it as soon as a text has a letter beyond ASCII; alone they are found by the
    /// letters around them.
    pub(crate) fn for_set(&self) -> Option<&str> {
        match self {
            Pattern::Linear(regex) => Some(regex.as_str()).filter(|text| !has_word_boundary(text)),
            Pattern::Backtracking(_) => None,
        }
    }

    /// Whether it is found anywhere in `text`.
    ///
    /// # Errors
    /// When it takes too many steps.
    pub(crate) fn is_match(&self, text: &str) -> Result<bool, QueryError> {
        match self {
            Pattern::Linear(regex) => Ok(regex.is_match(text)),
            Pattern::Backtracking(regex) => regex.is_match(text).map_err(|error| {
                let message = format!(
                    "the regular expression \"{}\" takes too many steps (limits.query_backtracking_steps): {error}",
                    regex.as_str()
                );
                QueryError::limit(Limited::Backtracking, message)
            }),
        }
    }
}

fn has_word_boundary(pattern: &str) -> bool {
    let parsed = regex_syntax::parse(pattern);
    parsed.is_ok_and(|hir| hir.properties().look_set().contains_word_unicode())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_needs_it_goes_back_and_that_is_bounded() {
        let compile = |text| Pattern::compile(text, false, 1_000).unwrap();
        assert!(matches!(compile(r"\.py\b|^vim"), Pattern::Linear(_)));
        assert!(compile(r"\.py\b|^vim").for_set().is_none());
        assert!(compile(r"\.py$|^vim").for_set().is_some());
        let ahead = compile("hello(?! world)");
        assert!(matches!(ahead, Pattern::Backtracking(_)));
        assert!(ahead.is_match("hello").unwrap());
        assert!(!ahead.is_match("hello world").unwrap());
        let bomb = compile(r"^(?:a|aa)+(?!b)$");
        let error = bomb.is_match(&format!("{}b", "a".repeat(40))).unwrap_err();
        assert!(error.message.contains("too many steps"), "{error}");
        assert!(Pattern::compile("(", false, 1).is_err());
        assert!(Pattern::compile("VIM", true, 1).unwrap().is_match("vim").unwrap());
    }
}
