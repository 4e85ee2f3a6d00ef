//! The plainest possible store: vectors and loops. What the real one is compared with.

// Each test uses a part of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use timberline_model::{
    Bucket, BucketUpdate, Data, Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp,
};
use timberline_views::columns::{Columns, DataDictionary, Renumber};
use timberline_views::{
    Again, BatchOutcome, Beat, BeatAnswer, BucketListing, BucketView, HeartbeatBatch, HistoryError,
    KnownEvents, SegmentError, Sent, Snapshot, Store, TimeRange, WriteError,
};

/// One event: id, start, duration, data.
pub(crate) type Event = (u64, i64, i64, String);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct PlainBucket {
    /// Tells it from others of its name.
    pub(crate) key: u32,
    pub(crate) type_: String,
    pub(crate) data: String,
    pub(crate) aliases: BTreeSet<String>,
    pub(crate) archived: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) last: Option<u64>,
}

/// Everything a store shows.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Plain {
    pub(crate) buckets: BTreeMap<String, PlainBucket>,
    pub(crate) settings: BTreeMap<String, String>,
    pub(crate) next: u64,
    pub(crate) next_bucket: u32,
    /// Deleted buckets, by key.
    pub(crate) trash: BTreeMap<u32, (String, PlainBucket)>,
}

/// What can be asked of a store. Bucket and data are small numbers, so that they meet.
#[derive(Clone, Debug)]
pub(crate) enum Command {
    Create(u8),
    Update(u8, u8),
    DeleteBucket(u8),
    /// Renames a bucket; the old id becomes an alias or is free.
    Rename {
        bucket: u8,
        to: u8,
        keeps: bool,
    },
    Archive(u8, bool),
    /// Merges a bucket into another one.
    Merge(u8, u8),
    Heartbeat {
        bucket: u8,
        start: i64,
        duration: i64,
        pulsetime: i64,
        data: u8,
    },
    /// Several in one write, some for other buckets: bucket, start, duration, pulsetime, data.
    Heartbeats(Vec<(u8, i64, i64, i64, u8)>),
    Insert {
        bucket: u8,
        events: Vec<(i64, i64, u8)>,
    },
    /// Events with ids: an existing one (by its rank) or one beyond.
    Put {
        bucket: u8,
        events: Vec<(Option<u8>, i64, i64, u8)>,
    },
    Import {
        bucket: u8,
        events: Vec<(i64, i64, u8)>,
    },
    DeleteEvent {
        bucket: u8,
        rank: u8,
    },
    Set(u8, u8),
    Unset(u8),
}

pub(crate) fn bucket_name(bucket: u8) -> String {
    format!("bucket-{}", bucket % 3)
}

/// What a bucket may be called later, some of it the names of others.
fn new_name(to: u8) -> String {
    match to % 5 {
        to @ 0..3 => bucket_name(to),
        to => format!("other-{to}"),
    }
}

pub(crate) fn data_text(data: u8) -> String {
    match data % 5 {
        0 => "{}".into(),
        n => format!(r#"{{"app":"a{n}","n":{{"x":[{n}]}},"title":"t {}"}}"#, n % 2),
    }
}

pub(crate) fn command() -> impl Strategy<Value = Command> {
    let start = || (0i64..40).prop_map(|s| s * 500_000_000);
    let duration = || prop_oneof![8 => (0i64..20).prop_map(|s| s * 250_000_000), 1 => Just(-1_000_000_000i64), 1 => Just(60_000_000_000i64)];
    let event = move || (start(), duration(), any::<u8>());
    prop_oneof![
        3 => any::<u8>().prop_map(Command::Create),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(b, d)| Command::Update(b, d)),
        1 => any::<u8>().prop_map(Command::DeleteBucket),
        2 => (any::<u8>(), any::<u8>(), prop::bool::weighted(0.7)).prop_map(|(bucket, to, keeps)| Command::Rename { bucket, to, keeps }),
        1 => (any::<u8>(), any::<bool>()).prop_map(|(bucket, archived)| Command::Archive(bucket, archived)),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(bucket, into)| Command::Merge(bucket, into)),
        12 => (any::<u8>(), start(), duration(), -2i64..20, 0u8..3)
            .prop_map(|(bucket, start, duration, p, data)| Command::Heartbeat { bucket, start, duration, pulsetime: p * 500_000_000, data }),
        5 => prop::collection::vec((any::<u8>(), start(), duration(), (-2i64..20).prop_map(|p| p * 500_000_000), 0u8..3), 0..12)
            .prop_map(|mut beats| {
                // Half of them go forward in time, so that they extend one another.
                if beats.len() % 2 == 0 {
                    beats.sort_by_key(|beat| beat.1);
                }
                Command::Heartbeats(beats)
            }),
        4 => (any::<u8>(), prop::collection::vec(event(), 0..6)).prop_map(|(bucket, events)| Command::Insert { bucket, events }),
        3 => (any::<u8>(), prop::collection::vec((prop::option::of(any::<u8>()), start(), duration(), any::<u8>()), 1..4))
            .prop_map(|(bucket, events)| Command::Put { bucket, events }),
        2 => (any::<u8>(), prop::collection::vec(event(), 0..5)).prop_map(|(bucket, events)| Command::Import { bucket, events }),
        4 => (any::<u8>(), any::<u8>()).prop_map(|(bucket, rank)| Command::DeleteEvent { bucket, rank }),
        1 => (any::<u8>(), any::<u8>()).prop_map(|(k, v)| Command::Set(k % 4, v)),
        1 => any::<u8>().prop_map(|k| Command::Unset(k % 4)),
    ]
}

impl Plain {
    pub(crate) fn new() -> Plain {
        Plain {
            next: 1,
            ..Plain::default()
        }
    }

    /// The id of the bucket with this id or alias.
    pub(crate) fn id(&self, name: &str) -> Option<String> {
        let called = |(id, b): &(&String, &PlainBucket)| *id == name || b.aliases.contains(name);
        self.buckets.iter().find(called).map(|(id, _)| id.clone())
    }

    fn get(&self, bucket: u8) -> Option<&PlainBucket> {
        self.buckets.get(&self.id(&bucket_name(bucket))?)
    }

    fn get_mut(&mut self, bucket: u8) -> Option<&mut PlainBucket> {
        let id = self.id(&bucket_name(bucket))?;
        self.buckets.get_mut(&id)
    }

    fn rename(&mut self, bucket: u8, to: u8, keeps: bool) {
        let (Some(old), new) = (self.id(&bucket_name(bucket)), new_name(to)) else {
            return;
        };
        if self.id(&new).is_some_and(|other| other != old) {
            return;
        }
        let mut bucket = self.buckets.remove(&old).expect("it is there");
        if keeps {
            bucket.aliases.insert(old);
        } else {
            bucket.aliases.clear();
        }
        bucket.aliases.remove(&new);
        self.buckets.insert(new, bucket);
    }

    fn merge(&mut self, from: u8, into: u8) {
        let (Some(from), Some(into)) = (self.id(&bucket_name(from)), self.id(&bucket_name(into))) else {
            return;
        };
        if from == into {
            return;
        }
        let source = self.buckets.remove(&from).expect("it is there");
        let target = self.buckets.get_mut(&into).expect("it is there");
        let mut events = source.events.clone();
        // The oldest are put first.
        events.reverse();
        for mut event in events {
            if target.events.iter().any(|e| e.0 == event.0) {
                event.0 = self.next;
                self.next += 1;
            }
            target.events.push(event);
        }
        target.aliases.insert(from.clone());
        target.aliases.extend(source.aliases.iter().cloned());
        target.sort();
        if !source.events.is_empty() {
            target.last = target.newest();
        }
        self.trash.insert(source.key, (from, source));
    }

    /// Ids of the events a `Put` names, as both stores are told.
    pub(crate) fn ids(&self, bucket: u8, events: &[(Option<u8>, i64, i64, u8)]) -> Vec<Option<u64>> {
        let known: Vec<u64> = self
            .get(bucket)
            .map(|b| b.events.iter().map(|e| e.0).collect())
            .unwrap_or_default();
        events
            .iter()
            .map(|(rank, ..)| {
                rank.map(|r| match known.get(r as usize % (known.len() + 1)) {
                    Some(id) => *id,
                    None => self.next + u64::from(r % 4),
                })
            })
            .collect()
    }

    pub(crate) fn apply(&mut self, command: &Command) {
        match command {
            Command::Create(b) => {
                if self.get(*b).is_some() {
                    return;
                }
                self.next_bucket += 1;
                let fresh = PlainBucket {
                    key: self.next_bucket - 1,
                    type_: "t".into(),
                    data: "{}".into(),
                    ..PlainBucket::default()
                };
                self.buckets.insert(bucket_name(*b), fresh);
            }
            Command::Update(b, d) => {
                if let Some(bucket) = self.get_mut(*b) {
                    bucket.type_ = format!("type {d}");
                    bucket.data = data_text(*d);
                }
            }
            Command::DeleteBucket(b) => {
                let Some(id) = self.id(&bucket_name(*b)) else {
                    return;
                };
                let bucket = self.buckets.remove(&id).expect("it is there");
                self.trash.insert(bucket.key, (id, bucket));
            }
            Command::Rename { bucket, to, keeps } => self.rename(*bucket, *to, *keeps),
            Command::Archive(b, archived) => {
                if let Some(bucket) = self.get_mut(*b) {
                    bucket.archived = *archived;
                }
            }
            Command::Merge(from, into) => self.merge(*from, *into),
            Command::Heartbeat {
                bucket,
                start,
                duration,
                pulsetime,
                data,
            } => {
                self.heartbeat(*bucket, *start, *duration, *pulsetime, &data_text(*data));
            }
            Command::Heartbeats(beats) => {
                // Ids are given bucket by bucket, in the order in which the buckets come.
                let ids: BTreeMap<u8, Option<String>> = beats
                    .iter()
                    .map(|beat| (beat.0, self.id(&bucket_name(beat.0))))
                    .collect();
                let mut buckets: Vec<&Option<String>> = beats.iter().map(|beat| &ids[&beat.0]).collect();
                let mut seen = std::collections::BTreeSet::new();
                buckets.retain(|bucket| seen.insert(*bucket));
                for bucket in buckets {
                    for (b, start, duration, pulsetime, data) in beats {
                        if ids[b] == *bucket {
                            self.heartbeat(*b, *start, *duration, *pulsetime, &data_text(*data));
                        }
                    }
                }
            }
            Command::Insert { bucket, events } => {
                let events: Vec<_> = events
                    .iter()
                    .map(|(s, d, t)| (None, *s, *d, data_text(*t)))
                    .collect();
                self.store(*bucket, events);
            }
            Command::Put { bucket, events } => {
                let ids = self.ids(*bucket, events);
                let events: Vec<_> = events
                    .iter()
                    .zip(ids)
                    .map(|((_, s, d, t), id)| (id, *s, *d, data_text(*t)))
                    .collect();
                self.store(*bucket, events);
            }
            Command::Import { bucket, events } => {
                let Some(b) = self.get(*bucket) else {
                    return;
                };
                // An event that is there once is known once.
                let mut known = b.events.clone();
                let mut missing: Vec<_> = events
                    .iter()
                    .map(|(s, d, t)| (None, *s, *d, data_text(*t)))
                    .collect();
                missing.retain(|(_, s, d, t)| {
                    let at = known.iter().position(|k| (k.1, k.2, &k.3) == (*s, *d, t));
                    at.map(|at| known.remove(at)).is_none()
                });
                self.store(*bucket, missing);
            }
            Command::DeleteEvent { bucket, rank } => {
                let Some(b) = self.get_mut(*bucket) else {
                    return;
                };
                if b.events.is_empty() {
                    return;
                }
                let gone = b.events.remove(*rank as usize % b.events.len());
                if b.last == Some(gone.0) {
                    b.last = b.newest();
                }
            }
            Command::Set(k, v) => {
                self.settings.insert(format!("k{k}"), v.to_string());
            }
            Command::Unset(k) => {
                self.settings.remove(&format!("k{k}"));
            }
        }
    }

    fn heartbeat(&mut self, bucket: u8, start: i64, duration: i64, pulsetime: i64, data: &str) {
        let id = self.id(&bucket_name(bucket)).unwrap_or_default();
        let Some(b) = self.buckets.get_mut(&id) else {
            return;
        };
        let last = b.last;
        if let Some(e) = b.events.iter_mut().find(|e| Some(e.0) == last) {
            let end = e.1 + e.2;
            if e.3 == data && e.1 <= start && start <= end + pulsetime {
                e.2 = end.max(start + duration).max(e.1) - e.1;
                b.sort();
                return;
            }
        }
        let event = (self.next, start, duration, data.to_owned());
        self.next += 1;
        b.last = Some(event.0);
        b.events.push(event);
        b.sort();
    }

    fn store(&mut self, bucket: u8, events: Vec<(Option<u64>, i64, i64, String)>) {
        let id = self.id(&bucket_name(bucket)).unwrap_or_default();
        let Some(b) = self.buckets.get_mut(&id) else {
            return;
        };
        if events.is_empty() {
            return;
        }
        let greatest = events.iter().filter_map(|e| e.0).max();
        if let Some(greatest) = greatest {
            self.next = self.next.max(greatest + 1);
        }
        let mut latest: BTreeMap<u64, Event> = BTreeMap::new();
        for (id, start, duration, data) in events {
            let id = id.unwrap_or_else(|| {
                self.next += 1;
                self.next - 1
            });
            latest.insert(id, (id, start, duration, data));
        }
        for (id, event) in latest {
            b.events.retain(|e| e.0 != id);
            b.events.push(event);
        }
        b.sort();
        b.last = b.newest();
    }
}

impl PlainBucket {
    /// Listing order: start descending, end ascending, id ascending.
    fn sort(&mut self) {
        self.events
            .sort_by_key(|e| (std::cmp::Reverse(e.1), e.1 + e.2, e.0));
    }

    pub(crate) fn newest(&self) -> Option<u64> {
        self.events.first().map(|e| e.0)
    }

    /// Least start and greatest end.
    fn extent(&self) -> Option<(i64, i64)> {
        let start = self.events.iter().map(|e| e.1).min();
        start.zip(self.events.iter().map(|e| e.1 + e.2).max())
    }

    pub(crate) fn touching(&self, from: i64, to: i64) -> Vec<Event> {
        self.events
            .iter()
            .filter(|e| e.1 + e.2 >= from && e.1 <= to)
            .cloned()
            .collect()
    }
}

/// A bucket as all tests make it.
pub(crate) fn bucket(id: &str) -> Bucket {
    Bucket {
        id: id.into(),
        type_: "t".into(),
        client: "c".into(),
        hostname: "h".into(),
        created: Timestamp::from_nanos(0),
        data: Data::default(),
        last_updated: None,
    }
}

/// Tells the real store the same. `before` is the model before the command. Heartbeats that are sent together are sent
/// again, which changes nothing.
pub(crate) fn tell(store: &Store, before: &Plain, command: &Command) -> Result<(), WriteError> {
    match command {
        Command::Heartbeats(beats) => tell_twice(store, beats),
        _ => tell_once(store, before, command),
    }
}

/// Sends heartbeats twice under the same name: the second time nothing changes, and the answer is the same.
fn tell_twice(store: &Store, beats: &[(u8, i64, i64, i64, u8)]) -> Result<(), WriteError> {
    let id = format!("from {}", store.snapshot().seq());
    with_batch(beats, Some(&id), |batch| {
        let BatchOutcome::Done(answers, _) = store.heartbeats(batch)? else {
            panic!("a new name is not known");
        };
        let stored = answers.iter().any(|a| matches!(a, BeatAnswer::Stored { .. }));
        let before = store.snapshot().seq();
        match store.heartbeats(batch)? {
            BatchOutcome::Known(receipt) => {
                assert_eq!(store.snapshot().seq(), before);
                // A disk that has lost power is not read.
                if let Ok(again) = store.heartbeats_again(receipt.seq, batch) {
                    assert_eq!(again, Again::Answers(answers));
                }
            }
            // Where nothing was stored, nothing is remembered.
            BatchOutcome::Done(again, _) => assert_eq!((stored, again), (false, answers)),
        }
        Ok(())
    })
}

/// The same without sending anything again.
pub(crate) fn tell_once(store: &Store, before: &Plain, command: &Command) -> Result<(), WriteError> {
    let new = |id: Option<u64>, s: i64, d: i64, t: u8| NewEvent {
        id: id.map(EventId),
        start: Timestamp::from_nanos(s),
        duration: Duration::from_nanos(d),
        data: data_text(t).into(),
    };
    let result = match command {
        Command::Create(b) => store.create_bucket(&bucket(&bucket_name(*b))).map(drop),
        Command::Update(b, d) => {
            let update = BucketUpdate {
                type_: Some(format!("type {d}")),
                data: Some(Data::from_canonical(data_text(*d))),
                ..BucketUpdate::default()
            };
            store.update_bucket(&bucket_name(*b), &update).map(drop)
        }
        Command::DeleteBucket(b) => store.delete_bucket(&bucket_name(*b)).map(drop),
        Command::Rename { bucket, to, keeps } => {
            let listing = BucketListing {
                id: Some(new_name(*to)),
                aliases: (!keeps).then(Vec::new),
                archived: None,
            };
            store.list_bucket(&bucket_name(*bucket), &listing).map(drop)
        }
        Command::Archive(b, archived) => {
            let listing = BucketListing {
                archived: Some(*archived),
                ..BucketListing::default()
            };
            store.list_bucket(&bucket_name(*b), &listing).map(drop)
        }
        Command::Merge(from, into) => merge(store, &bucket_name(*from), &bucket_name(*into)),
        Command::Heartbeat {
            bucket,
            start,
            duration,
            pulsetime,
            data,
        } => {
            let beat = Heartbeat {
                start: Timestamp::from_nanos(*start),
                duration: Duration::from_nanos(*duration),
                data: data_text(*data).into(),
            };
            store
                .heartbeat(&bucket_name(*bucket), &beat, Pulsetime::from_nanos(*pulsetime))
                .map(drop)
        }
        Command::Heartbeats(beats) => with_batch(beats, None, |batch| store.heartbeats(batch).map(drop)),
        Command::Insert { bucket, events } => {
            let events: Vec<_> = events.iter().map(|(s, d, t)| new(None, *s, *d, *t)).collect();
            store.insert_events(&bucket_name(*bucket), &events).map(drop)
        }
        Command::Put { bucket, events } => {
            let ids = before.ids(*bucket, events);
            let events: Vec<_> = events
                .iter()
                .zip(ids)
                .map(|((_, s, d, t), id)| new(id, *s, *d, *t))
                .collect();
            store.insert_events(&bucket_name(*bucket), &events).map(drop)
        }
        Command::Import { bucket, events } => {
            let events: Vec<_> = events.iter().map(|(s, d, t)| new(None, *s, *d, *t)).collect();
            let known = store.snapshot();
            let mut known = KnownEvents::of(&known);
            let missing = known
                .bucket(&bucket_name(*bucket))
                .missing(&events)
                .expect("readable");
            store.import_events(&bucket_name(*bucket), &missing).map(drop)
        }
        Command::DeleteEvent { bucket, rank } => {
            let name = bucket_name(*bucket);
            let id = before.get(*bucket).filter(|b| !b.events.is_empty());
            let id = id.map_or(1, |b| b.events[*rank as usize % b.events.len()].0);
            store.delete_event(&name, EventId(id)).map(drop)
        }
        Command::Set(k, v) => store.set_setting(&format!("k{k}"), &v.to_string()).map(drop),
        Command::Unset(k) => store.delete_setting(&format!("k{k}")).map(drop),
    };
    match result {
        Err(WriteError::NoSuchBucket(_) | WriteError::NameTaken(_)) => Ok(()),
        other => other,
    }
}

fn merge(store: &Store, from: &str, into: &str) -> Result<(), WriteError> {
    let snapshot = store.snapshot();
    let key = |id: &str| snapshot.bucket(id).map(BucketView::key);
    let (Some(from), Some(into)) = (key(from), key(into)) else {
        return Ok(());
    };
    if from == into {
        return Ok(());
    }
    loop {
        match store.merge_part(from, into) {
            Ok(part) if part.finished => return Ok(()),
            Ok(_) => {}
            Err(HistoryError::Write(error)) => return Err(error),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Heartbeats under a name.
fn with_batch<T>(
    beats: &[(u8, i64, i64, i64, u8)],
    id: Option<&str>,
    use_it: impl FnOnce(&HeartbeatBatch<'_>) -> T,
) -> T {
    let names: Vec<String> = (0..3).map(bucket_name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let texts: Vec<String> = beats.iter().map(|beat| data_text(beat.4)).collect();
    let both = beats.iter().zip(&texts);
    let sent: Vec<Sent<'_>> = both
        .map(|((bucket, start, duration, pulsetime, _), text)| {
            Sent::Beat(Beat {
                bucket: u32::from(bucket % 3),
                pulsetime: Pulsetime::from_nanos(*pulsetime),
                start: Timestamp::from_nanos(*start),
                duration: Duration::from_nanos(*duration),
                data: text,
            })
        })
        .collect();
    use_it(&HeartbeatBatch {
        client: "",
        id,
        digest: sent.len() as u32,
        buckets: &names,
        sent: &sent,
    })
}

pub(crate) fn list(view: &BucketView, range: TimeRange) -> Vec<Event> {
    let events = view.events(range).expect("readable");
    events
        .map(|e| {
            let e = e.expect("readable");
            let mut data = Vec::new();
            e.write_data(&mut data);
            (
                e.id().0,
                e.start().nanos(),
                e.duration().nanos(),
                String::from_utf8(data).expect("UTF-8"),
            )
        })
        .collect()
}

/// The same by way of columns, whose data are numbered here in the order in which they come.
pub(crate) fn columns(view: &BucketView, range: TimeRange) -> Vec<Event> {
    struct Texts(Vec<String>);
    impl Renumber for Texts {
        type Error = SegmentError;

        fn renumber(
            &mut self,
            dictionary: &DataDictionary<'_>,
            numbers: &mut [u32],
        ) -> Result<(), SegmentError> {
            for number in numbers {
                let text = match dictionary {
                    DataDictionary::Head(data) => data.text(*number).to_owned(),
                    DataDictionary::Segment(data) => {
                        let member = |(k, v)| format!("{}:{}", data.value(k), data.value(v));
                        let members: Vec<String> = data.members(*number).map(member).collect();
                        format!("{{{}}}", members.join(","))
                    }
                };
                *number = self.0.len() as u32;
                self.0.push(text);
            }
            Ok(())
        }
    }
    let mut texts = Texts(Vec::new());
    let columns = view
        .columns(range, &mut texts, Columns::default())
        .expect("readable");
    (0..columns.len())
        .map(|i| {
            (
                columns.ids[i],
                columns.starts[i],
                columns.durations[i],
                texts.0[columns.data[i] as usize].clone(),
            )
        })
        .collect()
}

/// Events cut to a range, as queries see them.
pub(crate) fn clipped(events: &[Event], from: i64, to: i64) -> Vec<Event> {
    let cut = |(id, start, duration, text): &Event| {
        if *duration < 0 {
            return (*id, *start, *duration, text.clone());
        }
        let (begin, end) = ((*start).max(from), (start + duration).min(to));
        (*id, begin, end - begin, text.clone())
    };
    events.iter().map(cut).collect()
}

/// Compares all that a snapshot shows with the model; `from..=to` is a range to read as well.
pub(crate) fn same(snapshot: &Snapshot, plain: &Plain, from: i64, to: i64) -> Result<(), TestCaseError> {
    let names: Vec<&str> = snapshot.buckets().map(|b| b.bucket().id.as_str()).collect();
    let expected: Vec<&str> = plain.buckets.keys().map(String::as_str).collect();
    prop_assert_eq!(names, expected);
    prop_assert_eq!(snapshot.settings(), &plain.settings);
    let range = TimeRange {
        start: Some(Timestamp::from_nanos(from)),
        end: Some(Timestamp::from_nanos(to)),
    };
    for (view, (name, b)) in snapshot.buckets().zip(&plain.buckets) {
        prop_assert_eq!(&view.bucket().type_, &b.type_);
        prop_assert!(view.aliases().eq(b.aliases.iter().map(String::as_str)));
        prop_assert_eq!(view.is_archived(), b.archived);
        for name in b.aliases.iter().chain([name]) {
            prop_assert_eq!(snapshot.bucket(name).map(BucketView::key), Some(view.key()));
        }
        prop_assert_eq!(view.bucket().data.as_str(), &b.data);
        prop_assert_eq!(&list(view, TimeRange::ALL), &b.events, "events of {}", name);
        prop_assert_eq!(view.len(), b.events.len() as u64, "number of events of {}", name);
        prop_assert_eq!(
            view.start().zip(view.end()).map(|(s, e)| (s.nanos(), e.nanos())),
            b.extent()
        );
        let touching = b.touching(from, to);
        prop_assert_eq!(
            &list(view, range),
            &touching,
            "events of {} in {}..={}",
            name,
            from,
            to
        );
        prop_assert_eq!(
            columns(view, range),
            clipped(&touching, from, to),
            "columns of {}",
            name
        );
        prop_assert_eq!(
            &columns(view, TimeRange::ALL),
            &b.events,
            "all columns of {}",
            name
        );
        prop_assert_eq!(
            view.count(range).expect("readable"),
            touching.len() as u64,
            "count of {}",
            name
        );
        for e in b.events.iter().take(3) {
            let found = view.event(EventId(e.0)).expect("readable").expect("it is listed");
            prop_assert_eq!(
                (
                    found.id.0,
                    found.start.nanos(),
                    found.duration.nanos(),
                    found.data.as_str().to_owned()
                ),
                e.clone()
            );
        }
        prop_assert!(view.event(EventId(1 << 40)).expect("readable").is_none());
    }
    Ok(())
}
