//! Recovery: opening a log for writing after a crash.
//!
//! Recovery reads unsealed segments frame by frame, and only the first 4096 bytes of sealed ones ([`chain`]). So a start
//! does not take longer the more history there is. [`plan`] reads and changes nothing; [`Plan::carry_out`] then changes
//! the files. A caller may refuse the plan.
//!
//! `docs/format/log.md` has the argument why nothing durable is lost. In short: a sync covers everything before it. So no
//! durable record follows a place where bytes are missing. The exception is a later frame whose durable mark says that
//! the missing records were durable. Then the place is damage, and is never cut off.

use std::collections::VecDeque;
use std::sync::Arc;

use timberline_disk::Storage;

use crate::Seq;
use crate::error::{Damage, LogError};
use crate::format::segment::SEQ_LIMIT;
use crate::options::LogOptions;
use crate::read::probe::{Probe, list_segments};
use crate::recover::carry_out::{cut_off, ends_in_gap, remove_leftovers, reopen, vouch};
use crate::recover::chain;
use crate::recover::survey::{Cut, Findings, Survey, survey};
use crate::sync::active::ActiveSegment;

/// What recovery found when the log was opened.
#[derive(Clone, Debug, Default)]
pub struct Recovery {
    /// The last record of the log; [`Seq::NONE`] if it is empty.
    pub last_seq: Seq,
    /// What was cut off, if anything: records that were never reported durable.
    pub torn: Option<TornTail>,
    /// Durable records that are lost, in the segments looked at. Reading goes on after it.
    pub damage: Vec<Damage>,
}

/// The end of the log that was cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TornTail {
    /// The segment file.
    pub path: std::path::PathBuf,
    /// Where in it the log ends now.
    pub offset: u64,
    /// How many bytes from there on were in use, in this file and in the segments after it.
    pub bytes: u64,
}

/// A log ready to be appended to.
#[derive(Debug)]
pub(crate) struct Recovered {
    /// The unsealed segments, oldest first; the last one is to be appended to.
    pub(crate) segments: VecDeque<Arc<ActiveSegment>>,
    /// Whether the last one ends with records that are lost. Nothing may be appended to it: a reader
    /// looks for a record behind a gap only where the missing ones would have fitted, and the gap may begin right here.
    pub(crate) ends_in_gap: bool,
    pub(crate) report: Recovery,
}

/// What is in a log, and what opening it for writing will do. Nothing is changed yet.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The last record of the newest sealed segment.
    sealed_last: Option<Seq>,
    surveys: Vec<Survey>,
    findings: Findings,
    cut: Option<Cut>,
    /// What is wrong with the sealed segments.
    sealed_damage: Vec<Damage>,
    /// The last record of a log of which nothing is left.
    nothing_left: Seq,
}

/// Looks at a log.
pub(crate) fn plan(storage: &Arc<dyn Storage>, options: &LogOptions) -> Result<Plan, LogError> {
    let all = list_segments(storage)?;
    let encrypted = options.cipher.is_some();
    let (sealed_last, probes) = open_unsealed(storage, &all, encrypted)?;
    let firsts: Vec<Seq> = probes.iter().map(|probe| probe.first).collect();
    let sealed_damage = chain::check_sealed(storage, &all, firsts.first().copied(), encrypted)?;
    let mut findings = Findings {
        durable: sealed_last.unwrap_or_default(),
        ..Findings::default()
    };
    let mut surveys = Vec::with_capacity(probes.len());
    for (index, probe) in probes.into_iter().enumerate() {
        let next_first = firsts.get(index + 1).copied();
        surveys.push(survey(storage, probe, index, next_first, &mut findings));
    }
    let cut = findings
        .cuts
        .iter()
        .find(|cut| cut.seq > findings.durable)
        .copied();
    let plan = Plan {
        sealed_last,
        surveys,
        findings,
        cut,
        sealed_damage,
        nothing_left: firsts.first().map_or(Seq::NONE, |first| first.prev()),
    };
    let last = plan.last_seq();
    if last >= SEQ_LIMIT {
        return Err(LogError::NumbersUsedUp {
            path: storage.path().to_path_buf(),
            last,
        });
    }
    Ok(plan)
}

impl Plan {
    /// The last record that the log will have.
    pub(crate) fn last_seq(&self) -> Seq {
        if let Some(cut) = self.cut.filter(|cut| cut.offset > 0) {
            return cut.seq.prev();
        }
        let kept = self.cut.map_or(self.surveys.len(), |cut| cut.segment);
        let last = self.surveys.iter().take(kept).next_back();
        last.map_or(self.sealed_last.unwrap_or(self.nothing_left), |survey| {
            survey.end.last
        })
    }

    /// What is damaged of that which stays.
    pub(crate) fn damage(&self) -> Vec<Damage> {
        let unsealed = self.findings.damage.iter().filter(|(at, _)| self.keeps(at));
        let unsealed = unsealed.map(|(_, damage)| damage);
        let all = self.sealed_damage.iter().chain(unsealed);
        all.chain(&self.findings.emptied).cloned().collect()
    }

    fn keeps(&self, at: &Cut) -> bool {
        self.cut
            .is_none_or(|cut| (at.segment, at.offset) < (cut.segment, cut.offset))
    }

    /// Makes the log ready to be appended to.
    pub(crate) fn carry_out(
        mut self,
        storage: &Arc<dyn Storage>,
        options: &LogOptions,
    ) -> Result<Recovered, LogError> {
        remove_leftovers(storage)?;
        let (durable, last_seq) = (self.findings.durable, self.last_seq());
        let mut report = Recovery {
            last_seq,
            torn: None,
            damage: self.damage(),
        };
        if self.findings.damage.iter().any(|(at, _)| self.keeps(at)) {
            vouch(storage, &mut self.surveys, self.cut, durable, options)?;
        }
        if let Some(cut) = self.cut {
            report.torn = Some(cut_off(storage, &mut self.surveys, cut, &report.damage)?);
        }
        let ends_in_gap = (self.surveys.last()).is_some_and(|survey| ends_in_gap(survey, &report.damage));
        let segments = self
            .surveys
            .into_iter()
            .map(|survey| reopen(storage, &survey, durable))
            .collect::<Result<_, _>>()?;
        Ok(Recovered {
            segments,
            ends_in_gap,
            report,
        })
    }
}

/// Opens segments from the newest back to the first sealed one. All before that one are sealed too, because segments
/// are sealed in order.
fn open_unsealed(
    storage: &Arc<dyn Storage>,
    firsts: &[Seq],
    encrypted: bool,
) -> Result<(Option<Seq>, Vec<Probe>), LogError> {
    let mut unsealed = Vec::new();
    let mut sealed_last = None;
    for &first in firsts.iter().rev() {
        let probe = Probe::open(storage, first)?;
        probe.expect_encrypted(storage, encrypted)?;
        if let Some(last) = probe.sealed_last() {
            sealed_last = Some(last);
            break;
        }
        probe.window.will_read_all();
        unsealed.push(probe);
    }
    unsealed.reverse();
    Ok((sealed_last, unsealed))
}

#[cfg(test)]
mod tests {
    use timberline_disk::SimDisk;

    use super::*;
    use crate::format::frame::FrameHead;
    use crate::format::frame_writer::FrameWriter;
    use crate::format::segment::{FOOTER_OFFSET, Footer, SEGMENT_HEADER, SegmentHeader, segment_name};
    use crate::{DeviceId, Entry, Log};

    /// The bytes of a segment with one record, which says how far the log was durable then.
    fn segment(first: Seq, durable_lag: u32) -> Vec<u8> {
        let header = SegmentHeader {
            device: DeviceId([7; 16]),
            first,
            created: 0,
            generation: 0,
            squashed: None,
            encrypted: false,
            salvaged: 0,
        };
        let head = FrameHead {
            seq: first,
            time: 0,
            durable_lag,
            kind: 1,
            ends_batch: true,
            encrypted: false,
        };
        let mut bytes = header.encode().to_vec();
        bytes.resize(SEGMENT_HEADER, 0);
        FrameWriter::new(None).frame(head, b"").append_to(&mut bytes);
        bytes.resize(SEGMENT_HEADER * 2, 0);
        bytes
    }

    #[test]
    fn a_log_whose_numbers_are_used_up_is_not_written_to() {
        let open = |first: Seq| {
            let storage = SimDisk::new(1).dir("log");
            storage
                .write_file(&segment_name(first), &segment(first, 0))
                .expect("a file");
            Log::open(storage, LogOptions::default())
        };
        let refused = open(Seq((1 << 63) - 5)).expect_err("no numbers are left");
        assert!(refused.to_string().contains("move that file away"), "{refused}");
        let (log, recovery) = open(SEQ_LIMIT.prev()).expect("numbers are left");
        assert_eq!(recovery.last_seq.next(), SEQ_LIMIT);
        assert_eq!(log.next_seq(), SEQ_LIMIT);
    }

    /// The numbers of all records that can be read.
    fn numbers(log: &Log) -> Vec<u64> {
        let mut records = log.reader().read_from(Seq::FIRST).expect("a log");
        let mut found = Vec::new();
        while let Some(record) = records.next() {
            found.extend(record.ok().map(|record| record.seq.get()));
        }
        found
    }

    #[test]
    fn a_log_is_cut_where_its_file_was_cut_short_before() {
        let storage = SimDisk::new(1).dir("log");
        let mut bytes = segment(Seq(1), 0);
        let footer = Footer {
            sealed: false,
            used: bytes.len() as u64 + 4096,
            last: Seq(2),
            records: 2,
            time: 0,
        };
        bytes[FOOTER_OFFSET..SEGMENT_HEADER].copy_from_slice(&footer.encode());
        let write = |first: u64, bytes: &[u8]| {
            storage
                .write_file(&segment_name(Seq(first)), bytes)
                .expect("a file")
        };
        write(1, &bytes);
        // Nobody says that it was durable, and what lies before it is missing.
        write(9, &segment(Seq(9), u32::MAX));
        let open = || Log::open(Arc::clone(&storage), LogOptions::default()).expect("it opens");
        let (mut log, recovery) = open();
        let torn = recovery.torn.expect("it is cut");
        assert!(torn.offset > bytes.len() as u64, "{torn:?}");
        assert_eq!((recovery.last_seq, numbers(&log)), (Seq(2), vec![1]));
        let entry = Entry {
            kind: 1,
            payload: b"next",
        };
        assert_eq!(log.append(&[entry]).expect("there is room"), Seq(3)..=Seq(3));
        log.close().expect("closes");
        let (log, again) = open();
        assert_eq!(again.torn, None);
        assert_eq!(numbers(&log), [1, 3]);
    }

    #[test]
    fn what_lies_behind_the_last_record_goes_when_the_segments_after_it_go() {
        let storage = SimDisk::new(1).dir("log");
        let mut bytes = segment(Seq(1), 0);
        let end = bytes.len();
        bytes[end - 100..].fill(7);
        let mut next = segment(Seq(2), 0);
        next[..SEGMENT_HEADER + 64].fill(0);
        for (first, bytes) in [(1, &bytes), (2, &next)] {
            storage
                .write_file(&segment_name(Seq(first)), bytes)
                .expect("a file");
        }
        let open = || Log::open(Arc::clone(&storage), LogOptions::default()).expect("it opens");
        let (mut log, recovery) = open();
        assert!(recovery.torn.is_some());
        assert_eq!(numbers(&log), [1]);
        let entry = Entry {
            kind: 1,
            payload: b"next",
        };
        assert_eq!(log.append(&[entry]).expect("there is room"), Seq(2)..=Seq(2));
        log.close().expect("closes");
        let (log, again) = open();
        assert_eq!(again.torn, None);
        assert_eq!(numbers(&log), [1, 2]);
    }

    #[test]
    fn what_is_left_of_durable_records_stays_when_the_segments_after_them_go() {
        let storage = SimDisk::new(1).dir("log");
        let mut bytes = segment(Seq(1), 0);
        let end = bytes.len();
        bytes[end - 100..].fill(7);
        let mut next = segment(Seq(3), 0);
        next[..SEGMENT_HEADER + 64].fill(0);
        // It says that record 2 was durable, and record 3 not yet.
        let newest = segment(Seq(4), 2);
        for (first, bytes) in [(1, &bytes), (3, &next), (4, &newest)] {
            storage
                .write_file(&segment_name(Seq(first)), bytes)
                .expect("a file");
        }
        let (log, recovery) = Log::open(Arc::clone(&storage), LogOptions::default()).expect("it opens");
        assert!(
            recovery.torn.is_some() && !recovery.damage.is_empty(),
            "{recovery:?}"
        );
        log.close().expect("closes");
        let left = storage.read_file(&segment_name(Seq(1))).expect("a file");
        assert_eq!(
            left[end - 100..end],
            [7; 100],
            "what was durable is damage, and stays"
        );
    }
}
