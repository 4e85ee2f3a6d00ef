//! What retention holds back, as lines to show.

use std::sync::Arc;

use arc_swap::ArcSwap;

use super::held::Holds;

/// What retention holds back, for the status page and `/metrics`.
#[derive(Debug, Default)]
pub(crate) struct Status(ArcSwap<Vec<String>>);

impl Status {
    pub(super) fn set(&self, holds: &Holds) {
        let held = holds.held().map(|(bucket, held)| held.explain(bucket));
        self.0.store(Arc::new(held.collect()));
    }

    /// A line for each bucket in which a rule is held: what it would erase, and what to do.
    pub(crate) fn held(&self) -> Arc<Vec<String>> {
        self.0.load_full()
    }
}
