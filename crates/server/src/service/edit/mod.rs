//! Changing events: one by one, or all that match.
//!
//! | file | what it does |
//! |---|---|
//! | `filter` | which events are meant |
//! | `merge_patch` | other data, as a JSON merge patch |

mod filter;
mod merge_patch;

use serde_json::Value;
use timberline_cancel::Cancel;
use timberline_model::{Duration, Event, EventId, NewEvent, Timestamp};
use timberline_views::{
    BucketView, Edit, EditPlan, Edited, HistoryError, Plan, SegmentError, Snapshot, TimeRange, as_part,
    as_put,
};

pub(crate) use self::filter::EventFilter;
pub(crate) use self::merge_patch::patched;
use crate::app::App;
use crate::service::write_hold::HoldError;

/// So many events may be changed at once: they are in memory together.
const MAX_EVENTS: usize = 100_000;
/// Examples in a preview.
const SAMPLES: usize = 20;

/// Why nothing is changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EditError {
    /// The request makes no sense.
    #[error("{0}")]
    Unfit(String),
    #[error("there is no bucket '{0}'")]
    NoSuchBucket(String),
    #[error("bucket '{bucket}' has no event {event}")]
    NoSuchEvent { bucket: String, event: EventId },
    #[error("More than {MAX_EVENTS} events match: narrow the request, by time or by bucket")]
    TooMany,
    #[error(transparent)]
    History(#[from] HistoryError),
    #[error(transparent)]
    Hold(#[from] HoldError),
}

impl From<SegmentError> for EditError {
    fn from(error: SegmentError) -> Self {
        Self::History(error.into())
    }
}

/// What becomes of all events that match.
#[derive(Debug)]
pub(crate) struct EditRequest {
    /// The ids of the buckets; all if there are none.
    pub(crate) buckets: Vec<String>,
    /// Only events that touch this time.
    pub(crate) range: TimeRange,
    pub(crate) filter: EventFilter,
    pub(crate) change: Change,
}

/// What becomes of an event.
#[derive(Debug)]
pub(crate) enum Change {
    Edit(Values),
    Delete,
}

/// What of an event is to be another.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Values {
    pub(crate) start: Option<Timestamp>,
    pub(crate) duration: Option<Duration>,
    /// By how much it is moved in time.
    pub(crate) shift: Option<Duration>,
    /// A JSON merge patch.
    pub(crate) data: Option<Value>,
}

/// Events that match.
#[derive(Debug, Default)]
pub(crate) struct Matching {
    pub(crate) edits: Vec<Edit>,
    /// The buckets, and how many events of each.
    pub(crate) counts: Vec<(String, usize)>,
    /// Some of the events: bucket, as it is, as it would be.
    pub(crate) samples: Vec<(String, Event, Option<Event>)>,
}

impl Values {
    /// The event with these values.
    ///
    /// # Errors
    /// When it would end beyond all time, or its data would be no object.
    pub(crate) fn applied(&self, event: &Event) -> Result<Event, EditError> {
        let unfit = |why: String| EditError::Unfit(format!("Event {}: {why}", event.id));
        let start = self.start.unwrap_or(event.start);
        let start = match self.shift {
            None => Some(start),
            Some(shift) => start.checked_add(shift),
        };
        let duration = self.duration.unwrap_or(event.duration);
        let start = start.filter(|start| start.checked_add(duration).is_some());
        let start = start.ok_or_else(|| unfit("its time would be outside 1677 to 2262".to_owned()))?;
        let data = match &self.data {
            None => event.data.clone(),
            Some(patch) => patched(&event.data, patch).map_err(unfit)?,
        };
        Ok(Event {
            id: event.id,
            start,
            duration,
            data,
        })
    }
}

impl Change {
    fn of(&self, event: &Event) -> Result<Option<Event>, EditError> {
        match self {
            Change::Edit(values) => values.applied(event).map(Some),
            Change::Delete => Ok(None),
        }
    }
}

impl EditRequest {
    pub(crate) fn is_deletion(&self) -> bool {
        matches!(self.change, Change::Delete)
    }

    /// The events of a snapshot that match, and that would change.
    pub(crate) fn matching(&self, snapshot: &Snapshot, cancel: &Cancel) -> Result<Matching, EditError> {
        let mut matching = Matching::default();
        let mut left = MAX_EVENTS;
        for view in self.views(snapshot)? {
            let id = &view.bucket().id;
            let mut edit = Edit {
                bucket: view.key(),
                ids: Vec::new(),
            };
            for event in view.events(self.range)? {
                cancel.check().map_err(HistoryError::from)?;
                let event = whole(&event?);
                if !self.filter.matches(event.id, event.data.as_str()) {
                    continue;
                }
                let changed = self.change.of(&event)?;
                if changed.as_ref() == Some(&event) {
                    continue;
                }
                left = left.checked_sub(1).ok_or(EditError::TooMany)?;
                edit.ids.push(event.id);
                if matching.samples.len() < SAMPLES {
                    matching.samples.push((id.clone(), event, changed));
                }
            }
            if !edit.ids.is_empty() {
                matching.counts.push((id.clone(), edit.ids.len()));
                matching.edits.push(edit);
            }
        }
        Ok(matching)
    }

    fn views<'s>(&self, snapshot: &'s Snapshot) -> Result<Vec<&'s BucketView>, EditError> {
        if self.buckets.is_empty() {
            return Ok(snapshot.listed().collect());
        }
        let view = |id: &String| {
            snapshot
                .bucket(id)
                .ok_or_else(|| EditError::NoSuchBucket(id.clone()))
        };
        self.buckets.iter().map(view).collect()
    }

    /// What becomes of events that may have changed since they were found.
    fn plan(&self, events: &[Event]) -> Result<EditPlan, EditError> {
        let mut plan = EditPlan::default();
        for event in events {
            if !self.filter.matches(event.id, event.data.as_str()) {
                continue;
            }
            match self.change.of(event)? {
                Some(changed) if changed == *event => {}
                Some(changed) => plan.put.push(as_put(&changed)),
                None => plan.removed.push(event.id),
            }
        }
        Ok(plan)
    }

    /// Finds the events, and changes them.
    pub(crate) fn carry_out(&self, app: &App, cancel: &Cancel) -> Result<(Matching, Edited), EditError> {
        let matching = self.matching(&app.store.snapshot(), cancel)?;
        let edited = edit(app, &matching.edits, &|_, events| self.plan(events))?;
        Ok((matching, edited))
    }
}

/// An event of a listing.
fn whole(event: &timberline_views::EventRef<'_>) -> Event {
    let mut data = Vec::new();
    event.write_data(&mut data);
    Event {
        id: event.id(),
        start: event.start(),
        duration: event.duration(),
        data: timberline_model::Data::from_canonical(String::from_utf8_lossy(&data)),
    }
}

/// Changes events; waits for space like every write.
pub(crate) fn edit(app: &App, edits: &[Edit], plan: Plan<'_, EditError>) -> Result<Edited, EditError> {
    app.hold
        .write_blocking(0, || match app.store.edit_events(edits, plan) {
            Err(EditError::History(HistoryError::Write(error))) => Err(error),
            done => Ok(done),
        })?
}

/// Cuts an event at instants within it. The first part keeps the id.
///
/// # Errors
/// When an instant does not lie within the event.
pub(crate) fn split(event: &Event, at: &[Timestamp]) -> Result<EditPlan, EditError> {
    let mut at = at.to_vec();
    at.sort_unstable();
    at.dedup();
    let end = event.end();
    if let Some(outside) = at.iter().find(|at| **at <= event.start || **at >= end) {
        return Err(EditError::Unfit(format!(
            "at: {outside} does not lie within the event, which lasts from {} to {end}",
            event.start
        )));
    }
    let bounds: Vec<Timestamp> = std::iter::once(event.start).chain(at).chain([end]).collect();
    let parts = bounds.windows(2).filter_map(|pair| match pair {
        [from, to] => Some(as_part(event, *from, *to)),
        _ => None,
    });
    let mut put: Vec<NewEvent<'static>> = parts.collect();
    if let Some(first) = put.first_mut() {
        first.id = Some(event.id);
    }
    Ok(EditPlan {
        put,
        removed: Vec::new(),
    })
}

/// Makes one event of several: from the start of the first to the latest end. It has the id of the first, and its data
/// unless others are given.
pub(crate) fn merged(events: &[Event], data: Option<&timberline_model::Data>) -> EditPlan {
    let mut sorted: Vec<&Event> = events.iter().collect();
    sorted.sort_by_key(|event| (event.start, event.id));
    let Some((first, rest)) = sorted.split_first() else {
        return EditPlan::default();
    };
    let end = sorted
        .iter()
        .map(|event| event.end())
        .max()
        .unwrap_or(first.start);
    let mut put = as_part(first, first.start, end.max(first.start));
    put.id = Some(first.id);
    if let Some(data) = data {
        put.data = data.as_str().to_owned().into();
    }
    EditPlan {
        put: vec![put],
        removed: rest.iter().map(|event| event.id).collect(),
    }
}

/// An event of the bucket that starts among these and is none of them.
pub(crate) fn between(view: &BucketView, events: &[Event]) -> Result<Option<EventId>, EditError> {
    let starts = || events.iter().map(|event| event.start);
    let (Some(from), Some(to)) = (starts().min(), starts().max()) else {
        return Ok(None);
    };
    let range = TimeRange {
        start: None,
        end: Some(to),
    };
    for event in view.events(range)? {
        let event = event?;
        if event.start() < from {
            break;
        }
        if !events.iter().any(|other| other.id == event.id()) {
            return Ok(Some(event.id()));
        }
    }
    Ok(None)
}
