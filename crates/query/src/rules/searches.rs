//! What rules look for in data: patterns, each of which is compiled once, however many rules it is in.

use rustc_hash::FxHashMap;

use crate::error::QueryError;
use crate::limits::Guard;
use crate::pattern::{Compiler, Parsed, Pattern, Search, Set};

/// A pattern, and where it is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Wanted {
    pub(super) text: String,
    pub(super) ignore_case: bool,
    /// The keys whose values are searched; `None` means all.
    pub(super) keys: Option<Vec<String>>,
}

/// How a pattern is matched against a text.
#[derive(Debug)]
enum Matcher {
    /// Together with the other patterns of the set.
    InSet,
    /// By itself.
    Alone(Pattern),
}

/// A pattern before it is compiled.
struct Asked {
    wanted: Wanted,
    parsed: Parsed,
    /// What errors are about.
    subject: String,
}

/// Collects patterns.
pub(super) struct Collector<'a> {
    compiler: Compiler<'a>,
    asked: Vec<Asked>,
    numbers: FxHashMap<Wanted, usize>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(guard: &'a Guard, steps: usize) -> Result<Collector<'a>, QueryError> {
        Ok(Collector {
            compiler: Compiler::new(guard, steps)?,
            asked: Vec::new(),
            numbers: FxHashMap::default(),
        })
    }

    /// The number of a search. `subject` names the rule that asks for it.
    ///
    /// # Errors
    /// When the pattern is not a regular expression, or too long.
    pub(super) fn add(&mut self, wanted: Wanted, subject: &str) -> Result<usize, QueryError> {
        if let Some(number) = self.numbers.get(&wanted) {
            return Ok(*number);
        }
        let parsed = self.compiler.parse(&wanted.text, wanted.ignore_case)?;
        let number = self.asked.len();
        self.numbers.insert(wanted.clone(), number);
        self.asked.push(Asked {
            wanted,
            parsed,
            subject: subject.to_owned(),
        });
        Ok(number)
    }

    /// Compiles the patterns, as many as possible into one set. If the set would be too large, each is searched for by itself.
    ///
    /// # Errors
    /// When a pattern is too large.
    pub(super) fn compile(mut self) -> Result<Searches, QueryError> {
        let for_set = || {
            self.asked
                .iter()
                .enumerate()
                .filter_map(|(i, asked)| Some((i, asked.parsed.for_set()?)))
        };
        let (numbers, expressions): (Vec<usize>, Vec<_>) = for_set().unzip();
        let set = self.compiler.set(&expressions)?.map(|set| (set, numbers));
        let (mut matchers, mut keys) = (Vec::new(), Vec::new());
        for asked in self.asked {
            keys.push(asked.wanted.keys);
            if set.is_some() && asked.parsed.for_set().is_some() {
                matchers.push(Matcher::InSet);
                continue;
            }
            let compiled = self.compiler.compile(&asked.wanted.text, asked.parsed);
            matchers.push(Matcher::Alone(
                compiled.map_err(|error| error.about(asked.subject))?,
            ));
        }
        Ok(Searches {
            matchers,
            keys,
            set,
            bytes: self.compiler.bytes(),
        })
    }
}

/// The searches of a set of rules, by number.
#[derive(Debug)]
pub(super) struct Searches {
    matchers: Vec<Matcher>,
    keys: Vec<Option<Vec<String>>>,
    /// The patterns that are searched for all at once, and their numbers.
    set: Option<(Set, Vec<usize>)>,
    /// Bytes of all compiled patterns.
    bytes: usize,
}

impl Searches {
    /// For each search, the keys whose values it looks at; `None` means all.
    pub(super) fn keys(&self) -> &[Option<Vec<String>>] {
        &self.keys
    }

    /// Bytes of all compiled patterns.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Reports each search whose pattern is found in a text, and each that was given up.
    ///
    /// # Errors
    /// When the query has reached a limit or is cancelled: many backtracking patterns take long.
    pub(super) fn find_in(
        &self,
        guard: &Guard,
        text: &str,
        mut report: impl FnMut(usize, Search),
    ) -> Result<(), QueryError> {
        if let Some((set, numbers)) = &self.set {
            set.find_in(text, |i| {
                numbers
                    .get(i)
                    .into_iter()
                    .for_each(|number| report(*number, Search::Found));
            });
        }
        for (number, matcher) in self.matchers.iter().enumerate() {
            if let Matcher::Alone(pattern) = matcher {
                if matches!(pattern, Pattern::Backtracking(_)) {
                    guard.check()?;
                }
                report(number, pattern.search(text));
            }
        }
        Ok(())
    }
}
