//! `timberline log stat`: counts segments, records, bytes and buckets.

use std::collections::BTreeMap;

use anyhow::Context;
use clap::Args;
use indicatif::{BinaryBytes, HumanCount};
use serde::Serialize;
use timberline_log::{Damage, LogReader, Record, SegmentInfo, Seq};
use timberline_model::Timestamp;
use timberline_views::record::{self, BucketKey};
use timberline_views::{BucketView, Snapshot};

use super::names::BucketNames;
use super::progress::Progress;
use crate::data_dir::OpenDataDir;
use crate::output::{Output, OutputError};
use crate::table::{Table, printable};
use crate::verdict::Verdict;

/// How to print it.
#[derive(Debug, Args)]
#[command(after_help = "\
Reads the whole log. A bucket's records and bytes are those in the log, its events those that are there now; a \
bucket that was deleted still has its records.

The durable mark is the newest record that the log itself says is on the disk. The records after it are no more than \
those since the last sync, which leaves its trace only in the records that follow it.

Examples:
  timberline log stat
  timberline log stat --json | jq '.buckets[] | {id, events}'")]
pub(super) struct StatArgs {
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Serialize)]
struct Stat {
    data_dir: String,
    device: Option<String>,
    first_seq: u64,
    last_seq: u64,
    durable_seq: u64,
    records: u64,
    first_time: Option<String>,
    last_time: Option<String>,
    bytes_used: u64,
    bytes_allocated: u64,
    events: u64,
    settings: usize,
    segments: Vec<SegmentStat>,
    buckets: Vec<BucketStat>,
    damage: Vec<DamageStat>,
}

#[derive(Debug, Serialize)]
struct SegmentStat {
    file: String,
    first_seq: u64,
    /// The last record in it; one less than the first if there is none.
    last_seq: u64,
    records: u64,
    bytes_used: u64,
    bytes_allocated: u64,
    sealed: bool,
    created: Option<String>,
}

#[derive(Debug, Default, Serialize)]
struct BucketStat {
    key: u32,
    id: Option<String>,
    deleted: bool,
    events: u64,
    start: Option<String>,
    end: Option<String>,
    records: u64,
    log_bytes: u64,
    view_segments: u64,
    view_bytes: u64,
}

#[derive(Debug, Serialize)]
struct DamageStat {
    file: String,
    offset: u64,
    bytes: u64,
    lost_from: Option<u64>,
    lost_to: Option<u64>,
    reason: String,
}

/// What reading the log adds up to.
#[derive(Debug, Default)]
struct Counted {
    first: Option<(Seq, i64)>,
    last: Option<(Seq, i64)>,
    durable: Seq,
    records: u64,
    /// By the first record of the segment: records, the last one, the end of it in the file.
    segments: BTreeMap<Seq, (u64, Seq, u64)>,
    /// Records and bytes.
    buckets: BTreeMap<BucketKey, (u64, u64)>,
    damage: Vec<Damage>,
}

/// Counts and prints.
pub(super) fn run(data: &OpenDataDir, args: &StatArgs) -> anyhow::Result<Verdict> {
    let stat = take(data)?;
    let mut out = Output::new();
    if args.json {
        out.line(serde_json::to_string_pretty(&stat)?)?;
    } else {
        print(&stat, &mut out)?;
    }
    out.flush()?;
    Ok(Verdict::faulty_if(!stat.damage.is_empty()))
}

fn take(data: &OpenDataDir) -> anyhow::Result<Stat> {
    let reader = data.log()?;
    let infos = reader.segments()?;
    let scratch = data.scratch()?;
    let (snapshot, _) = data.read(&scratch)?;
    let mut names = BucketNames::of(&snapshot);
    let counted = count(&reader, &mut names)?;
    let marks = infos.iter().filter_map(|info| info.durable);
    let durable = marks.fold(counted.durable, Seq::max);
    let segments = infos
        .iter()
        .map(|info| segment(&reader, info, &counted))
        .collect::<anyhow::Result<Vec<_>>>()?;
    let last = counted.last.map_or(Seq::NONE, |(seq, _)| seq);
    Ok(Stat {
        data_dir: data.path().display().to_string(),
        device: infos
            .iter()
            .rev()
            .find_map(|info| info.device)
            .map(|device| device.to_string()),
        first_seq: counted.first.map_or(0, |(seq, _)| seq.get()),
        last_seq: last.get(),
        durable_seq: durable.get(),
        records: counted.records,
        first_time: counted.first.map(|(_, time)| instant(time)),
        last_time: counted.last.map(|(_, time)| instant(time)),
        bytes_used: segments.iter().map(|segment| segment.bytes_used).sum(),
        bytes_allocated: segments.iter().map(|segment| segment.bytes_allocated).sum(),
        events: snapshot.buckets().map(BucketView::len).sum(),
        settings: snapshot.settings().len(),
        segments,
        buckets: buckets(data, &snapshot, &names, &counted)?,
        damage: counted.damage.iter().map(damage).collect(),
    })
}

fn count(reader: &LogReader, names: &mut BucketNames) -> anyhow::Result<Counted> {
    let progress = Progress::over(reader, "counting")?;
    let mut counted = Counted::default();
    let mut records = reader.read_from(Seq::FIRST)?;
    while let Some(record) = records.next() {
        match record {
            Ok(record) => {
                progress.at(record.seq);
                names.note(&record);
                counted.add(&record);
            }
            Err(damage) => counted.damage.push(damage),
        }
    }
    Ok(counted)
}

impl Counted {
    fn add(&mut self, record: &Record<'_>) {
        self.records += 1;
        self.first.get_or_insert((record.seq, record.time));
        self.last = Some((record.seq, record.time));
        self.durable = self.durable.max(record.durable);
        let segment = self.segments.entry(record.position.segment).or_default();
        *segment = (segment.0 + 1, record.seq, record.position.offset + record.size());
        // Settings are of no bucket, and what cannot be read is of none that we know.
        if let Ok(Some(key)) = record::Record::bucket_of(record.kind, record.payload) {
            let bucket = self.buckets.entry(key).or_default();
            *bucket = (bucket.0 + 1, bucket.1 + record.size());
        }
    }
}

fn segment(reader: &LogReader, info: &SegmentInfo, counted: &Counted) -> anyhow::Result<SegmentStat> {
    let path = reader.path().join(&info.file);
    let file = std::fs::metadata(&path).with_context(|| format!("cannot look at {}", path.display()))?;
    let (records, last, end) =
        counted
            .segments
            .get(&info.first)
            .copied()
            .unwrap_or((0, info.first.prev(), 0));
    Ok(SegmentStat {
        file: info.file.clone(),
        first_seq: info.first.get(),
        last_seq: info.last.unwrap_or(last).get(),
        records,
        bytes_used: info.used.unwrap_or(end),
        bytes_allocated: timberline_disk::os::allocated_bytes(&file),
        sealed: info.last.is_some(),
        created: info.created.map(instant),
    })
}

fn buckets(
    data: &OpenDataDir,
    snapshot: &Snapshot,
    names: &BucketNames,
    counted: &Counted,
) -> anyhow::Result<Vec<BucketStat>> {
    let mut buckets: BTreeMap<BucketKey, BucketStat> = BTreeMap::new();
    for view in snapshot.buckets() {
        let bucket = buckets.entry(view.key()).or_default();
        bucket.events = view.len();
        bucket.start = view.start().map(|start| start.to_string());
        bucket.end = view.end().map(|end| end.to_string());
    }
    let existing: Vec<BucketKey> = buckets.keys().copied().collect();
    for (key, (records, bytes)) in &counted.buckets {
        let bucket = buckets.entry(*key).or_default();
        (bucket.records, bucket.log_bytes) = (*records, *bytes);
    }
    for (key, bytes) in timberline_views::tools::view_files(data.path())? {
        let bucket = buckets.entry(key).or_default();
        bucket.view_segments += 1;
        bucket.view_bytes += bytes;
    }
    for (key, bucket) in &mut buckets {
        bucket.key = key.0;
        bucket.id = names.get(*key).map(str::to_owned);
        bucket.deleted = existing.binary_search(key).is_err();
    }
    Ok(buckets.into_values().collect())
}

fn damage(damage: &Damage) -> DamageStat {
    DamageStat {
        file: damage.path.display().to_string(),
        offset: damage.offset,
        bytes: damage.bytes,
        lost_from: damage.lost.as_ref().map(|lost| lost.start().get()),
        lost_to: damage.lost.as_ref().map(|lost| lost.end().get()),
        reason: damage.reason.clone(),
    }
}

fn instant(nanos: i64) -> String {
    Timestamp::from_nanos(nanos).to_string()
}

fn print(stat: &Stat, out: &mut Output) -> Result<(), OutputError> {
    let none = || "-".to_owned();
    out.line(format_args!("data directory  {}", printable(&stat.data_dir)))?;
    out.line(format_args!(
        "device          {}",
        stat.device.clone().unwrap_or_else(none)
    ))?;
    out.line(format_args!(
        "records         {} ({} to {}), durable up to {}",
        HumanCount(stat.records),
        stat.first_seq,
        stat.last_seq,
        stat.durable_seq
    ))?;
    if let (Some(first), Some(last)) = (&stat.first_time, &stat.last_time) {
        out.line(format_args!("written         {first} to {last}"))?;
    }
    out.line(format_args!(
        "log             {} used, {} allocated",
        BinaryBytes(stat.bytes_used),
        BinaryBytes(stat.bytes_allocated)
    ))?;
    out.line(format_args!(
        "events          {} in {} buckets; {} settings",
        HumanCount(stat.events),
        stat.buckets.iter().filter(|bucket| !bucket.deleted).count(),
        stat.settings
    ))?;
    out.line("")?;
    segment_table(stat).print(out)?;
    out.line("")?;
    bucket_table(stat).print(out)?;
    for damage in &stat.damage {
        out.line(format_args!(
            "\ndamage: {} at byte {} ({} bytes): {}",
            printable(&damage.file),
            damage.offset,
            damage.bytes,
            damage.reason
        ))?;
    }
    Ok(())
}

fn segment_table(stat: &Stat) -> Table {
    let mut table = Table::new(&[
        ("segment", false),
        ("first", true),
        ("last", true),
        ("records", true),
        ("used", true),
        ("allocated", true),
        ("state", false),
        ("created", false),
    ]);
    for segment in &stat.segments {
        table.row([
            segment.file.clone(),
            segment.first_seq.to_string(),
            segment.last_seq.to_string(),
            HumanCount(segment.records).to_string(),
            BinaryBytes(segment.bytes_used).to_string(),
            BinaryBytes(segment.bytes_allocated).to_string(),
            if segment.sealed { "sealed" } else { "active" }.to_owned(),
            segment.created.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    table
}

fn bucket_table(stat: &Stat) -> Table {
    let mut table = Table::new(&[
        ("bucket", false),
        ("events", true),
        ("first", false),
        ("last", false),
        ("records", true),
        ("in the log", true),
        ("view segments", true),
        ("in them", true),
    ]);
    for bucket in &stat.buckets {
        let id = bucket.id.clone().unwrap_or_else(|| format!("#{}", bucket.key));
        let id = if bucket.deleted {
            format!("{id} (deleted)")
        } else {
            id
        };
        table.row([
            id,
            HumanCount(bucket.events).to_string(),
            bucket.start.clone().unwrap_or_else(|| "-".to_owned()),
            bucket.end.clone().unwrap_or_else(|| "-".to_owned()),
            HumanCount(bucket.records).to_string(),
            BinaryBytes(bucket.log_bytes).to_string(),
            bucket.view_segments.to_string(),
            BinaryBytes(bucket.view_bytes).to_string(),
        ]);
    }
    table
}
