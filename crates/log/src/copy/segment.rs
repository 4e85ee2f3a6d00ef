//! Copies one segment, or extends the copy of one. Every frame is checked after it was copied.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use timberline_cancel::Cancel;
use timberline_disk::{Storage, WriteRegion};

use crate::Seq;
use crate::copy::check::{CHUNK, CopiedSegment, CopyAction, check_frames, check_to, size};
use crate::error::{Damage, LogError};
use crate::format::frame::frame_size;
use crate::format::segment::{
    FOOTER_OFFSET, Footer, FooterRead, SEGMENT_HEADER, UNNAMED_SUFFIX, segment_name, trimmed_len,
};
use crate::options::system_nanos;
use crate::read::damage::damage_of;
use crate::read::probe::Probe;
use crate::read::reader::LogReader;
use crate::read::source::Source;
use crate::read::walk::Step;
use crate::read::window::Window;
use crate::sync::active::publish_footer;

/// How to copy.
pub(crate) struct How<'a> {
    /// The CRC of a sealed segment that is in the copy already, if it is known.
    pub(crate) known_crc: &'a dyn Fn(&CopiedSegment) -> Option<u32>,
    /// Ends the copying early.
    pub(crate) cancel: &'a Cancel,
}

/// Copies one segment. `next` is the first record of the one after it, if there is one.
///
/// # Errors
/// [`LogError`]; the copy is then as it was before.
pub(crate) fn copy_segment(
    source: &LogReader,
    first: Seq,
    next: Option<Seq>,
    target: &Arc<dyn Storage>,
    how: &How<'_>,
) -> Result<(CopiedSegment, Vec<Damage>), LogError> {
    // Opened once: if the file is replaced meanwhile, this is still the old one, and whole.
    let mut original = Original::open(source, first, next, how)?;
    if let Some(mut kept) = original.is_kept(target)? {
        kept.crc = match (how.known_crc)(&kept) {
            Some(crc) => crc,
            None => crc_of(target, &kept)?,
        };
        return Ok((kept, Vec::new()));
    }
    let copied = match original.extend(target)? {
        Some(extended) => extended,
        None => original.copy(target)?,
    };
    Ok((copied, original.damage))
}

fn crc_of(target: &Arc<dyn Storage>, segment: &CopiedSegment) -> Result<u32, LogError> {
    Ok(check_frames(target, segment.first, segment.used)?.crc)
}

/// The segment to copy, and up to where.
struct Original<'a> {
    how: &'a How<'a>,
    probe: Probe,
    storage: Arc<dyn Storage>,
    path: PathBuf,
    /// The first bytes of the file, as they are.
    head: Vec<u8>,
    /// Whether nothing will be added to it.
    sealed: bool,
    /// The footer of its copy.
    footer: Footer,
    damage: Vec<Damage>,
}

impl<'a> Original<'a> {
    fn open(source: &LogReader, first: Seq, next: Option<Seq>, how: &'a How<'a>) -> Result<Self, LogError> {
        let storage = source.storage();
        let mut probe = Probe::open(storage, first)?;
        let head = probe.window.at(0, SEGMENT_HEADER).to_vec();
        let path = storage.path().join(segment_name(first));
        let mut original = Self {
            how,
            footer: Footer {
                sealed: true,
                used: SEGMENT_HEADER as u64,
                last: first.prev(),
                records: 0,
                time: 0,
            },
            sealed: probe.sealed(),
            damage: probe.header_damage(storage),
            storage: Arc::clone(storage),
            probe,
            path,
            head,
        };
        match original.probe.footer().filter(|footer| footer.sealed) {
            Some(footer) => original.footer = footer,
            None => original.survey(source, next)?,
        }
        Ok(original)
    }

    /// Finds the end of the last whole batch of an unsealed segment.
    fn survey(&mut self, source: &LogReader, next: Option<Seq>) -> Result<(), LogError> {
        let first = self.probe.first;
        self.footer.time = system_nanos();
        // The reader reports a damaged header as well.
        self.damage.clear();
        let mut batch_end = self.footer;
        // Frames, not records: a backup of an encrypted log is made without its key.
        let mut frames = source.frames_from(first)?;
        while let Some(frame) = frames.next_stored() {
            match frame {
                Ok((segment, frame)) if segment == first => {
                    batch_end.used = frame.offset + frame_size(frame.payload) as u64;
                    batch_end.last = frame.head.seq;
                    batch_end.records += 1;
                    if frame.head.ends_batch {
                        self.footer = batch_end;
                    }
                }
                Err(damage) if damage.path == self.path => {
                    if let Some(lost) = &damage.lost {
                        batch_end.used = batch_end.used.max(damage.offset + damage.bytes);
                        batch_end.last = *lost.end();
                        self.footer = batch_end;
                    }
                    self.damage.push(damage);
                }
                Ok(_) | Err(_) => break,
            }
        }
        if let Some(next) = next.filter(|next| *next > first) {
            self.footer.last = self.footer.last.max(next.prev());
        }
        // What readers see need not be on the disk yet. If the power failed now, the copy would have records that the log
        // does not have. The next copy would notice, but this one would not be a copy of the log. A failed sync is
        // ignored: then a copy is needed all the more.
        let _ = self.probe.window.sync();
        // The bytes that were read before may have changed.
        self.probe.window.refresh();
        Ok(())
    }

    fn copied(&self, action: CopyAction, crc: u32, written: u64) -> CopiedSegment {
        CopiedSegment {
            first: self.probe.first,
            last: self.footer.last,
            generation: self.probe.header.map_or(0, |header| header.generation),
            sealed: self.sealed,
            used: self.footer.used,
            crc,
            action,
            written,
        }
    }

    /// Whether the copy has this segment to the last byte.
    fn is_kept(&self, target: &Arc<dyn Storage>) -> Result<Option<CopiedSegment>, LogError> {
        let Some((head, len)) = self.head_of_copy(target)? else {
            return Ok(None);
        };
        let complete = self.sealed && self.probe.header.is_some() && head == self.head;
        let kept = complete && len >= trimmed_len(self.footer.used);
        Ok(kept.then(|| self.copied(CopyAction::Kept, 0, 0)))
    }

    fn head_of_copy(&self, target: &Arc<dyn Storage>) -> Result<Option<(Vec<u8>, u64)>, LogError> {
        let name = segment_name(self.probe.first);
        let path = target.path().join(&name);
        let file = match target.open_read(&name) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LogError::io("open", &path)(error)),
        };
        let mut head = vec![0; SEGMENT_HEADER];
        let count = file.read_at(0, &mut head).map_err(LogError::io("read", &path))?;
        let len = file.len().map_err(LogError::io("look at", &path))?;
        Ok((count == SEGMENT_HEADER).then_some((head, len)))
    }

    /// Adds what the copy does not have yet, if it is a beginning of this segment. `None` if it is not.
    fn extend(&mut self, target: &Arc<dyn Storage>) -> Result<Option<CopiedSegment>, LogError> {
        let Some((head, len)) = self.head_of_copy(target)? else {
            return Ok(None);
        };
        let FooterRead::Good(before) = Footer::decode(&head) else {
            return Ok(None);
        };
        let same_header = head.get(..FOOTER_OFFSET) == self.head.get(..FOOTER_OFFSET);
        if !same_header
            || self.probe.header.is_none()
            || !(SEGMENT_HEADER as u64..=len).contains(&before.used)
        {
            return Ok(None);
        }
        if before.used > self.footer.used {
            return match check_frames(target, self.probe.first, before.used)?.flaw {
                Some(_) => Ok(None),
                None => Err(self.other_history(target)),
            };
        }
        if !self.has_beginning(target, before.used)? {
            return Ok(None);
        }
        if !self.sealed && (before.used, before.last) == (self.footer.used, self.footer.last) {
            let mut kept = self.copied(CopyAction::Kept, 0, 0);
            kept.crc = crc_of(target, &kept)?;
            return Ok(Some(kept));
        }
        let name = segment_name(self.probe.first);
        let path = target.path().join(&name);
        target
            .set_len(&name, trimmed_len(self.footer.used))
            .map_err(LogError::io("lengthen", &path))?;
        let region = target
            .open_write_region(&name)
            .map_err(LogError::io("open", &path))?;
        self.fill(&*region, before.used)?;
        // An interrupted copy may have left something there.
        region
            .zero_from(size(self.footer.used))
            .map_err(LogError::io("write", &path))?;
        let crc = self.check(target, &name)?;
        region
            .sync(size(before.used)..region.len())
            .map_err(LogError::io("sync", &path))?;
        // Last, so that the footer never covers bytes that are not there.
        self.write_footer(&*region);
        region
            .sync(0..SEGMENT_HEADER)
            .map_err(LogError::io("sync", &path))?;
        let written = self.footer.used - before.used;
        let action = if written > 0 {
            CopyAction::Extended
        } else {
            CopyAction::Kept
        };
        Ok(Some(self.copied(action, crc, written)))
    }

    /// Whether the copy's frames up to `used` are those of this segment. Where the segment is damaged, the copy may have
    /// what was there; false if it is the copy that is damaged.
    ///
    /// # Errors
    /// [`LogError::OtherHistory`] if both are whole and not the same.
    fn has_beginning(&mut self, target: &Arc<dyn Storage>, used: u64) -> Result<bool, LogError> {
        if self.differs_only_in(target, used, &[])? {
            return Ok(true);
        }
        if self.sealed {
            self.list_damage();
        }
        let lost: Vec<Range<u64>> = (self.damage.iter())
            .filter(|damage| damage.lost.is_some())
            .map(|damage| damage.offset..damage.offset + damage.bytes)
            .collect();
        if !lost.is_empty() && self.differs_only_in(target, used, &lost)? {
            // What is lost here is whole in the copy.
            self.damage.retain(|damage| damage.offset >= used);
            return Ok(true);
        }
        let copy_is_damaged = check_frames(target, self.probe.first, used)?.flaw.is_some();
        match copy_is_damaged && lost.is_empty() {
            true => Ok(false),
            false => Err(self.other_history(target)),
        }
    }

    /// Whether the copy's bytes up to `used` are the same as here, but for these ranges.
    fn differs_only_in(
        &mut self,
        target: &Arc<dyn Storage>,
        used: u64,
        lost: &[Range<u64>],
    ) -> Result<bool, LogError> {
        let name = segment_name(self.probe.first);
        let copy = target
            .open_read(&name)
            .map_err(LogError::io("open", target.path().join(&name)))?;
        let mut same = true;
        let mut copied = Vec::new();
        self.pieces(SEGMENT_HEADER as u64, used, &mut |at, piece| {
            copied.clear();
            copied.resize(piece.len(), 0);
            // What cannot be read in the copy differs.
            let is_read = copy.read_at(at as u64, &mut copied).is_ok();
            same = same
                && is_read
                && (copied == piece
                    || (at as u64..)
                        .zip(copied.iter().zip(piece))
                        .all(|(at, (a, b))| a == b || lost.iter().any(|range| range.contains(&at))));
        })?;
        Ok(same)
    }

    fn other_history(&self, target: &Arc<dyn Storage>) -> LogError {
        LogError::OtherHistory {
            path: target.path().join(segment_name(self.probe.first)),
        }
    }

    /// Copies all of it under another name, and renames that when it is complete and durable.
    fn copy(&mut self, target: &Arc<dyn Storage>) -> Result<CopiedSegment, LogError> {
        let name = segment_name(self.probe.first);
        let unnamed = format!("{name}{UNNAMED_SUFFIX}");
        let path = target.path().join(&name);
        let region = target
            .create_region(&unnamed, trimmed_len(self.footer.used))
            .map_err(LogError::io("make", &path))?;
        let head = self.head.get(..FOOTER_OFFSET).unwrap_or_default().to_vec();
        region.write(0, &head);
        self.fill(&*region, SEGMENT_HEADER as u64)?;
        self.write_footer(&*region);
        let crc = self.check(target, &unnamed)?;
        region
            .sync(0..region.len())
            .map_err(LogError::io("sync", &path))?;
        target
            .rename(&unnamed, &name)
            .map_err(LogError::io("name", &path))?;
        target.sync_dir().map_err(LogError::io("sync", target.path()))?;
        Ok(self.copied(CopyAction::Copied, crc, self.footer.used))
    }

    fn fill(&mut self, region: &dyn WriteRegion, from: u64) -> Result<(), LogError> {
        let used = self.footer.used;
        self.pieces(from, used, &mut |at, piece| region.write(at, piece))
    }

    /// Hands over the bytes of a range, piece by piece.
    fn pieces(&mut self, from: u64, to: u64, take: &mut dyn FnMut(usize, &[u8])) -> Result<(), LogError> {
        let mut at = from;
        while at < to {
            self.how.cancel.check().map_err(|_| LogError::Stopped {
                path: self.path.clone(),
            })?;
            let want = CHUNK.min(size(to - at));
            let piece = self.probe.window.at(at, want);
            if piece.is_empty() {
                let cut = io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the file is shorter than its footer says",
                );
                return Err(LogError::io("read", &self.path)(cut));
            }
            take(size(at), piece);
            at += piece.len() as u64;
        }
        Ok(())
    }

    /// As it is in the original, if that is sealed.
    fn write_footer(&self, region: &dyn WriteRegion) {
        let encoded = self.footer.encode();
        let block = if self.sealed {
            (self.head.get(FOOTER_OFFSET..))
                .and_then(<[u8]>::first_chunk)
                .unwrap_or(&encoded)
        } else {
            &encoded
        };
        publish_footer(region, block);
    }

    /// Checks every frame of the copy; gives the CRC of them all. What does not hold there is looked up in the original
    /// and reported.
    fn check(&mut self, target: &Arc<dyn Storage>, name: &str) -> Result<u32, LogError> {
        let copy = target
            .open_read(name)
            .map_err(LogError::io("open", target.path().join(name)))?;
        let checked = check_to(&mut Window::new(copy), self.footer.used);
        let known = |damage: &[Damage]| damage.iter().any(|damage| damage.lost.is_some());
        if let Some(at) = checked.flaw.filter(|_| !known(&self.damage)) {
            self.list_damage();
            if !known(&self.damage) {
                let flaw = io::Error::other(format!(
                    "what was copied from byte {at} does not hold, but now it does: check memory and disk, then try again"
                ));
                return Err(LogError::io("copy", &self.path)(flaw));
            }
        }
        Ok(checked.crc)
    }

    /// Walks along the frames of a sealed segment in which something is damaged.
    fn list_damage(&mut self) {
        self.probe.window.refresh();
        let bounds = self.probe.bounds(None, false);
        let mut walk = self.probe.walk();
        loop {
            match walk.step(&mut self.probe.window, &bounds) {
                Step::Frame(_) => {}
                Step::Gap(gap) => self.damage.push(damage_of(&self.storage, self.probe.first, &gap)),
                Step::Torn { .. } | Step::End => return,
            }
        }
    }
}
