//! What the server has acknowledged to writers, to compare with what it has.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io;
use std::ops::ControlFlow;

use serde_json::{Value, json};

use super::http::{self, Answer, Connection};
use super::rfc3339;

/// Every event's heartbeats are a second apart; this is the first one's.
const BEGIN: &str = "2024-03-01T00:00:00Z";

/// How far two heartbeats may be apart to be one event.
const PULSETIME: u32 = 60;

/// One bucket's writer and what was acknowledged to it. The heartbeats come in runs of equal data, each of
/// which is an event of its own with a title that no other has.
pub(crate) struct Ledger {
    bucket: String,
    run_length: u64,
    /// Heartbeats sent, whether acknowledged or not.
    sent: u64,
    events: HashMap<String, Acknowledged>,
}

/// The part of an event that the server has acknowledged, as numbers of heartbeats.
struct Acknowledged {
    first: u64,
    last: u64,
}

impl Ledger {
    /// A writer to a bucket, which is made if need be.
    ///
    /// # Errors
    ///
    /// When the server does not answer.
    pub(crate) fn open(port: u16, bucket: &str, run_length: u64) -> io::Result<Ledger> {
        let body = json!({"client": "ledger", "type": "test", "hostname": "test"}).to_string();
        let answer = http::post(port, &format!("/api/0/buckets/{bucket}"), body.as_bytes())?;
        assert!(
            matches!(answer.status, 200 | 304),
            "bucket {bucket}: {} {}",
            answer.status,
            answer.text()
        );
        Ok(Ledger {
            bucket: bucket.to_owned(),
            run_length,
            sent: 0,
            events: HashMap::new(),
        })
    }

    /// Heartbeats that were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.events
            .values()
            .map(|event| event.last - event.first + 1)
            .sum::<u64>() as usize
    }

    /// Sends heartbeats until the server is gone or `see`, which is shown every answer, says to stop.
    ///
    /// # Errors
    ///
    /// What ended the connection.
    pub(crate) fn write(
        &mut self,
        port: u16,
        mut see: impl FnMut(&Answer) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let mut connection = Connection::open(port)?;
        let target = format!("/api/0/buckets/{}/heartbeat?pulsetime={PULSETIME}", self.bucket);
        loop {
            let (number, body) = self.next_heartbeat();
            let answer = connection.request("POST", &target, Some(body.as_bytes()))?;
            if answer.status == 200 {
                self.acknowledge(number);
            }
            if see(&answer).is_break() {
                return Ok(());
            }
            if answer
                .header("connection")
                .is_some_and(|value| value.eq_ignore_ascii_case("close"))
            {
                connection = Connection::open(port)?;
            }
        }
    }

    /// Begins a new event with the next heartbeat, whatever the run. A heartbeat that was sent and never
    /// answered would else be followed by one that covers for it.
    pub(crate) fn begin_event(&mut self) {
        self.sent = self.sent.next_multiple_of(self.run_length);
    }

    fn next_heartbeat(&mut self) -> (u64, String) {
        let number = self.sent;
        self.sent += 1;
        let data = json!({"app": "ledger", "title": self.title(number)});
        (
            number,
            json!({"timestamp": instant(number), "duration": 0, "data": data}).to_string(),
        )
    }

    fn title(&self, number: u64) -> String {
        format!("{} {}", self.bucket, number / self.run_length)
    }

    fn acknowledge(&mut self, number: u64) {
        let event = self.events.entry(self.title(number)).or_insert(Acknowledged {
            first: number,
            last: number,
        });
        event.last = number;
    }

    /// Compares with what the server has now: the acknowledged events must all be there, none may be
    /// shorter than acknowledged, and nothing may be there that was never sent. Gives the differences.
    pub(crate) fn differences(&self, port: u16) -> String {
        let target = format!("/api/0/buckets/{}/events", self.bucket);
        let answer = http::get(port, &target).expect("the events");
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        let stored = answer.json().expect("JSON");
        let mut by_title: HashMap<&str, Vec<(i128, i128)>> = HashMap::new();
        for event in stored.as_array().expect("a list") {
            let title = event["data"]["title"].as_str().expect("a title");
            by_title.entry(title).or_default().push(span(event));
        }
        let mut differences = String::new();
        for (title, event) in &self.events {
            let acknowledged = (second(event.first), second(event.last));
            match by_title.get(title.as_str()).map(Vec::as_slice) {
                None => writeln!(differences, "{title}: missing"),
                Some([(start, end)]) if *start <= acknowledged.0 && *end >= acknowledged.1 => Ok(()),
                Some(stored) => writeln!(
                    differences,
                    "{title}: acknowledged {acknowledged:?}, has {stored:?}"
                ),
            }
            .expect("text can be written");
        }
        let last_sent = second(self.sent);
        for (title, spans) in by_title {
            if spans
                .iter()
                .any(|(start, end)| *start < second(0) || *end >= last_sent)
            {
                writeln!(differences, "{title}: was never sent: {spans:?}").expect("text can be written");
            }
        }
        differences
    }
}

/// Start and end of an event in nanoseconds.
fn span(event: &Value) -> (i128, i128) {
    let start = event["timestamp"]
        .as_str()
        .and_then(rfc3339::parse)
        .expect("a timestamp");
    let duration = event["duration"].as_f64().expect("a duration");
    (start, start + (duration * 1e9).round() as i128)
}

fn second(number: u64) -> i128 {
    rfc3339::parse(BEGIN).expect("a valid time") + i128::from(number) * rfc3339::SECOND
}

fn instant(number: u64) -> String {
    rfc3339::format(second(number))
}
