//! What tests do to a write (feature `sim` only); see `hooks.rs`.

use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use timberline_log::{AppendError, Seq, SyncFailed};

use super::Sequencer;
use crate::fold::State;
use crate::record::Record;
use crate::store::StoreOptions;

#[derive(Debug, Default)]
pub(crate) struct Hooks {
    /// No sync thread runs: a thread that waits for a record syncs the log.
    manual_sync: bool,
    /// A planted bug: readers see records that the log has refused.
    publishes_refused: AtomicBool,
    between: Mutex<Option<Between>>,
}

struct Between(Box<dyn FnMut() + Send>);

impl std::fmt::Debug for Between {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Between")
    }
}

impl Hooks {
    pub(crate) fn new(options: &StoreOptions) -> Hooks {
        Hooks {
            manual_sync: options.manual_sync,
            ..Hooks::default()
        }
    }

    pub(crate) fn set_between(&self, hook: Option<Box<dyn FnMut() + Send>>) {
        *self.between.lock() = hook.map(Between);
    }

    pub(crate) fn publish_refused(&self) {
        self.publishes_refused.store(true, Ordering::Relaxed);
    }

    /// Runs the test's hook. Writes of its own are not interrupted by it.
    pub(crate) fn before_turn(&self) {
        let hook = self.between.lock().take();
        if let Some(Between(mut hook)) = hook {
            hook();
            let _ = self.between.lock().get_or_insert(Between(hook));
        }
    }

    pub(super) fn refused(
        &self,
        sequencer: &Sequencer,
        state: &mut State,
        seq: Seq,
        record: &Record<'_>,
        _: &AppendError,
    ) {
        if self.publishes_refused.load(Ordering::Relaxed) {
            let _ = state.apply(seq, record);
            sequencer.publish(state);
        }
    }

    pub(super) fn sync(&self, sequencer: &Sequencer) -> Option<Result<(), SyncFailed>> {
        self.manual_sync.then(|| sequencer.lock().log.sync_now())
    }
}
