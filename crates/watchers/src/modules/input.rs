//! The module `input`: how many keys and buttons were pressed, and how far pointer and wheels have moved. Never which keys.
//!
//! The data are those of aw-watcher-input: counts of five seconds, which begin at multiples of five seconds. While there is no input,
//! one event with zeros lasts.

use std::sync::Arc;

use serde_json::Value;
use timberline_model::{Data, Duration, Timestamp};

use super::chooser::{Chooser, Feed};
use super::drive::{Drive, Machine, Record, next_multiple};
use super::facts::Facts;
use super::module::{Context, Module, Running};
use super::sources::Sources;
use super::spans::{Span, Spans};
use crate::afk::Fact;
use crate::data::object;
use crate::desktop::{At, Counts};

/// Counts are of so many seconds.
const WINDOW: i64 = 5;

/// While nothing is counted, the event is sent every so many seconds.
const SELDOM: i64 = 60;

/// The module.
pub(super) struct InputModule {
    pub(super) sources: Arc<Sources>,
}

impl Module for InputModule {
    fn name(&self) -> &'static str {
        "input"
    }

    /// Off by default: it wakes up at each input, and few users want the counts.
    fn is_on_by_default(&self) -> bool {
        false
    }

    fn run(&self, context: Context) -> Running {
        let drive = Drive {
            name: "input",
            buckets: vec![context.client.bucket_of_host("aw-watcher-input", "os.hid.input")],
            chooser: Chooser::start((self.sources.counts)(&context.session), &context.clock),
            facts: Facts::start(Vec::new(), &context.clock),
            machine: Counting::default(),
        };
        Box::pin(drive.run(context))
    }
}

/// Makes events of counts.
#[derive(Default)]
struct Counting {
    /// When the counts that are being made began; `None` while no source counts.
    begun: Option<Timestamp>,
    counted: Counts,
    /// What the source has counted since it was started.
    total: Counts,
    zeros: Spans,
    /// The data of the last event, and when it ended.
    last: Option<(Counts, Timestamp)>,
    asleep: bool,
}

impl Counting {
    /// Ends all windows that have ended by now.
    fn pass(&mut self, now: Timestamp) -> Vec<Record> {
        let Some(begun) = self.begun else {
            return Vec::new();
        };
        let end = next_multiple(begun, WINDOW);
        if now < end {
            return Vec::new();
        }
        let mut records = self.close(end);
        // All further windows are empty.
        let current = next_multiple(now, WINDOW).saturating_sub(Duration::from_secs(WINDOW));
        records.extend(self.nothing(end, current));
        self.begun = Some(current);
        records
    }

    /// The window ends.
    fn close(&mut self, end: Timestamp) -> Vec<Record> {
        let counted = std::mem::take(&mut self.counted);
        let Some(start) = self.begun.take() else {
            return Vec::new();
        };
        if counted == Counts::default() {
            return self.nothing(start, end);
        }
        let mut records = as_records(self.zeros.set(start, None));
        // Servers join events with equal data that touch, and these are two: the second one begins a millisecond later.
        let touches = self.last == Some((counted, start));
        let begin = if touches {
            start.saturating_add(Duration::from_nanos(1_000_000))
        } else {
            start
        };
        self.last = Some((counted, end));
        records.push(Record {
            bucket: 0,
            span: Span {
                start: begin,
                end,
                data: data(counted),
            },
        });
        records
    }

    /// Nothing was counted between these times.
    fn nothing(&mut self, from: Timestamp, to: Timestamp) -> Vec<Record> {
        if from >= to {
            return Vec::new();
        }
        if !self.zeros.is_open() {
            self.zeros.set(from, Some(data(Counts::default())));
        }
        as_records(self.zeros.tick(to))
    }

    /// No source counts from now on.
    fn pause(&mut self, at: Timestamp) -> Vec<Record> {
        let mut records = self.pass(at);
        records.extend(self.close(at));
        self.begun = None;
        records.extend(as_records(self.zeros.set(at, None)));
        records
    }

    /// A source counts from now on.
    fn resume(&mut self, at: Timestamp) {
        self.zeros = Spans::default();
        self.begun = Some(at);
        self.counted = Counts::default();
    }
}

fn as_records(span: Option<Span>) -> Vec<Record> {
    span.map(|span| Record { bucket: 0, span }).into_iter().collect()
}

fn data(counts: Counts) -> Data {
    let number = |number: u64| Some(Value::from(number));
    object([
        ("presses", number(counts.presses)),
        ("clicks", number(counts.clicks)),
        ("deltaX", number(counts.delta_x)),
        ("deltaY", number(counts.delta_y)),
        ("scrollX", number(counts.scroll_x)),
        ("scrollY", number(counts.scroll_y)),
    ])
}

impl Machine<Counts> for Counting {
    fn fact(&mut self, fact: At<Fact>) -> Vec<Record> {
        let counts = self.begun.is_some() || self.asleep;
        match fact.report {
            Fact::SleepBegan if counts => {
                self.asleep = true;
                self.pause(fact.time)
            }
            Fact::SleepEnded if std::mem::take(&mut self.asleep) => {
                self.resume(fact.time);
                Vec::new()
            }
            Fact::ClockStepped { to } if counts => {
                let records = self.pause(fact.time);
                self.resume(to);
                records
            }
            _ => Vec::new(),
        }
    }

    fn feed(&mut self, _: Timestamp, feed: Feed<Counts>) -> Vec<Record> {
        match feed {
            Feed::From(at, source) => {
                let records = self.pause(at);
                self.total = Counts::default();
                if source.is_some() {
                    self.resume(at);
                }
                records
            }
            Feed::Report(At { time, report }) => {
                let records = self.pass(time);
                self.counted = self.counted.plus(report.since(self.total));
                self.total = report;
                records
            }
        }
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Record> {
        self.pass(now)
    }

    fn end(&mut self, now: Timestamp) -> Vec<Record> {
        self.pause(now)
    }

    fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.begun?;
        let nothing = self.counted == Counts::default();
        Some(next_multiple(now, if nothing { SELDOM } else { WINDOW }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    /// What remains of all records: start, end and the number of presses, in seconds.
    fn events(records: &[Record]) -> Vec<(f64, f64, u64)> {
        let mut events: Vec<(f64, f64, u64)> = Vec::new();
        for Record { span, .. } in records {
            let seconds = |time: Timestamp| time.nanos() as f64 / 1e9;
            let data: Value = serde_json::from_str(span.data.as_str()).expect("JSON");
            let event = (
                seconds(span.start),
                seconds(span.end),
                data["presses"].as_u64().expect("a number"),
            );
            events.retain(|other| other.0 != event.0);
            events.push(event);
        }
        events
    }

    fn pressed(total: u64) -> Counts {
        Counts {
            presses: total,
            ..Counts::default()
        }
    }

    #[test]
    fn counts_are_of_five_seconds_and_zeros_last() {
        let mut counting = Counting::default();
        let mut records = counting.feed(at(102), Feed::From(at(102), Some("x")));
        for (second, total) in [
            (102, 7),
            (103, 10),
            (104, 12),
            (106, 15),
            (111, 17),
            (111, 18),
            (131, 19),
        ] {
            let report = At {
                time: at(second),
                report: pressed(total),
            };
            records.extend(counting.feed(at(second), Feed::Report(report)));
            records.extend(counting.tick(at(second)));
        }
        records.extend(counting.end(at(132)));
        let expected = [
            (102.0, 105.0, 12),
            (105.0, 110.0, 3),
            (110.001, 115.0, 3),
            (115.0, 130.0, 0),
            (130.0, 132.0, 1),
        ];
        assert_eq!(events(&records), expected);
    }

    #[test]
    fn nothing_is_counted_while_the_machine_sleeps() {
        let mut counting = Counting::default();
        let mut records = counting.feed(at(0), Feed::From(at(0), Some("x")));
        let mut fact = |time, report| {
            counting.fact(At {
                time: at(time),
                report,
            })
        };
        records.extend(fact(7, Fact::SleepBegan));
        records.extend(fact(107, Fact::SleepEnded));
        records.extend(fact(112, Fact::ClockStepped { to: at(50) }));
        records.extend(counting.end(at(60)));
        assert_eq!(
            events(&records),
            [(0.0, 7.0, 0), (107.0, 112.0, 0), (50.0, 60.0, 0)]
        );
    }
}
