//! What every function and transform may use.

use crate::catalog::Catalog;
use crate::error::{Limited, QueryError};
use crate::limits::Guard;

/// The bounds of a running query, and the data that it computes on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope<'a> {
    pub(crate) guard: &'a Guard,
    pub(crate) catalog: &'a Catalog,
}

impl Scope<'_> {
    /// For loops that may add to the catalog: whether to continue.
    #[inline(always)]
    pub(crate) fn check_at(self, step: usize) -> Result<(), QueryError> {
        if step.is_multiple_of(4096) {
            self.guard.check()?;
            self.check_catalog()?;
        }
        Ok(())
    }

    /// The data that a query is the first to meet count as memory of that query.
    pub(crate) fn check_catalog(self) -> Result<(), QueryError> {
        if self.guard.has_room_for(self.catalog.bytes()) {
            return Ok(());
        }
        let message = "the distinct data of this period do not fit in the memory of queries";
        Err(QueryError::limit(Limited::Memory, message))
    }
}
