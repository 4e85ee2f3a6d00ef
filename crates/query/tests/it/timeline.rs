//! Timelines after random writes, seals and merges, against what they stand for: all events, looked at span by span.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_query::{Cancel, Lane, Span, TimelineQuery};
use timberline_views::{Snapshot, TimeRange};

use crate::harness::{Stage, property};
use crate::reference::SECOND;

/// An event: start and duration in seconds, and which data.
type Draft = (i64, i64, u8);

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<Draft>),
    /// So many events, one after the other: several blocks of them.
    Fill(i64, i64),
    Heartbeat(i64, u8),
    Delete(Index),
    Seal,
    Compact,
    Keep,
    /// From, how long, how wide, and whether of a snapshot that was kept.
    Ask(i64, i64, usize, Option<Index>),
}

fn step() -> impl Strategy<Value = Step> {
    let draft = || {
        (
            -300i64..3_000,
            prop_oneof![Just(0), -5i64..60, 0i64..2_000],
            0u8..5,
        )
    };
    prop_oneof![
        6 => prop::collection::vec(draft(), 1..40).prop_map(Step::Insert),
        1 => (1_000i64..2_500, -300i64..2_000).prop_map(|(n, from)| Step::Fill(n, from)),
        3 => (0i64..4_000, 0u8..5).prop_map(|(at, data)| Step::Heartbeat(at, data)),
        3 => any::<Index>().prop_map(Step::Delete),
        2 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Keep),
        12 => (-400i64..3_500, 1i64..4_000, 2usize..150, prop::option::weighted(0.2, any::<Index>()))
            .prop_map(|(from, length, width, kept)| Step::Ask(from, length, width, kept)),
    ]
}

fn data(number: u8) -> String {
    format!(r#"{{"app":"app {number}"}}"#)
}

fn new_event(&(start, duration, number): &Draft) -> NewEvent<'static> {
    NewEvent {
        id: None,
        start: Timestamp::from_nanos(start * SECOND),
        duration: Duration::from_nanos(duration * SECOND),
        data: data(number).into(),
    }
}

/// An event as the plain model has it.
#[derive(Clone, Debug)]
struct Plain {
    start: i64,
    end: i64,
    id: EventId,
    data: String,
}

fn events(snapshot: &Snapshot, bucket: &str) -> Vec<Plain> {
    let view = snapshot.bucket(bucket).expect("the bucket");
    let events = view.events(TimeRange::ALL).expect("is read");
    let plain = events.map(|event| {
        let event = event.expect("is read");
        let mut text = Vec::new();
        event.write_data(&mut text);
        Plain {
            start: event.start().nanos(),
            end: event.start().nanos() + event.duration().nanos(),
            id: event.id(),
            data: String::from_utf8(text).expect("text"),
        }
    });
    let mut all: Vec<Plain> = plain.collect();
    all.reverse();
    all
}

fn lies_in(event: &Plain, begin: i64, end: i64) -> bool {
    event.end >= event.start && event.start < end && (event.start >= begin || event.end > begin)
}

/// How much of a time is covered: what each event adds to those before it.
fn union(inside: &[&Plain], begin: i64, end: i64) -> i64 {
    let mut parts: Vec<(i64, i64)> = inside
        .iter()
        .map(|event| (event.start.max(begin), event.end.min(end)))
        .collect();
    parts.sort_unstable();
    let (mut covered, mut reach) = (0, begin);
    for (from, to) in parts {
        covered += (to - from.max(reach)).max(0);
        reach = reach.max(to);
    }
    covered
}

fn times(inside: &[&Plain], begin: i64, end: i64) -> BTreeMap<String, i64> {
    let mut times = BTreeMap::new();
    for event in inside {
        *times.entry(event.data.clone()).or_default() += event.end.min(end) - event.start.max(begin);
    }
    times
}

/// A lane is what the events are, counted in spans of its resolution.
fn is_right(lane: &Lane, all: &[Plain], start: i64, end: i64, width: usize) -> TestCaseResult {
    prop_assert!(lane.spans.len() <= width, "{} spans", lane.spans.len());
    let Some(resolution) = lane.resolution else {
        let asked = all.iter().filter(|event| lies_in(event, start, end));
        let expected: Vec<_> = asked
            .map(|e| (e.start, e.end, Some(e.id), e.data.as_str()))
            .collect();
        let found = lane.spans.iter();
        let found: Vec<_> = found
            .map(|s| (s.start.nanos(), s.end.nanos(), s.id, &*s.data))
            .collect();
        prop_assert_eq!(found, expected);
        return Ok(());
    };
    let resolution = resolution.nanos();
    let (first, last) = (start.div_euclid(resolution), (end - 1).div_euclid(resolution));
    let mut spans = lane.spans.iter();
    let mut alone: Option<(&Span, i64)> = None;
    for number in first..=last {
        let (begin, after) = (number * resolution, (number + 1) * resolution);
        let inside: Vec<&Plain> = all.iter().filter(|event| lies_in(event, begin, after)).collect();
        if inside.is_empty() {
            alone = None;
            continue;
        }
        if let [only] = inside.as_slice()
            && let Some((span, reached)) = alone
            && span.id == Some(only.id)
            && reached == begin
        {
            // The event goes on.
            alone = Some((span, only.end.min(after)));
            prop_assert!(span.end.nanos() >= only.end.min(after));
            continue;
        }
        let span = spans.next().expect("a span for each time with events");
        if let [only] = inside.as_slice() {
            prop_assert_eq!(span.id, Some(only.id));
            prop_assert_eq!(span.start.nanos(), only.start.max(begin));
            prop_assert_eq!(&*span.data, &only.data);
            prop_assert_eq!(span.covered.nanos(), span.end.nanos() - span.start.nanos());
            prop_assert_eq!(span.time, span.covered);
            alone = Some((span, only.end.min(after)));
            continue;
        }
        alone = None;
        prop_assert_eq!(
            (span.start.nanos(), span.end.nanos(), span.id),
            (begin, after, None)
        );
        prop_assert_eq!(span.events, Some(inside.len() as u64));
        prop_assert_eq!(span.covered.nanos(), union(&inside, begin, after));
        let times = times(&inside, begin, after);
        prop_assert_eq!(Some(&span.time.nanos()), times.values().max());
        prop_assert_eq!(times.get(&*span.data), Some(&span.time.nanos()));
    }
    prop_assert!(spans.next().is_none());
    Ok(())
}

/// What was kept for one snapshot and not to be used for another shows here: one engine answers all of it.
#[test]
fn a_timeline_is_what_the_events_are() {
    let stage = Stage::new();
    property(150, prop::collection::vec(step(), 1..40), |steps| {
        let bucket = stage.fresh_name();
        stage.create(&bucket, "host");
        let mut kept: Vec<Arc<Snapshot>> = Vec::new();
        for step in steps {
            take(&stage, &bucket, &mut kept, &step)?;
        }
        stage.clear();
        Ok(())
    });
}

fn take(stage: &Stage, bucket: &str, kept: &mut Vec<Arc<Snapshot>>, step: &Step) -> TestCaseResult {
    let insert = |drafts: &[Draft]| {
        let events: Vec<_> = drafts.iter().map(new_event).collect();
        stage
            .store(|store| store.insert_events(bucket, &events).map(drop))
            .expect("is stored");
    };
    match step {
        Step::Insert(drafts) => insert(drafts),
        Step::Fill(n, from) => {
            let drafts: Vec<Draft> = (0..*n)
                .map(|at| (from + at, 1 + at % 3, (at % 5) as u8))
                .collect();
            insert(&drafts);
        }
        Step::Heartbeat(at, number) => {
            let beat = Heartbeat {
                start: Timestamp::from_nanos(at * SECOND),
                duration: Duration::ZERO,
                data: data(*number).into(),
            };
            let pulsetime = Pulsetime::from_secs_f64(100.0).expect("a pulsetime");
            stage
                .store(|store| store.heartbeat(bucket, &beat, pulsetime).map(drop))
                .expect("is stored");
        }
        Step::Delete(index) => {
            let all = events(&stage.snapshot(), bucket);
            if !all.is_empty() {
                let id = index.get(&all).id;
                stage
                    .store(|store| store.delete_event(bucket, id).map(drop))
                    .expect("is deleted");
            }
        }
        Step::Seal => stage.store(|store| store.flush(1)).expect("seals"),
        Step::Compact => stage.compact(),
        Step::Keep => kept.push(stage.snapshot()),
        Step::Ask(from, length, width, of) => {
            let before = of
                .as_ref()
                .filter(|_| !kept.is_empty())
                .map(|index| index.get(kept));
            let snapshot = before.map_or_else(|| stage.snapshot(), Arc::clone);
            let (start, end) = (from * SECOND, (from + length) * SECOND);
            let query = TimelineQuery {
                buckets: vec![bucket.to_owned()],
                start: Some(Timestamp::from_nanos(start)),
                end: Some(Timestamp::from_nanos(end)),
                width: *width,
                past: false,
            };
            let timeline = stage.engine.timeline(&snapshot, &query, &Cancel::new());
            let timeline = timeline.expect("a timeline");
            is_right(&timeline.lanes[0], &events(&snapshot, bucket), start, end, *width)?;
        }
    }
    Ok(())
}

#[test]
fn without_a_start_and_an_end_it_is_all_of_it() {
    let stage = Stage::new();
    stage.create("a", "host");
    let drafts: Vec<Draft> = (0..500).map(|at| (at * 60, 30, (at % 7 % 5) as u8)).collect();
    let events: Vec<_> = drafts.iter().map(new_event).collect();
    stage
        .store(|store| store.insert_events("a", &events).map(drop))
        .expect("is stored");
    let query = TimelineQuery {
        buckets: vec!["a".to_owned(), "missing".to_owned()],
        start: None,
        end: None,
        width: 100,
        past: false,
    };
    let timeline = stage.engine.timeline(&stage.snapshot(), &query, &Cancel::new());
    let timeline = timeline.expect("a timeline");
    assert_eq!(timeline.start.nanos(), 0);
    assert_eq!(timeline.end.nanos(), (499 * 60 + 30) * SECOND);
    let [lane] = timeline.lanes.as_slice() else {
        panic!("{:?}", timeline.lanes)
    };
    let covered: i64 = lane.spans.iter().map(|span| span.covered.nanos()).sum();
    assert_eq!(covered, 500 * 30 * SECOND);
    // An event that reaches over the border of two spans lies in both.
    assert!((50..=100).contains(&lane.spans.len()), "{}", lane.spans.len());
}

/// An erased event is nowhere: neither in what was kept, nor in what is computed while its rows are only hidden.
#[test]
fn what_is_purged_is_in_no_span() {
    let stage = Stage::new();
    stage.create("a", "host");
    let mut drafts: Vec<Draft> = (0..300).map(|at| (at * 10, 1, 0)).collect();
    drafts.push((1_005, 4, 4));
    let events: Vec<_> = drafts.iter().map(new_event).collect();
    let (ids, _) = stage
        .store(|store| store.insert_events("a", &events))
        .expect("is stored");
    stage.store(|store| store.flush(1)).expect("seals");
    let ask = || {
        let query = TimelineQuery {
            buckets: vec!["a".to_owned()],
            start: None,
            end: None,
            width: 150,
            past: false,
        };
        let timeline = stage.engine.timeline(&stage.snapshot(), &query, &Cancel::new());
        String::from_utf8(timeline.expect("a timeline").to_json()).expect("text")
    };
    assert!(ask().contains("app 4"));
    let key = stage.snapshot().bucket("a").expect("the bucket").key();
    let last = ids.last().copied().expect("an id");
    stage
        .store(|store| store.order_purge_of(key, &[last]))
        .expect("is ordered");
    assert!(!ask().contains("app 4"));
    stage.engine.forget();
    stage
        .store(|store| store.complete_purges())
        .expect("is carried out");
    assert!(!ask().contains("app 4"));
}
