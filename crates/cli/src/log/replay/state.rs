//! The state after some record.

use anyhow::ensure;
use indicatif::HumanCount;
use timberline_log::Seq;
use timberline_model::{Timestamp, json};
use timberline_views::tools::{Replica, ReplicaError};
use timberline_views::{BucketView, Snapshot, TimeRange};

use super::super::progress::Progress;
use super::ReplayArgs;
use crate::data_dir::OpenDataDir;
use crate::output::Output;
use crate::table::{Table, printable};
use crate::verdict::Verdict;

/// Bytes of events gathered before they are printed.
const CHUNK: usize = 64 << 10;

/// The state, and of when it is.
struct State {
    snapshot: Snapshot,
    time: Option<Timestamp>,
    faulty: bool,
}

/// Folds and prints.
pub(super) fn run(data: &OpenDataDir, args: &ReplayArgs) -> anyhow::Result<Verdict> {
    let scratch = data.scratch()?;
    let state = fold(data, args, Replica::new(scratch.storage()))?;
    let wanted = |view: &&BucketView| args.bucket.as_ref().is_none_or(|id| *id == view.bucket().id);
    let buckets: Vec<&BucketView> = state.snapshot.buckets().filter(wanted).collect();
    if let Some(bucket) = &args.bucket {
        ensure!(
            !buckets.is_empty(),
            "there is no bucket '{bucket}' as of record {}",
            state.snapshot.seq()
        );
    }
    let mut out = Output::new();
    if args.json {
        print_json(&state, &buckets, args.events, &mut out)?;
    } else {
        print(&state, &buckets, args.events, &mut out)?;
    }
    out.flush()?;
    Ok(Verdict::faulty_if(state.faulty))
}

fn fold(data: &OpenDataDir, args: &ReplayArgs, mut replica: Replica) -> anyhow::Result<State> {
    let reader = data.log()?;
    let newest = reader.newest()?;
    let last = args.to_seq.map_or(newest, |seq| Seq(seq).min(newest));
    let progress = Progress::new("folding", Seq::FIRST, last);
    let mut time = None;
    let mut records = reader.read_from(Seq::FIRST)?;
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) => record,
            Err(damage) if damage.lost.as_ref().is_some_and(|lost| *lost.start() > last) => break,
            Err(damage) => {
                progress.complain(damage);
                continue;
            }
        };
        let written = Timestamp::from_nanos(record.time);
        if record.seq > last || args.to_time.is_some_and(|to| written > to) {
            break;
        }
        progress.at(record.seq);
        time = Some(written);
        match replica.apply(&record) {
            Ok(()) => {}
            Err(ReplicaError::Compact(error)) => return Err(error.into()),
            Err(why) => {
                progress.complain(format_args!("record {} cannot be folded: {why}", record.seq));
            }
        }
    }
    Ok(State {
        snapshot: replica.snapshot(),
        time,
        faulty: progress.complained(),
    })
}

fn print(state: &State, buckets: &[&BucketView], events: bool, out: &mut Output) -> anyhow::Result<()> {
    match state.time {
        Some(time) => out.line(format_args!(
            "as of record {}, written {time}",
            state.snapshot.seq()
        ))?,
        None => out.line("before the first record")?,
    }
    let mut table = Table::new(&[
        ("bucket", false),
        ("type", false),
        ("hostname", false),
        ("events", true),
        ("first", false),
        ("last", false),
    ]);
    let instant = |instant: Option<Timestamp>| instant.map_or("-".to_owned(), |at| at.to_string());
    for view in buckets {
        let bucket = view.bucket();
        table.row([
            bucket.id.clone(),
            bucket.type_.clone(),
            bucket.hostname.clone(),
            HumanCount(view.len()).to_string(),
            instant(view.start()),
            instant(view.end()),
        ]);
    }
    out.line("")?;
    table.print(out)?;
    if !state.snapshot.settings().is_empty() {
        let mut table = Table::new(&[("setting", false), ("value", false)]);
        for (key, value) in state.snapshot.settings() {
            table.row([key.clone(), value.clone()]);
        }
        out.line("")?;
        table.print(out)?;
    }
    for view in buckets.iter().filter(|_| events) {
        out.line(format_args!("\n{}", printable(&view.bucket().id)))?;
        print_events(view, b"\n", out)?;
        out.line("")?;
    }
    Ok(())
}

fn print_json(state: &State, buckets: &[&BucketView], events: bool, out: &mut Output) -> anyhow::Result<()> {
    let time = state.time.map(|time| time.to_string());
    let head = serde_json::json!({ "seq": state.snapshot.seq().get(), "time": time });
    let mut text = head.to_string().into_bytes();
    text.pop();
    text.extend_from_slice(b",\"settings\":{");
    for (position, (key, value)) in state.snapshot.settings().iter().enumerate() {
        if position > 0 {
            text.push(b',');
        }
        json::write_string(&mut text, key);
        text.push(b':');
        text.extend_from_slice(value.as_bytes());
    }
    text.extend_from_slice(b"},\"buckets\":{");
    for (position, view) in buckets.iter().enumerate() {
        if position > 0 {
            text.push(b',');
        }
        json::write_string(&mut text, &view.bucket().id);
        text.extend_from_slice(b":{");
        json::write_bucket_fields(&mut text, view.bucket(), view.start(), view.end());
        text.extend_from_slice(format!(",\"event_count\":{}", view.len()).as_bytes());
        if events {
            text.extend_from_slice(b",\"events\":[");
            out.bytes(&text)?;
            text.clear();
            print_events(view, b",", out)?;
            text.push(b']');
        }
        text.push(b'}');
    }
    text.extend_from_slice(b"}}\n");
    Ok(out.bytes(&text)?)
}

/// Prints the events of a bucket, newest first, with this between them.
fn print_events(view: &BucketView, between: &[u8], out: &mut Output) -> anyhow::Result<()> {
    let (mut text, mut data) = (Vec::new(), Vec::new());
    for (position, event) in view.events(TimeRange::ALL)?.enumerate() {
        let event = event?;
        if position > 0 {
            text.extend_from_slice(between);
        }
        data.clear();
        event.write_data(&mut data);
        let data = String::from_utf8_lossy(&data);
        json::write_event(&mut text, event.id(), event.start(), event.duration(), &data);
        if text.len() > CHUNK {
            out.bytes(&text)?;
            text.clear();
        }
    }
    Ok(out.bytes(&text)?)
}
