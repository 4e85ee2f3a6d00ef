//! Modules that record one state at a time, such as what is played: an event lasts as long as the state.

use timberline_model::{Data, Timestamp};

use super::chooser::{Chooser, Feed};
use super::drive::{Drive, Machine, Record, next_extension};
use super::facts::Facts;
use super::module::{Context, Module, Running};
use super::sources::Make;
use super::spans::{Span, Spans};
use crate::afk::Fact;
use crate::desktop::At;

/// The module.
pub(super) struct StateModule {
    /// Its name.
    pub(super) name: &'static str,
    /// The program that the bucket is named after: its id is `CLIENT_HOST`.
    pub(super) client: &'static str,
    /// The type of the bucket.
    pub(super) bucket_type: &'static str,
    /// What reports it, as the data of an event; `None`: there is nothing to record.
    pub(super) sources: Make<Option<Data>>,
}

impl Module for StateModule {
    fn name(&self) -> &'static str {
        self.name
    }

    fn run(&self, context: Context) -> Running {
        let drive = Drive {
            name: self.name,
            buckets: vec![context.client.bucket_of_host(self.client, self.bucket_type)],
            chooser: Chooser::start((self.sources)(&context.session), &context.clock),
            // The clocks show sleep, also where nothing reports it.
            facts: Facts::start(Vec::new(), &context.clock),
            machine: Lasting::default(),
        };
        Box::pin(drive.run(context))
    }
}

/// Makes an event of each state.
#[derive(Default)]
pub(super) struct Lasting {
    spans: Spans,
    asleep_since: Option<Timestamp>,
}

fn records(span: Option<Span>) -> Vec<Record> {
    span.map(|span| Record { bucket: 0, span }).into_iter().collect()
}

impl Machine<Option<Data>> for Lasting {
    fn fact(&mut self, fact: At<Fact>) -> Vec<Record> {
        let At { time, report } = fact;
        let (from, to) = match report {
            Fact::SleepBegan => {
                self.asleep_since = Some(time);
                return records(self.spans.tick(time));
            }
            Fact::SleepEnded => (self.asleep_since.take().unwrap_or(time), time),
            Fact::ClockStepped { to } => (time, to),
            _ => return Vec::new(),
        };
        records(self.spans.interrupt(from, to))
    }

    fn feed(&mut self, _: Timestamp, feed: Feed<Option<Data>>) -> Vec<Record> {
        records(match feed {
            Feed::From(at, None) => self.spans.set(at, None),
            // The state of the new backend follows. Until this time, that of the old one holds.
            Feed::From(at, Some(_)) => self.spans.tick(at),
            Feed::Report(At { time, report }) => self.spans.set(time, report),
        })
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Record> {
        records(self.spans.tick(now))
    }

    fn end(&mut self, now: Timestamp) -> Vec<Record> {
        records(self.spans.set(now, None))
    }

    fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.spans.since().map(|began| next_extension(now, began))
    }
}
