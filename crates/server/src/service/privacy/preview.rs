//! Tries a list of rules on the events of a snapshot. Nothing is changed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde_json::value::RawValue;
use timberline_cancel::{Cancel, Cancelled};
use timberline_model::json as model_json;
use timberline_views::{BucketView, EventRef, SegmentError, Snapshot, TimeRange};
use utoipa::ToSchema;

use crate::api::v0::schema::Event;

use super::filters::{Filters, Problem, Verdict};
use super::rule::Action;

/// Bytes of distinct data of which it is remembered what becomes of them. Beyond that, what is not remembered is
/// judged each time.
const REMEMBERED_BYTES: usize = 32 << 20;
/// What one of them takes in addition to its text.
const REMEMBERED_OVERHEAD: usize = 96;
/// Bytes of all samples together; when they are reached, there are no more.
const SAMPLE_BYTES: usize = 1 << 20;
/// Events between two checks of the bounds.
const EVENTS_PER_CHECK: u64 = 256;

/// What to try the rules on.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) range: TimeRange,
    /// Only this bucket, which exists.
    pub(crate) bucket: Option<String>,
    /// At most so many samples.
    pub(crate) samples: usize,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PreviewError {
    /// A view segment is damaged.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// Nobody waits for it any more.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// How long a preview may run.
#[derive(Debug)]
pub(crate) struct Bounds<'a> {
    /// Nobody waits for a report any more.
    pub(crate) cancel: &'a Cancel,
    pub(crate) begun: Instant,
    /// After this time the report says what is known so far.
    pub(crate) time: Duration,
}

impl Bounds<'_> {
    /// Whether there is time for more events.
    fn check(&self) -> Result<bool, PreviewError> {
        self.cancel.check()?;
        Ok(self.begun.elapsed() <= self.time)
    }
}

/// What the rules would have done.
#[derive(Debug, Default, Serialize, ToSchema)]
#[schema(as = PrivacyReport)]
pub(crate) struct Report {
    /// Whether all events of the scope were looked at.
    pub(crate) complete: bool,
    pub(crate) events: u64,
    pub(crate) filters: Vec<FilterReport>,
    pub(crate) buckets: Vec<BucketReport>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) problems: Vec<Problem>,
}

/// What one rule would have done, in events. A rule sees what those before it have made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacyFilterReport)]
pub(crate) struct FilterReport {
    index: usize,
    action: Action,
    enabled: bool,
    matched: u64,
    /// Those of the matched that it changes: not those in which the value is what it would become.
    #[serde(flatten)]
    done: Counts,
}

#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacyBucketReport)]
pub(crate) struct BucketReport {
    id: String,
    events: u64,
    /// An event in which one value is redacted and another hashed counts in both.
    #[serde(flatten)]
    done: Counts,
}

#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[schema(as = PrivacyCounts)]
struct Counts {
    dropped: u64,
    redacted: u64,
    hashed: u64,
}

/// An event that would have been stored otherwise, or not at all.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PrivacySample)]
pub(crate) struct Sample {
    bucket: String,
    #[schema(value_type = Event)]
    event: Box<RawValue>,
    /// The rules that did it.
    filters: Vec<usize>,
    /// The data it would have been stored with; null for an event that is dropped.
    #[schema(value_type = Option<crate::api::v0::schema::Object>)]
    after: Option<Box<RawValue>>,
}

/// What the filters do to data. Filters are places in the list of rules.
#[derive(Clone, Default)]
struct FilterEffect {
    matched: Vec<u16>,
    changed: Vec<u16>,
    dropped: bool,
}

impl Counts {
    fn count(&mut self, action: Action) {
        match action {
            Action::Drop => self.dropped += 1,
            Action::Redact => self.redacted += 1,
            Action::Hash => self.hashed += 1,
        }
    }
}

/// Tries the filters on the events of the scope, newest first in each bucket.
///
/// # Errors
/// [`PreviewError`].
pub(crate) fn preview(
    filters: &Filters,
    snapshot: &Snapshot,
    scope: &Scope,
    bounds: &Bounds<'_>,
) -> Result<Report, PreviewError> {
    let mut trial = Trial::new(filters, scope);
    let chosen = |view: &&BucketView| scope.bucket.as_ref().is_none_or(|id| view.bucket().id == *id);
    for view in snapshot.buckets().filter(chosen) {
        if !trial.bucket(view, bounds)? {
            return Ok(trial.report);
        }
    }
    trial.report.complete = true;
    Ok(trial.report)
}

struct Trial<'a> {
    filters: &'a Filters,
    scope: &'a Scope,
    report: Report,
    sample_bytes: usize,
    /// The event that is looked at.
    data: Vec<u8>,
}

impl<'a> Trial<'a> {
    fn new(filters: &'a Filters, scope: &'a Scope) -> Self {
        let of_rule = |rule: &super::rule::Rule| FilterReport {
            index: rule.index,
            action: rule.action,
            enabled: rule.enabled,
            matched: 0,
            done: Counts::default(),
        };
        let report = Report {
            filters: filters.rules().iter().map(of_rule).collect(),
            problems: filters.problems().to_vec(),
            ..Report::default()
        };
        Self {
            filters,
            scope,
            report,
            sample_bytes: 0,
            data: Vec::new(),
        }
    }

    /// False when the time is up.
    fn bucket(&mut self, view: &BucketView, bounds: &Bounds<'_>) -> Result<bool, PreviewError> {
        let id = &view.bucket().id;
        let mut bucket = BucketReport {
            id: id.clone(),
            events: 0,
            done: Counts::default(),
        };
        let answer = if self.filters.concern(id) {
            self.events(view, &mut bucket, bounds)?
        } else {
            bucket.events = view.count(self.scope.range)?;
            bounds.check()?
        };
        self.report.events += bucket.events;
        self.report.buckets.push(bucket);
        Ok(answer)
    }

    /// False when the time is up.
    fn events(
        &mut self,
        view: &BucketView,
        bucket: &mut BucketReport,
        bounds: &Bounds<'_>,
    ) -> Result<bool, PreviewError> {
        let mut remembered: HashMap<Box<[u8]>, FilterEffect> = HashMap::new();
        let mut remembered_bytes = 0;
        for event in view.events(self.scope.range)? {
            if bucket.events.is_multiple_of(EVENTS_PER_CHECK) && !bounds.check()? {
                return Ok(false);
            }
            let event = event?;
            self.data.clear();
            event.write_data(&mut self.data);
            bucket.events += 1;
            if let Some(effect) = remembered.get(self.data.as_slice()) {
                count(&mut self.report.filters, bucket, effect);
                continue;
            }
            let effect = self.judge(&bucket.id, &event);
            count(&mut self.report.filters, bucket, &effect);
            let bytes = self.data.len() + REMEMBERED_OVERHEAD;
            if remembered_bytes + bytes <= REMEMBERED_BYTES {
                remembered_bytes += bytes;
                remembered.insert(self.data.as_slice().into(), effect);
            }
        }
        Ok(true)
    }

    fn judge(&mut self, bucket: &str, event: &EventRef<'_>) -> FilterEffect {
        let mut effect = FilterEffect::default();
        // Canonical data is JSON, and so is UTF-8.
        let data = str::from_utf8(&self.data).unwrap_or_default();
        let place = |index: usize| self.filters.rules().iter().position(|rule| rule.index == index);
        let verdict = self.filters.trace(bucket, data, |rule, changes| {
            let Some(place) = place(rule.index).and_then(|place| u16::try_from(place).ok()) else {
                return;
            };
            effect.matched.push(place);
            if changes {
                effect.changed.push(place);
            }
        });
        effect.dropped = verdict == Verdict::Drop;
        let after = match verdict {
            Verdict::Keep => return effect,
            Verdict::Drop => None,
            Verdict::Change(data) => Some(data),
        };
        self.sample(bucket, event, &effect, after);
        effect
    }

    /// Keeps one sample of each distinct data, as long as there is room.
    fn sample(&mut self, bucket: &str, event: &EventRef<'_>, effect: &FilterEffect, after: Option<String>) {
        let data = str::from_utf8(&self.data).unwrap_or_default();
        let bytes = bucket.len() + data.len() + after.as_ref().map_or(0, String::len);
        let room = SAMPLE_BYTES.saturating_sub(self.sample_bytes);
        if self.report.samples.len() >= self.scope.samples || bytes > room {
            return;
        }
        let mut text = Vec::new();
        model_json::write_event(&mut text, event.id(), event.start(), event.duration(), data);
        let rules = self.filters.rules();
        let index = |place: &u16| rules.get(usize::from(*place)).map(|rule| rule.index);
        let raw = |text: String| RawValue::from_string(text).ok();
        let Some(event) = String::from_utf8(text).ok().and_then(raw) else {
            return;
        };
        self.sample_bytes += bytes;
        self.report.samples.push(Sample {
            bucket: bucket.to_owned(),
            event,
            filters: effect.changed.iter().filter_map(index).collect(),
            after: after.and_then(raw),
        });
    }
}

fn count(filters: &mut [FilterReport], bucket: &mut BucketReport, effect: &FilterEffect) {
    for place in &effect.matched {
        if let Some(filter) = filters.get_mut(usize::from(*place)) {
            filter.matched += 1;
        }
    }
    let mut done = Counts::default();
    for place in &effect.changed {
        let Some(filter) = filters.get_mut(usize::from(*place)) else {
            continue;
        };
        let action = filter.action;
        filter.done.count(action);
        done.count(action);
    }
    // Of an event that is dropped nothing is stored, whatever was done to it before.
    if effect.dropped {
        bucket.done.dropped += 1;
    } else {
        bucket.done.redacted += u64::from(done.redacted > 0);
        bucket.done.hashed += u64::from(done.hashed > 0);
    }
}
