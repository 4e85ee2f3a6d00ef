//! `timberline log dump`: records as JSON lines.

use anyhow::ensure;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use timberline_log::Seq;
use timberline_model::Timestamp;
use timberline_views::record::RecordKind;

use super::describe::{Events, describe, describe_damage};
use super::filter::Filter;
use super::names::BucketNames;
use crate::data_dir::OpenDataDir;
use crate::moment::{FORMS, moment};
use crate::output::Output;
use crate::verdict::Verdict;

/// Which records, and how.
#[derive(Debug, Args)]
#[command(after_help = format!("\
{FORMS}; it is compared with when a record was written, not with the times of events in it.

Damage is a line too, {{\"damage\":…}}; reading goes on after it, and the exit code is 1.

Examples:
  timberline log dump --since 1h --kind heartbeat
  timberline log dump --bucket aw-watcher-afk_laptop | jq -r .timestamp
  timberline log dump --from 1000 --to 1010 --compact"))]
pub(super) struct DumpArgs {
    /// First record to print
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,

    /// Last record to print
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,

    /// Only records written at or after this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,

    /// Only records written at or before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,

    /// Only records of this bucket (of every bucket that ever had this id)
    #[arg(long, value_name = "ID")]
    bucket: Option<String>,

    /// Only records of this kind
    #[arg(long, value_name = "KIND", value_parser = record_kinds())]
    kind: Option<RecordKind>,

    /// Print only the number of events for records with many events
    #[arg(long)]
    compact: bool,
}

/// Reads the name of a kind; the help lists the names.
fn record_kinds() -> impl TypedValueParser<Value = RecordKind> {
    let names = PossibleValuesParser::new(RecordKind::ALL.map(RecordKind::name));
    names.try_map(|name| RecordKind::from_name(&name).ok_or("no such kind of record"))
}

/// Dumps.
pub(super) fn run(data: &OpenDataDir, args: &DumpArgs) -> anyhow::Result<Verdict> {
    let reader = data.log()?;
    let filter = Filter {
        from: args.from.map(Seq),
        to: args.to.map(Seq),
        since: args.since,
        until: args.until,
        bucket: args.bucket.clone(),
        kind: args.kind,
    };
    let events = if args.compact {
        Events::Counted
    } else {
        Events::Expanded
    };
    let mut names = BucketNames::known(data, &reader);
    if let Some(bucket) = &args.bucket {
        ensure!(names.has(bucket), "there is no bucket '{bucket}' in this log");
    }
    let (mut out, mut line, mut faulty) = (Output::new(), Vec::new(), false);
    let mut records = reader.read_from(filter.from.unwrap_or(Seq::FIRST))?;
    while let Some(record) = records.next() {
        line.clear();
        match record {
            Ok(record) if filter.ends_before(record.seq) => break,
            Ok(record) => {
                names.note(&record);
                if filter.matches(&record, &names) {
                    faulty |= describe(&mut line, &record, &names, events).is_err();
                }
            }
            Err(damage) => {
                if filter.wants_damage(&damage) {
                    faulty = true;
                    describe_damage(&mut line, &damage);
                }
            }
        }
        out.bytes(&line)?;
    }
    out.flush()?;
    Ok(Verdict::faulty_if(faulty))
}
