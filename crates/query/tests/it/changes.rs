//! Answers after changes: random writes, seals, restarts and questions, in any order. Whatever an engine remembers, the
//! answer is that of the snapshot it was asked about: the newest, or one that was kept.

use std::sync::Arc;

use crate::harness::{Stage, expected, property, query};
use crate::random::programs::{Draft, draft};
use crate::random::{events, period};
use crate::reference::buckets::{Bucket, Buckets, Period, find_bucket, query_bucket, query_bucket_names};
use crate::reference::{Event, SECOND, Value, in_brackets};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestCaseResult;
use serde_json::Value as Json;
use timberline_model::{BucketUpdate, Duration, EventId, Heartbeat, Pulsetime, Timestamp};
use timberline_query::{Cancel, Engine, Limits};
use timberline_views::Snapshot;

/// The buckets that come and go; of two of them the third is a prefix.
const NAMES: [&str; 3] = ["watcher", "watcher-a", "watcher-b"];
const HOSTS: [&str; 2] = ["laptop", "desk"];

#[derive(Clone, Debug)]
enum Step {
    Create(usize, usize),
    Drop(usize),
    Rehost(usize, usize),
    Insert(usize, Vec<Event>),
    Replace(usize, Index, Event),
    Delete(usize, Index),
    Heartbeat(usize, Event),
    Seal,
    Compact,
    Reopen,
    /// A reader that keeps its picture to the end.
    Keep,
    /// Of the newest snapshot, or of one that was kept.
    Ask(Question, Period, Option<Index>),
}

#[derive(Clone, Debug)]
enum Question {
    /// One of a few programs, so that they come again.
    Program(usize),
    Names,
    Find(&'static str, Option<&'static str>),
    /// The events of the bucket that is found.
    EventsOf(&'static str),
}

fn step() -> impl Strategy<Value = Step> {
    let bucket = || 0..NAMES.len();
    let event = || events().prop_filter_map("no event", |events| events.into_iter().next());
    let later = |(bucket, shift, mut event): (usize, i64, Event)| {
        event.start += shift * SECOND;
        Step::Heartbeat(bucket, event)
    };
    prop_oneof![
        4 => (bucket(), 0..HOSTS.len()).prop_map(|(bucket, host)| Step::Create(bucket, host)),
        1 => bucket().prop_map(Step::Drop),
        1 => (bucket(), 0..HOSTS.len()).prop_map(|(bucket, host)| Step::Rehost(bucket, host)),
        6 => (bucket(), events()).prop_map(|(bucket, events)| Step::Insert(bucket, events)),
        2 => (bucket(), any::<Index>(), event()).prop_map(|(b, index, event)| Step::Replace(b, index, event)),
        2 => (bucket(), any::<Index>()).prop_map(|(bucket, index)| Step::Delete(bucket, index)),
        4 => (bucket(), 0i64..40, event()).prop_map(later),
        1 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
        2 => Just(Step::Keep),
        24 => (question(), period(), prop::option::weighted(0.3, any::<Index>()))
            .prop_map(|(question, period, kept)| Step::Ask(question, period, kept)),
    ]
}

fn question() -> impl Strategy<Value = Question> {
    let prefix = || select(vec!["watcher", "watcher-", "watcher-b", "w", "", "other"]);
    prop_oneof![
        6 => (0..PROGRAMS).prop_map(Question::Program),
        1 => Just(Question::Names),
        2 => (prefix(), prop::option::of(select(HOSTS.to_vec()))).prop_map(|(p, host)| Question::Find(p, host)),
        1 => prefix().prop_map(Question::EventsOf),
    ]
}

/// How many different programs are asked.
const PROGRAMS: usize = 3;

/// What a snapshot must show.
type Picture = (Arc<Snapshot>, Buckets);

/// Does a step to the store and to the reference's buckets.
fn act(stage: &Stage, buckets: &mut Buckets, step: Step) {
    match step {
        Step::Create(place, host) => {
            let name = NAMES[place];
            if !buckets.contains_key(name) {
                stage.create(name, HOSTS[host]);
                let hostname = HOSTS[host].to_owned();
                buckets.insert(
                    name.to_owned(),
                    Bucket {
                        hostname,
                        events: Vec::new(),
                    },
                );
            }
        }
        Step::Drop(place) => {
            if buckets.remove(NAMES[place]).is_some() {
                stage
                    .store(|store| store.delete_bucket(NAMES[place]))
                    .expect("is deleted");
            }
        }
        Step::Seal => stage.store(|store| store.flush(1)).expect("seals"),
        Step::Compact => stage.compact(),
        Step::Reopen => stage.reopen(),
        Step::Rehost(place, _)
        | Step::Insert(place, _)
        | Step::Replace(place, ..)
        | Step::Delete(place, _)
        | Step::Heartbeat(place, _) => {
            if let Some(bucket) = buckets.get_mut(NAMES[place]) {
                write(stage, NAMES[place], bucket, step);
            }
        }
        Step::Keep | Step::Ask(..) => unreachable!("not a change"),
    }
}

/// Changes one bucket.
fn write(stage: &Stage, name: &str, bucket: &mut Bucket, step: Step) {
    match step {
        Step::Rehost(_, host) => {
            bucket.hostname = HOSTS[host].to_owned();
            let hostname = Some(bucket.hostname.clone());
            let update = BucketUpdate {
                hostname,
                ..BucketUpdate::default()
            };
            stage
                .store(|store| store.update_bucket(name, &update))
                .expect("is changed");
        }
        Step::Insert(_, events) => {
            let ids = stage.insert(name, &events);
            let known = events.into_iter().zip(ids).map(|(event, id)| Event {
                id: Some(id),
                ..event
            });
            bucket.events.extend(known);
        }
        Step::Replace(_, index, event) if !bucket.events.is_empty() => {
            let old = index.get(&bucket.events).clone();
            let new = Event { id: old.id, ..event };
            stage.insert(name, std::slice::from_ref(&new));
            bucket.events.retain(|event| event.id != old.id);
            bucket.events.push(new);
        }
        Step::Delete(_, index) if !bucket.events.is_empty() => {
            let gone = bucket.events.remove(index.index(bucket.events.len()));
            let id = EventId(gone.id.expect("an id"));
            let (deleted, _) = stage
                .store(|store| store.delete_event(name, id))
                .expect("is deleted");
            assert!(deleted, "{id} was not there");
        }
        Step::Heartbeat(_, event) => heartbeat(stage, name, bucket, event),
        _ => {}
    }
}

/// The store says what becomes of a heartbeat: its rule is not what is tested here.
fn heartbeat(stage: &Stage, name: &str, bucket: &mut Bucket, event: Event) {
    let beat = Heartbeat {
        start: Timestamp::from_nanos(event.start),
        duration: Duration::from_nanos(event.duration),
        data: crate::reference::data_text(&event.data).into(),
    };
    let pulsetime = Pulsetime::from_secs_f64(60.0).expect("a pulse time");
    let answer = stage
        .store(|store| store.heartbeat(name, &beat, pulsetime))
        .expect("is stored");
    let event = Event {
        start: answer.start.nanos(),
        duration: answer.duration.nanos(),
        id: Some(answer.id.0),
        data: event.data,
    };
    bucket.events.retain(|old| old.id != event.id);
    bucket.events.push(event);
}

/// Asks, and compares with what the reference says of the same picture; none is that there is no such bucket.
fn ask(
    engine: &Engine,
    drafts: &[Draft],
    (snapshot, buckets): &Picture,
    asked: &Question,
    period: Period,
) -> TestCaseResult {
    let text = |text: String| Json::from(text).to_string();
    let (program, expected) = match asked {
        Question::Program(number) => {
            let names: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
            let program = drafts[*number].program(&names);
            let text = program.to_string();
            let gone = NAMES
                .iter()
                .any(|n| !buckets.contains_key(*n) && text.contains(&format!("\"{n}\"")));
            let answer = (!gone).then(|| expected(&program, buckets, &[period]));
            (text, answer)
        }
        Question::Names => {
            let names = query_bucket_names(buckets);
            (
                "RETURN = query_bucket_names();".to_owned(),
                Some(format!("[{}]", Json::from(names))),
            )
        }
        Question::Find(prefix, host) => {
            let found = find_bucket(buckets, prefix, *host);
            let host = host.map_or_else(String::new, |host| format!(", '{host}'"));
            let program = format!("RETURN = find_bucket('{prefix}'{host});");
            (program, found.map(|name| format!("[{}]", text(name))))
        }
        Question::EventsOf(prefix) => {
            let found = find_bucket(buckets, prefix, None);
            let events = found.map(|name| Value::Events(query_bucket(&buckets[&name], period)));
            let answer = events.map(|events| in_brackets([events.to_json()].into_iter()));
            (format!("RETURN = query_bucket(find_bucket('{prefix}'));"), answer)
        }
    };
    let query = query(&program, &[period]);
    let text = |json: Vec<u8>| String::from_utf8(json).expect("text");
    if let Some(answer) = engine.cached(snapshot, &query) {
        prop_assert_eq!(
            Some(text(answer.to_json())),
            expected.clone(),
            "remembered\n{}",
            program
        );
    }
    match engine.run(snapshot, &query, &Cancel::new()) {
        Ok(answer) => prop_assert_eq!(Some(text(answer.to_json())), expected, "\n{}", program),
        Err(error) => {
            prop_assert_eq!(None, expected, "{}\n{}", error, program);
            prop_assert_eq!(error.kind.name(), "QueryFunctionException");
        }
    }
    Ok(())
}

/// Engines that remember as much as usual, little, and hardly anything.
fn limits() -> impl Strategy<Value = Limits> {
    let remembering = |cache_bytes, catalog_bytes| Limits {
        cache_bytes,
        catalog_bytes,
        ..Limits::default()
    };
    let usual = Limits::default();
    prop_oneof![
        4 => Just(usual),
        1 => Just(remembering(32 << 10, 16 << 10)),
        1 => Just(remembering(0, 1)),
    ]
}

#[test]
fn an_answer_is_that_of_its_snapshot_whatever_changed_before_and_after() {
    let drafts = prop::collection::vec(draft(4), PROGRAMS);
    let steps = prop::collection::vec(step(), 1..80);
    property(80, (drafts, steps, limits()), |(drafts, steps, limits)| {
        let stage = Stage::with(limits);
        let mut buckets = Buckets::new();
        let mut kept: Vec<Picture> = Vec::new();
        let mut asked: Vec<(Question, Period)> = Vec::new();
        for step in steps {
            match step {
                Step::Keep => kept.push((stage.snapshot(), buckets.clone())),
                Step::Ask(question, period, index) => {
                    let newest = (stage.snapshot(), buckets.clone());
                    let old = index.filter(|_| !kept.is_empty()).map(|index| index.get(&kept));
                    ask(&stage.engine, &drafts, old.unwrap_or(&newest), &question, period)?;
                    asked.push((question, period));
                }
                change => act(&stage, &mut buckets, change),
            }
        }
        for picture in kept.iter().rev() {
            for (question, period) in &asked {
                ask(&stage.engine, &drafts, picture, question, *period)?;
            }
        }
        Ok(())
    });
}

/// Three events, ten seconds each, from noon on, one a minute.
fn three_events(stage: &Stage) -> (String, Bucket) {
    let event = |minute: i64| Event {
        start: crate::random::NOON + minute * 60 * SECOND,
        duration: 10 * SECOND,
        id: None,
        data: crate::reference::Object::new(),
    };
    stage.bucket(&[event(0), event(1), event(2)])
}

/// The minute that begins one minute after noon.
const SECOND_MINUTE: Period = Period {
    start: crate::random::NOON + 60 * SECOND,
    end: crate::random::NOON + 120 * SECOND - 1,
};

#[test]
fn an_event_within_the_period_is_seen_and_one_after_it_changes_nothing() {
    let stage = Stage::new();
    let (name, bucket) = three_events(&stage);
    let program = format!("RETURN = sum_durations(query_bucket('{name}'));");
    let sum = || stage.ask(&program, &[SECOND_MINUTE]).expect("an answer");
    let hits = || stage.engine.metrics().cache_hits;
    assert_eq!((sum(), hits()), ("[10.0]".to_owned(), 0));
    let at = |start: i64| Event {
        start,
        id: None,
        ..bucket.events[0].clone()
    };
    stage.insert(&name, &[at(SECOND_MINUTE.end + 1)]);
    assert_eq!(
        (sum(), hits()),
        ("[10.0]".to_owned(), 1),
        "after the period: remembered"
    );
    stage.insert(&name, &[at(SECOND_MINUTE.end)]);
    assert_eq!(
        (sum(), hits()),
        ("[10.0]".to_owned(), 1),
        "at its end: without length there"
    );
    stage.insert(&name, &[at(SECOND_MINUTE.start - 4 * SECOND)]);
    assert_eq!((sum(), hits()), ("[16.0]".to_owned(), 1), "reaching into it");
    stage.insert(&name, &[at(SECOND_MINUTE.start + 20 * SECOND)]);
    assert_eq!((sum(), hits()), ("[26.0]".to_owned(), 1), "within it");
    let deleted = EventId(bucket.events[1].id.expect("an id"));
    stage
        .store(|store| store.delete_event(&name, deleted))
        .expect("is deleted");
    assert_eq!((sum(), hits()), ("[16.0]".to_owned(), 1), "deleted");
    assert_eq!((sum(), hits()), ("[16.0]".to_owned(), 2), "nothing changed");
}

#[test]
fn an_old_snapshot_answers_what_was_then_after_a_newer_one_was_asked() {
    let stage = Stage::new();
    let (name, bucket) = three_events(&stage);
    let program = format!("RETURN = sum_durations(query_bucket('{name}'));");
    let old = stage.snapshot();
    let within = Event {
        start: SECOND_MINUTE.start + 20 * SECOND,
        id: None,
        ..bucket.events[0].clone()
    };
    stage.insert(&name, &[within]);
    for _ in 0..2 {
        let newer = stage.ask(&program, &[SECOND_MINUTE]).expect("an answer");
        let older = crate::harness::ask(&stage.engine, &old, &program, &[SECOND_MINUTE]).expect("an answer");
        assert_eq!((newer.as_str(), older.as_str()), ("[20.0]", "[10.0]"));
    }
}
