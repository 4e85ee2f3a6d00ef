//! What becomes of heartbeats that were sent together: the same as if each had been sent alone, in order.
//!
//! Only the first heartbeat of a bucket is compared with what is stored. All others are compared with what the ones
//! before them made, so nothing is looked up for them.

use std::sync::Arc;

use timberline_log::Seq;
use timberline_model::{Duration, EventId, Timestamp, heartbeat};

use super::{Beat, BeatAnswer, HeartbeatBatch, LocatedEvent, Refusal, Sent};
use crate::record::{BatchTaken, BucketKey, Extension};
use crate::view::{BucketView, Located};

/// What becomes of all heartbeats of a request.
#[derive(Debug, Default)]
pub(super) struct Decision<'b> {
    pub(super) parts: Vec<Part<'b>>,
    /// Buckets that are not there.
    pub(super) unknown: Vec<&'b str>,
    places: Vec<Place>,
}

/// What becomes of the heartbeats of one bucket.
#[derive(Debug)]
pub(super) struct Part<'b> {
    pub(super) name: &'b str,
    pub(super) key: BucketKey,
    /// The newest record of the bucket when it was decided.
    pub(super) touched: Seq,
    /// The stored event that the first of them extends, and its data.
    pub(super) extended: Option<Extension>,
    text: &'b str,
    /// Where that event lies, if it lies in a view segment.
    pub(super) located: LocatedEvent,
    /// The events that they create.
    pub(super) events: Vec<(Timestamp, Duration, &'b str)>,
    /// How many of them make up each event, the extended one first.
    pub(super) counts: Vec<u32>,
}

/// Where a heartbeat went.
#[derive(Clone, Copy, Debug)]
enum Place {
    In {
        part: u32,
        /// Number of the event in the part, the extended one included.
        event: u32,
        start: Timestamp,
        duration: Duration,
    },
    Nowhere(Refusal),
}

/// Decides on the buckets that `view_of` shows.
pub(super) fn decide<'b, 'v>(
    batch: &HeartbeatBatch<'b>,
    view_of: impl Fn(&str) -> Option<&'v BucketView>,
) -> Decision<'b> {
    let mut decision = Decision {
        places: Vec::with_capacity(batch.sent.len()),
        ..Decision::default()
    };
    let mut part_of: Vec<Target> = vec![Target::New; batch.buckets.len()];
    for sent in batch.sent {
        let place = match sent {
            Sent::Refused(refusal) => Place::Nowhere(*refusal),
            Sent::Beat(beat) => decision.take(batch, beat, &mut part_of, &view_of),
        };
        decision.places.push(place);
    }
    decision
}

/// Where the heartbeats of a bucket go.
#[derive(Clone, Copy)]
enum Target {
    /// Nowhere yet.
    New,
    Part(u32),
    /// The bucket is not there.
    Unknown,
}

impl<'b> Decision<'b> {
    fn take<'v>(
        &mut self,
        batch: &HeartbeatBatch<'b>,
        beat: &Beat<'b>,
        part_of: &mut [Target],
        view_of: &impl Fn(&str) -> Option<&'v BucketView>,
    ) -> Place {
        let Some(target) = part_of.get_mut(beat.bucket as usize) else {
            return Place::Nowhere(Refusal::NoSuchBucket);
        };
        if matches!(target, Target::New) {
            let name = batch
                .buckets
                .get(beat.bucket as usize)
                .copied()
                .unwrap_or_default();
            *target = match view_of(name) {
                None => {
                    self.unknown.push(name);
                    Target::Unknown
                }
                Some(view) => {
                    if let Some(number) = self.part_of(view) {
                        *target = Target::Part(number);
                        return self.add(beat, number);
                    }
                    let number = self.parts.len() as u32;
                    let (part, place) = Part::begin(name, view, beat, number);
                    self.parts.push(part);
                    *target = Target::Part(number);
                    return place;
                }
            };
        }
        let Target::Part(number) = *target else {
            return Place::Nowhere(Refusal::NoSuchBucket);
        };
        self.add(beat, number)
    }

    fn add(&mut self, beat: &Beat<'b>, number: u32) -> Place {
        match self.parts.get_mut(number as usize) {
            Some(part) => part.take(beat, number),
            None => Place::Nowhere(Refusal::NoSuchBucket),
        }
    }

    /// The part of a bucket that was named before, by its id or an alias.
    fn part_of(&self, view: &BucketView) -> Option<u32> {
        view.aliases().next()?;
        let number = self.parts.iter().position(|part| part.key == view.key)?;
        Some(number as u32)
    }

    /// The answers, if the first new event of each part has this id.
    pub(super) fn answers(&self, firsts: &[EventId]) -> Vec<BeatAnswer> {
        let id = |part: u32, event: u32| {
            let first = firsts.get(part as usize).copied().unwrap_or_default();
            let extended = self.parts.get(part as usize).and_then(|part| part.extended);
            match (extended, event) {
                (Some(extended), 0) => extended.event,
                (Some(_), event) => first.plus(u64::from(event) - 1),
                (None, event) => first.plus(u64::from(event)),
            }
        };
        let answer = |place: &Place| match *place {
            Place::Nowhere(refusal) => BeatAnswer::Refused(refusal),
            Place::In {
                part,
                event,
                start,
                duration,
            } => BeatAnswer::Stored {
                id: id(part, event),
                start,
                duration,
            },
        };
        self.places.iter().map(answer).collect()
    }

    /// What became of each, as the log says it.
    pub(super) fn outcomes(&self) -> Vec<u32> {
        let outcome = |place: &Place| match *place {
            Place::Nowhere(refusal) => refusal as u32,
            Place::In { part, .. } => BatchTaken::STORED + part,
        };
        self.places.iter().map(outcome).collect()
    }
}

impl<'b> Part<'b> {
    /// Begins with the first heartbeat of a bucket.
    fn begin(name: &'b str, view: &BucketView, beat: &Beat<'b>, number: u32) -> (Part<'b>, Place) {
        let (extended, located) = extended(view, beat).map_or((None, None), |(e, l)| (Some(e), l));
        let mut part = Part {
            name,
            key: view.key,
            touched: view.touched,
            extended,
            text: beat.data,
            located,
            events: Vec::new(),
            counts: Vec::new(),
        };
        let place = match extended {
            None => part.create(beat, number),
            Some(extension) => {
                part.counts.push(1);
                part.place(number, (extension.start, extension.after))
            }
        };
        (part, place)
    }

    fn take(&mut self, beat: &Beat<'b>, number: u32) -> Place {
        let longer = self.newest().and_then(|(start, duration, text)| {
            let same = text == beat.data;
            let longer = heartbeat::merge(start, duration, same, beat.start, beat.duration, beat.pulsetime);
            longer.map(|longer| (start, longer))
        });
        let Some(longer) = longer else {
            return self.create(beat, number);
        };
        match (self.events.last_mut(), &mut self.extended) {
            (Some((_, duration, _)), _) => *duration = longer.1,
            (None, Some(extended)) => extended.after = longer.1,
            (None, None) => {}
        }
        if let Some(count) = self.counts.last_mut() {
            *count += 1;
        }
        self.place(number, longer)
    }

    /// The event that the next heartbeat is compared with.
    fn newest(&self) -> Option<(Timestamp, Duration, &'b str)> {
        let extended = self.extended.map(|e| (e.start, e.after, self.text));
        self.events.last().copied().or(extended)
    }

    fn create(&mut self, beat: &Beat<'b>, number: u32) -> Place {
        self.events.push((beat.start, beat.duration, beat.data));
        self.counts.push(1);
        self.place(number, (beat.start, beat.duration))
    }

    fn place(&self, part: u32, (start, duration): (Timestamp, Duration)) -> Place {
        Place::In {
            part,
            event: self.counts.len() as u32 - 1,
            start,
            duration,
        }
    }
}

/// The stored event that a heartbeat extends, if it does, and where that lies if it is not in memory.
fn extended(view: &BucketView, beat: &Beat<'_>) -> Option<(Extension, LocatedEvent)> {
    let last = view.last?;
    let after = heartbeat::merge(
        last.start,
        last.duration,
        true,
        beat.start,
        beat.duration,
        beat.pulsetime,
    )?;
    let extension = Extension {
        event: last.id,
        start: last.start,
        before: last.duration,
        after,
    };
    if let Some(place) = view.find_in_memory(last.id) {
        let same = match &view.open {
            Some(open) if open.row.id == last.id => open.text() == beat.data,
            _ => view
                .read(place)
                .ok()
                .flatten()
                .is_some_and(|(_, text)| text == beat.data),
        };
        return same.then_some((extension, None));
    }
    match Located::with_data(view, &[last.id]) {
        Ok(located) if located.text(last.id) == Some(beat.data) => Some((extension, Some(Arc::new(located)))),
        Ok(_) => None,
        // Better two events than a heartbeat refused.
        Err(error) => {
            tracing::error!(%error, "the last event of a bucket cannot be read");
            None
        }
    }
}
