//! Regular expressions. They run in linear time where that is possible, and with a bounded number of steps where it is
//! not. Their memory is bounded, whatever a program asks for.
//!
//! The syntax is that of fancy-regex, a superset of the regex crate's. Expressions in the smaller syntax are compiled by
//! `regex-automata`, which reports how much memory an expression takes.

use regex_automata::meta::{self, BuildError};
use regex_automata::{Input, MatchKind, PatternSet};
use regex_syntax::hir::Hir;

use crate::error::{Limited, QueryError};
use crate::limits::{Charge, Guard};

/// The most bytes of an expression.
const MAX_BYTES: usize = 64 << 10;
/// The most bytes that parsing takes for each byte of an expression (measured with classes of letters).
const PARSING_BYTES: usize = 400;
/// The most bytes of the automaton of one expression: the regex crate's own default.
const MAX_AUTOMATON_BYTES: usize = 10 << 20;
/// The same for a part of a backtracking expression; the first try.
const MIN_PART_BYTES: usize = 16 << 10;
/// The most steps in the program of such an expression for each of its parts. A call of a group (`\g<1>`) is expanded,
/// and groups that call groups could grow without bound.
const MAX_PART_STEPS: usize = 64;
/// The most bytes of the automaton of a set of expressions.
const MAX_SET_BYTES: usize = 16 << 20;

/// A parsed regular expression.
pub(crate) enum Parsed {
    /// It has no look-around and no back-references.
    Linear(Hir),
    /// It has them, and is compiled already.
    Backtracking(Pattern),
}

/// A compiled regular expression.
#[derive(Debug)]
pub(crate) enum Pattern {
    /// It searches in linear time.
    Linear(meta::Regex),
    /// A search may take exponential time, so its steps are counted.
    Backtracking(Box<fancy_regex::Regex>),
}

/// The result of a search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Search {
    /// The text matches.
    Found,
    /// The text does not match.
    NotFound,
    /// The search took too many steps. It counts as not found, and the answer has a warning.
    GivenUp,
}

impl Search {
    /// As an answer in a table.
    pub(crate) fn to_answer(self) -> u32 {
        match self {
            Search::NotFound => 0,
            Search::Found => 1,
            Search::GivenUp => 2,
        }
    }

    /// From an answer in a table.
    pub(crate) fn of_answer(answer: u32) -> Search {
        match answer {
            0 => Search::NotFound,
            1 => Search::Found,
            _ => Search::GivenUp,
        }
    }
}

/// Parses and compiles expressions within the memory of a query.
pub(crate) struct Compiler<'a> {
    guard: &'a Guard,
    charge: Charge,
    steps: usize,
    bytes: usize,
}

impl<'a> Compiler<'a> {
    /// `steps` bounds the backtracking of expressions that need it.
    pub(crate) fn new(guard: &'a Guard, steps: usize) -> Result<Compiler<'a>, QueryError> {
        Ok(Compiler {
            guard,
            charge: guard.charge(0)?,
            steps,
            bytes: 0,
        })
    }

    /// Bytes of everything that was compiled.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    fn holds(&mut self, bytes: usize) -> Result<(), QueryError> {
        self.bytes += bytes;
        self.charge.grow(bytes)
    }

    /// Parses an expression.
    ///
    /// # Errors
    /// When it is not a regular expression, or too long.
    pub(crate) fn parse(&mut self, text: &str, ignore_case: bool) -> Result<Parsed, QueryError> {
        self.guard.check()?;
        if text.len() > MAX_BYTES {
            let message = format!(
                "a regular expression of {} bytes is longer than the {MAX_BYTES} that are allowed",
                text.len()
            );
            return Err(QueryError::limit(Limited::Argument, message));
        }
        self.charge.grow(text.len() * PARSING_BYTES)?;
        let flagged = if ignore_case {
            format!("(?i){text}")
        } else {
            text.to_owned()
        };
        if let Ok(hir) = regex_syntax::parse(&flagged) {
            return Ok(Parsed::Linear(hir));
        }
        self.backtracking(text, &flagged)
    }

    /// Compiles an expression with an engine that does not report its memory. The automata of its parts are built within
    /// the smallest of a few bounds that is enough, and each part is charged with that bound.
    fn backtracking(&mut self, text: &str, flagged: &str) -> Result<Parsed, QueryError> {
        let parts = 1 + text.bytes().filter(|byte| br"(|+\".contains(byte)).count();
        let mut part_bytes = MIN_PART_BYTES;
        loop {
            self.guard.check()?;
            let built = fancy_regex::RegexBuilder::new(flagged)
                .backtrack_limit(self.steps)
                .delegate_size_limit(part_bytes)
                .max_prog_size(parts * MAX_PART_STEPS)
                .build();
            match built {
                Ok(regex) => {
                    self.holds(text.len() * PARSING_BYTES + parts * part_bytes)?;
                    return Ok(Parsed::Backtracking(Pattern::Backtracking(Box::new(regex))));
                }
                Err(error) if is_too_large(&error) && part_bytes < MAX_AUTOMATON_BYTES => {
                    part_bytes = (part_bytes * 4).min(MAX_AUTOMATON_BYTES);
                }
                Err(error) => return Err(unusable(text, &error)),
            }
        }
    }

    /// Compiles an expression that was parsed from `text`.
    ///
    /// # Errors
    /// When it is too large.
    pub(crate) fn compile(&mut self, text: &str, parsed: Parsed) -> Result<Pattern, QueryError> {
        self.guard.check()?;
        match parsed {
            Parsed::Backtracking(pattern) => Ok(pattern),
            Parsed::Linear(hir) => {
                let regex = build(&[&hir], MAX_AUTOMATON_BYTES, MatchKind::LeftmostFirst)
                    .map_err(|error| unusable(text, &error))?;
                self.holds(regex.memory_usage())?;
                Ok(Pattern::Linear(regex))
            }
        }
    }

    /// Compiles expressions that are searched for all at once; `None` if the set would be too large.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub(crate) fn set(&mut self, expressions: &[&Hir]) -> Result<Option<Set>, QueryError> {
        self.guard.check()?;
        let Ok(regex) = build(expressions, MAX_SET_BYTES, MatchKind::All) else {
            return Ok(None);
        };
        self.holds(regex.memory_usage())?;
        Ok(Some(Set(regex)))
    }
}

fn build(expressions: &[&Hir], bytes: usize, kind: MatchKind) -> Result<meta::Regex, Box<BuildError>> {
    let config = meta::Config::new().nfa_size_limit(Some(bytes)).match_kind(kind);
    let built = meta::Builder::new()
        .configure(config)
        .build_many_from_hir(expressions);
    built.map_err(Box::new)
}

/// What is wrong with a text that is not a regular expression, and where, in bytes, if that can be said.
pub(crate) fn mistake(text: &str) -> Option<(usize, String)> {
    use regex_syntax::ast::ErrorKind::{UnsupportedBackreference, UnsupportedLookAround};
    match regex_syntax::parse(text).err()? {
        regex_syntax::Error::Parse(error)
            if !matches!(error.kind(), UnsupportedBackreference | UnsupportedLookAround) =>
        {
            Some((error.span().start.offset, error.kind().to_string()))
        }
        regex_syntax::Error::Translate(error) => Some((error.span().start.offset, error.kind().to_string())),
        // What only the other engine knows.
        _ => match fancy_regex::Regex::new(text).err()? {
            fancy_regex::Error::ParseError(at, error) => Some((at, error.to_string())),
            _ => None,
        },
    }
}

fn is_too_large(error: &fancy_regex::Error) -> bool {
    use fancy_regex::{CompileError, Error};
    match error {
        Error::CompileError(error) => {
            matches!(&**error, CompileError::InnerError(inner) if inner.size_limit().is_some())
        }
        _ => false,
    }
}

fn unusable(text: &str, error: &dyn std::fmt::Display) -> QueryError {
    QueryError::function(format!(
        "the regular expression \"{text}\" cannot be used: {error}"
    ))
}

impl Parsed {
    /// Itself, if it can be searched for together with others: it is linear and has no word boundaries. One word boundary
    /// in a set rules out the fast engine for the whole set as soon as a text has a letter beyond ASCII; a pattern alone is
    /// found by the letters around it (docs/decisions/008-a-regex-set-without-word-boundaries.md).
    pub(crate) fn for_set(&self) -> Option<&Hir> {
        match self {
            Parsed::Linear(hir) if !hir.properties().look_set().contains_word_unicode() => Some(hir),
            _ => None,
        }
    }
}

impl Pattern {
    /// Whether it is found anywhere in `text`.
    pub(crate) fn search(&self, text: &str) -> Search {
        let found = match self {
            Pattern::Linear(regex) => regex.is_match(text),
            Pattern::Backtracking(regex) => match regex.is_match(text) {
                Ok(found) => found,
                // The only errors of a search: too many steps, or too many places to go back to.
                Err(_) => return Search::GivenUp,
            },
        };
        if found { Search::Found } else { Search::NotFound }
    }
}

/// Expressions that are searched for all at once.
#[derive(Debug)]
pub(crate) struct Set(meta::Regex);

impl Set {
    /// Calls `found` with the number of each expression that is found anywhere in `text`.
    pub(crate) fn find_in(&self, text: &str, mut found: impl FnMut(usize)) {
        let mut matches = PatternSet::new(self.0.pattern_len());
        self.0.which_overlapping_matches(&Input::new(text), &mut matches);
        matches.iter().for_each(|number| found(number.as_usize()));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use timberline_cancel::Cancel;

    use crate::limits::{Budget, Limits};

    fn guard(bytes: usize) -> Guard {
        Guard::new(Arc::new(Budget::new(bytes, 0)), Cancel::new(), &Limits::default())
    }

    fn compile(guard: &Guard, text: &str, ignore_case: bool) -> Result<Pattern, QueryError> {
        let mut compiler = Compiler::new(guard, 1_000)?;
        let parsed = compiler.parse(text, ignore_case)?;
        compiler.compile(text, parsed)
    }

    #[test]
    fn only_what_needs_it_goes_back_and_that_is_bounded() {
        let guard = guard(1 << 30);
        let compile = |text| compile(&guard, text, false).unwrap();
        assert!(matches!(compile(r"\.py\b|^vim"), Pattern::Linear(_)));
        let ahead = compile("hello(?! world)");
        assert!(matches!(ahead, Pattern::Backtracking(_)));
        assert_eq!(ahead.search("hello"), Search::Found);
        assert_eq!(ahead.search("hello world"), Search::NotFound);
        let bomb = compile(r"^(?:a|aa)+(?!b)$");
        assert_eq!(bomb.search(&format!("{}b", "a".repeat(40))), Search::GivenUp);
    }

    #[test]
    fn the_bound_on_steps_of_a_program_leaves_room_for_usual_ones() {
        let guard = guard(1 << 30);
        for (text, found, not_found) in [
            (r"^(?!.*(foo|bar|baz)).*$", "a b", "a bar"),
            (
                r"(?<=x )(?:(?!b)a){50}",
                &*format!("x {}", "a".repeat(50)),
                "x aa",
            ),
            (
                r"(?:(?:(?!b)\w\d){9}x){9}",
                &*format!("{}x", "a1".repeat(9)).repeat(9),
                "a1x",
            ),
            (r"(\d(?!x)) \g<1>", "1 2", "1 x"),
            (r"(?!a)b|c|d|e|f|g|h|i|j|k|l|m|n|o|p", "p", "a"),
        ] {
            let pattern = compile(&guard, text, false).unwrap();
            assert!(matches!(pattern, Pattern::Backtracking(_)), "{text}");
            assert_eq!(pattern.search(found), Search::Found, "{text}");
            assert_eq!(pattern.search(not_found), Search::NotFound, "{text}");
        }
    }

    #[test]
    fn what_is_no_expression_or_too_large_is_told() {
        let large = guard(1 << 30);
        assert!(compile(&large, "(", false).is_err());
        assert!(compile(&large, &"a".repeat(MAX_BYTES + 1), false).is_err());
        assert!(compile(&large, r"(\w{500}){500}", false).is_err());
        let vim = compile(&large, "VIM", true).unwrap();
        assert_eq!(vim.search("vim"), Search::Found);
        let error = compile(&guard(100_000), r"\w{60}", false).unwrap_err();
        assert_eq!(error.kind, crate::error::ErrorKind::Limit(Limited::Memory));
    }

    #[test]
    fn a_set_finds_what_each_finds_alone() {
        let guard = guard(1 << 30);
        let mut compiler = Compiler::new(&guard, 1_000).unwrap();
        let texts = ["a+", "^b", "(?i)C|d$", r"x\.y", ""];
        let parsed: Vec<Parsed> = texts.iter().map(|t| compiler.parse(t, false).unwrap()).collect();
        let hirs: Vec<&Hir> = parsed.iter().map(|p| p.for_set().unwrap()).collect();
        let set = compiler.set(&hirs).unwrap().unwrap();
        assert!(compiler.parse(r"a\b", false).unwrap().for_set().is_none());
        for text in ["", "a", "bad", "cab", "x.y", "xxy d", "日本 ab", "● C"] {
            let mut together = Vec::new();
            set.find_in(text, |number| together.push(number));
            let alone = texts
                .iter()
                .enumerate()
                .filter(|(_, t)| regex::Regex::new(t).unwrap().is_match(text));
            assert_eq!(together, alone.map(|(i, _)| i).collect::<Vec<_>>(), "{text}");
        }
    }
}
