//! Checks that the segments of a log follow one another, by their names, lengths and first 4096 bytes.
//!
//! This happens whenever the log is opened for writing. It takes one small read for each file, however large. It does not
//! verify the checksums of records.

use std::sync::Arc;

use timberline_disk::Storage;

use crate::Seq;
use crate::error::{Damage, LogError};
use crate::format::segment::{
    FOOTER_OFFSET, Footer, HeaderRead, SEGMENT_HEADER, SegmentHeader, segment_name,
};
use crate::read::damage::{damage_of, missing_segment};
use crate::read::probe::Probe;
use crate::read::source::Source;
use crate::read::walk::Step;

/// Checks the segments before the one that begins with `until`, all of which should be sealed. `firsts` are those of all
/// segments, in order.
///
/// # Errors
/// [`LogError::NewerFormat`] if one was written by a newer program.
pub(crate) fn check_sealed(
    storage: &Arc<dyn Storage>,
    firsts: &[Seq],
    until: Option<Seq>,
    encrypted: bool,
) -> Result<Vec<Damage>, LogError> {
    let mut found = Vec::new();
    if let Some(&first) = firsts.first().filter(|&&first| first > Seq::FIRST) {
        found.push(missing_segment(storage, Seq::FIRST, first));
    }
    let sealed = firsts.iter().take_while(|&&first| Some(first) != until);
    for (index, &first) in sealed.enumerate() {
        let next = firsts.get(index + 1).copied();
        let mut probe = match Probe::open(storage, first) {
            Ok(probe) => probe,
            Err(error @ LogError::NewerFormat { .. }) => return Err(error),
            Err(error) => {
                found.push(whole(storage, first, next, error.to_string()));
                continue;
            }
        };
        if let Some(reason) = belongs_elsewhere(&mut probe, encrypted) {
            found.push(whole(storage, first, next, reason));
            continue;
        }
        found.extend(check_one(storage, probe, next));
    }
    Ok(found)
}

/// Why nothing in a file is a part of this log at this place.
fn belongs_elsewhere(probe: &mut Probe, encrypted: bool) -> Option<String> {
    match SegmentHeader::decode(probe.window.at(0, SEGMENT_HEADER)) {
        HeaderRead::Good(header) if header.first != probe.first => Some(format!(
            "the file is the segment {}, under another name",
            segment_name(header.first)
        )),
        HeaderRead::Good(header) if header.encrypted && !encrypted => {
            Some("it is encrypted, and the log is not".to_owned())
        }
        HeaderRead::Good(header) if !header.encrypted && encrypted => {
            Some("it is not encrypted, as all of this log is".to_owned())
        }
        _ => None,
    }
}

fn check_one(storage: &Arc<dyn Storage>, mut probe: Probe, next: Option<Seq>) -> Vec<Damage> {
    let mut found = probe.header_damage(storage);
    let path = storage.path().join(segment_name(probe.first));
    let bookkeeping = |reason: String| Damage {
        path: path.clone(),
        offset: FOOTER_OFFSET as u64,
        bytes: FOOTER_OFFSET as u64,
        lost: None,
        reason,
    };
    // Shorter than it was when it was sealed, or without the footer that says how long it was: only its frames show what it holds. (After a
    // sync of the footer that failed, a power cut can leave it so, and nothing is lost.)
    let length = probe.window.file_len().unwrap_or(0);
    let is_cut = |footer: Footer| length < footer.used;
    if !probe.sealed() || probe.footer().is_some_and(is_cut) {
        found.extend(lost_in(storage, &mut probe, next));
    }
    if let (Some(last), Some(next)) = (probe.sealed_last(), next) {
        if last.next() < next {
            found.push(missing_segment(storage, last.next(), next));
        } else if last.next() > next {
            found.push(bookkeeping(format!(
                "it holds the records up to {last}, but the next segment begins with record {next}"
            )));
        }
    }
    found
}

/// Reads a segment to see which of its records are lost.
fn lost_in(storage: &Arc<dyn Storage>, probe: &mut Probe, next: Option<Seq>) -> Vec<Damage> {
    let (mut walk, bounds) = (probe.walk(), probe.bounds(next, true));
    let mut found = Vec::new();
    loop {
        match walk.step(&mut probe.window, &bounds) {
            Step::Frame(_) => {}
            Step::Gap(gap) => found.push(damage_of(storage, probe.first, &gap)),
            Step::Torn { .. } | Step::End => return found,
        }
    }
}

fn whole(storage: &Arc<dyn Storage>, first: Seq, next: Option<Seq>, reason: String) -> Damage {
    Damage {
        path: storage.path().join(segment_name(first)),
        offset: 0,
        bytes: 0,
        lost: next.map(|next| first..=next.prev()),
        reason,
    }
}
