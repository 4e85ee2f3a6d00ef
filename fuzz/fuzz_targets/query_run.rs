//! Any program on a small store: running it never panics, fails only as queries fail, answers JSON, gives all its
//! memory back, and gives the same whether it is run, looked up or explained.

#![no_main]

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use timberline_model::{Bucket, Data, NewEvent, Timestamp};
use timberline_query::{Cancel, Engine, ErrorKind, Limited, Limits, Period, Query, QueryError};
use timberline_views::{Snapshot, Store, StoreOptions};

/// The buckets of the seeds (`seeds.py`), with something of what each function looks at.
const BUCKETS: [(&str, &str, &str); 8] = [
    (
        "b",
        "h",
        r#"[{"timestamp":"2024-03-01T10:00:00Z","duration":10,"data":{"x":"a","y":1,"n":1.0,"app":"vim"}},
            {"timestamp":"2024-03-01T10:00:05Z","duration":0,"data":{"x":"a"}},
            {"timestamp":"2024-03-01T10:00:12Z","duration":2.5,"data":{"x":"b","y":true,"l":[1,"a",{"k":null}]}},
            {"timestamp":"2024-03-01T10:00:12Z","duration":2.5,"data":{}},
            {"timestamp":"2024-03-01T10:00:20Z","duration":-3,"data":{"x":null}},
            {"timestamp":"2024-02-29T23:59:59Z","duration":5,"data":{"x":"over midnight"}}]"#,
    ),
    (
        "b-a",
        "h",
        r#"[{"timestamp":"2024-03-01T10:00:01Z","duration":3,"data":{"x":"a"}},
            {"timestamp":"2024-03-01T10:00:06Z","duration":30,"data":{"x":"c"}},
            {"timestamp":"2024-03-01T10:00:08Z","duration":1,"data":{"x":"a"}}]"#,
    ),
    (
        "b-b",
        "other",
        r#"[{"timestamp":"2024-03-01T10:00:02Z","duration":8,"data":{"x":"a"}},
            {"timestamp":"1960-01-01T00:00:00.5Z","duration":9000000000,"data":{"x":"long"}},
            {"timestamp":"2024-03-01T10:00:10.000000001Z","duration":0.000000001,"data":{"x":"ü"}}]"#,
    ),
    (
        "b-window_h",
        "h",
        r#"[{"timestamp":"2024-03-01T10:00:00Z","duration":60,"data":{"app":"Firefox","title":"(2) GitHub"}},
            {"timestamp":"2024-03-01T10:01:00Z","duration":60,"data":{"app":"vim","title":"● main.rs FPS: 60.1"}},
            {"timestamp":"2024-03-01T10:02:02Z","duration":60,"data":{"app":"vim","title":"*notes"}},
            {"timestamp":"2024-03-01T10:03:02Z","duration":60,"data":{"app":"\"q\"\\","title":"aaaaaaaaaaaaaaab"}}]"#,
    ),
    (
        "b-afk_h",
        "h",
        r#"[{"timestamp":"2024-03-01T09:00:00Z","duration":3660,"data":{"status":"not-afk"}},
            {"timestamp":"2024-03-01T10:01:00Z","duration":30,"data":{"status":"afk"}},
            {"timestamp":"2024-03-01T10:01:30Z","duration":300,"data":{"status":"not-afk"}}]"#,
    ),
    (
        "b-web-firefox",
        "h",
        r#"[{"timestamp":"2024-03-01T10:00:00Z","duration":20,"data":{"url":"https://www.example.org/a?b=c#d"}},
            {"timestamp":"2024-03-01T10:00:20Z","duration":20,"data":{"url":"about:blank","audible":true}},
            {"timestamp":"2024-03-01T10:00:40Z","duration":20,"data":{"url":"no url","audible":false}},
            {"timestamp":"2024-03-01T10:01:00Z","duration":20,"data":{"url":"http://[::1]:80/%zz"}}]"#,
    ),
    (
        "b-android_h",
        "h",
        r#"[{"timestamp":"2024-03-01T10:00:00Z","duration":1,"data":{"app":"a","classname":"b"}}]"#,
    ),
    ("b-vim", "h", r#"[]"#),
];

/// Small, so that programs meet them; all but the time, which is for programs that never end.
fn limits() -> Limits {
    Limits {
        time: Duration::from_secs(5),
        memory_bytes: 4 << 20,
        result_bytes: 64 << 10,
        depth: 16,
        program_bytes: 16 << 10,
        periods: 3,
        cache_bytes: 1 << 20,
        catalog_bytes: 2 << 20,
        backtracking_steps: 1_000,
        threads: 1,
    }
}

struct Fixture {
    engine: Engine,
    snapshot: Arc<Snapshot>,
    _store: Store,
    _dir: tempfile::TempDir,
}

fn fixture() -> Result<Fixture, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let options = StoreOptions {
        segment_bytes: 1 << 20,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir.path(), options)?;
    for (id, hostname, events) in BUCKETS {
        store.create_bucket(&Bucket {
            id: id.into(),
            type_: String::new(),
            client: String::new(),
            hostname: hostname.into(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        })?;
        let events: Vec<NewEvent> = timberline_model::json::parse_events(events.as_bytes())?;
        store.insert_events(id, &events)?;
    }
    Ok(Fixture {
        engine: Engine::new(limits())?,
        snapshot: store.snapshot(),
        _store: store,
        _dir: dir,
    })
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| fixture().expect("the fixture is made"));

/// What came of a query: its text, or what it was told.
type Outcome = Result<Vec<u8>, QueryError>;

fn outcome(answer: Result<timberline_query::Answer, QueryError>, periods: usize) -> Outcome {
    let answer = answer?;
    let text = answer.to_json();
    assert!(text.len() <= answer.size(), "{} > {}", text.len(), answer.size());
    let results: Vec<serde_json::Value> = serde_json::from_slice(&text).expect("an answer is a JSON list");
    assert_eq!(results.len(), periods);
    Ok(text)
}

/// Whether how it ended says nothing about how it would end again: time is what it is, and what counts as memory
/// depends on the data that earlier queries left behind.
fn is_chance(outcome: &Outcome) -> bool {
    let by_chance = |kind| matches!(kind, ErrorKind::Limit(Limited::Time | Limited::Memory));
    matches!(outcome, Err(error) if by_chance(error.kind))
}

fn assert_same(what: &str, a: &Outcome, b: &Outcome) {
    let show = |o: &Outcome| match o {
        Ok(text) => String::from_utf8_lossy(text).into_owned(),
        Err(error) => format!("{:?}: {error}", error.kind),
    };
    if !is_chance(a) && !is_chance(b) {
        assert_eq!(show(a), show(b), "{what}");
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Fixture { engine, snapshot, .. } = &*FIXTURE;
    let day = Period::parse("2024-03-01T00:00:00Z/2024-03-02T00:00:00Z").expect("a period");
    let query = Query {
        program: String::from_utf8_lossy(bytes).into_owned(),
        periods: vec![day],
        name: "name".to_owned(),
        past: false,
    };
    let run = || outcome(engine.run(snapshot, &query, &Cancel::new()), query.periods.len());
    let first = run();
    if let Err(error) = &first {
        let known = match error.kind {
            ErrorKind::Parse | ErrorKind::Interpret | ErrorKind::Function | ErrorKind::Limit(_) => true,
            // Nobody cancels, nothing is wrong with the store, and the engine has no bugs.
            ErrorKind::Cancelled | ErrorKind::Storage | ErrorKind::Internal => false,
        };
        assert!(known, "{error:?}");
        assert!(!error.message.is_empty());
    }
    assert_eq!(engine.metrics().memory_bytes, 0, "memory is given back");
    assert_same("run again", &first, &run());
    if let Some(answer) = engine.cached(snapshot, &query) {
        assert_same("remembered", &first, &outcome(Ok(answer), query.periods.len()));
    }
    let explained = engine.explain(snapshot, &query, &Cancel::new());
    let explained = outcome(explained.map(|(answer, _)| answer), query.periods.len());
    assert_same("explained", &first, &explained);
    assert_eq!(engine.metrics().memory_bytes, 0, "memory is given back");
});
