//! One run of a program on one period of a snapshot: what it is given, and what it has read.

use std::cell::RefCell;
use std::sync::Arc;

use timberline_model::Timestamp;
use timberline_views::{BucketKey, BucketView, Seq, Snapshot};

use crate::categories::{Own, OwnRules};
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
    /// The categories of settings.
    pub(crate) own_rules: &'a OwnRules,
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
    /// The categories of the settings, if it has read them.
    pub(crate) own_rules: Option<Arc<Own>>,
}

impl Reads {
    /// Whether all of it is in a snapshot as it was at record `seq`.
    pub(crate) fn unchanged_since(&self, seq: Seq, snapshot: &Snapshot) -> bool {
        let untouched = |(key, until): &(_, _)| {
            let bucket = snapshot.bucket_of(*key);
            bucket.is_some_and(|b| b.touched_until(*until) <= seq)
        };
        seq <= snapshot.seq()
            && (!self.bucket_list || snapshot.buckets_touched() <= seq)
            && self.buckets.iter().all(untouched)
            && self.own_rules.as_ref().is_none_or(|own| own.holds_on(snapshot))
    }
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

    /// The categories of the settings.
    pub(crate) fn own_rules(&self) -> Arc<Own> {
        let own = self.own_rules.of(self.snapshot);
        self.reads.borrow_mut().own_rules = Some(Arc::clone(&own));
        own
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
