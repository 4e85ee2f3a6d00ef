//! What a query may not do: each ends with an error that says which limit it met, soon, and leaves the engine as it
//! was: no memory held, and ready for the next.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use tempfile::TempDir;
use timberline_model::{Bucket, Data, NewEvent, Timestamp};
use timberline_query::{Cancel, Engine, ErrorKind, Limited, Limits, Period, Query, QueryError};
use timberline_test_support::poll;
use timberline_views::{Snapshot, Store, StoreOptions};

/// Small bounds, so that tests meet them in no time. The time is none of them, or a busy machine would decide what ends
/// a query: a program that no other bound ended would run into the test runner's limit.
fn tight() -> Limits {
    Limits {
        time: Duration::from_secs(3600),
        memory_bytes: 64 << 20,
        result_bytes: 1 << 20,
        cache_bytes: 4 << 20,
        catalog_bytes: 16 << 20,
        threads: 2,
        ..Limits::default()
    }
}

/// A store with one bucket, `b`, and an engine.
struct Stage {
    engine: Engine,
    snapshot: Arc<Snapshot>,
    _store: Store,
    _directory: TempDir,
}

impl Stage {
    /// With so many events of a second, two seconds apart, of which each hundredth has the same title.
    fn new(limits: Limits, events: usize) -> Stage {
        let data = |i: usize| format!(r#"{{"app":"a","title":"{} {}"}}"#, "a".repeat(40), i % 100);
        Stage::with_data(limits, (0..events).map(data))
    }

    fn with_data(limits: Limits, data: impl Iterator<Item = String>) -> Stage {
        let directory = tempfile::tempdir().expect("a directory");
        let options = StoreOptions {
            background: false,
            segment_bytes: 1 << 20,
            ..StoreOptions::default()
        };
        let (store, _) = Store::open(directory.path(), options).expect("opens");
        let bucket = Bucket {
            id: "b".to_owned(),
            type_: String::new(),
            client: String::new(),
            hostname: String::new(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        };
        store.create_bucket(&bucket).expect("is created");
        let begin = Timestamp::parse("2024-03-01T00:00:00Z").expect("a time").nanos();
        let event = |(i, data): (usize, String)| NewEvent {
            id: None,
            start: Timestamp::from_nanos(begin + i as i64 * 2_000_000_000),
            duration: timberline_model::Duration::from_nanos(1_000_000_000),
            data: data.into(),
        };
        let events: Vec<NewEvent> = data.enumerate().map(event).collect();
        for some in events.chunks(10_000) {
            store.insert_events("b", some).expect("are stored");
        }
        Stage {
            engine: Engine::new(limits).expect("threads"),
            snapshot: store.snapshot(),
            _store: store,
            _directory: directory,
        }
    }

    fn run(&self, program: &str, cancel: &Cancel) -> Result<String, QueryError> {
        self.run_for(program, 1, cancel)
    }

    fn run_for(&self, program: &str, periods: usize, cancel: &Cancel) -> Result<String, QueryError> {
        let always = Period::parse("2000-01-01T00:00:00Z/2100-01-01T00:00:00Z").expect("a period");
        let query = Query {
            program: program.to_owned(),
            periods: vec![always; periods],
            name: String::new(),
            past: false,
        };
        let answer = self.engine.run(&self.snapshot, &query, cancel)?;
        Ok(String::from_utf8(answer.to_json()).expect("text"))
    }

    /// Runs a program that must be refused, and sees that nothing of it is left.
    fn refused(&self, program: &str) -> ErrorKind {
        self.refused_for(program, 1)
    }

    fn refused_for(&self, program: &str, periods: usize) -> ErrorKind {
        let outcome = self.run_for(program, periods, &Cancel::new());
        let shown = program.get(..80).unwrap_or(program);
        let error = outcome.expect_err(shown);
        assert!(
            error.message.len() < 2000,
            "a message is for people: {} bytes",
            error.message.len()
        );
        self.is_as_before();
        error.kind
    }

    fn is_as_before(&self) {
        assert_eq!(self.engine.metrics().memory_bytes, 0);
        let next = self.run("RETURN = 1 + 1;", &Cancel::new());
        assert_eq!(next.expect("the next query works"), "[2.0]");
        let next = self.run("RETURN = query_bucket_eventcount(\"b\") == 0;", &Cancel::new());
        assert!(next.is_ok(), "{next:?}");
    }
}

/// A program in which `x` is doubled so often.
fn doubled(first: &str, by: &str, times: usize, last: &str) -> String {
    format!("x = {first};\n{}{last}", format!("x = {by};\n").repeat(times))
}

#[test]
fn a_program_of_ten_megabytes_is_too_long() {
    let stage = Stage::new(tight(), 1);
    let program = format!("RETURN = 1{};", "+1".repeat(5 << 20));
    assert_eq!(stage.refused(&program), ErrorKind::Limit(Limited::ProgramLength));
    // A long one that is allowed is no trouble, however its length comes about.
    for allowed in [
        format!("RETURN = 1{};", "+1".repeat(500_000)),
        format!("{}RETURN = 500001.0;", ";".repeat(1_000_000)),
        format!("RETURN = 500001.0;{}", "# x\n".repeat(250_000)),
    ] {
        assert_eq!(
            stage.run(&allowed, &Cancel::new()).expect("an answer"),
            "[500001.0]"
        );
    }
    stage.is_as_before();
}

#[test]
fn a_hundred_thousand_open_brackets_are_too_many_whatever_their_kind() {
    let limits = Limits {
        program_bytes: 8 << 20,
        ..tight()
    };
    let stage = Stage::new(limits, 1);
    for (open, close) in [
        ("[", "]"),
        ("(", ")"),
        ("{\"a\":", "}"),
        ("f(", ")"),
        ("if true {", "}"),
        ("if true { } else {", "}"),
        ("[(", ")]"),
    ] {
        let many = 100_000;
        for program in [
            format!("RETURN = {}1{};", open.repeat(many), close.repeat(many)),
            format!("{}{}", open.repeat(many), close.repeat(many)),
        ] {
            let kind = stage.refused(&program);
            let too_deep = kind == ErrorKind::Limit(Limited::Depth);
            // `RETURN = if` and a statement that begins with `{` are wrong before they are deep.
            assert!(too_deep || kind == ErrorKind::Parse, "{open}: {kind:?}");
        }
    }
}

#[test]
fn an_elif_is_not_deeper_than_its_if() {
    let stage = Stage::new(tight(), 1);
    let program = format!(
        "if false {{ }} {} else {{ RETURN = 7; }}",
        "elif false { } ".repeat(50_000)
    );
    assert_eq!(stage.run(&program, &Cancel::new()).expect("an answer"), "[7.0]");
}

#[test]
fn ten_thousand_periods_are_too_many_and_four_thousand_are_not() {
    let stage = Stage::new(tight(), 1);
    let kind = stage.refused_for("RETURN = 1;", 10_000);
    assert_eq!(kind, ErrorKind::Limit(Limited::Periods));
    let answer = stage
        .run_for("RETURN = 1;", 4_000, &Cancel::new())
        .expect("an answer");
    assert_eq!(answer.len(), "1.0,".repeat(4_000).len() + 1);
}

#[test]
fn what_doubles_itself_meets_the_bound_of_memory() {
    let stage = Stage::new(tight(), 100);
    for (first, by) in [
        ("\"a\"", "x + x"),
        ("[1]", "x + x"),
        ("query_bucket(\"b\")", "x + x"),
        ("query_bucket(\"b\")", "concat(x, x)"),
        ("query_bucket(\"b\")", "concat(x, x, x, x, x, x, x, x)"),
        ("[query_bucket(\"b\")]", "x + x"),
    ] {
        let kind = stage.refused(&doubled(first, by, 60, "RETURN = 1;"));
        assert_eq!(kind, ErrorKind::Limit(Limited::Memory), "{by}");
    }
}

#[test]
fn values_may_not_be_nested_deeper_than_brackets() {
    let stage = Stage::new(tight(), 1);
    for by in ["[x]", "{\"a\": x}", "[1, {\"a\": x}]"] {
        let kind = stage.refused(&doubled("1", by, 65, "RETURN = 1;"));
        assert_eq!(kind, ErrorKind::Limit(Limited::Depth), "{by}");
    }
    // A few of which each has the one before twice are large in no other sense than when they are written.
    let kind = stage.refused(&doubled("1", "[x, x]", 60, "RETURN = x;"));
    assert_eq!(kind, ErrorKind::Limit(Limited::ResultSize));
}

#[test]
fn a_comparison_that_never_ends_meets_the_bound_of_time() {
    let limits = Limits {
        time: Duration::from_millis(200),
        ..tight()
    };
    let stage = Stage::new(limits, 1);
    let twice = doubled("1", "[x, x]", 50, "y = x;\n") + &doubled("1", "[x, x]", 50, "");
    for last in ["x == y", "contains([x], y)", "[x] == [y]"] {
        let kind = stage.refused(&format!("{twice}RETURN = {last};"));
        assert_eq!(kind, ErrorKind::Limit(Limited::Time), "{last}");
    }
}

#[test]
fn an_answer_that_is_measured_for_ever_meets_the_bound_of_time() {
    let limits = Limits {
        time: Duration::from_millis(200),
        result_bytes: usize::MAX,
        ..tight()
    };
    let stage = Stage::new(limits, 1);
    let kind = stage.refused(&doubled("1", "[x, x]", 60, "RETURN = x;"));
    assert_eq!(kind, ErrorKind::Limit(Limited::Time));
}

#[test]
fn an_answer_may_not_be_larger_than_allowed() {
    let stage = Stage::new(tight(), 20_000);
    for program in [
        "RETURN = query_bucket(\"b\");",
        "e = query_bucket(\"b\"); RETURN = {\"e\": [e]};",
        "RETURN = [limit_events(query_bucket(\"b\"), 5000), limit_events(query_bucket(\"b\"), 5001)];",
    ] {
        assert_eq!(
            stage.refused(program),
            ErrorKind::Limit(Limited::ResultSize),
            "{program}"
        );
    }
    let one = "RETURN = limit_events(query_bucket(\"b\"), 1000);";
    let largest = stage.run(one, &Cancel::new()).expect("an answer");
    assert!(largest.len() < 1 << 20, "{}", largest.len());
    // The periods of one request count together.
    assert_eq!(stage.refused_for(one, 100), ErrorKind::Limit(Limited::ResultSize));
}

#[test]
fn a_query_may_not_take_longer_than_allowed() {
    let limits = Limits {
        time: Duration::from_millis(50),
        memory_bytes: 1 << 30,
        ..tight()
    };
    let stage = Stage::new(limits, 200_000);
    for by in [
        "flood(query_bucket(\"b\"))",
        "sort_by_duration(concat(query_bucket(\"b\"), query_bucket(\"b\")))",
        "filter_period_intersect(query_bucket(\"b\"), query_bucket(\"b\"))",
        "union_no_overlap(query_bucket(\"b\"), query_bucket(\"b\"))",
        "merge_events_by_keys(query_bucket(\"b\"), [\"title\"])",
        "chunk_events_by_key(query_bucket(\"b\"), \"title\")",
    ] {
        let kind = stage.refused(&doubled("1", by, 1000, "RETURN = 1;"));
        assert_eq!(kind, ErrorKind::Limit(Limited::Time), "{by}");
    }
}

#[test]
fn a_query_ends_when_it_is_cancelled_from_elsewhere() {
    let limits = Limits {
        memory_bytes: 1 << 30,
        ..tight()
    };
    let stage = Stage::new(limits, 200_000);
    // Without the cancellation each takes hours.
    let slow = doubled("1", "flood(query_bucket(\"b\"))", 10_000, "RETURN = 1;");
    for periods in [1, 8] {
        let cancel = Cancel::new();
        let (told, tell) = std::sync::mpsc::channel();
        let error = std::thread::scope(|scope| {
            let running = scope.spawn(|| stage.run_for(&slow, periods, &cancel));
            // It holds memory as soon as it is under way.
            poll("the query to hold memory", || {
                (stage.engine.metrics().memory_bytes > 0 || running.is_finished()).then_some(())
            });
            cancel.cancel();
            let _ = told.send(());
            running.join().expect("no panic")
        });
        assert_eq!(tell.try_recv(), Ok(()));
        assert_eq!(error.expect_err("it was cancelled").kind, ErrorKind::Cancelled);
        stage.is_as_before();
    }
    // What is cancelled before it begins does not begin.
    let cancel = Cancel::new();
    cancel.cancel();
    let error = stage.run("RETURN = 1;", &cancel).expect_err("it was cancelled");
    assert_eq!(error.kind, ErrorKind::Cancelled);
    stage.is_as_before();
}

#[test]
fn a_regular_expression_in_linear_time_is_no_bomb() {
    let stage = Stage::new(tight(), 100);
    let program =
        r#"RETURN = sum_durations(filter_keyvals_regex(query_bucket("b"), "title", "^(a+)+( 0)?b$"));"#;
    assert_eq!(stage.run(program, &Cancel::new()).expect("an answer"), "[0.0]");
}

#[test]
fn a_regular_expression_may_not_be_a_giant() {
    let stage = Stage::new(tight(), 100);
    for giant in [
        r"((a{1000}){1000}){1000}",
        r"(?=a)((\w{1000}){1000}){1000}",
        r"(?:(?=a)\w{500}){500}",
        r"\pL{1000}{100}",
        &"(".repeat(10_000),
        &format!("{}a{}", "(".repeat(10_000), ")".repeat(10_000)),
        &format!("(?=a){}a{}", "(".repeat(10_000), ")".repeat(10_000)),
    ] {
        let program = format!(r#"RETURN = filter_keyvals_regex(query_bucket("b"), "title", "{giant}");"#);
        assert_eq!(
            stage.refused(&program),
            ErrorKind::Function,
            "{}",
            &giant[..30.min(giant.len())]
        );
    }
}

#[test]
fn names_are_compared_with_others_only_when_they_may_be_meant() {
    let stage = Stage::new(tight(), 1);
    // Two that could be each other's misspelling, but for their length.
    let (a, b) = ("a".repeat(400_000), format!("{}b", "a".repeat(399_999)));
    assert_eq!(
        stage.refused(&format!("{a} = 1; RETURN = {b};")),
        ErrorKind::Interpret
    );
    assert_eq!(stage.refused(&format!("RETURN = {a}();")), ErrorKind::Interpret);
    let program = doubled("\"a\"", "x + x", 24, "RETURN = query_bucket(x);");
    assert_eq!(stage.refused(&program), ErrorKind::Function);
    let program = doubled("\"a\"", "x + x", 24, "RETURN = find_bucket(x);");
    assert_eq!(stage.refused(&program), ErrorKind::Function);
}

/// A value that is small in memory and has no end when it is written.
fn endless(last: &str) -> String {
    doubled("\"a\"", "[x, x]", 50, last)
}

#[test]
fn a_value_without_end_is_no_value_to_look_for() {
    let stage = Stage::new(tight(), 10);
    let program = endless("RETURN = filter_keyvals(query_bucket(\"b\"), \"title\", [x]);");
    let kind = stage.refused(&program);
    assert!(matches!(kind, ErrorKind::Limit(_)), "{kind:?}");
}

#[test]
fn rules_without_end_are_no_rules() {
    let stage = Stage::new(tight(), 10);
    let program = endless(
        r#"RETURN = categorize(query_bucket("b"), [[["a"], {"type": "regex", "regex": "a", "extra": x}]]);"#,
    );
    let kind = stage.refused(&program);
    assert!(matches!(kind, ErrorKind::Limit(_)), "{kind:?}");
}

#[test]
fn a_pattern_may_not_be_endless_either() {
    let stage = Stage::new(tight(), 10);
    for pattern in ["a", "(a)", "[a-z]", "(?=a)", "a|"] {
        let last = "RETURN = filter_keyvals_regex(query_bucket(\"b\"), \"title\", x);";
        let program = doubled(&format!("{pattern:?}"), "x + x", 20, last);
        let outcome = stage.refused(&program);
        assert!(
            matches!(outcome, ErrorKind::Function | ErrorKind::Limit(_)),
            "{pattern}: {outcome:?}"
        );
    }
}

#[test]
fn a_dict_may_have_many_members() {
    let stage = Stage::new(tight(), 1);
    let members: Vec<String> = (0..60_000).map(|i| format!("\"{i}\":1")).collect();
    let program = format!("x = {{{}}}; RETURN = contains(x, \"59999\");", members.join(","));
    assert_eq!(stage.run(&program, &Cancel::new()).expect("an answer"), "[true]");
}

/// Two thousand rules, each with a pattern that is large when it is compiled.
fn large_rules(stage: &Stage, pattern: &str) -> ErrorKind {
    let rule = |i: usize| {
        let pattern = pattern.replace("{i}", &i.to_string());
        format!(r#"[["{i}"], {{"type": "regex", "regex": "{pattern}"}}]"#)
    };
    let rules: Vec<String> = (0..2_000).map(rule).collect();
    stage.refused(&format!(
        r#"RETURN = categorize(query_bucket("b"), [{}]);"#,
        rules.join(",")
    ))
}

#[test]
fn the_memory_of_compiled_patterns_is_bounded() {
    let stage = Stage::new(tight(), 10);
    let kind = large_rules(&stage, r"{i}\w{90}");
    assert_eq!(kind, ErrorKind::Limit(Limited::Memory));
}

#[test]
fn the_memory_of_patterns_that_may_go_back_is_bounded() {
    let stage = Stage::new(tight(), 10);
    let kind = large_rules(&stage, r"(?!b){i}\w{90}");
    assert_eq!(kind, ErrorKind::Limit(Limited::Memory));
}

/// Nothing interrupts the reading of one pattern, so what is read is bounded: each of these fits, or is refused for the
/// memory that it would take.
#[test]
fn a_pattern_takes_bounded_memory_to_read() {
    let stage = Stage::new(tight(), 10);
    for part in [r"\pL", r"\W", r"a-\x{10ffff}", r"[^\pL&&\pN]"] {
        let class = part.repeat((60 << 10) / part.len());
        for pattern in [format!("(?i)[{class}]"), format!("(?=a)[{class}]{class}")] {
            let program =
                format!(r#"RETURN = filter_keyvals_regex(query_bucket("b"), "title", "{pattern}");"#);
            let kind = stage.run(&program, &Cancel::new()).err().map(|error| error.kind);
            assert!(
                matches!(
                    kind,
                    None | Some(ErrorKind::Function | ErrorKind::Limit(Limited::Memory | Limited::Argument))
                ),
                "{}: {kind:?}",
                &pattern[..20]
            );
            assert!(
                stage.engine.metrics().catalog_bytes < 64 << 20,
                "{}",
                &pattern[..20]
            );
        }
    }
    stage.is_as_before();
}

#[test]
fn data_that_functions_make_count_as_memory() {
    let stage = Stage::with_data(tight(), (0..10_000).map(|i| format!(r#"{{"title":"{i}"}}"#)));
    let mut program = "e = query_bucket(\"b\");\n".to_owned();
    for i in 0..300 {
        program += &format!("e = categorize(e, [[[\"{i}\"], {{\"type\": \"regex\", \"regex\": \".\"}}]]);\n");
    }
    let kind = stage.refused(&(program + "RETURN = 1;"));
    let bytes = stage.engine.metrics().catalog_bytes;
    assert_eq!(kind, ErrorKind::Limit(Limited::Memory), "{bytes}");
    assert!(bytes < 128 << 20, "{bytes}");
}

#[test]
fn patterns_and_rules_that_are_remembered_are_not_larger_than_allowed() {
    let stage = Stage::new(tight(), 10);
    let long = doubled("\"a\"", "x + x", 24, "");
    for i in 0..40 {
        let rules = format!("[[[x], {{\"type\": \"regex\", \"regex\": \"{i}\"}}]]");
        let program = format!("{long}RETURN = sum_durations(categorize(query_bucket(\"b\"), {rules}));");
        let _ = stage.run(&program, &Cancel::new());
    }
    assert!(resident() < 512 << 20, "{} MiB", resident() >> 20);
}

/// Bytes of memory that this process holds.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("a line");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number");
    kib << 10
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a program is refused for, nothing of it stays.
    #[test]
    fn no_memory_is_kept_whatever_the_bound(bytes in 0usize..40_000, result in 0usize..4_000, depth in 0usize..8) {
        let stage = &*SMALL;
        let engine = Engine::new(Limits {
            memory_bytes: bytes,
            result_bytes: result,
            depth,
            ..tight()
        }).expect("threads");
        let query = Query {
            program: PROGRAM.to_owned(),
            periods: vec![Period::parse("2000-01-01T00:00:00Z/2100-01-01T00:00:00Z").expect("a period"); 2],
            name: String::new(),
            past: false,
        };
        match engine.run(&stage.snapshot, &query, &Cancel::new()) {
            Ok(answer) => prop_assert!(answer.to_json().len() <= result),
            Err(error) => {
                let limit = matches!(
                    error.kind,
                    ErrorKind::Limit(Limited::Memory | Limited::ResultSize | Limited::Depth)
                );
                prop_assert!(limit, "{:?}: {error}", error.kind);
            }
        }
        prop_assert_eq!(engine.metrics().memory_bytes, 0);
    }
}

static SMALL: std::sync::LazyLock<Stage> = std::sync::LazyLock::new(|| Stage::new(tight(), 50));

const PROGRAM: &str = r#"
e = flood(query_bucket("b"));
e = union_no_overlap(e, filter_period_intersect(concat(e, e), period_union(e, e)));
e = categorize(tag(split_url_events(simplify_window_titles(e, "title")), []), [[["a"], {"type": "none"}]]);
m = sort_by_timestamp(sort_by_duration(merge_events_by_keys(e, ["title"])));
if contains(["a" + "b"], "ab") { RETURN = {"m": limit_events(m, 3), "s": [sum_durations(e), "x" + "y"]}; }
"#;

/// Each group calls the one before twice, and calls are written out when a pattern is compiled.
#[test]
fn groups_that_call_groups_do_not_grow_without_bound() {
    let stage = Stage::new(tight(), 10);
    let calls: String = (1..30).map(|i| format!(r"(\g<{i}>\g<{i}>)")).collect();
    for pattern in [
        format!("(a(?!b)){calls}"),
        r"(a(?!b)\g<1>?\g<1>?)".to_owned(),
        r"(a(?!b)\g<2>?)(b\g<1>?)".to_owned(),
    ] {
        let kind = stage.refused(&format!(
            r#"RETURN = filter_keyvals_regex(query_bucket("b"), "title", "{pattern}");"#
        ));
        assert_eq!(kind, ErrorKind::Function, "{pattern}");
    }
    stage.is_as_before();
}
