//! What a person did: one definition, which everything that shows activity uses.
//!
//! A [`Definition`] says which buckets count and how they are combined, as the standard web UI does. It is printed as a
//! program of the query language ([`Definition::program`]), and every answer equals what that program gives for the same
//! period, to the nanosecond. `docs/activity.md` explains it.
//!
//! | file | what |
//! |---|---|
//! | `definition` | the definition, and which buckets the web UI chooses |
//! | `browsers`, `category_rules` | the browsers it knows; the rules of categories |
//! | `text` | the definition as a program |
//! | `plan` | how a period is divided into parts of about a day |
//! | `quiet` | where it can be cut so that nothing changes |
//! | `parts`, `stopwatch` | the activity of a part; the stopwatch |
//! | `dimension`, `column`, `labels` | what is added up by; what groups have in common |
//! | `wanted` | filters: what counts |
//! | `across` | sums of a source that another one filters |
//! | `sums`, `packed`, `cache` | sums of a part, kept in few bytes until its events change |
//! | `usage`, `total`, `spans` | the answers: sums, and spans |

mod across;
mod browsers;
mod cache;
mod category_rules;
mod column;
mod definition;
mod dimension;
mod labels;
mod packed;
mod parts;
mod plan;
mod quiet;
mod spans;
mod stopwatch;
mod sums;
mod text;
mod total;
mod usage;
mod wanted;

pub(crate) use cache::ActivityCache;
pub use category_rules::CategoryRules;
pub use definition::{Definition, DefinitionError, Device, Source};
pub use dimension::Dimension;
pub use plan::Origin;
pub use spans::{Activity, ActivityRequest, ActivitySpan, Place};
pub use usage::{Label, Listed, Times, Usage, UsageRequest};
pub use wanted::Filter;
