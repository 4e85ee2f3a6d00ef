//! A person's categories: the setting `classes`, changed as a whole and never by accident, and its versions.
//!
//! | file | what it does |
//! |---|---|
//! | `stored` | the categories of a snapshot, with the tag of their version |
//! | `change` | stores others, unless somebody was faster |
//! | `versions` | finds the versions in the log |
//! | `choice` | the rules of a period, each instant by the version of that time |
//! | `difference` | what one version changed of another |
//!
//! What the setting contains, and when a rule holds, is known by `timberline_query::categories`.

mod change;
mod choice;
mod difference;
mod stored;
mod versions;

pub(crate) use change::{Change, ChangeError, change, check};
pub(crate) use choice::{ChoiceError, rules_of_then};
pub(crate) use difference::Difference;
pub(crate) use stored::Stored;
pub(crate) use versions::{Version, Versions, version_of};
