//! The functions of the language: what each is called, what it takes, what it does.
//!
//! | file | functions |
//! |---|---|
//! | `buckets` | what comes from the store |
//! | `events` | lists of events in, lists of events out: [transforms](crate::transform) |
//! | `plain` | values of any kind |
//! | `arguments` | taking arguments apart, with errors that name them |

mod arguments;
mod buckets;
mod events;
mod plain;

pub(crate) use arguments::Arguments;

use crate::error::QueryError;
use crate::value::Value;

/// A function.
pub(crate) struct Function {
    pub(crate) name: &'static str,
    pub(crate) parameters: Parameters,
    pub(crate) run: fn(&Arguments<'_>) -> Result<Value, QueryError>,
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// What a function takes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameters {
    /// Exactly these.
    Exactly(&'static [&'static str]),
    /// These, of which the last may be missing.
    LastOptional(&'static [&'static str]),
    /// Any number.
    Any(&'static str),
}

impl Parameters {
    /// Whether so many arguments will do.
    pub(crate) fn fit(self, count: usize) -> bool {
        match self {
            Parameters::Exactly(names) => count == names.len(),
            Parameters::LastOptional(names) => count == names.len() || count + 1 == names.len(),
            Parameters::Any(_) => true,
        }
    }

    fn name(self, i: usize) -> &'static str {
        match self {
            Parameters::Exactly(names) | Parameters::LastOptional(names) => {
                names.get(i).copied().unwrap_or("")
            }
            Parameters::Any(name) => name,
        }
    }
}

impl std::fmt::Display for Parameters {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Parameters::Exactly([]) => f.write_str("no arguments"),
            Parameters::Exactly([one]) => write!(f, "1 argument ({one})"),
            Parameters::Exactly(names) => write!(f, "{} arguments ({})", names.len(), names.join(", ")),
            Parameters::LastOptional(names) => {
                write!(
                    f,
                    "{} or {} arguments ({})",
                    names.len() - 1,
                    names.len(),
                    names.join(", ")
                )
            }
            Parameters::Any(_) => f.write_str("any number of arguments"),
        }
    }
}

/// All functions.
pub(crate) fn all() -> impl Iterator<Item = &'static Function> {
    [buckets::FUNCTIONS, events::FUNCTIONS, plain::FUNCTIONS]
        .into_iter()
        .flatten()
}

/// The function with this name.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    all().find(|function| function.name == name)
}

/// Longer names are not compared with others.
const MAX_SUGGESTED_NAME: usize = 100;

/// The name that was probably meant, if there is one.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing takes as many steps as there are pairs of letters.
    if name.len() > MAX_SUGGESTED_NAME {
        return None;
    }
    // A third of the letters may be wrong, but not most of a short name.
    let most = (name.chars().count() / 3).max(1);
    names
        .filter(|other| other.len() <= MAX_SUGGESTED_NAME)
        .map(|other| (strsim::damerau_levenshtein(name, other), other))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, other)| other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_suggested_and_a_far_one_is_not() {
        let near = |name| nearest(name, all().map(|f| f.name));
        assert_eq!(near("find_bukcet"), Some("find_bucket"));
        assert_eq!(near("sum_duration"), Some("sum_durations"));
        assert_eq!(near("teg"), Some("tag"));
        assert_eq!(near("xyz"), None);
    }
}
