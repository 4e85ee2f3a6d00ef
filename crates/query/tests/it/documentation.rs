//! `docs/query.md` is true: every example in it is run, and every function has one.
//!
//! The page says in its first lines how examples are written; this is what reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;
use serde_json::{Value, json};
use timberline_model::{Bucket, Data, Timestamp};
use timberline_query::{Cancel, Engine, Limits, Period, Query, QueryError};
use timberline_views::{Store, StoreOptions};

/// The day of examples that name no other.
const DATE: &str = "2024-03-01";
const DAY: &str = "2024-03-01T00:00:00Z/2024-03-02T00:00:00Z";

/// Fewer were not found in the page, but lost on the way.
const MIN_EXAMPLES: usize = 30;

/// What is between two headings.
#[derive(Default)]
struct Section {
    heading: String,
    blocks: Vec<Block>,
}

/// A fenced block.
struct Block {
    line: usize,
    /// Its first word after the fence.
    kind: String,
    /// The other words.
    words: Vec<String>,
    text: String,
}

/// Something that is run, and what must come of it.
struct Example<'a> {
    /// Of the page, for who has to look.
    line: usize,
    asked: &'a Block,
    expected: &'a Block,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> Vec<Section> {
    let text = fs::read_to_string(root().join("docs/query.md")).expect("the page");
    let mut sections = vec![Section::default()];
    let mut open: Option<Block> = None;
    for (i, line) in text.lines().enumerate() {
        match (&mut open, line.strip_prefix("```")) {
            (None, Some(info)) => {
                let mut words = info.split_whitespace().map(str::to_owned);
                open = Some(Block {
                    line: i + 1,
                    kind: words.next().unwrap_or_default(),
                    words: words.collect(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => {
                let section = sections.last_mut().expect("there is one");
                section.blocks.extend(open.take());
            }
            (Some(block), None) => {
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, None) if line.starts_with('#') => sections.push(Section {
                heading: line.to_owned(),
                blocks: Vec::new(),
            }),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block is not closed");
    sections
}

impl Section {
    fn examples(&self) -> Vec<Example<'_>> {
        let mut examples = Vec::new();
        let mut blocks = self.blocks.iter().peekable();
        while let Some(block) = blocks.next() {
            let wanted: &[&str] = match block.kind.as_str() {
                "query" => &["result", "error"],
                "request" => &["answer", "error"],
                "result" | "error" | "answer" => panic!("line {}: a result of nothing", block.line),
                _ => continue,
            };
            let expected = blocks.next_if(|next| wanted.contains(&next.kind.as_str()));
            examples.push(Example {
                line: block.line,
                asked: block,
                expected: expected
                    .unwrap_or_else(|| panic!("line {}: the example has no result", block.line)),
            });
        }
        examples
    }

    /// The buckets that are there for its examples.
    fn fill(&self, store: &Store) {
        for block in self.blocks.iter().filter(|block| block.kind == "events") {
            let [id, host @ ..] = block.words.as_slice() else {
                panic!("line {}: whose events?", block.line);
            };
            let bucket = Bucket {
                id: id.clone(),
                type_: String::new(),
                client: String::new(),
                hostname: host.first().cloned().unwrap_or_default(),
                created: Timestamp::from_nanos(0),
                data: Data::default(),
                last_updated: None,
            };
            let (new, _) = store.create_bucket(&bucket).expect("is created");
            assert!(new, "line {}: there is a bucket {id} already", block.line);
            let events = event_lines(&block.text).expect("events, line by line");
            let body = Value::from(events).to_string();
            let events = timberline_model::json::parse_events(body.as_bytes()).expect("events");
            store.insert_events(id, &events).expect("are stored");
        }
    }
}

/// `10:00:00 2.5 {"app":"vim"}`: start (of the day, or in full), seconds, data. None if a line is something else.
fn event_lines(text: &str) -> Option<Vec<Value>> {
    let event = |line: &str| {
        let (start, rest) = line.split_once(' ')?;
        let (duration, data) = rest.trim_start().split_once(' ')?;
        let start = match start.contains('T') {
            true => start.to_owned(),
            false => format!("{DATE}T{start}Z"),
        };
        let start = Timestamp::parse(&start).ok()?;
        let data: Value = serde_json::from_str(data).ok()?;
        Some(json!({"timestamp": start.to_string(), "duration": duration.parse::<f64>().ok()?, "data": data}))
    };
    text.lines()
        .filter(|line| !line.trim().is_empty())
        .map(event)
        .collect()
}

/// Numbers as they are when it does not matter how they are written.
fn plain(value: &Value) -> Value {
    match value {
        Value::Number(number) => json!(number.as_f64()),
        Value::Array(values) => values.iter().map(plain).collect(),
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| (key.clone(), plain(value)))
            .collect(),
        other => other.clone(),
    }
}

fn without_id(event: &Value) -> Value {
    let mut event = event.clone();
    if let Some(members) = event.as_object_mut() {
        members.remove("id");
    }
    event
}

impl Example<'_> {
    fn query(&self) -> Query {
        let (mut name, mut periods) = (String::new(), Vec::new());
        for word in &self.asked.words {
            match word.strip_prefix("name=") {
                Some(value) => name = value.to_owned(),
                None => periods.push(Period::parse(word).expect("a period")),
            }
        }
        if self.asked.kind == "request" {
            let body: Value = serde_json::from_str(&self.asked.text).expect("a body is JSON");
            let texts = |field: &str| -> Vec<String> {
                serde_json::from_value(body[field].clone()).expect("a list of strings")
            };
            return Query {
                program: texts("query").join("\n"),
                periods: texts("timeperiods")
                    .iter()
                    .map(|period| Period::parse(period).expect("a period"))
                    .collect(),
                name,
                past: false,
            };
        }
        if periods.is_empty() {
            periods.push(Period::parse(DAY).expect("a period"));
        }
        Query {
            program: self.asked.text.clone(),
            periods,
            name,
            past: false,
        }
    }

    /// What is wrong with it, if anything is.
    fn check(&self, outcome: Result<Value, QueryError>) -> Result<(), String> {
        let text = &self.expected.text;
        let (found, expected) = match (outcome, self.expected.kind.as_str()) {
            (Err(error), "error") => {
                let (expected, mut message) = (json_of(text)?, error.to_string());
                let begins = expected["message"].as_str().and_then(|m| m.strip_suffix('…'));
                if let Some(begins) = begins.filter(|begins| message.starts_with(*begins)) {
                    message = format!("{begins}…");
                }
                (json!({"type": error.kind.name(), "message": message}), expected)
            }
            (Err(error), _) => return Err(format!("{:?}: {error}", error.kind)),
            (Ok(answer), "error") => return Err(format!("an answer: {answer}")),
            (Ok(answer), "answer") => (answer, json_of(text)?),
            (Ok(Value::Array(mut results)), _) if results.len() == 1 => {
                let found = results.remove(0);
                match (event_lines(text), &found) {
                    (Some(events), Value::Array(found)) if !events.is_empty() => {
                        let found = found.iter().map(without_id).collect();
                        (found, Value::from(events))
                    }
                    _ => (found, json_of(text)?),
                }
            }
            (Ok(answer), _) => return Err(format!("one result is wanted, found {answer}")),
        };
        match plain(&found) == plain(&expected) {
            true => Ok(()),
            false => Err(format!("found    {found}\n    expected {expected}")),
        }
    }
}

fn json_of(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("what is expected is no JSON: {error}"))
}

fn engine() -> Engine {
    Engine::new(Limits::default()).expect("threads")
}

/// Does something with a store that holds what the section says.
fn on_stage<T>(section: &Section, what: impl FnOnce(&Store) -> T) -> T {
    let directory = tempfile::tempdir().expect("a directory");
    let options = StoreOptions {
        background: false,
        segment_bytes: 1 << 20,
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(directory.path(), options).expect("opens");
    section.fill(&store);
    what(&store)
}

#[test]
fn every_example_gives_what_the_page_says() {
    let (mut count, mut wrong) = (0, Vec::new());
    for section in page() {
        let examples = section.examples();
        if examples.is_empty() {
            continue;
        }
        // One engine is for one store; only of examples of one section may it remember anything.
        on_stage(&section, |store| {
            let engine = engine();
            for example in &examples {
                let answer = engine.run(&store.snapshot(), &example.query(), &Cancel::new());
                let outcome = answer.map(|a| serde_json::from_slice(&a.to_json()).expect("JSON"));
                if let Err(what) = example.check(outcome) {
                    wrong.push(format!("docs/query.md:{}: {what}", example.line));
                }
            }
        });
        count += examples.len();
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    assert!(count >= MIN_EXAMPLES, "only {count} examples were found");
}

/// The functions that the page has a section for, with that section.
fn documented() -> BTreeMap<String, Section> {
    let heading = Regex::new(r"^### `([a-z_]+)\(.*\)`$").expect("a pattern");
    let name = |section: &Section| Some(heading.captures(&section.heading)?.get(1)?.as_str().to_owned());
    page()
        .into_iter()
        .filter_map(|section| Some((name(&section)?, section)))
        .collect()
}

#[test]
fn the_page_has_exactly_the_functions_that_the_engine_has() {
    // As they are written in the tables of functions: a new one cannot be forgotten here.
    let named = Regex::new(r#"(?:\bname: |\bfunction\(\s*)"([a-z_]+)""#).expect("a pattern");
    let mut there = BTreeSet::new();
    for file in ["buckets", "events", "plain"] {
        let path = root().join(format!("crates/query/src/function/{file}.rs"));
        let text = fs::read_to_string(path).expect("a room of functions");
        there.extend(
            named
                .captures_iter(&text)
                .filter_map(|c| Some(c.get(1)?.as_str().to_owned())),
        );
    }
    let documented: BTreeSet<String> = documented().into_keys().collect();
    assert_eq!(documented, there);
    // And whether or not they are found that way, the engine knows each, and no other.
    on_stage(&Section::default(), |store| {
        let unknown = |name: &str| {
            let query = Query {
                program: format!("RETURN = {name}({});", ["1"; 20].join(", ")),
                periods: vec![Period::parse(DAY).expect("a period")],
                name: String::new(),
                past: false,
            };
            let answer = engine().run(&store.snapshot(), &query, &Cancel::new());
            answer.is_err_and(|error| error.message.starts_with("there is no function"))
        };
        assert!(unknown("merge_subwatcher_fields"));
        for name in &documented {
            assert!(!unknown(name), "{name}");
        }
    });
}

#[test]
fn every_function_has_an_example_in_its_own_section() {
    for (name, section) in documented() {
        let call = format!("{name}(");
        let calls =
            |example: &Example<'_>| example.expected.kind != "error" && example.asked.text.contains(&call);
        assert!(section.examples().iter().any(calls), "{name}");
    }
}

#[test]
fn the_limits_are_those_that_hold() {
    let text = fs::read_to_string(root().join("docs/query.md")).expect("the page");
    let limits = Limits::default();
    let mib = |bytes: usize| match bytes >> 20 {
        gib if gib % 1024 == 0 => format!("{} GiB", gib / 1024),
        mib => format!("{mib} MiB"),
    };
    for (key, default) in [
        ("program_bytes", mib(limits.program_bytes)),
        ("periods", limits.periods.to_string()),
        ("depth", limits.depth.to_string()),
        ("seconds", format!("{} s", limits.time.as_secs())),
        ("memory_bytes", mib(limits.memory_bytes)),
        ("result_bytes", mib(limits.result_bytes)),
        ("backtracking_steps", limits.backtracking_steps.to_string()),
    ] {
        let row = format!("| `limits.query_{key}` | {default} |");
        assert!(text.contains(&row), "{row}");
    }
    // A sixth of the memory for all that is kept is for results.
    let caches = mib(limits.cache_bytes * 6).replace(' ', r"\s+");
    let said = Regex::new(&format!(r"`limits.query_cache_bytes`\s+\({caches}\)")).expect("a pattern");
    assert!(said.is_match(&text), "{caches}");
}

#[test]
fn lines_are_not_too_long_to_be_read() {
    let text = fs::read_to_string(root().join("docs/query.md")).expect("the page");
    for (i, line) in text.lines().enumerate() {
        // A row of a table is one line, whatever it says.
        let long = line.chars().count() > 120 && !line.starts_with('|');
        assert!(!long, "line {}", i + 1);
    }
}
