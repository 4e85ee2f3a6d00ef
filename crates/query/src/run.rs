//! One run of a program on one period of a snapshot: what it is given, and what it has read.

use std::cell::RefCell;

use timberline_model::Timestamp;
use timberline_views::{BucketKey, BucketView, Snapshot};

use crate::error::QueryError;
use crate::period::Period;
use crate::scope::Scope;
use crate::syntax::Expression;
use crate::trace::Trace;
use crate::warning::{Warning, Warnings};

/// One run of a program.
pub(crate) struct Run<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) scope: Scope<'a>,
    /// The text of the program, for the places of errors.
    pub(crate) program: &'a str,
    pub(crate) period: Period,
    /// The value of `NAME`.
    pub(crate) name: &'a str,
    pub(crate) backtracking_steps: usize,
    pub(crate) reads: RefCell<Reads>,
    pub(crate) warnings: RefCell<Warnings>,
    pub(crate) trace: Option<RefCell<Trace>>,
}

/// What a run has read. Its result depends on this.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reads {
    /// Buckets, and the latest instant that was read of each.
    pub(crate) buckets: Vec<(BucketKey, Timestamp)>,
    /// Whether it has read the list of buckets.
    pub(crate) bucket_list: bool,
}

impl Run<'_> {
    /// Notes that a bucket was read up to an instant.
    pub(crate) fn reads(&self, bucket: &BucketView, until: Timestamp) {
        let buckets = &mut self.reads.borrow_mut().buckets;
        let read = (bucket.key(), until);
        if !buckets.contains(&read) {
            buckets.push(read);
        }
    }

    /// Notes that the list of buckets was read.
    pub(crate) fn reads_bucket_list(&self) {
        self.reads.borrow_mut().bucket_list = true;
    }

    /// Notes what the result leaves out.
    pub(crate) fn warn(&self, warning: Warning) {
        self.warnings.borrow_mut().add(warning);
    }

    /// The error, with the place of the expression unless it has one already.
    pub(crate) fn error_at(&self, error: QueryError, expression: &Expression) -> QueryError {
        error.at(self.program, expression.span)
    }
}
