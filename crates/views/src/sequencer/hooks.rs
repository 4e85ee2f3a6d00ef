//! Where tests interfere with a write. In the product nobody does: `hooks_sim.rs` takes the place of this file when the
//! feature `sim` is on.

use timberline_log::{AppendError, Seq, SyncFailed};

use super::Sequencer;
use crate::fold::State;
use crate::record::Record;
use crate::store::StoreOptions;

#[derive(Debug)]
pub(crate) struct Hooks;

impl Hooks {
    pub(crate) fn new(_: &StoreOptions) -> Hooks {
        Hooks
    }

    /// A write has prepared on a snapshot and is about to take its turn.
    pub(crate) fn before_turn(&self) {}

    /// The log has refused a record.
    pub(super) fn refused(&self, _: &Sequencer, _: &mut State, _: Seq, _: &Record<'_>, _: &AppendError) {}

    /// Syncs the log, if no thread does.
    pub(super) fn sync(&self, _: &Sequencer) -> Option<Result<(), SyncFailed>> {
        None
    }
}
