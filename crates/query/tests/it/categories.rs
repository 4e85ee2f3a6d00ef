//! Rules of categories: AND, OR, NOT and conditions on time against a plain evaluator that looks at every minute; and the
//! categories of the settings.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value as Json, json};
use timberline_query::{Cancel, Period, Query};

use crate::harness::{Stage, property};
use crate::reference::{Event, Object, SECOND};

const MINUTE: i64 = 60 * SECOND;
const DAYS: [&str; 7] = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
];
/// Zones, each with an instant at which its clock changes.
const CHANGES: [(&str, &str); 6] = [
    ("Europe/Berlin", "2024-03-31T01:00:00Z"),
    ("Europe/Berlin", "2024-10-27T01:00:00Z"),
    ("Australia/Lord_Howe", "2024-04-06T15:00:00Z"),
    ("Asia/Kathmandu", "2024-02-29T12:00:00Z"),
    ("Pacific/Apia", "2011-12-30T10:00:00Z"),
    ("America/Sao_Paulo", "2018-11-04T03:00:00Z"),
];
/// As far as anything here goes.
const ALWAYS: &str = "2000-01-01T00:00:00Z/2040-01-01T00:00:00Z";

/// A rule as JSON.
fn rule(change: usize) -> BoxedStrategy<Json> {
    let (zone, at) = CHANGES[change];
    let at: Timestamp = at.parse().expect("an instant");
    let word = || select(vec!["a", "b", "ab", "B"]);
    let flag = any::<bool>;
    let time = || (0..24u8, select(vec![0, 15, 30, 45])).prop_map(|(h, m)| format!("{h:02}:{m:02}"));
    let days = prop::collection::vec(select(DAYS.to_vec()), 1..5);
    let near = move |minutes: i64| (at + jiff::SignedDuration::from_mins(minutes)).to_string();
    let leaf = prop_oneof![
        3 => (word(), flag()).prop_map(|(w, i)| json!({"type": "regex", "regex": w, "ignore_case": i})),
        2 => (word(), flag(), select(vec!["app", "title"])).prop_map(|(w, whole, field)| {
            json!({"type": "text", "text": w, "whole": whole, "field": field})
        }),
        1 => Just(json!({"type": "none"})),
        3 => (time(), time(), days, flag()).prop_filter_map("equal times", move |(from, to, days, all)| {
            let mut rule = json!({"type": "time", "from": from, "to": to, "zone": zone});
            if !all {
                rule["weekdays"] = json!(days);
            }
            (from != to).then_some(rule)
        }),
        1 => (-3000..3000i64, 1..3000i64).prop_map(move |(from, length)| {
            json!({"type": "between", "from": near(from), "to": near(from + length)})
        }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (select(vec!["and", "or"]), several)
                .prop_map(|(kind, rules)| json!({"type": kind, "rules": rules})),
            inner.prop_map(|rule| json!({"type": "not", "rule": rule})),
        ]
    })
    .boxed()
}

/// Minutes around the change of a clock, their number, and data.
type Draft = (i64, i64, &'static str, &'static str);

/// A change, rules with their priorities, and events.
type Input = (usize, Vec<(Json, Option<i64>)>, Vec<Draft>);

fn input() -> impl Strategy<Value = Input> {
    let words = || select(vec!["a", "b", "xab", "B", "c"]);
    let events = prop::collection::vec((-2000..2000i64, 0..900i64, words(), words()), 1..5);
    (0..CHANGES.len(), events).prop_flat_map(|(change, events)| {
        let rules = prop::collection::vec((rule(change), prop::option::of(0..30i64)), 1..5);
        (Just(change), rules, Just(events))
    })
}

/// Whether a rule holds in the minute that begins at an instant.
fn holds(rule: &Json, data: &Object, at: i64) -> bool {
    let text = |field: &str| rule[field].as_str().unwrap_or_default();
    match text("type") {
        "none" => false,
        "not" => !holds(&rule["rule"], data, at),
        kind @ ("and" | "or") => {
            let mut rules = rule["rules"].as_array().expect("rules").iter();
            match kind {
                "and" => rules.all(|rule| holds(rule, data, at)),
                _ => rules.any(|rule| holds(rule, data, at)),
            }
        }
        "regex" => data
            .values()
            .filter_map(Json::as_str)
            .any(|value| match rule["ignore_case"] == true {
                true => value.to_lowercase().contains(&text("regex").to_lowercase()),
                false => value.contains(text("regex")),
            }),
        "text" => {
            let value = data[text("field")].as_str().expect("a text");
            match rule["whole"] == true {
                true => value == text("text"),
                false => value.contains(text("text")),
            }
        }
        "between" => {
            let nanos = |field: &str| {
                text(field)
                    .parse::<Timestamp>()
                    .expect("an instant")
                    .as_nanosecond()
            };
            (nanos("from")..nanos("to")).contains(&i128::from(at))
        }
        "time" => {
            let zone = TimeZone::get(text("zone")).expect("a zone");
            let instant = Timestamp::from_nanosecond(i128::from(at)).expect("an instant");
            let shown = zone.to_offset(instant).to_datetime(instant);
            let minute = |text: &str| -> i32 {
                let (hours, minutes) = text.split_once(':').expect("a time");
                hours.parse::<i32>().expect("hours") * 60 + minutes.parse::<i32>().expect("minutes")
            };
            let (from, to) = (minute(text("from")), minute(text("to")));
            let now = i32::from(shown.hour()) * 60 + i32::from(shown.minute());
            let day = |date: jiff::civil::Date| {
                let name = DAYS[date.weekday().to_monday_zero_offset() as usize];
                rule["weekdays"]
                    .as_array()
                    .is_none_or(|days| days.iter().any(|day| day == name))
            };
            match from < to {
                true => day(shown.date()) && from <= now && now < to,
                false => {
                    (now >= from && day(shown.date()))
                        || (now < to && day(shown.date().yesterday().expect("a day")))
                }
            }
        }
        other => panic!("{other}"),
    }
}

/// The rule of the highest priority that holds, of equal ones the last.
fn category(rules: &[(Json, Option<i64>)], data: &Object, at: i64) -> Json {
    let matching = rules
        .iter()
        .enumerate()
        .filter(|(_, (rule, _))| holds(rule, data, at));
    let winner = matching.max_by_key(|(i, (_, priority))| (priority.unwrap_or(10), *i));
    winner.map_or(json!(["Uncategorized"]), |(i, _)| json!([format!("C{i}")]))
}

/// Start, duration, category, whether it has an id.
type Part = (i64, i64, String, bool);

fn expected(rules: &[(Json, Option<i64>)], events: &[Event]) -> Vec<Part> {
    let mut parts = Vec::new();
    for event in events {
        let mut own: Vec<Part> = Vec::new();
        let minutes = (event.duration / MINUTE).max(1);
        for at in (0..minutes).map(|minute| event.start + minute * MINUTE) {
            let category = category(rules, &event.data, at).to_string();
            let length = MINUTE.min(event.duration);
            match own.last_mut() {
                Some(last) if last.2 == category => last.1 += length,
                _ => own.push((at, length, category, false)),
            }
        }
        if let [only] = own.as_mut_slice() {
            only.3 = true;
        }
        parts.append(&mut own);
    }
    parts.sort();
    parts
}

fn found(answer: &str) -> Vec<Part> {
    let answer: Json = serde_json::from_str(answer).expect("JSON");
    let part = |event: &Json| {
        let start: Timestamp = event["timestamp"]
            .as_str()
            .expect("a time")
            .parse()
            .expect("a time");
        (
            start.as_nanosecond() as i64,
            (event["duration"].as_f64().expect("a number") * 1e9) as i64,
            event["data"]["$category"].to_string(),
            !event["id"].is_null(),
        )
    };
    let mut parts: Vec<Part> = answer[0].as_array().expect("events").iter().map(part).collect();
    parts.sort();
    parts
}

fn ask(stage: &Stage, program: &str) -> String {
    let query = Query {
        program: program.to_owned(),
        periods: vec![Period::parse(ALWAYS).expect("a period")],
        name: String::new(),
        past: false,
    };
    let answer = stage.engine.run(&stage.snapshot(), &query, &Cancel::new());
    String::from_utf8(answer.expect("an answer").to_json()).expect("text")
}

#[test]
fn rules_hold_when_a_plain_evaluator_says_so() {
    let stage = Stage::new();
    let holds = |(change, rules, drafts): Input| -> TestCaseResult {
        stage.clear();
        let at: Timestamp = CHANGES[change].1.parse().expect("an instant");
        let event = |(from, minutes, app, title): &Draft| Event {
            start: at.as_nanosecond() as i64 + from * MINUTE,
            duration: minutes * MINUTE,
            id: None,
            data: Object::from_iter([("app".to_owned(), json!(app)), ("title".to_owned(), json!(title))]),
        };
        let events: Vec<Event> = drafts.iter().map(event).collect();
        let (name, _) = stage.bucket(&events);
        let list = rules.iter().enumerate().map(|(i, (rule, priority))| {
            let mut rule = rule.clone();
            if let Some(priority) = priority {
                rule["priority"] = json!(priority);
            }
            json!([[format!("C{i}")], rule])
        });
        let list = Json::Array(list.collect());
        let program = format!("RETURN = categorize(query_bucket('{name}'), {list});");
        prop_assert_eq!(
            found(&ask(&stage, &program)),
            expected(&rules, &events),
            "{}",
            list
        );
        Ok(())
    };
    property(150, input(), holds);
}

/// Three hours from 2024-03-01T08:00:00Z, a Friday.
fn morning(stage: &Stage) -> String {
    let start: Timestamp = "2024-03-01T08:00:00Z".parse().expect("an instant");
    let event = Event {
        start: start.as_nanosecond() as i64,
        duration: 180 * MINUTE,
        id: None,
        data: Object::from_iter([("app".to_owned(), json!("vim"))]),
    };
    stage.bucket(&[event]).0
}

fn set(stage: &Stage, key: &str, value: &Json) {
    stage
        .store(|store| store.set_setting(key, &value.to_string()))
        .expect("is set");
}

fn seconds_of(stage: &Stage, bucket: &str, category: &str) -> f64 {
    let program = format!(
        "RETURN = sum_durations(filter_keyvals(categorize(query_bucket('{bucket}')), '$category', [['{category}']]));"
    );
    let answer: Vec<f64> = serde_json::from_str(&ask(stage, &program)).expect("a number");
    answer[0]
}

#[test]
fn without_rules_the_categories_of_the_settings_count_and_a_change_of_them_is_seen_at_once() {
    let stage = Stage::new();
    let bucket = morning(&stage);
    assert_eq!(
        seconds_of(&stage, &bucket, "Uncategorized"),
        0.0,
        "the web UI's own categories know vim"
    );
    let work = |pattern: &str| json!([{"name": ["Work"], "rule": {"type": "regex", "regex": pattern}}]);
    set(&stage, "classes", &work("vim"));
    assert_eq!(seconds_of(&stage, &bucket, "Work"), 10_800.0);
    let hits = stage.engine.metrics().cache_hits;
    set(&stage, "theme", &json!("dark"));
    assert_eq!(seconds_of(&stage, &bucket, "Work"), 10_800.0);
    assert_eq!(
        stage.engine.metrics().cache_hits,
        hits + 1,
        "another setting changes nothing"
    );
    let before = stage.snapshot();
    set(&stage, "classes", &work("emacs"));
    assert_eq!(seconds_of(&stage, &bucket, "Work"), 0.0);
    // A query about the past goes by the categories of that time.
    let query = Query {
        program: format!("RETURN = categorize(query_bucket('{bucket}'));"),
        periods: vec![Period::parse(ALWAYS).expect("a period")],
        name: String::new(),
        past: true,
    };
    let answer = stage
        .engine
        .run(&before, &query, &Cancel::new())
        .expect("an answer");
    assert!(String::from_utf8_lossy(&answer.to_json()).contains(r#""$category":["Work"]"#));
}

#[test]
fn hours_are_those_of_the_persons_clock_wherever_that_was() {
    let stage = Stage::new();
    let bucket = morning(&stage);
    let office = json!({"type": "time", "from": "09:30", "to": "17:00", "weekdays": ["Friday"]});
    set(
        &stage,
        "classes",
        &json!([{"name": ["Office"], "rule": {"type": "none"}, "timberline": {"rule": office}}]),
    );
    assert_eq!(seconds_of(&stage, &bucket, "Office"), 90.0 * 60.0);
    set(&stage, "timeZones", &json!([{"zone": "Europe/Berlin"}]));
    assert_eq!(seconds_of(&stage, &bucket, "Office"), 150.0 * 60.0);
    // From London, where it was 9 o'clock, to Kathmandu, where it was 14:45, and back at 16:40.
    let travel = json!([
        {"zone": "Europe/London"},
        {"from": "2024-03-01T09:00:00Z", "zone": "Asia/Kathmandu"},
        {"from": "2024-03-01T10:55:00Z", "zone": "Europe/London"}
    ]);
    set(&stage, "timeZones", &travel);
    assert_eq!(seconds_of(&stage, &bucket, "Office"), 120.0 * 60.0);
}

#[test]
fn a_setting_that_is_not_a_list_of_categories_is_an_error_that_names_it() {
    let stage = Stage::new();
    let bucket = morning(&stage);
    for (classes, expected) in [
        (json!({"a": 1}), "the setting classes"),
        (
            json!([{"name": ["A"], "rule": {"type": "regex", "regex": "("}}]),
            "rule 1",
        ),
    ] {
        set(&stage, "classes", &classes);
        let query = Query {
            program: format!("RETURN = categorize(query_bucket('{bucket}'));"),
            periods: vec![Period::parse(ALWAYS).expect("a period")],
            name: String::new(),
            past: false,
        };
        let error = stage
            .engine
            .run(&stage.snapshot(), &query, &Cancel::new())
            .expect_err("an error");
        assert!(error.to_string().contains(expected), "{error}");
    }
}
