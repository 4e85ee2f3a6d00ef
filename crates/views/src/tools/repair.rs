//! A whole log from what is left of a damaged one.
//!
//! Segments that are whole, and of which everything can be folded, are taken over byte for byte. Of the others each
//! record that is left is written again under its number; [`Record::Lost`] takes the places of the rest, so that
//! numbers stay dense and none is ever used twice.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use timberline_disk::Storage;
use timberline_log::{
    Damage, DeviceId, LogError, LogReader, Record as Framed, Salvage, Salvaged, SegmentInfo, Seq,
    segment_name,
};

use timberline_model::Bucket;

use crate::error::CompactError;
use crate::fold::{Replica, ReplicaError};
use crate::record::{BucketCreated, BucketKey, CodecError, LossCause, Lost, Record};
use crate::view::Snapshot;

/// Something that the new log does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostRecords {
    /// The file in which it was.
    pub path: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// Which records; `None` if only a header was damaged, and no record is lost.
    pub lost: Option<RangeInclusive<Seq>>,
    /// Whether they could be read, but built on what is lost.
    pub unfoldable: bool,
    /// What was wrong.
    pub reason: String,
}

/// What a repair has done.
#[derive(Clone, Debug, Default)]
pub struct RepairReport {
    /// The last record of the new log.
    pub seq: Seq,
    /// Records that are in both logs.
    pub kept: u64,
    /// Records whose bytes could not be read.
    pub damaged: u64,
    /// Records that could be read but not folded.
    pub unfoldable: u64,
    /// Segments that are as they were.
    pub taken_over: u64,
    /// Segments that were written again.
    pub rewritten: u64,
    /// Everything that is lost, in order.
    pub lost: Vec<LostRecords>,
    /// Buckets of which the record that made them is lost, and which the checkpoint still knows: they have their ids again.
    pub renamed: Vec<String>,
}

/// Why a log could not be repaired. What was written until then is of no use.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RepairError {
    /// A log could not be read or written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The fold could not go on.
    #[error(transparent)]
    Compact(#[from] CompactError),
    /// A record could not be encoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
}

/// Writes what is left of `source` to `target`, which should be an empty directory. Segments that have to be made
/// have the device and size given. `spill` is for what the fold cannot keep in memory. `known` is what a checkpoint says: the
/// ids of buckets are taken from it that the log has lost. `progress` gets the record that it has reached.
///
/// # Errors
/// [`RepairError`].
pub fn repair(
    source: &LogReader,
    target: Arc<dyn Storage>,
    (device, segment_bytes): (DeviceId, u64),
    spill: Arc<dyn Storage>,
    known: Option<&Snapshot>,
    progress: &mut dyn FnMut(Seq),
) -> Result<RepairReport, RepairError> {
    let segments = source.segments()?;
    let mut repair = Repair {
        source,
        replica: Replica::new(spill),
        salvage: Salvage::new(source, target, device, segment_bytes),
        report: RepairReport::default(),
        time: segments.first().and_then(|first| first.created).unwrap_or(0),
        buffer: Vec::new(),
        made_again: BTreeMap::new(),
    };
    // All of it is read before any of it is written: what a bucket was called is written where a record before its first one
    // is lost, and which buckets need that is known at the end.
    let mut surveyed = Vec::with_capacity(segments.len());
    for info in &segments {
        let missing = repair.missing_before(info);
        let findings = repair.survey(info, progress)?;
        repair.report.kept += findings.kept;
        let last = info.last.unwrap_or(findings.last);
        repair.report.seq = repair.report.seq.max(last);
        surveyed.push((missing, findings));
    }
    if let Some(known) = known {
        repair.find_ids(known);
    }
    for (index, (info, (missing, findings))) in segments.iter().zip(surveyed).enumerate() {
        if let Some(lost) = missing {
            repair.fill(lost, LossCause::Damaged)?;
        }
        let next = segments.get(index + 1).map(|next| next.first);
        if findings.whole() {
            repair.salvage.take_over(source, info, next)?;
            repair.report.taken_over += 1;
        } else {
            repair.rewrite(info, next, &findings)?;
            repair.report.rewritten += 1;
        }
    }
    repair.salvage.finish()?;
    Ok(repair.report)
}

/// What is wrong with a segment.
#[derive(Default)]
struct Findings {
    kept: u64,
    last: Seq,
    damaged: bool,
    /// Where records lie that can be read but not folded.
    unfoldable: BTreeSet<u64>,
}

impl Findings {
    fn whole(&self) -> bool {
        !self.damaged && self.unfoldable.is_empty()
    }
}

struct Repair<'a> {
    source: &'a LogReader,
    replica: Replica,
    salvage: Salvage,
    report: RepairReport,
    /// That of the newest record read: a lost one was written at about that time.
    time: i64,
    buffer: Vec<u8>,
    /// Buckets that are made again, by the lost record in whose place that is written.
    made_again: BTreeMap<Seq, (BucketKey, Bucket)>,
}

impl Repair<'_> {
    /// Finds out which records before a segment are in no file.
    fn missing_before(&mut self, info: &SegmentInfo) -> Option<RangeInclusive<Seq>> {
        let from = self.report.seq.next();
        if from >= info.first {
            return None;
        }
        let lost = from..=info.first.prev();
        self.lose(LostRecords {
            path: self.source.path().join(segment_name(from)),
            offset: 0,
            lost: Some(lost.clone()),
            unfoldable: false,
            reason: "the segment file is missing".to_owned(),
        });
        self.report.seq = *lost.end();
        Some(lost)
    }

    /// Looks up what the buckets were called that were made by a record that is lost, and finds a place where that can be
    /// written: the last lost record before their first one.
    fn find_ids(&mut self, known: &Snapshot) {
        let state = self.replica.state();
        let damaged = self.report.lost.iter().filter(|shortfall| !shortfall.unfoldable);
        let lost: Vec<_> = damaged.filter_map(|shortfall| shortfall.lost.clone()).collect();
        for recovered in state.recovered() {
            let key = &recovered.key;
            let view = known.kept_of(*key).filter(|_| state.is_recovered(*key));
            let Some(bucket) = view.map(|view| &view.bucket).filter(|b| !state.has_id(&b.id)) else {
                continue;
            };
            let before = |range: &RangeInclusive<Seq>| {
                let last = (*range.end()).min(recovered.seq.prev());
                let taken = |seq: &Seq| self.made_again.contains_key(seq);
                let mut seq = last;
                while seq >= *range.start() && taken(&seq) {
                    seq = seq.prev();
                }
                (seq >= *range.start() && seq > Seq::NONE).then_some(seq)
            };
            if let Some(place) = lost.iter().filter_map(before).max() {
                self.made_again.insert(place, (*key, bucket.bucket.clone()));
            }
        }
    }

    /// Reads a segment and folds it.
    fn survey(&mut self, info: &SegmentInfo, progress: &mut dyn FnMut(Seq)) -> Result<Findings, RepairError> {
        let mut findings = Findings {
            last: info.first.prev(),
            ..Findings::default()
        };
        let mut segment = OneSegment::open(self.source, info)?;
        while let Some(next) = segment.next() {
            match next {
                Ok(record) => {
                    progress(record.seq);
                    findings.last = record.seq;
                    match self.replica.apply(&record) {
                        Ok(()) => findings.kept += 1,
                        Err(ReplicaError::Compact(error)) => return Err(error.into()),
                        Err(why) => {
                            findings.unfoldable.insert(record.position.offset);
                            self.lose(unfoldable(self.source, &record, &why));
                        }
                    }
                }
                Err(damage) => {
                    findings.damaged = true;
                    if let Some(lost) = &damage.lost {
                        findings.last = *lost.end();
                    }
                    self.lose(LostRecords {
                        path: damage.path,
                        offset: damage.offset,
                        lost: damage.lost,
                        unfoldable: false,
                        reason: damage.reason,
                    });
                }
            }
        }
        Ok(findings)
    }

    fn lose(&mut self, shortfall: LostRecords) {
        if let Some(lost) = &shortfall.lost {
            let count = (lost.end().get() + 1).saturating_sub(lost.start().get());
            if shortfall.unfoldable {
                self.report.unfoldable += count;
            } else {
                self.report.damaged += count;
            }
        }
        self.report.lost.push(shortfall);
    }

    /// Writes a segment again.
    fn rewrite(
        &mut self,
        info: &SegmentInfo,
        next: Option<Seq>,
        findings: &Findings,
    ) -> Result<(), RepairError> {
        self.salvage.replace(info)?;
        let mut expected = info.first;
        let mut segment = OneSegment::open(self.source, info)?;
        while let Some(record) = segment.next() {
            let Ok(record) = record else { continue };
            // All records of a squashed segment have its last number, and none stands between them.
            if !info.squashed && expected < record.seq {
                self.fill(expected..=record.seq.prev(), LossCause::Damaged)?;
            }
            self.time = record.time;
            if findings.unfoldable.contains(&record.position.offset) {
                self.fill(record.seq..=record.seq, LossCause::Unfoldable)?;
            } else {
                self.salvage.put(&Salvaged {
                    seq: record.seq,
                    time: record.time,
                    kind: record.kind,
                    payload: record.payload,
                    ends_batch: record.ends_batch,
                })?;
            }
            expected = record.seq.next();
        }
        // The end is lost, too, or it is a squashed segment of which nothing is left.
        let end = info.last.or(next.map(Seq::prev)).unwrap_or(findings.last);
        if expected <= end {
            let first = if info.squashed { end } else { expected };
            self.fill(first..=end, LossCause::Damaged)?;
        }
        Ok(())
    }

    /// Writes that records are lost.
    fn fill(&mut self, lost: RangeInclusive<Seq>, cause: LossCause) -> Result<(), RepairError> {
        let mut seq = *lost.start();
        while seq <= *lost.end() {
            let again = self.made_again.remove(&seq);
            let record = match &again {
                Some((key, bucket)) => Record::BucketCreated(BucketCreated::of(*key, bucket)),
                None => Record::Lost(Lost { cause }),
            };
            self.buffer.clear();
            record.encode(&mut self.buffer)?;
            self.salvage.put(&Salvaged {
                seq,
                time: self.time,
                kind: record.kind().number(),
                payload: &self.buffer,
                ends_batch: true,
            })?;
            if let Some((_, bucket)) = &again {
                self.report.renamed.push(bucket.id.clone());
            }
            seq = seq.next();
        }
        Ok(())
    }
}

fn unfoldable(source: &LogReader, record: &Framed<'_>, why: &ReplicaError) -> LostRecords {
    LostRecords {
        path: source.path().join(segment_name(record.position.segment)),
        offset: record.position.offset,
        lost: Some(record.seq..=record.seq),
        unfoldable: true,
        reason: why.to_string(),
    }
}

/// The records of one segment.
struct OneSegment {
    records: timberline_log::Records,
    first: Seq,
    path: PathBuf,
}

impl OneSegment {
    fn open(source: &LogReader, info: &SegmentInfo) -> Result<Self, LogError> {
        Ok(Self {
            records: source.read_from(info.first)?,
            first: info.first,
            path: source.path().join(&info.file),
        })
    }

    fn next(&mut self) -> Option<Result<Framed<'_>, Damage>> {
        match self.records.next()? {
            Ok(record) => (record.position.segment == self.first).then_some(Ok(record)),
            Err(damage) => (damage.path == self.path).then_some(Err(damage)),
        }
    }
}
