//! `timberline log verify`: is everything whole, and do the views show what the log says?

use std::fmt::Display;

use indicatif::HumanCount;
use timberline_log::{LogReader, Record, Seq, allow_segments, segment_name};
use timberline_views::tools::{Replica, ReplicaError, check, damaged_views, differences};
use timberline_views::{BucketView, OpenReport, Snapshot};

use super::progress::Progress;
use crate::data_dir::OpenDataDir;
use crate::output::{Output, OutputError};
use crate::verdict::Verdict;
use timberline_backup::Manifest;

pub(super) const HELP: &str = "\
Reads every byte of the log and compares every checksum; folds all of it from the first record on, in a temporary \
directory (TMPDIR), and checks what comes out; compares every checksum of the views; and compares the views, event by \
event, with the fold. Works while the server runs: both are compared as of the same record.

Exit code: 0 everything is whole, 1 there is damage (each one is printed with its file and offset), 2 it could not be \
carried out.

Example:
  timberline log verify && rsync -a ~/.local/share/timberline backup:";

/// Records that cannot be folded are counted, not printed, beyond this number: if the record that created a bucket is lost,
/// all records of the bucket depend on it.
const MAX_UNFOLDED: u64 = 20;

/// Verifies.
pub(super) fn run(data: &OpenDataDir) -> anyhow::Result<Verdict> {
    // What is erased from the log while it is read must not look like a difference.
    let reader = data.log()?;
    allow_segments(&reader)?;
    let reader = match Manifest::read(data.path()) {
        // A backup, whatever its manifest says.
        Ok(Some(_)) | Err(_) => reader.pinned_copy()?,
        Ok(None) => reader.pinned()?,
    };
    let scratch = (data.scratch()?, data.scratch()?);
    let (views, report) = data.read_with(&reader, &scratch.0)?;
    let mut findings = Findings {
        progress: Progress::new("checking", Seq::FIRST, reader.newest()?),
        out: Output::new(),
        count: 0,
        lost: 0,
    };
    let fold = fold(
        &reader,
        Replica::new(scratch.1.storage()),
        views.seq(),
        &mut findings,
    )?;
    let of_the_log = findings.count;
    compare(&fold, &views, &report, &mut findings)?;
    // Of the view segments, what is found has been found above.
    if findings.count == 0 {
        for damaged in damaged_views(data.path(), data.cipher())? {
            findings.add(format_args!("the views: {damaged}"))?;
        }
    }
    let Findings {
        progress,
        mut out,
        count,
        lost,
    } = findings;
    progress.done();
    if count == 0 {
        summary(&fold, &views, &mut out)?;
    } else if of_the_log > 0 && count > of_the_log {
        out.line("What the log has lost may well be the reason for the other differences.")?;
    }
    if lost > 0 {
        let (are, them) = if lost == 1 {
            ("record is", "it")
        } else {
            ("records are", "them")
        };
        out.line(format_args!(
            "{} {are} lost. All that does not need {them} can be written to a new, whole log: timberline log repair NEWDIR",
            HumanCount(lost)
        ))?;
    }
    out.flush()?;
    Ok(Verdict::faulty_if(count > 0))
}

/// What was found so far.
struct Findings {
    progress: Progress,
    out: Output,
    count: u64,
    /// Records of which the bytes are damaged or missing.
    lost: u64,
}

impl Findings {
    fn add(&mut self, what: impl Display) -> Result<(), OutputError> {
        self.count += 1;
        let out = &mut self.out;
        self.progress.aside(|| {
            out.line(what)?;
            out.flush()
        })
    }
}

/// What the log alone says.
struct Fold {
    snapshot: Snapshot,
    records: u64,
}

/// Reads the whole log, and folds it up to `until`, where the views are. What a running server has written since is
/// only checked.
fn fold(
    reader: &LogReader,
    mut replica: Replica,
    until: Seq,
    findings: &mut Findings,
) -> anyhow::Result<Fold> {
    let (mut count, mut unfolded) = (0, 0);
    let mut records = reader.read_from(Seq::FIRST)?;
    while let Some(record) = records.next() {
        let record = match record {
            Ok(record) => record,
            Err(damage) => {
                let lost = damage.lost.as_ref();
                findings.lost += lost.map_or(0, |lost| {
                    (lost.end().get() + 1).saturating_sub(lost.start().get())
                });
                findings.add(damage)?;
                continue;
            }
        };
        findings.progress.at(record.seq);
        // A squashed segment begins with a record that stands for all of it.
        if count == 0 && record.position.segment > Seq::FIRST {
            findings.add(format_args!(
                "the log begins with record {}: everything before it is missing",
                record.seq
            ))?;
        }
        count += 1;
        if record.seq > until {
            continue;
        }
        match replica.apply(&record) {
            Ok(()) => {}
            Err(ReplicaError::Compact(error)) => return Err(error.into()),
            Err(why) => {
                unfolded += 1;
                if unfolded <= MAX_UNFOLDED {
                    findings.add(unfoldable(reader, &record, &why))?;
                }
            }
        }
    }
    if unfolded > MAX_UNFOLDED {
        findings.add(format_args!(
            "and {} more records cannot be folded",
            HumanCount(unfolded - MAX_UNFOLDED)
        ))?;
    }
    Ok(Fold {
        snapshot: replica.snapshot(),
        records: count,
    })
}

fn unfoldable(reader: &LogReader, record: &Record<'_>, why: &ReplicaError) -> String {
    format!(
        "{} at byte {}: record {} cannot be folded: {why}",
        reader
            .path()
            .join(segment_name(record.position.segment))
            .display(),
        record.position.offset,
        record.seq
    )
}

fn compare(
    fold: &Fold,
    views: &Snapshot,
    report: &OpenReport,
    findings: &mut Findings,
) -> anyhow::Result<()> {
    findings.progress.doing("comparing");
    for wrong in check(&fold.snapshot) {
        findings.add(format_args!("the fold of the log: {wrong}"))?;
    }
    if let Some(why) = &report.checkpoint_unusable {
        findings.add(format_args!("the views cannot be used: {why}"))?;
    }
    for wrong in check(views) {
        findings.add(format_args!("the views: {wrong}"))?;
    }
    if views.seq() > fold.snapshot.seq() {
        findings.add(format_args!(
            "the log ends at record {}, but the views hold everything up to record {}: log segments are missing",
            fold.snapshot.seq(),
            views.seq()
        ))?;
    }
    for difference in differences(&fold.snapshot, views) {
        findings.add(format_args!(
            "the fold of the log (first) and the views (second): {difference}"
        ))?;
    }
    Ok(())
}

fn summary(fold: &Fold, views: &Snapshot, out: &mut Output) -> Result<(), OutputError> {
    let events = fold.snapshot.buckets().map(BucketView::len).sum();
    out.line(format_args!(
        "log    {} records: every checksum holds",
        HumanCount(fold.records)
    ))?;
    out.line(format_args!(
        "fold   {} buckets, {} events, {} settings: every invariant holds",
        fold.snapshot.buckets().count(),
        HumanCount(events),
        fold.snapshot.settings().len()
    ))?;
    out.line(format_args!(
        "views  every checksum holds, and they show the same, as of record {}",
        views.seq()
    ))
}
