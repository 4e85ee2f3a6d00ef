//! What functions do to lists of events: each a pure function from lists to a list, in one or two passes over their
//! columns, or n log n where it has to sort.
//!
//! What a transform needs to know about data it asks the [catalog](crate::catalog), once for each distinct object.
//! `tests/reference/` has a plain implementation of each, and random inputs must agree with it.

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

pub(crate) use chunk::chunk_events_by_key;
pub(crate) use classify::{Classifier, classify};
pub(crate) use filter::{filter_keyvals, filter_keyvals_regex};
pub(crate) use flood::flood;
pub(crate) use intersect::filter_period_intersect;
pub(crate) use merge::merge_events_by_keys;
pub(crate) use order::{sort_by_duration, sort_by_timestamp};
pub(crate) use titles::simplify_window_titles;
pub(crate) use union::{concat, period_union, union_no_overlap};
pub(crate) use urls::{Urls, split_url_events};

use crate::catalog::Catalog;
use crate::error::QueryError;
use crate::limits::Guard;

/// What every transform may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) guard: &'a Guard,
    pub(crate) catalog: &'a Catalog,
}

impl Scope<'_> {
    /// For loops that may add to the catalog: whether to go on.
    #[inline(always)]
    pub(crate) fn check_at(self, step: usize) -> Result<(), QueryError> {
        if step.is_multiple_of(4096) {
            self.guard.check()?;
            self.guard.check_catalog(self.catalog)?;
        }
        Ok(())
    }
}
