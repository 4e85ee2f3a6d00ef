//! Privacy filters: rules that drop or change events before they are stored.
//!
//! The setting [`SETTING`] is a list of rules; each looks at one field of the events of some buckets and drops the
//! event, or replaces the field's value. A value that is not stored cannot leak and cannot be restored. So there is a
//! [`preview`], which shows what rules would do to past events.
//!
//! Events are filtered where they come in (heartbeats, inserts, imports), as aw-server-rust does it; `docs/privacy.md`
//! has the facts, and where this differs.
//!
//! | file | what it does |
//! |---|---|
//! | `current` | the filters of the stored setting, compiled once for every change of it |
//! | `filters` | a list of rules, and what it makes of an event's data |
//! | `rule` | one rule, read and checked |
//! | `field` | a field inside canonical data: found, replaced |
//! | `replacement` | what takes a value's place: a text, a template, a keyed hash |
//! | `key` | the key of hashes, in its file |
//! | `preview` | a list of rules, tried on the events of a snapshot |

mod current;
mod field;
mod filters;
mod key;
pub(crate) mod preview;
mod replacement;
mod rule;
#[cfg(test)]
mod tests;

pub(crate) use current::Privacy;
pub(crate) use field::Field;
pub(crate) use filters::{Filters, Problem, Verdict};

/// Why the key of hashes in a data directory cannot be used, if it is there and cannot.
pub(crate) fn damaged_key(dir: &std::path::Path) -> Option<String> {
    let why = key::HashKey::kept(dir).err()?;
    Some(format!(
        "{}: {why}",
        dir.join(timberline_disk::DataDir::PRIVACY_KEY).display()
    ))
}

/// The key of the setting that holds the rules.
pub(crate) const SETTING: &str = "privacy_filters";
