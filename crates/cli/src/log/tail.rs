//! `timberline log tail`: the newest records, and those that come.

use std::time::Duration;

use anyhow::ensure;
use clap::Args;
use timberline_log::{LogReader, Seq};

use super::describe::{Events, describe, describe_damage};
use super::filter::Filter;
use super::names::BucketNames;
use crate::data_dir::OpenDataDir;
use crate::output::Output;
use crate::verdict::Verdict;

/// How often the log is checked for new records.
const POLL: Duration = Duration::from_millis(50);

/// Where to begin, and whether to follow.
#[derive(Debug, Args)]
#[command(after_help = "\
The lines are those of `timberline log dump --compact`. A record is shown as soon as it is written, which may be \
before it is synced. Ctrl-C ends it.

Examples:
  timberline log tail
  timberline log tail --bucket aw-watcher-window_laptop
  timberline log tail -n 100 --no-follow")]
pub(super) struct TailArgs {
    /// Print the newest N records first
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: u64,

    /// First record to print
    #[arg(long, value_name = "SEQ", conflicts_with = "lines")]
    from: Option<u64>,

    /// Only records of this bucket
    #[arg(long, value_name = "ID")]
    bucket: Option<String>,

    /// Stop at the newest record as of now
    #[arg(long)]
    no_follow: bool,
}

/// Prints and follows.
pub(super) fn run(data: &OpenDataDir, args: &TailArgs) -> anyhow::Result<Verdict> {
    let reader = data.log()?;
    let filter = Filter {
        bucket: args.bucket.clone(),
        ..Filter::default()
    };
    let mut names = BucketNames::known(data, &reader);
    if let Some(bucket) = &args.bucket {
        ensure!(names.has(bucket), "there is no bucket '{bucket}' in this log");
    }
    let from = match args.from {
        Some(from) => Seq(from),
        None => newest(&reader, &filter, &mut names, args.lines)?,
    };
    let (mut out, mut line, mut faulty) = (Output::new(), Vec::new(), false);
    let mut tail = reader.tail(from)?;
    loop {
        while let Some(record) = tail.next() {
            line.clear();
            match record {
                Ok(record) => {
                    names.note(&record);
                    if filter.matches(&record, &names) {
                        faulty |= describe(&mut line, &record, &names, Events::Counted).is_err();
                    }
                }
                Err(damage) => {
                    faulty = true;
                    describe_damage(&mut line, &damage);
                }
            }
            out.bytes(&line)?;
        }
        out.flush()?;
        if args.no_follow {
            return Ok(Verdict::faulty_if(faulty));
        }
        timberline_clock::sleep(POLL);
    }
}

/// The first of the newest `count` records that match. Counts segment by segment from the end, so it reads only the
/// segments it needs and keeps no records.
fn newest(reader: &LogReader, filter: &Filter, names: &mut BucketNames, count: u64) -> anyhow::Result<Seq> {
    let mut missing = count;
    let mut end = reader.newest()?.next();
    if count == 0 {
        return Ok(end);
    }
    for segment in reader.segments()?.into_iter().rev() {
        let found = nth(reader, segment.first, end, filter, names, u64::MAX)?.0;
        if found >= missing {
            let at = nth(reader, segment.first, end, filter, names, found - missing)?.1;
            return Ok(at);
        }
        missing -= found;
        end = segment.first;
    }
    Ok(Seq::FIRST)
}

/// Skips `skip` matching records from `from` up to `end`. Returns how many there were, and where the next one is.
fn nth(
    reader: &LogReader,
    from: Seq,
    end: Seq,
    filter: &Filter,
    names: &mut BucketNames,
    skip: u64,
) -> anyhow::Result<(u64, Seq)> {
    let mut found = 0;
    let mut records = reader.read_from(from)?;
    while let Some(record) = records.next() {
        let Ok(record) = record else { continue };
        if record.seq >= end {
            break;
        }
        names.note(&record);
        if filter.matches(&record, names) {
            if found == skip {
                return Ok((found, record.seq));
            }
            found += 1;
        }
    }
    Ok((found, end))
}
