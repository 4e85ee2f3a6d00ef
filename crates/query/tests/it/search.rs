//! Searches after random writes, seals and merges, against what they stand for: all events, looked at one by one.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseResult;
use serde_json::{Map, Value as Json, json};
use timberline_model::{Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_query::{Cancel, Hit, Search, SearchError, SearchQuery};
use timberline_views::TimeRange;

use crate::harness::{Stage, property};
use crate::reference::SECOND;

/// Texts in data: with accents, escapes, several words, and such that are parts of others.
const TEXTS: [&str; 12] = [
    "Firefox",
    "fire",
    "Crème brûlée",
    "creme",
    "Straße 7",
    "a \"quoted\" word",
    "back\\slash\nline",
    "日本語 tab",
    "",
    "fox 7",
    "ÉTÉ",
    "plain text with several words",
];

/// What is looked for: a term as it is typed, its sign, its field, and the text that it stands for.
const TERMS: [(&str, bool, Option<&str>, &str); 15] = [
    ("fire", false, None, "fire"),
    ("FIREFOX", false, None, "firefox"),
    ("crème", false, None, "creme"),
    ("\"creme bru\"", false, None, "creme bru"),
    ("strasse", false, None, "strasse"),
    ("quoted", false, None, "quoted"),
    ("\\slash", false, None, "\\slash"),
    ("nline", false, None, "nline"),
    ("日本", false, None, "日本"),
    ("7", false, None, "7"),
    ("-fox", true, None, "fox"),
    ("title:été", false, Some("title"), "ete"),
    ("-app:plain", true, Some("app"), "plain"),
    ("several", false, None, "several"),
    ("true", false, None, "true"),
];

/// The letters of the texts above without case and accents.
fn plainly_folded(text: &str) -> String {
    let mut folded = String::new();
    for letter in text.chars() {
        match letter {
            'É' | 'é' | 'è' => folded.push('e'),
            'û' => folded.push('u'),
            'ß' => folded.push_str("ss"),
            letter => folded.extend(letter.to_lowercase()),
        }
    }
    folded
}

/// Start, duration, and of the data: two texts and a counter.
type Draft = (i64, i64, (usize, usize, u8));

#[derive(Clone, Debug)]
enum Step {
    Insert(usize, Vec<Draft>),
    Fill(usize, i64),
    Heartbeat(usize, i64, (usize, usize, u8)),
    Delete(usize, Index),
    Seal,
    Compact,
    Ask(Question),
}

#[derive(Clone, Debug)]
struct Question {
    terms: Vec<usize>,
    range: Option<(i64, i64)>,
    limit: usize,
    spans: usize,
}

/// The buckets, the first two of one type.
const BUCKETS: [(&str, &str); 3] = [("a", "window"), ("b", "window"), ("c", "web")];

fn step() -> impl Strategy<Value = Step> {
    let data = || (0..TEXTS.len(), 0..TEXTS.len(), 0u8..3);
    let draft = move || (-50i64..3_000, prop_oneof![Just(0), -5i64..60, 0i64..500], data());
    let bucket = || 0..BUCKETS.len();
    let question = (
        prop::collection::vec(0..TERMS.len(), 1..4),
        prop::option::of((-100i64..3_000, 0i64..2_000)),
        1usize..6,
        0usize..4,
    );
    let question = question.prop_map(|(terms, range, limit, spans)| Question {
        terms,
        range: range.map(|(from, length)| (from * SECOND, (from + length) * SECOND)),
        limit,
        spans,
    });
    prop_oneof![
        8 => (bucket(), prop::collection::vec(draft(), 1..30)).prop_map(|(b, drafts)| Step::Insert(b, drafts)),
        1 => (bucket(), 1_000i64..1_500).prop_map(|(bucket, n)| Step::Fill(bucket, n)),
        3 => (bucket(), 0i64..4_000, data()).prop_map(|(bucket, at, data)| Step::Heartbeat(bucket, at, data)),
        3 => (bucket(), any::<Index>()).prop_map(|(bucket, index)| Step::Delete(bucket, index)),
        2 => Just(Step::Seal),
        1 => Just(Step::Compact),
        12 => question.prop_map(Step::Ask),
    ]
}

fn data((app, title, counter): (usize, usize, u8)) -> String {
    json!({"app": TEXTS[app], "title": TEXTS[title], "n": counter, "on": counter == 1}).to_string()
}

/// An event as the plain model has it.
#[derive(Clone, Debug)]
struct Plain {
    bucket: &'static str,
    type_: &'static str,
    start: i64,
    end: i64,
    id: EventId,
    data: Map<String, Json>,
}

fn events(stage: &Stage, names: &[String; 3]) -> Vec<Plain> {
    let snapshot = stage.snapshot();
    let mut all = Vec::new();
    for (name, (bucket, type_)) in names.iter().zip(BUCKETS) {
        let view = snapshot.bucket(name).expect("the bucket");
        for event in view.events(TimeRange::ALL).expect("is read") {
            let event = event.expect("is read");
            let mut text = Vec::new();
            event.write_data(&mut text);
            all.push(Plain {
                bucket,
                type_,
                start: event.start().nanos(),
                end: event.start().nanos() + event.duration().nanos(),
                id: event.id(),
                data: serde_json::from_slice(&text).expect("an object"),
            });
        }
    }
    all
}

fn finds(event: &Plain, terms: &[usize]) -> bool {
    terms.iter().all(|term| {
        let (_, negated, field, wanted) = TERMS[*term];
        let fields = event
            .data
            .iter()
            .filter(|(key, _)| field.is_none_or(|field| field == key.as_str()));
        let mut texts = fields.map(|(_, value)| match value {
            Json::String(text) => plainly_folded(text),
            other => other.to_string(),
        });
        texts.any(|text| text.contains(wanted)) != negated
    })
}

/// What is to be found of a hit.
#[derive(Debug, Default)]
struct Expected {
    time: i64,
    events: Vec<Plain>,
}

fn expected(all: &[Plain], question: &Question) -> BTreeMap<String, Expected> {
    let (from, to) = question.range.unwrap_or((i64::MIN, i64::MAX));
    let mut hits: BTreeMap<String, Expected> = BTreeMap::new();
    for event in all {
        let inside = event.end >= event.start && event.end >= from && event.start <= to;
        if inside && finds(event, &question.terms) {
            let hit = hits.entry(identity(event.type_, &event.data)).or_default();
            hit.time += event.end.min(to) - event.start.max(from);
            hit.events.push(event.clone());
        }
    }
    for hit in hits.values_mut() {
        hit.events
            .sort_by_key(|event| std::cmp::Reverse((event.start, event.end)));
    }
    hits
}

fn identity(type_: &str, data: &Map<String, Json>) -> String {
    let texts = data.iter().filter(|(_, value)| value.is_string());
    let texts: Vec<String> = texts.map(|(key, value)| format!("{key}={value}")).collect();
    format!("{type_} {}", texts.join(" "))
}

fn is_right(hit: &Hit, expected: &Expected, names: &[String; 3], spans: usize) -> TestCaseResult {
    prop_assert_eq!(hit.time.nanos(), expected.time);
    prop_assert_eq!(hit.events, expected.events.len() as u64);
    let first = expected.events.iter().map(|event| event.start).min();
    let last = expected.events.iter().map(|event| event.end).max();
    prop_assert_eq!(Some(hit.first.nanos()), first);
    prop_assert_eq!(Some(hit.last.nanos()), last);
    let found: Vec<(i64, i64)> = hit
        .spans
        .iter()
        .map(|s| (s.start.nanos(), s.end.nanos()))
        .collect();
    let newest: Vec<(i64, i64)> = expected
        .events
        .iter()
        .take(spans)
        .map(|e| (e.start, e.end))
        .collect();
    // Of those that begin at the same time, any may be the one that is left out.
    prop_assert_eq!(
        found.iter().map(|span| span.0).collect::<Vec<_>>(),
        newest.iter().map(|span| span.0).collect::<Vec<_>>()
    );
    for span in &hit.spans {
        let is_it = |event: &&Plain| {
            let place = BUCKETS.iter().position(|bucket| bucket.0 == event.bucket);
            event.id == span.id && place.is_some_and(|place| names[place] == span.bucket)
        };
        let event = expected.events.iter().find(is_it);
        prop_assert_eq!(
            event.map(|e| (e.start, e.end)),
            Some((span.start.nanos(), span.end.nanos()))
        );
    }
    Ok(())
}

#[test]
fn a_search_finds_what_the_events_say() {
    let stage = Stage::new();
    property(100, prop::collection::vec(step(), 1..30), |steps| {
        let names = BUCKETS.map(|(_, type_)| {
            let name = stage.fresh_name();
            stage.create_of(&name, "host", type_);
            name
        });
        for step in steps {
            take(&stage, &names, step)?;
        }
        stage.clear();
        Ok(())
    });
}

fn take(stage: &Stage, names: &[String; 3], step: Step) -> TestCaseResult {
    let insert = |bucket: usize, drafts: &[Draft]| {
        let new = |(start, duration, of): &Draft| NewEvent {
            id: None,
            start: Timestamp::from_nanos(start * SECOND),
            duration: Duration::from_nanos(duration * SECOND),
            data: data(*of).into(),
        };
        let events: Vec<_> = drafts.iter().map(new).collect();
        stage
            .store(|store| store.insert_events(&names[bucket], &events).map(drop))
            .expect("is stored");
    };
    match step {
        Step::Insert(bucket, drafts) => insert(bucket, &drafts),
        Step::Fill(bucket, n) => {
            let of = |at: i64| ((at % 12) as usize, (at / 12 % 12) as usize, (at % 3) as u8);
            let drafts: Vec<Draft> = (0..n).map(|at| (at, 1, of(at))).collect();
            insert(bucket, &drafts);
        }
        Step::Heartbeat(bucket, at, of) => {
            let beat = Heartbeat {
                start: Timestamp::from_nanos(at * SECOND),
                duration: Duration::ZERO,
                data: data(of).into(),
            };
            let pulsetime = Pulsetime::from_secs_f64(100.0).expect("a pulsetime");
            stage
                .store(|store| store.heartbeat(&names[bucket], &beat, pulsetime).map(drop))
                .expect("is stored");
        }
        Step::Delete(bucket, index) => {
            let all = events(stage, names);
            let own: Vec<_> = all
                .iter()
                .filter(|event| event.bucket == BUCKETS[bucket].0)
                .collect();
            if !own.is_empty() {
                let id = index.get(&own).id;
                stage
                    .store(|store| store.delete_event(&names[bucket], id).map(drop))
                    .expect("is deleted");
            }
        }
        Step::Seal => stage.store(|store| store.flush(1)).expect("seals"),
        Step::Compact => stage.compact(),
        Step::Ask(question) => ask(stage, names, &question)?,
    }
    Ok(())
}

/// All pages together are the hits, in their order, each once.
fn ask(stage: &Stage, names: &[String; 3], question: &Question) -> TestCaseResult {
    let typed: Vec<&str> = question.terms.iter().map(|term| TERMS[*term].0).collect();
    let search = Search::parse(&typed.join(" ")).expect("a search");
    let expected = expected(&events(stage, names), question);
    let mut query = SearchQuery {
        buckets: names.to_vec(),
        range: TimeRange {
            start: question.range.map(|(from, _)| Timestamp::from_nanos(from)),
            end: question.range.map(|(_, to)| Timestamp::from_nanos(to)),
        },
        limit: question.limit,
        spans: question.spans,
        after: None,
    };
    let mut left = expected.len();
    let mut least = i64::MAX;
    let snapshot = stage.snapshot();
    loop {
        let hits = stage
            .engine
            .search(&snapshot, &search, &query, &Cancel::new())
            .expect("hits");
        prop_assert_eq!(hits.total, expected.len());
        prop_assert_eq!(
            hits.time.nanos(),
            expected.values().map(|hit| hit.time).sum::<i64>()
        );
        prop_assert_eq!(hits.hits.len(), left.min(question.limit));
        left -= hits.hits.len();
        for hit in &hits.hits {
            prop_assert!(hit.time.nanos() <= least);
            least = hit.time.nanos();
            let data = serde_json::from_str(&hit.data).expect("an object");
            let known = expected.get(&identity(&hit.type_, &data));
            let known =
                known.ok_or_else(|| TestCaseError::fail(format!("{} is not to be found", hit.data)))?;
            is_right(hit, known, names, question.spans)?;
        }
        prop_assert_eq!(hits.next.is_some(), left > 0);
        if hits.next.is_none() {
            return Ok(());
        }
        query.after = hits
            .next
            .map(|cursor| cursor.to_string().parse().expect("a cursor"));
    }
}

#[test]
fn expressions_and_texts_that_no_letter_table_has_are_found() {
    let stage = Stage::new();
    stage.create("a", "host");
    let titles = [
        "v12 notes",
        "vx notes",
        "ｆｕｌｌ",
        "한국어",
        "😀 smile",
        "tab\tbetween",
    ];
    let event = |(at, title): (usize, &&str)| NewEvent {
        id: None,
        start: Timestamp::from_nanos(at as i64 * SECOND),
        duration: Duration::from_nanos(SECOND),
        data: json!({"title": title}).to_string().into(),
    };
    let events: Vec<_> = titles.iter().enumerate().map(event).collect();
    stage
        .store(|store| store.insert_events("a", &events).map(drop))
        .expect("is stored");
    for sealed in [false, true] {
        if sealed {
            stage.compact();
        }
        for (text, found) in [
            (r"/^v\d+/", vec![0]),
            (r"title:/NOTES$/", vec![0, 1]),
            (r"app:/NOTES$/", vec![]),
            (r"-/notes/ -/[^ -~]/", vec![]),
            ("full", vec![2]),
            ("국", vec![3]),
            ("😀", vec![4]),
            (r"/b\tb/", vec![5]),
            ("title", vec![]),
            ("\"n", vec![0, 1, 5]),
        ] {
            let search = Search::parse(text).expect("a search");
            let query = SearchQuery {
                buckets: vec!["a".to_owned()],
                range: TimeRange::ALL,
                limit: 10,
                spans: 1,
                after: None,
            };
            let hits = stage
                .engine
                .search(&stage.snapshot(), &search, &query, &Cancel::new());
            let mut starts: Vec<i64> = hits
                .expect("hits")
                .hits
                .iter()
                .map(|hit| hit.first.nanos() / SECOND)
                .collect();
            starts.sort_unstable();
            assert_eq!(starts, found, "{text}, sealed: {sealed}");
        }
    }
    assert!(matches!(Search::parse("/(/"), Err(SearchError::Regex { .. })));
}
