//! A record as one line of JSON, every field by its name. The lines are documented in `docs/log-commands.md`.

use timberline_log::{Damage, segment_name};
use timberline_model::json::write_string;
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::record::{
    BucketCreated, BucketKey, BucketListed, CodecError, EventBlock, EventsChanged, Heartbeat, Heartbeats,
    Last, LossCause, Outcome, PurgeBegun, Record, RecordKind,
};

use super::names::BucketNames;

/// How blocks of events are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Events {
    /// Each event.
    Expanded,
    /// How many, and from when to when.
    Counted,
}

/// Appends the line for a record, with its line feed.
///
/// # Errors
/// When the record cannot be read. The line is then there all the same, with the reason in the field `error`.
pub(super) fn describe(
    out: &mut Vec<u8>,
    framed: &timberline_log::Record<'_>,
    names: &BucketNames,
    events: Events,
) -> Result<(), CodecError> {
    let mut line = Line(out);
    line.open();
    line.number("seq", framed.seq.get());
    line.time("time", Timestamp::from_nanos(framed.time));
    match RecordKind::from_number(framed.kind) {
        Some(kind) => line.text("kind", kind.name()),
        None => line.number("kind", framed.kind.into()),
    }
    line.text("file", &segment_name(framed.position.segment));
    line.number("offset", framed.position.offset);
    let decoded = Record::decode(framed.kind, framed.payload);
    match &decoded {
        Ok(record) => fields(&mut line, record, names, events),
        Err(error) => {
            line.number("payload_bytes", framed.payload.len() as u64);
            line.text("error", &error.to_string());
        }
    }
    line.close();
    decoded.map(|_| ())
}

/// Appends the line for damage, with its line feed.
pub(super) fn describe_damage(out: &mut Vec<u8>, damage: &Damage) {
    out.extend_from_slice(b"{\"damage\":");
    let mut line = Line(out);
    line.open();
    line.text("file", &damage.path.display().to_string());
    line.number("offset", damage.offset);
    line.number("bytes", damage.bytes);
    if let Some(lost) = &damage.lost {
        line.number("lost_from", lost.start().get());
        line.number("lost_to", lost.end().get());
    }
    line.text("reason", &damage.reason);
    line.0.extend_from_slice(b"}");
    line.close();
}

fn bucket_created(line: &mut Line<'_>, r: &BucketCreated<'_>) {
    line.number("bucket_key", r.bucket.0.into());
    line.text("bucket", r.id);
    line.text("type", r.type_);
    line.text("client", r.client);
    line.text("hostname", r.hostname);
    line.time("created", r.created);
    line.json("data", r.data);
    if let Some(updated) = r.last_updated {
        line.time("last_updated", updated);
    }
}

fn fields(line: &mut Line<'_>, record: &Record<'_>, names: &BucketNames, events: Events) {
    match record {
        Record::BucketCreated(r) => bucket_created(line, r),
        Record::BucketUpdated(r) => {
            line.bucket(r.bucket, names);
            let texts = [("type", r.type_), ("client", r.client), ("hostname", r.hostname)];
            for (name, text) in texts {
                if let Some(text) = text {
                    line.text(name, text);
                }
            }
            if let Some(data) = r.data {
                line.json("data", data);
            }
        }
        Record::BucketListed(r) => {
            line.bucket(r.bucket, names);
            listing(line, r);
        }
        Record::BucketDeleted(r) => line.bucket(r.bucket, names),
        Record::Heartbeat(r) => {
            line.bucket(r.bucket, names);
            heartbeat(line, r);
        }
        Record::Heartbeats(r) => {
            line.bucket(r.bucket, names);
            heartbeats(line, r, events);
        }
        Record::BatchTaken(r) => {
            line.text("client", r.client);
            line.text("batch", r.id);
            line.number("heartbeats", r.outcomes.len() as u64);
        }
        Record::EventsInserted(r) => {
            line.bucket(r.bucket, names);
            let end = r.first.plus(r.events.len() as u64);
            block(line, &r.events, r.first.until(end), events);
        }
        Record::EventsPut(r) => {
            line.bucket(r.bucket, names);
            block(line, &r.events, r.ids.iter().copied(), events);
        }
        Record::EventsDeleted(r) => {
            line.bucket(r.bucket, names);
            line.ids("ids", &r.ids);
        }
        Record::SettingSet(r) => {
            line.text("key", r.key);
            line.json("value", r.value);
        }
        Record::SettingDeleted(r) => line.text("key", r.key),
        Record::EventsChanged(r) => {
            line.bucket(r.bucket, names);
            changes(line, r, events);
        }
        Record::BucketRestored(r) => line.bucket(r.bucket, names),
        Record::Erased(r) => {
            if let Some(bucket) = r.bucket {
                line.bucket(bucket, names);
            }
        }
        Record::PurgeBegun(r) => {
            line.bucket(r.bucket, names);
            purge(line, r);
        }
        Record::PurgeEnded(r) => line.number("through", r.through.get()),
        Record::Lost(r) => line.text(
            "cause",
            match r.cause {
                LossCause::Damaged => "damaged",
                LossCause::Unfoldable => "unfoldable",
                LossCause::Salvaged => "salvaged",
            },
        ),
    }
}

/// Under which ids a bucket is found from then on.
fn listing(line: &mut Line<'_>, r: &BucketListed<'_>) {
    if let Some(id) = r.id {
        line.text("id", id);
    }
    if let Some(aliases) = &r.aliases {
        line.texts("aliases", aliases);
    }
    if let Some(archived) = r.archived {
        line.json("archived", if archived { "true" } else { "false" });
    }
}

/// What an undo did, or what is left of a squashed segment.
fn changes(line: &mut Line<'_>, r: &EventsChanged<'_>, events: Events) {
    match r.last {
        Last::Unchanged => {}
        Last::Newest => line.text("last", "newest"),
        Last::Event(id) => line.number("last", id.0),
    }
    if !r.removed.is_empty() {
        line.ids("removed", &r.removed);
    }
    if !r.extended.is_empty() {
        let ids: Vec<EventId> = r.extended.iter().map(|(id, _)| *id).collect();
        line.ids("extended", &ids);
    }
    block(line, &r.events, r.ids.iter().copied(), events);
}

/// What is gone for good, or, redacted, what it had been.
fn purge(line: &mut Line<'_>, r: &PurgeBegun) {
    let what = match (r.whole, r.redact) {
        (true, _) => "bucket",
        (false, false) => "events",
        (false, true) => "former data",
    };
    line.text("erases", what);
    let ids: Vec<EventId> = r.events.iter().flat_map(|part| &part.ids).copied().collect();
    if !ids.is_empty() {
        line.ids("ids", &ids);
    }
}

/// What the watcher sent, then what came of it.
fn heartbeat(line: &mut Line<'_>, r: &Heartbeat<'_>) {
    line.time("timestamp", r.start);
    line.duration("duration", r.duration);
    line.duration("pulsetime", r.pulsetime.into());
    match r.outcome {
        Outcome::Extended { event, duration } => {
            line.text("outcome", "extended");
            line.number("event", event.0);
            line.duration("event_duration", duration);
        }
        Outcome::Created { event, data } => {
            line.text("outcome", "created");
            line.number("event", event.0);
            line.json("data", data);
        }
    }
}

/// What came of heartbeats that were sent together.
fn heartbeats(line: &mut Line<'_>, r: &Heartbeats<'_>, events: Events) {
    line.number("heartbeats", r.count());
    if let Some(extended) = r.extended {
        line.number("extended", extended.event.0);
        line.duration("event_duration", extended.after);
    }
    let end = r.first.plus(r.events.len() as u64);
    block(line, &r.events, r.first.until(end), events);
}

fn block(line: &mut Line<'_>, block: &EventBlock<'_>, ids: impl Iterator<Item = EventId>, events: Events) {
    line.number("count", block.len() as u64);
    match events {
        Events::Counted => {
            let ends = block
                .iter()
                .map(|(start, duration, _)| start.saturating_add(duration));
            if let (Some(start), Some(end)) = (block.starts.iter().min(), ends.max()) {
                line.time("start", Timestamp::from_nanos(*start));
                line.time("end", end);
            }
        }
        Events::Expanded => {
            line.name("events");
            line.0.push(b'[');
            for (position, (id, (start, duration, data))) in ids.zip(block.iter()).enumerate() {
                if position > 0 {
                    line.0.push(b',');
                }
                timberline_model::json::write_event(line.0, id, start, duration, data);
            }
            line.0.push(b']');
        }
    }
}

/// The line that is being written.
struct Line<'a>(&'a mut Vec<u8>);

impl Line<'_> {
    fn open(&mut self) {
        self.0.push(b'{');
    }

    fn close(&mut self) {
        self.0.extend_from_slice(b"}\n");
    }

    fn name(&mut self, name: &str) {
        if self.0.last() != Some(&b'{') {
            self.0.push(b',');
        }
        write_string(self.0, name);
        self.0.push(b':');
    }

    fn number(&mut self, name: &str, number: u64) {
        self.name(name);
        self.0.extend_from_slice(number.to_string().as_bytes());
    }

    fn ids(&mut self, name: &str, ids: &[EventId]) {
        let list: Vec<String> = ids.iter().map(EventId::to_string).collect();
        self.json(name, &format!("[{}]", list.join(",")));
    }

    fn texts(&mut self, name: &str, texts: &[&str]) {
        self.name(name);
        self.0.push(b'[');
        for (position, text) in texts.iter().enumerate() {
            if position > 0 {
                self.0.push(b',');
            }
            write_string(self.0, text);
        }
        self.0.push(b']');
    }

    fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        write_string(self.0, text);
    }

    /// JSON that is one already. The log's checksums hold, so it is what was checked when it came in.
    fn json(&mut self, name: &str, json: &str) {
        self.name(name);
        self.0.extend_from_slice(json.as_bytes());
    }

    fn time(&mut self, name: &str, time: Timestamp) {
        self.name(name);
        self.0.push(b'"');
        time.write(self.0);
        self.0.push(b'"');
    }

    fn duration(&mut self, name: &str, duration: Duration) {
        self.name(name);
        duration.write(self.0);
    }

    fn bucket(&mut self, key: BucketKey, names: &BucketNames) {
        self.number("bucket_key", key.0.into());
        if let Some(id) = names.get(key) {
            self.text("bucket", id);
        }
    }
}
