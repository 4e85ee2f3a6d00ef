//! Whatever an engine keeps of sums, its answers are those of an engine that keeps nothing: after inserts, edits, deletions, heartbeats, other
//! categories, compaction and erasure, about the newest snapshot, an older one and the past; also if it has hardly any room.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;
use timberline_model::{Duration, EventId, Heartbeat, Pulsetime, Timestamp};
use timberline_query::activity::{Definition, Dimension, Label, Listed, Times, Usage, UsageRequest};
use timberline_query::{Cancel, Engine, Limits};
use timberline_views::Snapshot;

use super::{BUCKETS, DAY, FIRST_DAY, Question, calendar, create, define, period, question, watched};
use crate::harness::{Stage, property};
use crate::reference::{Event, SECOND};

#[derive(Clone, Debug)]
enum Change {
    Insert(usize, i64),
    Replace(usize, Index, i64),
    Delete(usize, Index),
    /// At the end of what is there.
    Heartbeat(usize, i64),
    /// Of the rules.
    Categories,
    Compact,
    /// As after an erasure.
    Forget,
    /// A reader that keeps its snapshot.
    Keep,
}

fn change() -> impl Strategy<Value = Change> {
    let bucket = || 0..BUCKETS.len();
    let at = || 0i64..8 * 86_400;
    prop_oneof![
        3 => (bucket(), at()).prop_map(|(bucket, at)| Change::Insert(bucket, at)),
        2 => (bucket(), any::<Index>(), at()).prop_map(|(bucket, index, at)| Change::Replace(bucket, index, at)),
        2 => (bucket(), any::<Index>()).prop_map(|(bucket, index)| Change::Delete(bucket, index)),
        4 => (bucket(), 0i64..90).prop_map(|(bucket, later)| Change::Heartbeat(bucket, later)),
        1 => Just(Change::Categories),
        1 => Just(Change::Compact),
        1 => Just(Change::Forget),
        1 => Just(Change::Keep),
    ]
}

const DIMENSIONS: [Dimension; 10] = [
    Dimension::Title,
    Dimension::Category,
    Dimension::App,
    Dimension::Url,
    Dimension::Domain,
    Dimension::Project,
    Dimension::File,
    Dimension::Language,
    Dimension::Bucket,
    Dimension::Device,
];

/// The engines that keep something, and the one that is made to forget before each question.
struct Engines {
    keeping: Vec<Engine>,
    plain: Engine,
}

impl Engines {
    fn new() -> Engines {
        let with = |limits| Engine::new(limits).expect("threads");
        let room = |cache_bytes, catalog_bytes| Limits {
            cache_bytes,
            catalog_bytes,
            ..Limits::default()
        };
        Engines {
            keeping: vec![
                with(Limits::default()),
                // Entries are dropped all the time; the labels too, because they soon take more than half of this; the catalog always.
                with(room(6_000, 1 << 20)),
                with(room(1_800, 1)),
            ],
            plain: with(Limits::default()),
        }
    }
}

fn usage(
    engine: &Engine,
    snapshot: &Snapshot,
    definition: &Definition,
    question: &Question,
    (by, listed, past): (Dimension, Listed<'_>, bool),
) -> Usage {
    let calendar = calendar(question);
    let bins = calendar.bins(period(question), question.interval, 100_000);
    let request = UsageRequest {
        definition,
        period: period(question),
        by,
        calendar: &calendar,
        bins: &bins.expect("bins"),
        listed,
        past,
    };
    engine
        .usage(snapshot, &request, &Cancel::new())
        .expect("is answered")
}

fn agrees(
    engines: &Engines,
    snapshot: &Snapshot,
    definition: &Definition,
    question: &Question,
    past: bool,
) -> TestCaseResult {
    for by in DIMENSIONS {
        engines.plain.forget();
        let all = Listed::Longest(usize::MAX);
        let expected = usage(&engines.plain, snapshot, definition, question, (by, all, past));
        for engine in &engines.keeping {
            let found = usage(engine, snapshot, definition, question, (by, all, past));
            prop_assert_eq!(&found, &expected, "{:?}", by);
            let few = Listed::Longest(question.page);
            let found = usage(engine, snapshot, definition, question, (by, few, past));
            prop_assert_eq!(&found, &of_them(&expected, |i, _| i < question.page), "{:?}", by);
            let labels = expected.groups.iter().step_by(2).map(|(label, _)| label.clone());
            let mut labels: Vec<Label> = labels.collect();
            labels.push(Some("\"nowhere\"".to_owned()));
            let found = usage(
                engine,
                snapshot,
                definition,
                question,
                (by, Listed::These(&labels), past),
            );
            prop_assert_eq!(&found, &of_them(&expected, |i, _| i % 2 == 0), "{:?}", by);
        }
    }
    Ok(())
}

/// The same with only some of the groups listed, plainly.
fn of_them(all: &Usage, is_listed: impl Fn(usize, &Label) -> bool) -> Usage {
    let mut usage = all.clone();
    usage.groups.clear();
    let mut bins = std::collections::BTreeMap::new();
    for (i, (label, times)) in all.groups.iter().enumerate() {
        if is_listed(i, label) {
            usage.groups.push((label.clone(), times.clone()));
            continue;
        }
        usage.others.0 += 1;
        for (bin, nanos) in &times.bins {
            *bins.entry(*bin).or_insert(0) += nanos;
        }
    }
    bins.retain(|_, nanos| *nanos != 0);
    usage.others.1 = Times {
        all: bins.values().sum(),
        bins: bins.into_iter().collect(),
    };
    usage
}

/// The events of a bucket as they are now.
fn events(stage: &Stage, bucket: usize) -> Vec<Event> {
    let snapshot = stage.snapshot();
    let view = snapshot.bucket(BUCKETS[bucket].0).expect("is there");
    let all = view
        .events(timberline_views::TimeRange::default())
        .expect("reads");
    let event = |event: timberline_views::EventRef<'_>| {
        let mut data = Vec::new();
        event.write_data(&mut data);
        Event {
            start: event.start().nanos(),
            duration: event.duration().nanos(),
            id: Some(event.id().0),
            data: serde_json::from_slice(&data).expect("JSON"),
        }
    };
    all.map(|one| one.map(event).expect("reads")).collect()
}

/// A few events with long texts, so that an engine with hardly any room starts anew with its labels all the time.
fn add_long_texts(stage: &Stage) {
    for day in 0..4 {
        let text = |key: &str| (key.to_owned(), format!("{key} {day} {}", "x".repeat(300)).into());
        for (bucket, keys) in [
            (0, ["app", "title"]),
            (2, ["url", "title"]),
            (4, ["file", "project"]),
        ] {
            let event = Event {
                start: FIRST_DAY + day * DAY + 3_600 * SECOND,
                duration: 40 * 60 * SECOND,
                id: None,
                data: keys.into_iter().map(text).collect(),
            };
            stage.insert(BUCKETS[bucket].0, &[event]);
        }
    }
}

fn act(stage: &Stage, change: &Change, forget: impl Fn()) {
    let inserted = |bucket: usize, at: i64, id: Option<u64>| {
        let like = events(stage, bucket).into_iter().next();
        let event = Event {
            start: FIRST_DAY + at * SECOND,
            duration: 90 * 60 * SECOND,
            id,
            data: like.map(|event| event.data).unwrap_or_default(),
        };
        stage.insert(BUCKETS[bucket].0, &[event]);
    };
    match change {
        Change::Insert(bucket, at) => inserted(*bucket, *at, None),
        Change::Replace(bucket, index, at) => {
            let events = events(stage, *bucket);
            if !events.is_empty() {
                inserted(*bucket, *at, index.get(&events).id);
            }
        }
        Change::Delete(bucket, index) => {
            let events = events(stage, *bucket);
            if !events.is_empty() {
                let id = EventId(index.get(&events).id.expect("an id"));
                let deleted = stage.store(|store| store.delete_event(BUCKETS[*bucket].0, id));
                assert!(deleted.expect("is deleted").0);
            }
        }
        Change::Heartbeat(bucket, later) => {
            let Some(last) = events(stage, *bucket).into_iter().max_by_key(|event| event.start) else {
                return;
            };
            let beat = Heartbeat {
                start: Timestamp::from_nanos(last.end() + later * SECOND),
                duration: Duration::from_nanos(0),
                data: crate::reference::data_text(&last.data).into(),
            };
            let pulsetime = Pulsetime::from_secs_f64(60.0).expect("a pulse time");
            stage
                .store(|store| store.heartbeat(BUCKETS[*bucket].0, &beat, pulsetime))
                .expect("is stored");
        }
        Change::Compact => stage.compact(),
        Change::Forget => forget(),
        Change::Categories | Change::Keep => {}
    }
}

#[test]
fn what_is_kept_is_what_would_be_computed() {
    let stage = Stage::new();
    let engines = Engines::new();
    let input = (watched(false), question(), prop::collection::vec(change(), 1..5));
    property(24, input, |(watched, question, changes)| {
        stage.clear();
        create(&stage, &watched);
        add_long_texts(&stage);
        // A week at least, so that there are parts.
        let mut question = Question {
            period: (
                question.period.0.min(FIRST_DAY + DAY),
                question.period.1.max(FIRST_DAY + 6 * DAY),
            ),
            ..question
        };
        let mut definition = define(&stage, &question);
        let mut kept: Option<(Arc<Snapshot>, timberline_views::Seq)> = None;
        agrees(&engines, &stage.snapshot(), &definition, &question, false)?;
        for change in &changes {
            act(&stage, change, || engines.keeping.iter().for_each(Engine::forget));
            match change {
                Change::Categories => {
                    question.timed = !question.timed;
                    definition = define(&stage, &question);
                }
                Change::Keep => kept = Some((stage.snapshot(), stage.snapshot().seq())),
                _ => {}
            }
            agrees(&engines, &stage.snapshot(), &definition, &question, false)?;
            if let Some((snapshot, seq)) = &kept {
                agrees(&engines, snapshot, &definition, &question, false)?;
                let past = stage.store(|store| store.as_of(*seq, &Cancel::new()));
                agrees(
                    &engines,
                    &past.expect("is in the log"),
                    &definition,
                    &question,
                    true,
                )?;
            }
        }
        Ok(())
    });
}
