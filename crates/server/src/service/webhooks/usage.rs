//! Notices that a person has spent some time on a category today: the usage as `GET /api/1/usage` has it, by the person's
//! settings.

use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_log::Seq;
use timberline_query::Engine;
use timberline_query::activity::{Definition, Dimension, Label, Listed, Usage, UsageRequest};
use timberline_query::calendar::{Calendar, Interval};
use timberline_views::Snapshot;

use crate::app::App;
use crate::causes::with_causes;
use crate::service::person::{self, CalendarChoice};

/// Watches one category.
#[derive(Clone, Debug)]
pub(super) struct UsageWatch {
    category: Vec<String>,
    zone: Option<String>,
}

/// How much of the category there was today.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Spent {
    /// When the day began, by the person's clock.
    pub(super) day: String,
    pub(super) nanos: i128,
    /// The newest record that it includes.
    pub(super) seq: Seq,
}

impl UsageWatch {
    pub(super) fn new(category: Vec<String>, zone: Option<String>) -> UsageWatch {
        UsageWatch { category, zone }
    }

    /// Adds up what there was today, on the threads of queries.
    ///
    /// # Errors
    /// Why it cannot be added up now.
    pub(super) async fn look(&self, app: &Arc<App>) -> Result<Spent, String> {
        let (send, receive) = tokio::sync::oneshot::channel();
        let (watch, of) = (self.clone(), Arc::clone(app));
        let cancel = Cancel::new();
        let _abandoned = cancel.cancel_on_drop();
        let cancelled = cancel.clone();
        app.engine.spawn(move || {
            // The webhook may be gone.
            let _ = send.send(watch.add_up(&of, &cancelled));
        });
        receive
            .await
            .unwrap_or_else(|_| Err("the work broke off".to_owned()))
    }

    fn add_up(&self, app: &App, cancel: &Cancel) -> Result<Spent, String> {
        let snapshot = app.store.snapshot();
        let choice = CalendarChoice {
            zone: self.zone.as_deref(),
            ..CalendarChoice::default()
        };
        let calendar = person::calendar(snapshot.settings(), &choice).map_err(|error| with_causes(&error))?;
        let period = calendar.day(app.store.now());
        let usage = self.usage(&app.engine, &snapshot, &calendar, period, cancel)?;
        let of_category = usage.groups.iter().filter(|(label, _)| self.has(label));
        Ok(Spent {
            day: calendar.format(period.start),
            nanos: of_category.map(|(_, times)| times.all).sum(),
            seq: snapshot.seq(),
        })
    }

    fn usage(
        &self,
        engine: &Engine,
        snapshot: &Snapshot,
        calendar: &Calendar,
        period: timberline_query::Period,
        cancel: &Cancel,
    ) -> Result<Usage, String> {
        let settings = snapshot.settings();
        let mut definition = Definition::of_devices(snapshot, None).map_err(|error| with_causes(&error))?;
        definition.always_active_pattern = person::always_active_pattern(settings);
        definition.categories = Some(person::categories(settings).map_err(|error| with_causes(&error))?);
        definition.check().map_err(|error| with_causes(&error))?;
        let bins = calendar
            .bins(period, Interval::None, 1)
            .map_err(|error| with_causes(&error))?;
        let request = UsageRequest {
            definition: &definition,
            period,
            by: Dimension::parse("category").ok_or("there are no categories")?,
            calendar,
            bins: &bins,
            listed: Listed::Longest(usize::MAX),
            past: false,
        };
        let usage = engine.usage(snapshot, &request, cancel);
        usage.map_err(|error| with_causes(&error))
    }

    /// Whether a category is the one that is watched, or in it.
    fn has(&self, label: &Label) -> bool {
        let names = label.as_deref().map(serde_json::from_str::<Vec<String>>);
        matches!(names, Some(Ok(names)) if names.starts_with(&self.category))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_has_those_in_it() {
        let watch = UsageWatch::new(vec!["Work".to_owned(), "Email".to_owned()], None);
        for (label, expected) in [
            (Some(r#"["Work","Email"]"#), true),
            (Some(r#"["Work","Email","Lists"]"#), true),
            (Some(r#"["Work"]"#), false),
            (Some(r#"["Work","Email2"]"#), false),
            (Some(r#""Work""#), false),
            (None, false),
        ] {
            assert_eq!(watch.has(&label.map(str::to_owned)), expected, "{label:?}");
        }
    }
}
