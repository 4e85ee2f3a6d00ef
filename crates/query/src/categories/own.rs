//! What the settings of a snapshot say about a person: the categories, which `categorize(events)` uses, and the clock, which
//! conditions on the time of day go by.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use serde_json::Value as Json;
use timberline_views::Snapshot;

use super::setting::{Categories, CategoriesError, SETTING};
use crate::error::QueryError;
use crate::period::instant;
use crate::rules::Clock;

/// The setting with the time zones that a person lived in.
const ZONES: &str = "timeZones";
/// How many are kept: the present ones, and some that queries about the past use.
const MAX_KEPT: usize = 8;

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Own {
    /// The settings that it was read from, as they are in the store.
    classes: Option<String>,
    zones: Option<String>,
    rules: Result<Json, CategoriesError>,
    clock: Result<Clock, QueryError>,
}

impl Own {
    pub(crate) fn of(snapshot: &Snapshot) -> Own {
        let setting = |key: &str| snapshot.settings().get(key).cloned();
        let (classes, zones) = (setting(SETTING), setting(ZONES));
        Own {
            rules: Categories::read(classes.as_deref()).map(|categories| categories.rules()),
            clock: clock(zones.as_deref()),
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
        let clock = self.clock.as_ref().map_err(Clone::clone)?;
        Ok((clock, self.zones.as_deref().unwrap_or_default()))
    }

    /// Whether a snapshot has the same settings.
    pub(crate) fn holds_on(&self, snapshot: &Snapshot) -> bool {
        let settings = snapshot.settings();
        settings.get(SETTING) == self.classes.as_ref() && settings.get(ZONES) == self.zones.as_ref()
    }
}

/// Reads `[{"from": instant, "zone": name}]`; the first needs no `from`. Without a setting, the clock shows UTC.
fn clock(zones: Option<&str>) -> Result<Clock, QueryError> {
    let Some(zones) = zones else {
        return Ok(Clock::utc());
    };
    let about = |what: &dyn std::fmt::Display| QueryError::function(format!("the setting {ZONES}: {what}"));
    let zones: Vec<Json> = serde_json::from_str(zones).map_err(|error| about(&error))?;
    let zone = |zone: Json| {
        let from = match zone.get("from").and_then(Json::as_str) {
            None => i64::MIN,
            Some(from) => instant(from).map_err(|error| about(&error))?.nanos(),
        };
        let name = zone.get("zone").and_then(Json::as_str);
        let name =
            name.ok_or_else(|| about(&"an entry is not of the form {\"from\": instant, \"zone\": zone}"))?;
        Ok((from, name.to_owned()))
    };
    let zones = zones
        .into_iter()
        .map(zone)
        .collect::<Result<Vec<_>, QueryError>>()?;
    Clock::of_zones(&zones).map_err(|error| about(&error))
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
