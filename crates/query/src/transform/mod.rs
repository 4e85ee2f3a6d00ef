//! What functions do to lists of events: each a pure function from lists to a list, in one or two passes over their
//! columns, or n log n where it has to sort.
//!
//! What a transform needs to know about data it asks the [catalog](crate::catalog), once for each distinct object.
//! `tests/it/reference/` has a plain implementation of each, and random inputs must agree with it.

mod by_key;
mod chunk;
mod classify;
mod filter;
mod flood;
mod intersect;
mod merge;
mod order;
mod titles;
mod union;
mod urls;

pub(crate) use by_key::KeyColumn;
pub(crate) use chunk::chunk_events_by_key;
pub(crate) use classify::{Classifier, Moment, classify};
pub(crate) use filter::{filter_keyvals, filter_keyvals_regex};
pub(crate) use flood::{PULSETIME, flood};
pub(crate) use intersect::filter_period_intersect;
pub(crate) use merge::merge_events_by_keys;
pub(crate) use order::{sort_by_duration, sort_by_timestamp};
pub(crate) use titles::simplify_window_titles;
pub(crate) use union::{concat, period_union, union_and_untouched, union_no_overlap};
pub(crate) use urls::{Domains, split_url_events};
