//! The module `lid`: the lid, and sleep. The data are those of aw-watcher-lid.

use std::sync::Arc;

use serde_json::{Value, json};
use timberline_model::{Data, Timestamp};

use super::chooser::{Chooser, Feed};
use super::drive::{Drive, Machine, Record, next_multiple};
use super::facts::Facts;
use super::module::{Context, Module, Running};
use super::sources::Sources;
use super::spans::{Span, Spans};
use crate::afk::Fact;
use crate::data::object;
use crate::desktop::At;

/// How often a lasting event is sent again, in seconds.
const TICK: i64 = 60;

/// The module.
pub(super) struct LidModule {
    pub(super) sources: Arc<Sources>,
}

impl Module for LidModule {
    fn name(&self) -> &'static str {
        "lid"
    }

    fn run(&self, context: Context) -> Running {
        let drive = Drive {
            name: "lid",
            buckets: vec![context.client.bucket_of_host("aw-watcher-lid", "systemafkstatus")],
            chooser: Chooser::start((self.sources.lid)(&context.session), &context.clock),
            facts: Facts::start((self.sources.facts)(&context.session), &context.clock),
            machine: Lid::default(),
        };
        Box::pin(drive.run(context))
    }
}

/// What happened last lasts until something else happens.
#[derive(Default)]
struct Lid {
    spans: Spans,
    closed: Option<bool>,
}

impl Lid {
    fn set(&mut self, at: Timestamp, data: Option<Data>) -> Vec<Record> {
        records(self.spans.set(at, data))
    }
}

fn records(span: Option<Span>) -> Vec<Record> {
    span.map(|span| Record { bucket: 0, span }).into_iter().collect()
}

fn data(away: bool, source: &str, lid: Option<&str>, suspend: Option<&str>) -> Data {
    let or_null = |text: Option<&str>| Some(text.map_or(Value::Null, Value::from));
    object([
        (
            "status",
            Some(Value::from(if away { "system-afk" } else { "not-afk" })),
        ),
        ("lid_state", or_null(lid)),
        ("suspend_state", or_null(suspend)),
        ("boot_gap", Some(json!(false))),
        ("event_source", Some(Value::from(source))),
    ])
}

fn of_lid(closed: bool) -> Data {
    data(closed, "lid", Some(if closed { "closed" } else { "open" }), None)
}

impl Machine<Option<bool>> for Lid {
    fn fact(&mut self, fact: At<Fact>) -> Vec<Record> {
        match fact.report {
            Fact::SleepBegan => self.set(fact.time, Some(data(true, "suspend", None, Some("suspended")))),
            Fact::SleepEnded => self.set(fact.time, Some(data(false, "suspend", None, Some("resumed")))),
            Fact::ClockStepped { to } => records(self.spans.interrupt(fact.time, to)),
            _ => Vec::new(),
        }
    }

    fn feed(&mut self, _: Timestamp, feed: Feed<Option<bool>>) -> Vec<Record> {
        match feed {
            Feed::From(at, None) if self.closed.take().is_some() => self.set(at, None),
            Feed::From(..) => Vec::new(),
            Feed::Report(At { report, .. }) if report == self.closed => Vec::new(),
            Feed::Report(At { time, report }) => {
                self.closed = report;
                self.set(time, report.map(of_lid))
            }
        }
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Record> {
        records(self.spans.tick(now))
    }

    fn end(&mut self, now: Timestamp) -> Vec<Record> {
        self.set(now, None)
    }

    fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.spans.is_open().then(|| next_multiple(now, TICK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn an_event_describes_the_latest_change() {
        let mut lid = Lid::default();
        let mut records = Vec::new();
        let moved = |time, closed| {
            Feed::Report(At {
                time: at(time),
                report: Some(closed),
            })
        };
        let fact = |time, report| At {
            time: at(time),
            report,
        };
        records.extend(lid.feed(at(0), Feed::From(at(0), Some("upower"))));
        records.extend(lid.feed(at(0), moved(0, false)));
        records.extend(lid.feed(at(10), moved(10, true)));
        records.extend(lid.fact(fact(12, Fact::SleepBegan)));
        // The clocks report the same sleep once more.
        records.extend(lid.fact(fact(12, Fact::SleepBegan)));
        records.extend(lid.fact(fact(100, Fact::SleepEnded)));
        records.extend(lid.feed(at(102), moved(102, false)));
        records.extend(lid.end(at(110)));
        let shown = |Record { span, .. }: &Record| {
            let seconds = |time: Timestamp| time.nanos() / 1_000_000_000;
            let data: Value = serde_json::from_str(span.data.as_str()).expect("JSON");
            let text = |key: &str| data[key].as_str().unwrap_or("-").to_owned();
            let state = [
                text("status"),
                text("event_source"),
                text("lid_state"),
                text("suspend_state"),
            ];
            (seconds(span.start), seconds(span.end), state.join(" "))
        };
        let expected = [
            (0, 10, "not-afk lid open -".to_owned()),
            (10, 12, "system-afk lid closed -".to_owned()),
            (12, 100, "system-afk suspend - suspended".to_owned()),
            (100, 102, "not-afk suspend - resumed".to_owned()),
            (102, 110, "not-afk lid open -".to_owned()),
        ];
        assert_eq!(records.iter().map(shown).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn the_data_are_those_of_the_reference() {
        let expected = r#"{"boot_gap":false,"event_source":"lid","lid_state":"closed","status":"system-afk","suspend_state":null}"#;
        assert_eq!(of_lid(true).as_str(), expected);
    }
}
