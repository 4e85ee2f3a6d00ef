//! What an answer leaves out because it could not be computed.

use std::fmt;
use std::sync::Arc;

/// The most warnings of one answer.
const MAX_WARNINGS: usize = 16;
/// The most letters of a rule's name that a warning shows.
const MAX_NAME_LETTERS: usize = 60;

/// A regular expression took too many steps on a text. It counts as not found there, and the query continues.
///
/// The message names the rule and says what to do. It contains nothing of the text, which is private.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Warning {
    /// The rule of a category, by the category's path.
    Category(Box<str>),
    /// The rule of a tag.
    Tag(Box<str>),
    /// A pattern of `filter_keyvals_regex`, by itself.
    Pattern(Box<str>),
    /// There were more rules than an answer names.
    More,
}

impl Warning {
    pub(crate) fn category(path: &[String]) -> Warning {
        Warning::Category(shortened(&path.join(" > ")))
    }

    pub(crate) fn tag(name: &str) -> Warning {
        Warning::Tag(shortened(name))
    }

    pub(crate) fn pattern(text: &str) -> Warning {
        Warning::Pattern(shortened(text))
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Category(path) => write!(f, "the rule of the category \"{path}\"")?,
            Warning::Tag(tag) => write!(f, "the rule of the tag \"{tag}\"")?,
            Warning::Pattern(text) => write!(f, "the pattern \"{text}\" of filter_keyvals_regex")?,
            Warning::More => return f.write_str("more rules took too many steps on some texts"),
        }
        f.write_str(
            " took too many steps on some texts and counts as not found in them; \
             a pattern without look-around and back-references has no such bound",
        )
    }
}

fn shortened(text: &str) -> Box<str> {
    match text.char_indices().nth(MAX_NAME_LETTERS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()).into(),
        None => text.into(),
    }
}

/// Warnings in the order of their occurrence, each once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Warnings(Vec<Warning>);

impl Warnings {
    pub(crate) fn add(&mut self, warning: Warning) {
        if self.0.contains(&warning) {
            return;
        }
        match self.0.len() {
            n if n < MAX_WARNINGS => self.0.push(warning),
            MAX_WARNINGS => self.0.push(Warning::More),
            _ => {}
        }
    }

    pub(crate) fn add_all(&mut self, warnings: &[Warning]) {
        warnings.iter().for_each(|warning| self.add(warning.clone()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn as_slice(&self) -> &[Warning] {
        &self.0
    }

    /// To be cached with a result.
    pub(crate) fn share(self) -> Arc<[Warning]> {
        self.0.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_kept_once_and_there_are_never_many() {
        let mut warnings = Warnings::default();
        for i in 0..100 {
            warnings.add(Warning::tag(&format!("t{i}")));
            warnings.add(Warning::tag("t0"));
        }
        let kept = warnings.as_slice();
        assert_eq!(kept.len(), MAX_WARNINGS + 1);
        assert_eq!(kept.first(), Some(&Warning::Tag("t0".into())));
        assert_eq!(kept.last(), Some(&Warning::More));
    }

    #[test]
    fn a_long_name_is_cut_between_letters() {
        let Warning::Category(name) = Warning::category(&["é".repeat(100), "b".to_owned()]) else {
            panic!("a category");
        };
        assert_eq!(&*name, format!("{}…", "é".repeat(MAX_NAME_LETTERS)));
    }
}
