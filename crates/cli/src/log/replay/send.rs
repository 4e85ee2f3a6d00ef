//! The recorded traffic, sent once more.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration as Span, Instant};

use anyhow::{Context, ensure};
use indicatif::HumanCount;
use timberline_log::Seq;
use timberline_model::{Bucket, Duration, EventId, Pulsetime, Timestamp, json};
use timberline_views::record::{
    BucketKey, BucketListed, EventBlock, Heartbeat, Heartbeats, Outcome, Record, RecordKind,
};
use timberline_views::tools::{Replica, ReplicaError};

use super::super::names::BucketNames;
use super::super::progress::Progress;
use super::ReplayArgs;
use super::pace::Pace;
use super::target::{Answer, Target};
use crate::data_dir::OpenDataDir;
use crate::output::Output;
use crate::verdict::Verdict;

/// With this, no heartbeat extends an event.
const NEVER: Pulsetime = Pulsetime::from_nanos(i64::MIN);

/// Sends everything from `--from` to `--until`.
pub(super) fn run(data: &OpenDataDir, args: &ReplayArgs, target: &Target) -> anyhow::Result<Verdict> {
    let reader = data.log()?;
    let newest = reader.newest()?;
    // The server may write to this very log: what it writes from now on is not sent again.
    let until = args.until.map_or(newest, |until| Seq(until).min(newest));
    let from = Seq(args.from.unwrap_or(1)).max(Seq::FIRST);
    target.greet()?;
    let scratch = data.scratch()?;
    let mut sender = Sender {
        target,
        bucket: args.bucket.as_deref(),
        progress: Progress::new("sending", from, until),
        replica: Replica::new(scratch.storage()),
        names: BucketNames::default(),
        lasting: HashMap::new(),
        begun: None,
        shift: Duration::ZERO,
        body: Vec::new(),
        sent: Sent::default(),
    };
    let mut records = reader.read_from(Seq::FIRST)?;
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) if record.seq > until => break,
            Ok(record) => record,
            Err(damage) => {
                sender.sent.lost += 1;
                sender.progress.complain(damage);
                continue;
            }
        };
        if record.seq >= from {
            sender.progress.at(record.seq);
            if sender.begun.is_none() {
                sender.begin(args, record.time)?;
            }
            sender.send(&record).with_context(|| {
                format!("record {0} could not be sent (go on with --from {0})", record.seq)
            })?;
        }
        sender.fold(&record)?;
    }
    if let Some(bucket) = args.bucket.as_ref() {
        ensure!(
            sender.names.has(bucket),
            "there is no bucket '{bucket}' in this log"
        );
    }
    sender.progress.done();
    sender
        .sent
        .print(sender.begun.map_or(Span::ZERO, |pace| pace.1.elapsed()))?;
    Ok(Verdict::faulty_if(sender.sent.refused + sender.sent.lost > 0))
}

struct Sender<'a> {
    target: &'a Target,
    bucket: Option<&'a str>,
    progress: Progress,
    /// The state before the record that is being sent: what tells an insert from a replacement, and what a heartbeat
    /// said that extended an event.
    replica: Replica,
    names: BucketNames,
    /// Of each bucket the event that heartbeats extend: nearly always the one that is asked for.
    lasting: HashMap<BucketKey, (EventId, String)>,
    begun: Option<(Pace, Instant)>,
    shift: Duration,
    body: Vec<u8>,
    sent: Sent,
}

impl Sender<'_> {
    /// Before the first record, which was written at `time`: makes the buckets there were then.
    fn begin(&mut self, args: &ReplayArgs, time: i64) -> anyhow::Result<()> {
        if args.rewrite_times {
            self.shift = Timestamp::from(timberline_clock::wall()).since(Timestamp::from_nanos(time));
        }
        for view in self.replica.snapshot().buckets() {
            if self.includes(view.key()) {
                self.create(view.bucket())?;
            }
        }
        let now = timberline_clock::monotonic();
        self.begun = Some((Pace::new(args.speed, now, time), now));
        Ok(())
    }

    fn includes(&self, key: BucketKey) -> bool {
        self.bucket
            .is_none_or(|bucket| self.names.get(key) == Some(bucket))
    }

    /// Takes a record into the state.
    fn fold(&mut self, framed: &timberline_log::Record<'_>) -> anyhow::Result<()> {
        self.names.note(framed);
        match self.replica.apply(framed) {
            Err(ReplicaError::Compact(error)) => Err(error.into()),
            // It was reported when it was to be sent, or comes before that.
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Sends a record, when its turn has come.
    fn send(&mut self, framed: &timberline_log::Record<'_>) -> anyhow::Result<()> {
        self.names.note(framed);
        let record = match Record::decode(framed.kind, framed.payload) {
            Ok(record) => record,
            Err(error) => {
                self.sent.lost += 1;
                self.progress
                    .complain(format_args!("record {} cannot be read: {error}", framed.seq));
                return Ok(());
            }
        };
        let key = Record::bucket_of(framed.kind, framed.payload).ok().flatten();
        if self.bucket.is_some() && !key.is_some_and(|key| self.includes(key)) {
            return Ok(());
        }
        if let Some((pace, _)) = &self.begun {
            timberline_clock::sleep(pace.wait(framed.time, timberline_clock::monotonic()));
        }
        match &record {
            Record::BucketCreated(r) => self.create(&r.made()),
            Record::BucketListed(BucketListed { id: Some(id), .. }) => self.renamed(key, id),
            Record::Heartbeat(r) => self.heartbeat(framed.seq, r),
            Record::Heartbeats(r) => self.heartbeats(framed.seq, r),
            Record::EventsInserted(r) => self.insert(r.bucket, r.events.iter()),
            Record::EventsPut(r) => self.put(r.bucket, &r.ids, &r.events),
            // What an undo brought back, or the outcome of a squashed segment.
            Record::EventsChanged(r) => self.put(r.bucket, &r.ids, &r.events),
            Record::BucketUpdated(_)
            | Record::BucketListed(_)
            | Record::BucketDeleted(_)
            | Record::BucketRestored(_)
            | Record::EventsDeleted(_)
            | Record::SettingSet(_)
            | Record::SettingDeleted(_)
            | Record::BatchTaken(_)
            | Record::Erased(_)
            | Record::PurgeBegun(_)
            | Record::PurgeEnded(_)
            | Record::Lost(_) => {
                *self.sent.left_out.entry(record.kind()).or_default() += 1;
                Ok(())
            }
        }
    }

    fn create(&mut self, bucket: &Bucket) -> anyhow::Result<()> {
        self.body.clear();
        self.body.push(b'{');
        // The metadata among these members are those of no events; a server makes its own.
        json::write_bucket_fields(&mut self.body, bucket, None, None);
        self.body.push(b'}');
        let answer = self.target.create_bucket(&bucket.id, &self.body)?;
        self.count(&bucket.id, answer, |sent| sent.buckets += 1);
        Ok(())
    }

    /// What follows is sent to the new id: a server that cannot rename buckets gets another one.
    fn renamed(&mut self, key: Option<BucketKey>, id: &str) -> anyhow::Result<()> {
        let snapshot = self.replica.snapshot();
        let Some(view) = key.and_then(|key| snapshot.bucket_of(key)) else {
            return Ok(());
        };
        if view.bucket().id == id {
            return Ok(());
        }
        let bucket = Bucket {
            id: id.to_owned(),
            ..view.bucket().clone()
        };
        self.create(&bucket)
    }

    fn heartbeat(&mut self, seq: Seq, r: &Heartbeat<'_>) -> anyhow::Result<()> {
        match r.outcome {
            Outcome::Created { event, data } => {
                self.lasting.insert(r.bucket, (event, data.to_owned()));
            }
            Outcome::Extended { event, .. } => self.look_up(r.bucket, event)?,
        }
        let (Some((_, data)), Some(bucket)) = (self.lasting.get(&r.bucket), self.names.get(r.bucket)) else {
            self.sent.lost += 1;
            self.progress.complain(format_args!(
                "what the heartbeat of record {seq} said was lost to damage"
            ));
            return Ok(());
        };
        self.body.clear();
        write_event(&mut self.body, (r.start, r.duration, data), self.shift);
        let bucket = bucket.to_owned();
        let answer = self.target.heartbeat(&bucket, r.pulsetime, &self.body)?;
        self.count(&bucket, answer, |sent| sent.heartbeats += 1);
        Ok(())
    }

    /// Heartbeats that were sent together: one for the event that they extended, as long as it was afterwards, and one for
    /// each event that they created. Those never extend another.
    fn heartbeats(&mut self, seq: Seq, r: &Heartbeats<'_>) -> anyhow::Result<()> {
        let beat = |start, duration, pulsetime, outcome| Heartbeat {
            bucket: r.bucket,
            start,
            duration,
            pulsetime,
            outcome,
        };
        if let Some(extended) = r.extended {
            let (event, duration) = (extended.event, extended.after);
            let outcome = Outcome::Extended { event, duration };
            self.heartbeat(
                seq,
                &beat(extended.start, duration, Pulsetime::from_nanos(0), outcome),
            )?;
        }
        let ids = r.first.until(r.first.plus(r.events.len() as u64));
        for (event, (start, duration, data)) in ids.zip(r.events.iter()) {
            let outcome = Outcome::Created { event, data };
            self.heartbeat(seq, &beat(start, duration, NEVER, outcome))?;
        }
        Ok(())
    }

    /// Finds what the event says that a heartbeat extended, if it is not the one of the last heartbeat anyway.
    fn look_up(&mut self, key: BucketKey, event: EventId) -> anyhow::Result<()> {
        if self.lasting.get(&key).is_some_and(|(id, _)| *id == event) {
            return Ok(());
        }
        self.lasting.remove(&key);
        let snapshot = self.replica.snapshot();
        let Some(view) = self.names.get(key).and_then(|id| snapshot.bucket(id)) else {
            return Ok(());
        };
        if let Some(found) = view.event(event)? {
            self.lasting.insert(key, (event, found.data.as_str().to_owned()));
        }
        Ok(())
    }

    fn insert<'e>(
        &mut self,
        key: BucketKey,
        events: impl Iterator<Item = (Timestamp, Duration, &'e str)>,
    ) -> anyhow::Result<()> {
        self.body.clear();
        self.body.push(b'[');
        let mut count = 0;
        for event in events {
            if count > 0 {
                self.body.push(b',');
            }
            write_event(&mut self.body, event, self.shift);
            count += 1;
        }
        self.body.push(b']');
        let Some(bucket) = self.names.get(key).map(str::to_owned) else {
            self.sent.lost += 1;
            return Ok(());
        };
        if count == 0 {
            return Ok(());
        }
        let answer = self.target.insert(&bucket, &self.body)?;
        self.count(&bucket, answer, |sent| sent.events += count);
        Ok(())
    }

    /// Events that came with ids: new ones are sent (the server gives them ids of its own), those that took the place
    /// of others are not, because the others have other ids there.
    fn put(&mut self, bucket: BucketKey, ids: &[EventId], events: &EventBlock<'_>) -> anyhow::Result<()> {
        let snapshot = self.replica.snapshot();
        let view = self.names.get(bucket).and_then(|id| snapshot.bucket(id));
        // Of equal ids in one record the last counts.
        let mut new: BTreeMap<EventId, (Timestamp, Duration, &str)> = BTreeMap::new();
        for (id, event) in ids.iter().zip(events.iter()) {
            let replaces = match view {
                Some(view) => view.event(*id)?.is_some(),
                None => false,
            };
            if replaces {
                self.sent.replaced += 1;
            } else {
                new.insert(*id, event);
            }
        }
        self.insert(bucket, new.into_values())
    }

    fn count(&mut self, bucket: &str, answer: Answer, taken: impl FnOnce(&mut Sent)) {
        match answer {
            Answer::Taken => taken(&mut self.sent),
            Answer::Refused(why) => {
                self.sent.refused += 1;
                self.progress
                    .complain(format_args!("refused for bucket '{bucket}': {why}"));
            }
        }
    }
}

/// Appends an event without an id, moved in time.
fn write_event(out: &mut Vec<u8>, (start, duration, data): (Timestamp, Duration, &str), shift: Duration) {
    out.extend_from_slice(b"{\"timestamp\":\"");
    start.saturating_add(shift).write(out);
    out.extend_from_slice(b"\",\"duration\":");
    duration.write(out);
    out.extend_from_slice(b",\"data\":");
    out.extend_from_slice(data.as_bytes());
    out.push(b'}');
}

/// What became of it.
#[derive(Debug, Default)]
struct Sent {
    heartbeats: u64,
    events: u64,
    buckets: u64,
    refused: u64,
    /// Records that damage keeps from being sent.
    lost: u64,
    /// Events that took the place of others.
    replaced: u64,
    /// Records of kinds that are not sent.
    left_out: BTreeMap<RecordKind, u64>,
}

impl Sent {
    fn print(&self, took: Span) -> anyhow::Result<()> {
        let mut out = Output::new();
        out.line(format_args!(
            "sent {} heartbeats, {} inserted events, {} buckets in {:.2} s: {} heartbeats/s",
            HumanCount(self.heartbeats),
            HumanCount(self.events),
            HumanCount(self.buckets),
            took.as_secs_f64(),
            HumanCount((self.heartbeats as f64 / took.as_secs_f64().max(1e-9)) as u64)
        ))?;
        let mut report = |count: u64, what: &str| match count {
            0 => Ok(()),
            _ => out.line(format_args!("{what}: {}", HumanCount(count))),
        };
        report(self.refused, "refused by the server")?;
        report(self.lost, "lost to damage of the log")?;
        report(self.replaced, "not sent, replaced events")?;
        for (kind, count) in &self.left_out {
            report(*count, &format!("not sent, {}", kind.name()))?;
        }
        Ok(out.flush()?)
    }
}
