//! Replaces a value that a rule matched.

use regex::{Captures, Regex};

use super::key::{HashKey, WITHOUT_KEY};

/// Values longer than this are replaced whole: to look for every match of a pattern, not just the first, can take
/// quadratic time.
const MAX_FOR_TEMPLATE: usize = 64 << 10;
/// A template may make a value longer, but not beyond this: an event must not become a hundred times what it was.
const MAX_FROM_TEMPLATE: usize = 4 << 10;

#[derive(Clone, Debug)]
pub(super) enum Replacement {
    /// The same text for all values.
    Whole(String),
    /// Each match is replaced by the text, in which `$1` and `${name}` stand for what the groups of the pattern matched.
    Template { text: String, groups: Vec<usize> },
    /// A keyed hash of the value.
    Hash(Option<HashKey>),
}

impl Replacement {
    /// Reads the replacement of a `redact` rule.
    ///
    /// It is a template only when everything it refers to is a group of the pattern. A reference to no group would
    /// stand for nothing, and one to the whole match (`$0`) for what is to be hidden: with those, as without any, the
    /// text takes the place of the whole value. The rule is aw-server-rust's.
    pub(super) fn redact(text: String, pattern: &Regex) -> Replacement {
        let group = |name: &str| {
            if name.bytes().all(|b| b.is_ascii_digit()) {
                let number = name.parse().ok()?;
                return (1..pattern.captures_len()).contains(&number).then_some(number);
            }
            pattern.capture_names().position(|known| known == Some(name))
        };
        let groups: Option<Vec<usize>> =
            references(&text).and_then(|names| names.into_iter().map(group).collect());
        match groups {
            Some(groups) if !groups.is_empty() => Replacement::Template { text, groups },
            _ => Replacement::Whole(text),
        }
    }

    /// What is stored instead of `value`, which `pattern` matches.
    pub(super) fn of(&self, value: &str, pattern: &Regex) -> String {
        match self {
            Replacement::Whole(text) => text.clone(),
            Replacement::Template { text, groups } => {
                expanded(text, groups, value, pattern).unwrap_or_else(|| text.clone())
            }
            Replacement::Hash(Some(key)) => key.hash(value),
            Replacement::Hash(None) => WITHOUT_KEY.to_owned(),
        }
    }
}

/// `value` with every match replaced; `None` when a group that the template refers to has no part in one of them, and
/// when it gets too long.
fn expanded(text: &str, groups: &[usize], value: &str, pattern: &Regex) -> Option<String> {
    if value.len() > MAX_FOR_TEMPLATE {
        return None;
    }
    let longest = value.len().max(MAX_FROM_TEMPLATE);
    let mut out = String::new();
    let mut done = 0;
    for captures in pattern.captures_iter(value) {
        let matched = whole_match(&captures, groups)?;
        out.push_str(value.get(done..matched.start())?);
        captures.expand(text, &mut out);
        done = matched.end();
        if out.len() > longest {
            return None;
        }
    }
    out.push_str(value.get(done..)?);
    (out.len() <= longest).then_some(out)
}

fn whole_match<'a>(captures: &Captures<'a>, groups: &[usize]) -> Option<regex::Match<'a>> {
    let all = groups.iter().all(|group| captures.get(*group).is_some());
    captures.get(0).filter(|_| all)
}

/// The names after the dollars of a template, as the regex crate reads it: `$$` is a dollar, a name is as long as it
/// can be or stands in braces. `None` when a brace is not closed.
fn references(template: &str) -> Option<Vec<&str>> {
    let mut names = Vec::new();
    let mut rest = template;
    while let Some((_, after)) = rest.split_once('$') {
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            rest = after;
        } else if let Some(braced) = rest.strip_prefix('{') {
            let (name, after) = braced.split_once('}')?;
            // Empty, it is a group that is never there.
            names.push(if name.is_empty() { "0" } else { name });
            rest = after;
        } else {
            let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let end = rest.find(|c| !in_name(c)).unwrap_or(rest.len());
            let (name, after) = rest.split_at_checked(end)?;
            names.extend((!name.is_empty()).then_some(name));
            rest = after;
        }
    }
    Some(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn redacted(pattern: &str, replacement: &str, value: &str) -> String {
        let pattern = Regex::new(pattern).unwrap();
        Replacement::redact(replacement.to_owned(), &pattern).of(value, &pattern)
    }

    #[test]
    fn a_text_takes_the_place_of_the_whole_value() {
        assert_eq!(redacted("bank", "***", "my bank account"), "***");
        assert_eq!(redacted("(token)=.", "***", "a token=1"), "***");
    }

    #[test]
    fn a_template_takes_the_place_of_each_match() {
        assert_eq!(
            redacted(r"(\w+)@\w+", "$1@…", "ann@home to bob@work"),
            "ann@… to bob@…"
        );
        assert_eq!(redacted(r"(?<who>\w+)@\w+", "${who}$$", "ann@home!"), "ann$!");
    }

    #[test]
    fn a_template_that_would_lay_something_bare_is_a_text() {
        for template in [
            "$0",
            "${0}",
            "$2",
            "$name",
            "${}",
            "${1",
            "$1a",
            "$1 $0",
            "$9999999999999999999999",
        ] {
            assert_eq!(redacted("(token)=1", template, "x token=1"), template);
        }
        // The second group has no part in the match.
        assert_eq!(redacted("(token)|(secret)", "$2", "token=abc"), "$2");
    }

    #[test]
    fn a_template_cannot_make_values_grow_without_bound() {
        let value = "a".repeat(4000);
        assert_eq!(redacted("(a)", "$1$1", &value), "$1$1");
        assert_eq!(redacted("(a)", "$1$1", "aa"), "aaaa");
        let huge = "a".repeat(MAX_FOR_TEMPLATE + 1);
        assert_eq!(redacted("(a)", "$1", &huge), "$1");
    }
}
