//! What a person did: the answers against the definition's own program, and against a plain model of the definition.

mod kept;
mod model;

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value as Json, json};
use timberline_model::{Data, Timestamp};
use timberline_query::activity::{
    ActivityRequest, CategoryRules, Definition, Dimension, Filter, Listed, Place, Source, Usage, UsageRequest,
};
use timberline_query::calendar::{Calendar, Interval};
use timberline_query::{Cancel, CategoriesQuery, Engine, LaneName, Limits, Period, Query, TimelineQuery};

use crate::harness::{Stage, property};
use crate::reference::{Event, Object, SECOND};

const DAY: i64 = 86_400 * SECOND;
/// 2026-03-28T00:00:00Z: the night after it, clocks are changed in Berlin.
const FIRST_DAY: i64 = 1_774_656_000 * SECOND;

/// A bucket and its events.
#[derive(Clone, Debug)]
struct Watched {
    id: &'static str,
    kind: &'static str,
    host: &'static str,
    events: Vec<Event>,
}

/// What is asked.
#[derive(Clone, Debug)]
struct Question {
    devices: Vec<&'static str>,
    filter_afk: bool,
    audible: bool,
    stopwatch: bool,
    always_active: &'static str,
    filter_categories: Vec<Vec<String>>,
    filters: Vec<Filter>,
    period: (i64, i64),
    zone: &'static str,
    day_start: &'static str,
    interval: Interval,
    page: usize,
    /// Whether a category depends on the time of day.
    timed: bool,
}

const BUCKETS: [(&str, &str, &str); 8] = [
    ("aw-watcher-window_one", "currentwindow", "one"),
    ("aw-watcher-afk_one", "afkstatus", "one"),
    ("aw-watcher-web-chrome_one", "web.tab.current", "one"),
    ("aw-watcher-web-firefox_one", "web.tab.current", "one"),
    ("aw-watcher-vim_one", "app.editor.activity", "one"),
    ("aw-stopwatch", "general.stopwatch", "one"),
    ("aw-watcher-window_two", "currentwindow", "two"),
    ("aw-watcher-afk_two", "afkstatus", "two"),
];

/// What a question may filter by.
const FILTERS: [(Dimension, &[&str]); 10] = [
    (Dimension::App, &["vim"]),
    (Dimension::App, &["chrome", "Firefox"]),
    (Dimension::App, &[]),
    (Dimension::Title, &["GitHub", "mix"]),
    (Dimension::Title, &["nobody has \"this\" title"]),
    (Dimension::Domain, &["a.example"]),
    (Dimension::Url, &["https://b.example/", "none"]),
    (Dimension::Project, &["p"]),
    (Dimension::File, &["a.rs", "b.py"]),
    (Dimension::Language, &["Rust"]),
];

fn data(kind: &str) -> BoxedStrategy<Object> {
    let choice = |key: &'static str, values: &'static [&'static str]| {
        select(values).prop_map(move |value| (key.to_owned(), Json::from(value)))
    };
    let object = |members: Vec<(String, Json)>| members.into_iter().collect::<Object>();
    match kind {
        "currentwindow" => (
            choice("app", &["chrome", "Firefox", "vim", "locked"]),
            choice("title", &["GitHub", "notes", "mix"]),
        )
            .prop_map(move |(app, title)| object(vec![app, title]))
            .boxed(),
        "afkstatus" => choice("status", &["not-afk", "not-afk", "afk"])
            .prop_map(move |status| object(vec![status]))
            .boxed(),
        "web.tab.current" => (
            choice("url", &["https://www.a.example/x", "https://b.example/", "none"]),
            any::<bool>(),
        )
            .prop_map(move |(url, audible)| object(vec![url, ("audible".to_owned(), audible.into())]))
            .boxed(),
        "app.editor.activity" => (choice("file", &["a.rs", "b.py"]), choice("project", &["p", "q"]))
            .prop_map(move |(file, project)| object(vec![file, project]))
            .boxed(),
        _ => choice("label", &["GitHub", "tea"])
            .prop_map(move |label| object(vec![label]))
            .boxed(),
    }
}

/// From an event's end to the next one's start: mostly nothing or a little, sometimes a night, sometimes backwards.
fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => Just(0),
        3 => 1i64..7 * SECOND,
        2 => select(vec![5 * SECOND - 1, 5 * SECOND, 5 * SECOND + 1, 10 * SECOND]),
        3 => (1i64..4).prop_map(|hours| hours * 3_600 * SECOND + 1),
        1 => (8i64..20).prop_map(|hours| hours * 3_600 * SECOND),
        2 => (1i64..40).prop_map(|quarters| -quarters * SECOND / 4),
        1 => (1i64..3).prop_map(|hours| -hours * 3_600 * SECOND),
    ]
}

fn duration() -> impl Strategy<Value = i64> {
    prop_oneof![
        4 => 1i64..20 * SECOND,
        4 => (1i64..200).prop_map(|minutes| minutes * 60 * SECOND),
        2 => (3i64..30).prop_map(|hours| hours * 3_600 * SECOND),
        1 => Just(0),
    ]
}

fn events(kind: &'static str, most: usize, negative: bool) -> impl Strategy<Value = Vec<Event>> {
    let step = (gap(), duration(), data(kind), 0u8..14);
    (0i64..30 * 3_600, prop::collection::vec(step, 0..most)).prop_map(move |(first, steps)| {
        let mut events: Vec<Event> = Vec::new();
        for (gap, duration, data, luck) in steps {
            let end = events.last().map_or(FIRST_DAY + first * SECOND, Event::end);
            let start = end + gap;
            // Many events end around the start of a day: there periods are cut.
            let midnight = (start / DAY + 1) * DAY;
            let duration = match luck {
                4..8 if duration % 2 == 0 => midnight - start + duration % (7 * SECOND),
                4..8 => (midnight - start - duration % (7 * SECOND)).max(0),
                13 if negative => -duration,
                _ => duration,
            };
            let event = Event {
                start,
                duration,
                id: None,
                data,
            };
            match (luck, events.last().cloned()) {
                (0, Some(last)) => events.push(last),
                (1, Some(last)) => events.push(Event {
                    start: last.start,
                    ..event
                }),
                (2..4, Some(last)) => events.push(Event {
                    data: last.data,
                    ..event
                }),
                _ => events.push(event),
            }
        }
        events
    })
}

fn watched(negative: bool) -> impl Strategy<Value = Vec<Watched>> {
    let bucket = move |(id, kind, host): (&'static str, &'static str, &'static str)| {
        let most = if kind == "general.stopwatch" { 5 } else { 22 };
        events(kind, most, negative).prop_map(move |events| Watched {
            id,
            kind,
            host,
            events,
        })
    };
    BUCKETS.into_iter().map(bucket).collect::<Vec<_>>()
}

fn question() -> impl Strategy<Value = Question> {
    let category = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let wanted = vec![
        vec![],
        vec![],
        vec![category(&["Work"])],
        vec![category(&["Work", "Code"]), category(&["Uncategorized"])],
    ];
    let filter = |(by, values): (Dimension, &[&str])| Filter {
        by,
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let filters = prop_oneof![
        2 => Just(Vec::new()),
        3 => prop::collection::vec(select(FILTERS.to_vec()).prop_map(filter), 1..4),
    ];
    let instant = || {
        prop_oneof![
            4 => (0i64..8).prop_map(|days| FIRST_DAY + days * DAY),
            1 => (0i64..8 * 86_400).prop_map(|seconds| FIRST_DAY + seconds * SECOND + 7),
        ]
    };
    let zones = vec![
        "UTC",
        "UTC",
        "UTC",
        "UTC",
        "UTC",
        "UTC",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Pacific/Apia",
        "America/Sao_Paulo",
        "Europe/Berlin",
    ];
    let intervals = vec![
        Interval::None,
        Interval::Hour,
        Interval::Day,
        Interval::Week,
        Interval::Month,
        Interval::Year,
    ];
    let flags = (prop::bool::weighted(0.8), any::<bool>(), any::<bool>());
    (
        select(vec![
            vec!["one"],
            vec!["one"],
            vec!["two"],
            vec!["one", "two"],
            vec!["two", "one"],
        ]),
        flags,
        (select(vec!["", "", "vim", "mix|notes"]), select(wanted)),
        (instant(), instant()),
        (
            select(zones),
            select(vec!["00:00", "00:00", "00:00", "04:00", "23:30"]),
            select(intervals),
        ),
        (
            select(vec![1usize, 3, 10_000]),
            prop::bool::weighted(0.3),
            filters,
        ),
    )
        .prop_map(|(devices, flags, texts, period, calendar, page)| Question {
            devices,
            filter_afk: flags.0,
            audible: flags.1,
            stopwatch: flags.2,
            always_active: texts.0,
            filter_categories: texts.1,
            filters: page.2,
            period: (period.0.min(period.1), period.0.max(period.1)),
            zone: calendar.0,
            day_start: calendar.1,
            interval: calendar.2,
            page: page.0,
            timed: page.1,
        })
}

fn rules(timed: bool) -> Json {
    let mut rules = json!([
        [["Work"], {"type": "regex", "regex": "vim|\\.rs"}],
        [["Work", "Code"], {"type": "regex", "regex": "github", "ignore_case": true}],
    ]);
    if timed && let Some(rules) = rules.as_array_mut() {
        let late = json!({"type": "time", "from": "21:30", "to": "09:00"});
        rules.push(json!([["Late"], {"type": "and", "rules": [late, {"type": "regex", "regex": "notes|GitHub|tea"}], "priority": 99}]));
    }
    rules
}

fn create(stage: &Stage, watched: &[Watched]) {
    for bucket in watched {
        let new = timberline_model::Bucket {
            id: bucket.id.to_owned(),
            type_: bucket.kind.to_owned(),
            client: "test".to_owned(),
            hostname: bucket.host.to_owned(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        };
        stage
            .store(|store| store.create_bucket(&new))
            .expect("is created");
        stage.insert(bucket.id, &bucket.events);
    }
}

fn define(stage: &Stage, question: &Question) -> Definition {
    let devices: Vec<String> = question.devices.iter().map(|host| (*host).to_owned()).collect();
    let mut definition = Definition::of_devices(&stage.snapshot(), Some(&devices)).expect("is one");
    definition.filter_afk = question.filter_afk;
    definition.include_audible = question.audible;
    definition.stopwatch = question.stopwatch.then(|| "aw-stopwatch".to_owned());
    definition.always_active_pattern = question.always_active.to_owned();
    definition.categories = Some(CategoryRules::new(&rules(question.timed)).expect("are rules"));
    definition.filter_categories = question.filter_categories.clone();
    definition.filters = question.filters.clone();
    definition.check().expect("can be written");
    definition.check_filters().expect("can be written");
    definition
}

/// Start, duration and data of a span.
type Span = (i64, i64, Json);

/// What the definition's program gives, in order of the starts.
fn by_program(
    engine: &Engine,
    stage: &Stage,
    definition: &Definition,
    source: Source,
    period: Period,
) -> Vec<Span> {
    by_text(engine, stage, definition.program(source), period)
}

/// What a program gives, in order of the starts.
fn by_text(engine: &Engine, stage: &Stage, program: String, period: Period) -> Vec<Span> {
    let query = Query {
        program,
        periods: vec![period],
        name: String::new(),
        past: false,
    };
    let answer = engine
        .run(&stage.snapshot(), &query, &Cancel::new())
        .expect("runs")
        .to_json();
    let answer: Json = serde_json::from_slice(&answer).expect("is JSON");
    let events = answer
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_array)
        .flatten();
    let mut spans: Vec<Span> = events.map(span).collect();
    sort(&mut spans);
    spans
}

/// An event of an answer. A float is exact to the nanosecond for as long as the durations here.
fn span(event: &Json) -> Span {
    let start = Timestamp::parse(event["timestamp"].as_str().expect("a time")).expect("a time");
    let duration = timberline_model::Duration::parse(&event["duration"].to_string()).expect("a duration");
    (start.nanos(), duration.nanos(), event["data"].clone())
}

fn sort(spans: &mut [Span]) {
    spans.sort_by_cached_key(|(start, duration, data)| (*start, *duration, data.to_string()));
}

/// All pages.
fn by_pages(
    engine: &Engine,
    stage: &Stage,
    definition: &Definition,
    source: Source,
    question: &Question,
) -> Vec<Span> {
    let calendar = calendar(question);
    let (mut spans, mut after) = (Vec::new(), Place::FIRST);
    loop {
        let request = ActivityRequest {
            definition,
            source,
            period: period(question),
            calendar: &calendar,
            after,
            limit: question.page,
            past: false,
        };
        let page = engine
            .activity(&stage.snapshot(), &request, &Cancel::new())
            .expect("is answered");
        assert!(page.spans.len() <= question.page);
        assert!(page.spans.is_sorted_by_key(|span| span.start));
        spans.extend(page.spans.iter().map(|span| {
            let data = serde_json::from_str(&span.data).expect("JSON");
            (span.start.nanos(), span.duration.nanos(), data)
        }));
        match page.next {
            Some(next) => after = next,
            None => break,
        }
    }
    sort(&mut spans);
    spans
}

fn period(question: &Question) -> Period {
    Period {
        start: Timestamp::from_nanos(question.period.0),
        end: Timestamp::from_nanos(question.period.1),
    }
}

fn calendar(question: &Question) -> Calendar {
    Calendar::of_zone(question.zone, question.day_start, "monday").expect("is one")
}

fn usage(
    engine: &Engine,
    stage: &Stage,
    definition: &Definition,
    by: Dimension,
    question: &Question,
) -> Usage {
    let calendar = calendar(question);
    let bins = calendar
        .bins(period(question), question.interval, 100_000)
        .expect("bins");
    let request = UsageRequest {
        definition,
        period: period(question),
        by,
        calendar: &calendar,
        bins: &bins,
        listed: Listed::Longest(1_000),
        past: false,
    };
    engine
        .usage(&stage.snapshot(), &request, &Cancel::new())
        .expect("is answered")
}

/// The sums of spans, plainly: each span against each bin.
fn plain_sums(spans: &[Span], key: &str, question: &Question) -> Vec<(Option<String>, usize, i128)> {
    let calendar = calendar(question);
    let bins = calendar
        .bins(period(question), question.interval, 100_000)
        .expect("bins");
    let mut sums = std::collections::BTreeMap::new();
    for (start, duration, data) in spans {
        let label = data.get(key).map(Json::to_string);
        for (i, bin) in bins.iter().enumerate() {
            let inside = (start + duration).min(bin.end.nanos()) - (*start).max(bin.start.nanos());
            if inside > 0 {
                *sums.entry((label.clone(), i)).or_insert(0) += i128::from(inside);
            }
        }
    }
    sums.into_iter()
        .map(|((label, bin), nanos)| (label, bin, nanos))
        .collect()
}

fn listed(usage: &Usage) -> Vec<(Option<String>, usize, i128)> {
    let sums = usage.groups.iter().flat_map(|(label, times)| {
        times
            .bins
            .iter()
            .map(move |(bin, nanos)| (label.clone(), *bin, *nanos))
    });
    let mut sums: Vec<_> = sums.collect();
    sums.sort();
    sums
}

/// The lanes of categories are what the program's spans are in each span of the grid, or those spans.
fn timeline_agrees(
    engine: &Engine,
    stage: &Stage,
    definition: &Definition,
    question: &Question,
) -> TestCaseResult {
    let (calendar, asked) = (calendar(question), period(question));
    let query = CategoriesQuery {
        definition,
        calendar: &calendar,
        period: asked,
        width: question.page.max(TimelineQuery::LEAST_WIDTH),
        past: false,
    };
    let timeline = engine.timeline_of_categories(&stage.snapshot(), &query, &Cancel::new());
    let (timeline, _) = timeline.expect("is answered");
    let named = timeline.lanes.iter().map(|lane| match &lane.name {
        LaneName::Category(category) => (category.clone(), lane),
        LaneName::Bucket(id) => panic!("{id} is no category"),
    });
    let named: Vec<_> = named.collect();
    let Some(resolution) = timeline.lanes.iter().find_map(|lane| lane.resolution) else {
        let mut found: Vec<Span> = Vec::new();
        for (category, lane) in &named {
            for span in &lane.spans {
                let data: Json = serde_json::from_str(&span.data).expect("JSON");
                prop_assert_eq!(&data.get("$category").map(Json::to_string), category);
                found.push((span.start.nanos(), span.covered.nanos(), data));
            }
        }
        sort(&mut found);
        let mut expected = by_program(engine, stage, definition, Source::Activity, asked);
        // On a grid, there is no lane without time.
        if found.is_empty() {
            expected.retain(|(_, duration, _)| *duration > 0);
        }
        prop_assert_eq!(found, expected);
        return Ok(());
    };
    let width = resolution.nanos();
    let first = asked.start.nanos().div_euclid(width);
    let after = (asked.end.nanos() - 1).div_euclid(width) + 1;
    prop_assert!(after - first <= query.width as i64);
    let whole = Period {
        start: Timestamp::from_nanos(first * width),
        end: Timestamp::from_nanos(after * width),
    };
    let mut expected = std::collections::BTreeMap::new();
    for (start, duration, data) in by_program(engine, stage, definition, Source::Activity, whole) {
        for span in first..after {
            let inside = (start + duration).min((span + 1) * width) - start.max(span * width);
            if inside > 0 {
                *expected
                    .entry((data.get("$category").map(Json::to_string), span * width))
                    .or_insert(0) += inside;
            }
        }
    }
    let mut found = std::collections::BTreeMap::new();
    for (category, lane) in &named {
        for span in &lane.spans {
            prop_assert_eq!(span.end.nanos() - span.start.nanos(), width);
            prop_assert_eq!(span.covered, span.time);
            found.insert((category.clone(), span.start.nanos()), span.covered.nanos());
        }
    }
    prop_assert_eq!(found, expected);
    Ok(())
}

const SOURCES: [(Source, &[(Dimension, &str)]); 3] = [
    (
        Source::Activity,
        &[(Dimension::Category, "$category"), (Dimension::Title, "title")],
    ),
    (
        Source::Browser,
        &[(Dimension::Domain, "$domain"), (Dimension::Url, "url")],
    ),
    (
        Source::Editor,
        &[(Dimension::File, "file"), (Dimension::Project, "project")],
    ),
];

fn agrees(engine: &Engine, stage: &Stage, question: &Question, negative: bool) -> TestCaseResult {
    let definition = define(stage, question);
    // A timeline of categories is not filtered by pages or files.
    let crosses = definition.crosses(Source::Activity);
    if !negative && !crosses && question.period.0 < question.period.1 {
        timeline_agrees(engine, stage, &definition, question)?;
    }
    for (source, dimensions) in SOURCES {
        let expected = by_program(engine, stage, &definition, source, period(question));
        prop_assert_eq!(
            &by_pages(engine, stage, &definition, source, question),
            &expected,
            "{:?}",
            source
        );
        let expected = match definition.crosses(source) {
            true => by_text(engine, stage, definition.sum_program(source), period(question)),
            false => expected,
        };
        let whole: i128 = expected
            .iter()
            .map(|(_, duration, _)| i128::from(*duration))
            .sum();
        for (dimension, key) in dimensions {
            let usage = usage(engine, stage, &definition, *dimension, question);
            if question.period.0 < question.period.1 {
                prop_assert_eq!(usage.total.all, whole, "{:?}", dimension);
            }
            if !negative {
                prop_assert_eq!(
                    listed(&usage),
                    plain_sums(&expected, key, question),
                    "{:?}",
                    dimension
                );
            }
        }
    }
    Ok(())
}

#[test]
fn spans_and_sums_are_those_of_the_program() {
    let stage = Stage::new();
    let input = (watched(false), prop::collection::vec(question(), 1..4));
    property(160, input, |(watched, questions)| {
        stage.clear();
        create(&stage, &watched);
        questions
            .iter()
            .try_for_each(|question| agrees(&stage.engine, &stage, question, false))
    });
}

#[test]
fn events_of_negative_duration_change_nothing_about_that() {
    let stage = Stage::new();
    property(60, (watched(true), question()), |(watched, question)| {
        stage.clear();
        create(&stage, &watched);
        agrees(&stage.engine, &stage, &question, true)
    });
}

#[test]
fn answers_follow_every_change() {
    let stage = Stage::new();
    let input = (
        watched(false),
        question(),
        prop::collection::vec((0..BUCKETS.len(), 0i64..8 * 86_400, any::<bool>()), 1..5),
    );
    // Its catalog is dropped before every request; what it keeps of activity is not.
    let forgetful = Engine::new(Limits {
        catalog_bytes: 1,
        ..Limits::default()
    })
    .unwrap();
    property(60, input, |(watched, question, changes)| {
        stage.clear();
        forgetful.forget();
        create(&stage, &watched);
        agrees(&stage.engine, &stage, &question, false)?;
        agrees(&forgetful, &stage, &question, false)?;
        for (bucket, at, compact) in &changes {
            let like = watched[*bucket].events.first();
            let event = Event {
                start: FIRST_DAY + at * SECOND,
                duration: 90 * 60 * SECOND,
                id: None,
                data: like.map_or_else(Object::default, |event| event.data.clone()),
            };
            stage.insert(watched[*bucket].id, &[event]);
            if *compact {
                stage.compact();
            }
            agrees(&stage.engine, &stage, &question, false)?;
            agrees(&forgetful, &stage, &question, false)?;
        }
        Ok(())
    });
}

#[test]
fn the_program_is_the_plain_definition() {
    let stage = Stage::new();
    property(160, (watched(false), question()), |(watched, question)| {
        stage.clear();
        create(&stage, &watched);
        // The plain rules know no time.
        let question = Question {
            timed: false,
            ..question
        };
        let definition = define(&stage, &question);
        let lists = |id: &str| -> Vec<Event> {
            let events = watched
                .iter()
                .find(|bucket| bucket.id == id)
                .map(|bucket| bucket.events.clone());
            events.unwrap_or_default()
        };
        for (source, _) in SOURCES {
            let mut expected = model::spans(&lists, &question, source);
            sort(&mut expected);
            let found = by_program(&stage.engine, &stage, &definition, source, period(&question));
            prop_assert_eq!(found, expected, "{:?}", source);
            let mut expected = model::summed(&lists, &question, source);
            sort(&mut expected);
            let program = definition.sum_program(source);
            let found = by_text(&stage.engine, &stage, program, period(&question));
            prop_assert_eq!(found, expected, "sums of {:?}", source);
        }
        Ok(())
    });
}
