//! What the settings of a snapshot say about a person: the categories, which `categorize(events)` uses, and the clock, which
//! conditions on the time of day go by.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value as Json;
use timberline_views::Snapshot;

use super::setting::{Categories, CategoriesError, SETTING};
use crate::clock::{Clock, ClockError, SETTING as ZONES};
use crate::error::QueryError;

/// How many are kept: the present ones, and some that queries about the past use.
const MAX_KEPT: usize = 8;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Own {
    /// The settings that it was read from, as they are in the store.
    classes: Option<String>,
    zones: Option<String>,
    rules: Result<Json, CategoriesError>,
    clock: Result<Clock, ClockError>,
}

impl Own {
    pub(crate) fn of(snapshot: &Snapshot) -> Own {
        let setting = |key: &str| snapshot.settings().get(key).cloned();
        let (classes, zones) = (setting(SETTING), setting(ZONES));
        Own {
            rules: Categories::read(classes.as_deref()).map(|categories| categories.rules()),
            clock: Clock::of_setting(zones.as_deref()),
            classes,
            zones,
        }
    }

    /// The rules of the categories: a list of `[category, rule]`.
    ///
    /// # Errors
    /// When the setting is not a list of categories.
    pub(crate) fn rules(&self) -> Result<&Json, QueryError> {
        let error = |error: &CategoriesError| QueryError::function(format!("the setting {SETTING}: {error}"));
        self.rules.as_ref().map_err(error)
    }

    /// The person's clock, and a text that tells it from others.
    ///
    /// # Errors
    /// When the setting is not a list of zones.
    pub(crate) fn clock(&self) -> Result<(&Clock, &str), QueryError> {
        let clock = self.clock.as_ref().map_err(|error| error.clone())?;
        Ok((clock, self.zones.as_deref().unwrap_or_default()))
    }

    /// Whether a snapshot has the same settings.
    pub(crate) fn holds_on(&self, snapshot: &Snapshot) -> bool {
        let settings = snapshot.settings();
        settings.get(SETTING) == self.classes.as_ref() && settings.get(ZONES) == self.zones.as_ref()
    }
}

/// The settings that were used last, so that they are read once.
#[derive(Debug, Default)]
pub(crate) struct OwnRules(Mutex<VecDeque<Arc<Own>>>);

impl OwnRules {
    /// The settings of a snapshot.
    pub(crate) fn of(&self, snapshot: &Snapshot) -> Arc<Own> {
        let kept = &mut *self.0.lock();
        if let Some(own) = kept.iter().find(|own| own.holds_on(snapshot)) {
            return Arc::clone(own);
        }
        let own = Arc::new(Own::of(snapshot));
        kept.truncate(MAX_KEPT - 1);
        kept.push_front(Arc::clone(&own));
        own
    }
}
