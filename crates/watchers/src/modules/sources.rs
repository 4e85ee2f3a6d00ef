//! Where the modules learn what they record: the sources of this system, in the order of preference.

use std::sync::Arc;

use super::options::Options;
use crate::afk::Fact;
use crate::desktop::{Activity, Session, Sighting, Source};

/// Makes sources for a session.
pub(super) type Make<R> = Box<dyn Fn(&Arc<Session>) -> Vec<Box<dyn Source<R>>> + Send + Sync>;

/// The sources of all modules. Tests have others.
pub(super) struct Sources {
    /// Of windows. The best that works is used.
    pub(super) window: Make<Option<Sighting>>,
    /// Of input. The best that works is used.
    pub(super) activity: Make<Activity>,
    /// Of locks, other users and sleep. All of them are used.
    pub(super) facts: Make<Fact>,
    /// Of the lid: whether it is closed. The best that works is used.
    pub(super) lid: Make<Option<bool>>,
}

impl Sources {
    /// Those of this system.
    pub(super) fn of_this_system(_options: &Options) -> Sources {
        Sources {
            window: Box::new(|_| Vec::new()),
            activity: Box::new(|_| Vec::new()),
            facts: Box::new(|_| Vec::new()),
            lid: Box::new(super::services::lid),
        }
    }
}
