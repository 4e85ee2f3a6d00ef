//! The Python side: a virtual environment with aw-core, and `answer_queries.py` in it.

use std::cell::RefCell;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value as Json, json};
use tempfile::TempDir;
use timberline_test_support::python_with;

use crate::reference::Event;
use crate::reference::buckets::{Buckets, Period};

/// What is compared with, and what it was made for: with peewee 4 it cannot read its own buckets.
const PACKAGES: [&str; 2] = ["aw-core==0.5.18", "peewee==3.19.0"];

/// Nanoseconds in the microseconds that `answer_queries.py` takes and gives.
const MICROSECOND: i64 = 1_000;

/// `answer_queries.py` at work.
pub(crate) struct AwCore {
    process: Child,
    pipes: RefCell<(ChildStdin, BufReader<ChildStdout>)>,
    _directory: TempDir,
}

impl AwCore {
    pub(crate) fn start() -> AwCore {
        let directory = tempfile::tempdir().expect("a directory");
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/aw_core/answer_queries.py");
        let mut command = Command::new(python_with(&PACKAGES, "aw-core", env!("CARGO_TARGET_TMPDIR")));
        // aw-core makes directories at home.
        for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"] {
            command.env(variable, directory.path());
        }
        command.arg(script).arg(directory.path().join("events.db"));
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python to start");
        let orders = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        AwCore {
            process,
            pipes: RefCell::new((orders, answers)),
            _directory: directory,
        }
    }

    /// Runs a query on these buckets. All times are whole microseconds. A mistake is the exception's type and text.
    pub(crate) fn ask(&self, program: &str, buckets: &Buckets, period: Period) -> Result<Json, String> {
        let event = |event: &Event| {
            json!({"id": event.id, "start": microseconds(event.start), "duration": microseconds(event.duration),
                "data": event.data})
        };
        let bucket = |(id, bucket): (&String, &crate::reference::buckets::Bucket)| {
            let events: Vec<Json> = bucket.events.iter().map(event).collect();
            json!({"id": id, "events": events})
        };
        let order = json!({
            "buckets": buckets.iter().map(bucket).collect::<Vec<_>>(),
            "start": microseconds(period.start),
            "end": microseconds(period.end),
            "query": program,
        });
        let (orders, answers) = &mut *self.pipes.borrow_mut();
        writeln!(orders, "{order}").expect("answer_queries.py takes orders");
        let mut line = String::new();
        answers.read_line(&mut line).expect("an answer");
        let mut answer: Json = serde_json::from_str(&line).expect("JSON from answer_queries.py");
        match answer.get("error") {
            Some(error) => Err(format!(
                "{}: {}",
                error.as_str().unwrap_or_default(),
                answer["message"]
            )),
            None => Ok(answer["result"].take()),
        }
    }
}

impl Drop for AwCore {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn microseconds(nanos: i64) -> i64 {
    assert_eq!(nanos % MICROSECOND, 0, "Python's times have no nanoseconds");
    nanos / MICROSECOND
}

/// An event as `answer_queries.py` gives it.
pub(crate) fn event(json: &Json) -> Event {
    let nanos = |field: &str| json[field].as_i64().expect("a number") * MICROSECOND;
    Event {
        start: nanos("start"),
        duration: nanos("duration"),
        id: json["id"].as_u64(),
        data: json["data"].as_object().expect("data").clone(),
    }
}
