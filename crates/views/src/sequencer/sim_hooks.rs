//! What tests plant in the sequencer.

use parking_lot::Mutex;
use timberline_log::PlantedBug;

/// Switches and hooks of a store that runs on a simulated disk.
#[derive(Debug, Default)]
pub(crate) struct SimHooks {
    pub(crate) planted_bug: Option<PlantedBug>,
    /// No sync thread runs: whoever waits for a record syncs the log.
    pub(crate) manual_sync: bool,
    /// What happens between the preparation of a write and its decision.
    between: Mutex<Option<Between>>,
}

struct Between(Box<dyn FnMut() + Send>);

impl std::fmt::Debug for Between {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Between")
    }
}

impl SimHooks {
    pub(crate) fn new(planted_bug: Option<PlantedBug>, manual_sync: bool) -> SimHooks {
        SimHooks {
            planted_bug,
            manual_sync,
            between: Mutex::default(),
        }
    }

    pub(crate) fn set_between(&self, hook: Option<Box<dyn FnMut() + Send>>) {
        *self.between.lock() = hook.map(Between);
    }

    /// Runs the hook. Writes of its own are not interrupted by it.
    pub(crate) fn run_between(&self) {
        let hook = self.between.lock().take();
        if let Some(Between(mut hook)) = hook {
            hook();
            let _ = self.between.lock().get_or_insert(Between(hook));
        }
    }
}
