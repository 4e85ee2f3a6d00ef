//! A rule whose pattern takes too many steps on a text does not match it, and the answer says so: also when it is
//! remembered, for every period, and only where the rule looks.

use std::sync::Arc;

use tempfile::TempDir;
use timberline_model::{Bucket, Data, Duration, NewEvent, Timestamp};
use timberline_query::{Answer, Cancel, Engine, Limits, Period, Query, Warning};
use timberline_views::{Snapshot, Store, StoreOptions};

/// Takes exponentially many steps on letters `a` with a `b` at the end.
const BOMB: &str = "^(?:a|aa)+(?!b)$";
const DAY: &str = "2024-03-01T00:00:00Z/2024-03-02T00:00:00Z";

struct Stage {
    engine: Engine,
    store: Store,
    _directory: TempDir,
}

impl Stage {
    /// A bucket `b` with an event of a second for each of these data, ten seconds apart.
    fn new(data: &[&str]) -> Stage {
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
        let stage = Stage {
            engine: Engine::new(Limits::default()).expect("threads"),
            store,
            _directory: directory,
        };
        stage.insert(data);
        stage
    }

    fn insert(&self, data: &[&str]) {
        let begin = Timestamp::parse("2024-03-01T10:00:00Z").expect("a time").nanos();
        let event = |(i, data): (usize, &&str)| NewEvent {
            id: None,
            start: Timestamp::from_nanos(begin + i as i64 * 10_000_000_000),
            duration: Duration::from_nanos(1_000_000_000),
            data: (*data).to_owned().into(),
        };
        let events: Vec<NewEvent<'_>> = data.iter().enumerate().map(event).collect();
        self.store.insert_events("b", &events).expect("are stored");
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        self.store.snapshot()
    }

    fn query(program: &str, periods: &[&str]) -> Query {
        let period = |text: &&str| Period::parse(text).expect("a period");
        Query {
            program: program.to_owned(),
            periods: periods.iter().map(period).collect(),
            name: String::new(),
            past: false,
        }
    }

    fn run(&self, program: &str) -> (String, Vec<Warning>) {
        let query = Stage::query(program, &[DAY]);
        let answer = self.engine.run(&self.snapshot(), &query, &Cancel::new());
        told(&answer.expect("an answer"))
    }
}

fn told(answer: &Answer) -> (String, Vec<Warning>) {
    let text = String::from_utf8(answer.to_json()).expect("text");
    (text, answer.warnings().to_vec())
}

fn title(letters: usize) -> String {
    format!(r#"{{"app":"x","title":"{}b"}}"#, "a".repeat(letters))
}

fn rule(pattern: &str, more: &str) -> String {
    format!(r#"{{"type": "regex", "regex": "{pattern}"{more}}}"#)
}

#[test]
fn the_other_rules_and_events_count_and_the_warning_names_the_rule() {
    let stage = Stage::new(&[&title(60), r#"{"title":"GitHub"}"#, r#"{"title":"aaa"}"#]);
    let program = format!(
        r#"RETURN = sum_durations(filter_keyvals(categorize(query_bucket("b"), [[["Work", "Deep"], {}], [["Web"], {}]]),
            "$category", [["Web"]]));"#,
        rule(BOMB, ""),
        rule("GitHub", "")
    );
    let work = [Warning::Category("Work > Deep".into())];
    assert_eq!(stage.run(&program), ("[1.0]".to_owned(), work.to_vec()));
    assert!(work[0].to_string().contains("\"Work > Deep\""), "{}", work[0]);

    // What it does match it matches.
    let program = format!(
        r#"RETURN = sum_durations(filter_keyvals(tag(query_bucket("b"), [["t", {}]]), "$tags", [["t"]]));"#,
        rule(BOMB, "")
    );
    let tag = vec![Warning::Tag("t".into())];
    assert_eq!(stage.run(&program), ("[1.0]".to_owned(), tag));

    let program =
        format!(r#"RETURN = sum_durations(filter_keyvals_regex(query_bucket("b"), "title", "{BOMB}"));"#);
    let pattern = vec![Warning::Pattern(BOMB.into())];
    assert_eq!(stage.run(&program), ("[1.0]".to_owned(), pattern));
}

#[test]
fn it_is_given_again_with_what_is_remembered_and_not_without_the_text() {
    let stage = Stage::new(&[&title(60)]);
    let categorized = format!(
        r#"RETURN = categorize(query_bucket("b"), [[["c"], {}]]);"#,
        rule(BOMB, "")
    );
    let filtered = format!(r#"RETURN = filter_keyvals_regex(query_bucket("b"), "title", "{BOMB}");"#);
    for program in [&categorized, &filtered] {
        let first = stage.run(program);
        assert_eq!(first.1.len(), 1, "{program}");
        // The result of the period.
        assert_eq!(stage.run(program), first);
        let query = Stage::query(program, &[DAY]);
        let remembered = stage.engine.cached(&stage.snapshot(), &query);
        assert_eq!(told(&remembered.expect("is remembered")), first);
        // What was found out about the text, in another program, another period, and without results.
        let other = program.replace("RETURN =", "RETURN = []; RETURN =");
        assert_eq!(stage.run(&other), first);
        let query = Stage::query(program, &["2024-03-01T10:00:00Z/2024-03-03T00:00:00Z"]);
        let answer = stage.engine.run(&stage.snapshot(), &query, &Cancel::new());
        assert_eq!(told(&answer.expect("an answer")), first);
        let (explained, _) = stage
            .engine
            .explain(&stage.snapshot(), &query, &Cancel::new())
            .expect("an answer");
        assert_eq!(told(&explained), first);
        // A period without the text has no warning; next to one that has it there is one.
        let without = "2024-04-01T00:00:00Z/2024-04-02T00:00:00Z";
        let none = stage.engine.run(
            &stage.snapshot(),
            &Stage::query(program, &[without]),
            &Cancel::new(),
        );
        assert_eq!(none.expect("an answer").warnings(), []);
        let both = stage.engine.run(
            &stage.snapshot(),
            &Stage::query(program, &[without, DAY, DAY]),
            &Cancel::new(),
        );
        assert_eq!(both.expect("an answer").warnings(), first.1);
    }
    assert_eq!(stage.engine.metrics().warned, 14);
    assert_eq!(stage.engine.metrics().failed, 0);
}

#[test]
fn a_rule_that_does_not_look_there_is_not_named() {
    let stage = Stage::new(&[&title(60)]);
    let program = format!(
        r#"RETURN = tag(query_bucket("b"), [["app", {}], ["title", {}], ["none", {{"type": "none"}}]]);"#,
        rule(BOMB, r#", "select_keys": ["app"]"#),
        rule(BOMB, r#", "select_keys": ["title"]"#)
    );
    assert_eq!(stage.run(&program).1, [Warning::Tag("title".into())]);
}

#[test]
fn plain_rules_with_look_around_answer_for_titles_of_any_length() {
    let lengths = [50, 400, 500, 1_000, 5_000];
    let titles: Vec<String> = lengths
        .iter()
        .map(|n| {
            let title: String = "lorem ipsum dolor sit amet, ".chars().cycle().take(*n).collect();
            format!(r#"{{"title":"{title}"}}"#)
        })
        .collect();
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let stage = Stage::new(&titles);
    for pattern in [
        r".*(?<!Private Browsing) - Firefox",
        r"(?!.*YouTube).*Chrome",
        r"(\w+) - \1",
        r"(.*) - (?!Google)(.*) Chrome",
        r"(?=.*Word)(?=.*docx).*report",
    ] {
        let program = format!(
            r#"RETURN = sum_durations(filter_keyvals_regex(query_bucket("b"), "title", "{pattern}"));"#
        );
        assert_eq!(stage.run(&program).0, "[0.0]", "{pattern}");
    }
}
