//! Reading a log, also while another process writes it.
//!
//! Readers copy with `pread` instead of mapping. The copy costs little, because a log is read front to back, and it makes
//! reading safe: a bad sector is an error and not a SIGBUS. The writer, in another process, may cut the unused end off a
//! file that is being read.

use std::path::Path;
use std::sync::Arc;

use timberline_disk::{Cipher, Pinned, Storage};

use crate::error::{Damage, LogError};
use crate::format::frame::{FRAME_HEADER, frame_size, kind_in_header};
use crate::format::segment::segment_name;
use crate::read::damage::{damage_of, missing_segment};
use crate::read::probe::{Probe, list_segments};
use crate::read::scan::{Bounds, FrameAt, Gap, Step, Walk};
use crate::{DeviceId, Position, Seq};

/// A log opened for reading. Takes no lock and changes nothing.
#[derive(Clone, Debug)]
pub struct LogReader {
    storage: Arc<dyn Storage>,
    /// Whether to look beyond the apparent end of the log. Not needed where recovery has done so.
    deep: bool,
    /// What encrypted payloads are decrypted with.
    cipher: Option<Arc<Cipher>>,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its sequence number.
    pub seq: Seq,
    /// When it was appended: nanoseconds since 1970.
    pub time: i64,
    /// Its kind.
    pub kind: u8,
    /// Its bytes; decrypted, if they are encrypted in the log.
    pub payload: &'a [u8],
    /// Where it lies: the segment (the name of its file is [`segment_name`] of it) and the
    /// offset in its file.
    pub position: Position,
    /// Whether its batch ends with it. (After damage the rest of a batch may come without its beginning.)
    pub ends_batch: bool,
    /// The newest record that was known to be durable when this one was written.
    pub durable: Seq,
    /// Whether its payload is encrypted in the log.
    pub encrypted: bool,
}

impl Record<'_> {
    /// The bytes it takes up in its segment, header and padding included.
    #[must_use]
    pub fn size(&self) -> u64 {
        let overhead = if self.encrypted { Cipher::OVERHEAD } else { 0 };
        frame_size(self.payload.len() + overhead) as u64
    }
}

/// One file of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentInfo {
    /// Its name in the log's directory.
    pub file: String,
    /// The first sequence number in it.
    pub first: Seq,
    /// The last one, if it is sealed.
    pub last: Option<Seq>,
    /// The bytes used, if it is sealed.
    pub used: Option<u64>,
    /// The newest record that the segment itself says is durable: it was sealed or closed with it.
    pub durable: Option<Seq>,
    /// The device that wrote it; `None` if its header is damaged.
    pub device: Option<DeviceId>,
    /// When it was made (nanoseconds since 1970); `None` if its header is damaged.
    pub created: Option<i64>,
    /// When it was sealed, if it is; of a squashed one, when the newest record it stands for was written. Nanoseconds
    /// since 1970.
    pub sealed: Option<i64>,
    /// How often it was rewritten: two sealed segments of one log with the same first record and generation have the
    /// same bytes.
    pub generation: u32,
    /// Whether only the squashed state of its records is left.
    pub squashed: bool,
    /// Whether the payloads of its records are encrypted.
    pub encrypted: bool,
    /// When it was written from what was left of a damaged segment: nanoseconds since 1970; 0: never. Of two segments
    /// with the same first record that differ in this, neither replaces the other: what one has lost the other may have.
    pub salvaged: i64,
}

impl LogReader {
    /// Opens a log for reading. An empty directory is an empty log.
    ///
    /// # Errors
    /// [`LogError::Io`] if the directory cannot be listed.
    pub fn open(storage: Arc<dyn Storage>) -> Result<Self, LogError> {
        list_segments(&storage)?;
        Ok(Self {
            storage,
            deep: true,
            cipher: None,
        })
    }

    /// The same reader with what payloads were encrypted with; `None` for a log that is not encrypted.
    #[must_use]
    pub fn with_cipher(self, cipher: Option<Arc<Cipher>>) -> Self {
        Self { cipher, ..self }
    }

    /// The same reader, held to the segments that are there now: it goes on reading them when others take their places
    /// (something is erased from the log, or a part of it squashed). It sees what is appended. Keeps a file open for each
    /// segment, up to 512.
    ///
    /// # Errors
    /// As [`segments`](Self::segments).
    pub fn pinned(self) -> Result<Self, LogError> {
        let pinned = Pinned::new(self.storage.clone());
        self.pinned_to(pinned)
    }

    /// The same for a copy of a log, which does not grow like a log does: a segment that is replaced by a longer version
    /// stays as it was, and so whatever comes after that is not seen.
    ///
    /// # Errors
    /// As [`segments`](Self::segments).
    pub fn pinned_copy(self) -> Result<Self, LogError> {
        let storage = self.storage.clone();
        let pinned = Pinned::with_names_of_now(storage).map_err(LogError::io("list", self.path()))?;
        self.pinned_to(pinned)
    }

    fn pinned_to(mut self, pinned: Pinned) -> Result<Self, LogError> {
        self.storage = Arc::new(pinned);
        // This opens each of them, oldest first. Segments are replaced from the newest to the oldest, so no record
        // refers to something that is erased already from what is opened here.
        self.segments()?;
        Ok(self)
    }

    pub(crate) fn cipher(&self) -> Option<&Arc<Cipher>> {
        self.cipher.as_ref()
    }

    pub(crate) fn of_open_log(storage: Arc<dyn Storage>, cipher: Option<Arc<Cipher>>) -> Self {
        Self {
            storage,
            deep: false,
            cipher,
        }
    }

    pub(crate) fn storage(&self) -> &Arc<dyn Storage> {
        &self.storage
    }

    /// Where the log is; for messages.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.storage.path()
    }

    /// The newest record as of now; [`Seq::NONE`] if there is none. Reads the last segment, and those before it only
    /// while they turn out to be empty. Needs no key.
    ///
    /// # Errors
    /// [`LogError::Io`] if a file cannot be opened, [`LogError::NewerFormat`] if it is from a newer program.
    pub fn newest(&self) -> Result<Seq, LogError> {
        for first in list_segments(&self.storage)?.into_iter().rev() {
            let mut records = self.records(first, None)?;
            let mut newest = Seq::NONE;
            while let Some(frame) = records.next_frame() {
                newest = frame.map_or(newest, |frame| frame.head.seq);
            }
            if newest != Seq::NONE {
                return Ok(newest);
            }
        }
        Ok(Seq::NONE)
    }

    /// The device that wrote the newest segment; `None` if there is none, or its header is damaged.
    ///
    /// # Errors
    /// [`LogError::Io`] if it cannot be read, [`LogError::NewerFormat`] if it is from a newer program.
    pub fn newest_device(&self) -> Result<Option<DeviceId>, LogError> {
        let Some(&newest) = list_segments(&self.storage)?.last() else {
            return Ok(None);
        };
        let probe = Probe::open(&self.storage, newest)?;
        Ok(probe.header.map(|header| header.device))
    }

    /// The files of the log, oldest first. Reads the header of each.
    ///
    /// # Errors
    /// [`LogError::Io`] if one cannot be read, [`LogError::NewerFormat`] if one is from a newer program.
    pub fn segments(&self) -> Result<Vec<SegmentInfo>, LogError> {
        list_segments(&self.storage)?
            .into_iter()
            .map(|first| self.segment_info(first))
            .collect()
    }

    fn segment_info(&self, first: Seq) -> Result<SegmentInfo, LogError> {
        let probe = Probe::open(&self.storage, first)?;
        let seal = probe.footer().filter(|footer| footer.sealed);
        Ok(SegmentInfo {
            file: segment_name(first),
            first,
            last: probe.sealed_last(),
            used: seal.map(|footer| footer.used),
            durable: probe.footer().map(|footer| footer.last),
            device: probe.header.map(|header| header.device),
            created: probe.header.map(|header| header.created),
            sealed: seal.map(|footer| footer.time),
            generation: probe.header.map_or(0, |header| header.generation),
            squashed: probe.squashed().is_some(),
            encrypted: probe.header.is_some_and(|header| header.encrypted),
            salvaged: probe.header.map_or(0, |header| header.salvaged),
        })
    }

    /// The kind of a lost record, if the damage left its header readable. Sixteen bits of checksum say that it did: enough
    /// for a hint, not for data.
    pub fn kind_of_lost(&self, damage: &Damage) -> Option<u8> {
        let lost = damage.lost.as_ref().filter(|lost| lost.start() == lost.end())?;
        let file = damage.path.file_name()?.to_str()?;
        let mut header = [0; FRAME_HEADER];
        let read = self
            .storage
            .open_read(file)
            .ok()?
            .read_at(damage.offset, &mut header);
        let whole = read.is_ok_and(|bytes| bytes == FRAME_HEADER);
        kind_in_header(&header, *lost.start()).filter(|_| whole)
    }

    /// Reads from a record on (or from the oldest one there is) to the end of the log as of now.
    ///
    /// # Errors
    /// [`LogError::Io`] if a file cannot be opened, [`LogError::NewerFormat`] if it is from a newer program,
    /// [`LogError::Encrypted`] if there is no key for it, [`LogError::NotEncrypted`] if there is one and should be none.
    pub fn read_from(&self, seq: Seq) -> Result<Records, LogError> {
        self.opened_records(seq, None)
    }

    /// [`read_from`](Self::read_from) with a hint where the record lies, as [`Log::position`](crate::Log::position)
    /// reported when it was the next to be appended. A wrong hint costs time, never an answer.
    ///
    /// # Errors
    /// As [`read_from`](Self::read_from).
    pub fn read_from_hint(&self, seq: Seq, hint: Position) -> Result<Records, LogError> {
        self.opened_records(seq, Some(hint))
    }

    /// Follows the log from a record on, as it grows.
    ///
    /// # Errors
    /// As [`read_from`](Self::read_from).
    pub fn tail(&self, seq: Seq) -> Result<Tail, LogError> {
        let shallow = Self {
            deep: false,
            ..self.clone()
        };
        Ok(Tail {
            records: shallow.opened_records(seq, None)?,
        })
    }

    /// Records whose payloads can be read. If they cannot, that is an error here, not one per record.
    fn opened_records(&self, seq: Seq, hint: Option<Position>) -> Result<Records, LogError> {
        let records = self.records(seq, hint)?;
        if let Some(current) = &records.current {
            current
                .probe
                .expect_encrypted(&self.storage, self.cipher.is_some())?;
        }
        Ok(records)
    }

    /// Frames from a record on, payloads as they are stored. Needs no key: checksums and batches are in the clear.
    pub(crate) fn frames_from(&self, seq: Seq) -> Result<Records, LogError> {
        self.records(seq, None)
    }

    fn records(&self, seq: Seq, hint: Option<Position>) -> Result<Records, LogError> {
        let mut records = Records {
            reader: self.clone(),
            from: seq.max(Seq::FIRST),
            least: Seq::NONE,
            current: None,
            whole_to: Seq::NONE,
            durable_to: Seq::NONE,
            notices: Vec::new(),
            plain: Vec::new(),
        };
        let firsts = list_segments(&self.storage)?;
        if let Some(first) = records.first_to_read(&firsts) {
            records.enter(first, &firsts)?;
            records.take_hint(hint);
        }
        Ok(records)
    }
}

/// The segment that is being read.
#[derive(Debug)]
struct Current {
    probe: Probe,
    bounds: Bounds,
    walk: Walk,
}

/// Records one after another, from [`LogReader::read_from`].
///
/// Not an `Iterator`, because a record borrows the buffer that the next one overwrites:
/// `while let Some(record) = records.next() { ... }`.
#[derive(Debug)]
pub struct Records {
    reader: LogReader,
    /// Records before this one are passed over.
    from: Seq,
    /// Segments before this one are done with.
    least: Seq,
    current: Option<Current>,
    /// Up to here, records are known to belong to whole batches.
    whole_to: Seq,
    /// Up to here, records are known to have been durable.
    durable_to: Seq,
    /// Damage to report before reading on.
    notices: Vec<Damage>,
    /// The payload of the newest record, if it was encrypted.
    plain: Vec<u8>,
}

/// What one attempt to read on has come to.
enum Advance {
    Record(FrameAt),
    Damage(Damage),
    Again,
    End,
}

impl Records {
    /// The next record; `None` at the end of the log as of now (a later call sees what has been appended since). An
    /// error stands for records that are damaged, or cannot be decrypted; reading goes on after them.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<Record<'_>, Damage>> {
        let frame = match self.next_frame()? {
            Ok(frame) => frame,
            Err(damage) => return Some(Err(damage)),
        };
        let Current { probe, .. } = self.current.as_ref()?;
        let stored = probe
            .window
            .buffered(frame.offset + FRAME_HEADER as u64, frame.payload)?;
        let head = frame.head;
        let opened = match (&self.reader.cipher, head.encrypted) {
            (None, false) => Ok(stored),
            (Some(cipher), true) => head
                .decrypt(cipher, stored, &mut self.plain)
                .map(|()| self.plain.as_slice())
                .map_err(|why| why.to_string()),
            (None, true) => Err("it is encrypted, and there is no key".to_owned()),
            // Who can write to the disk but has no key must not be able to add records.
            (Some(_), false) => Err("it is not encrypted, as all of this log is".to_owned()),
        };
        let payload = match opened {
            Ok(payload) => payload,
            Err(reason) => return Some(Err(self.undecipherable(probe.first, &frame, reason))),
        };
        Some(Ok(Record {
            seq: head.seq,
            time: head.time,
            kind: head.kind,
            payload,
            position: Position {
                segment: probe.first,
                offset: frame.offset,
            },
            ends_batch: head.ends_batch,
            durable: head.durable_mark(),
            encrypted: head.encrypted,
        }))
    }

    fn undecipherable(&self, segment: Seq, frame: &FrameAt, reason: String) -> Damage {
        Damage {
            path: self.reader.storage.path().join(segment_name(segment)),
            offset: frame.offset,
            bytes: frame_size(frame.payload) as u64,
            lost: Some(frame.head.seq..=frame.head.seq),
            reason,
        }
    }

    /// The next frame of a whole batch, and the segment it lies in.
    pub(crate) fn next_stored(&mut self) -> Option<Result<(Seq, FrameAt), Damage>> {
        let frame = match self.next_frame()? {
            Ok(frame) => frame,
            Err(damage) => return Some(Err(damage)),
        };
        let segment = self.current.as_ref()?.probe.first;
        Some(Ok((segment, frame)))
    }

    /// The next frame, whose payload is then in the window of the current segment.
    fn next_frame(&mut self) -> Option<Result<FrameAt, Damage>> {
        loop {
            if let Some(notice) = self.notices.pop() {
                return Some(Err(notice));
            }
            match self.advance() {
                Advance::End => return None,
                // Damage to what was not asked for is not reported.
                Advance::Damage(damage)
                    if damage.lost.as_ref().is_none_or(|lost| *lost.end() >= self.from) =>
                {
                    return Some(Err(damage));
                }
                Advance::Record(frame) if frame.head.seq >= self.from => return Some(Ok(frame)),
                Advance::Damage(_) | Advance::Record(_) | Advance::Again => {}
            }
        }
    }

    /// The segment to begin with: the last one that begins at or before the record asked for, or the oldest.
    fn first_to_read(&self, firsts: &[Seq]) -> Option<Seq> {
        let left = firsts.iter().filter(|&&first| first >= self.least);
        left.clone()
            .rfind(|&&first| first <= self.from)
            .or_else(|| left.clone().next())
            .copied()
    }

    /// Opens a segment; says whether it belongs to the log. A segment without a header to which no durable mark refers is
    /// what a power cut has left of one that was just being made; recovery will remove it.
    fn enter(&mut self, first: Seq, firsts: &[Seq]) -> Result<bool, LogError> {
        // Should opening fail, this one is not tried again.
        self.least = first.next();
        let probe = Probe::open(&self.reader.storage, first)?;
        let bounds = probe.bounds(following(firsts, first), self.reader.deep);
        let walk = probe.walk();
        let left = self.current.replace(Current { probe, bounds, walk });
        let headless = self
            .current
            .as_ref()
            .is_some_and(|current| current.probe.header.is_none());
        if headless && !self.was_durable(first, walk) {
            self.least = first;
            self.current = left;
            return Ok(false);
        }
        if let Some(current) = &self.current {
            self.notices
                .extend(current.probe.header_damage(&self.reader.storage));
        }
        Ok(true)
    }

    /// Begins at the hint, if the record looked for is there.
    fn take_hint(&mut self, hint: Option<Position>) {
        let (Some(current), Some(hint)) = (self.current.as_mut(), hint) else {
            return;
        };
        if hint.segment != current.probe.first
            || !hint.offset.is_multiple_of(8)
            || current.probe.squashed().is_some()
        {
            return;
        }
        let hinted = Walk {
            offset: hint.offset,
            expected: self.from,
        };
        let mut trial = hinted;
        if matches!(trial.step(&mut current.probe.window, &Bounds::default()), Step::Frame(frame) if frame.offset == hint.offset)
        {
            current.walk = hinted;
        }
    }

    fn advance(&mut self) -> Advance {
        let Some(current) = self.current.as_mut() else {
            return self.open_segment();
        };
        let before = current.walk;
        match current.walk.step(&mut current.probe.window, &current.bounds) {
            Step::Frame(frame) if frame.head.ends_batch || frame.head.seq <= self.whole_to => {
                Advance::Record(frame)
            }
            Step::Frame(frame) => self.look_for_batch_end(before, frame),
            Step::Gap(gap) => self.judge(before, &gap),
            Step::Torn { .. } => Advance::End,
            Step::End => {
                // It was looked beyond this end once; what comes after it from now on is being appended.
                current.bounds.deep = false;
                self.turn_over()
            }
        }
    }

    /// Finds a segment to read when none is open.
    fn open_segment(&mut self) -> Advance {
        let firsts = match list_segments(&self.reader.storage) {
            Ok(firsts) => firsts,
            Err(error) => return Advance::Damage(self.unreadable(self.least, None, &error)),
        };
        let Some(first) = self.first_to_read(&firsts) else {
            return Advance::End;
        };
        match self.enter(first, &firsts) {
            Ok(true) => Advance::Again,
            Ok(false) => Advance::End,
            Err(error) => Advance::Damage(self.unreadable(first, following(&firsts, first), &error)),
        }
    }

    /// At the end of a segment: goes to the next one, if there is one and everything before it has been read.
    fn turn_over(&mut self) -> Advance {
        let Some(current) = self.current.as_mut() else {
            return Advance::Again;
        };
        let Ok(firsts) = list_segments(&self.reader.storage) else {
            return Advance::End;
        };
        let Some(next) = following(&firsts, current.probe.first) else {
            return Advance::End;
        };
        if current.bounds.next_first != Some(next) {
            // It was rolled while we read: what had been appended before is to be read first. And it may have been
            // sealed, so that its end is now known.
            current.bounds.next_first = Some(next);
            return Advance::Again;
        }
        let expected = current.walk.expected;
        match self.enter(next, &firsts) {
            Ok(true) => {}
            Ok(false) => return Advance::End,
            Err(error) => {
                self.current = None;
                return Advance::Damage(self.unreadable(next, following(&firsts, next), &error));
            }
        }
        if expected < next {
            return Advance::Damage(missing_segment(&self.reader.storage, expected, next));
        }
        Advance::Again
    }

    fn unreadable(&self, first: Seq, next: Option<Seq>, error: &LogError) -> Damage {
        Damage {
            path: self.reader.storage.path().join(segment_name(first)),
            offset: 0,
            bytes: 0,
            lost: next.map(|next| first..=next.prev()),
            reason: error.to_string(),
        }
    }

    /// A batch has begun. Where the log may end in its middle (a power cut, and nobody has recovered it yet), it is
    /// only served if its end is there.
    fn look_for_batch_end(&mut self, before: Walk, begins: FrameAt) -> Advance {
        let Some(current) = self.current.as_mut() else {
            return Advance::Again;
        };
        let durable = current
            .bounds
            .floor
            .map_or(Seq::NONE, |(_, last)| last)
            .max(self.durable_to);
        if current.bounds.sealed || begins.head.seq <= durable {
            return Advance::Record(begins);
        }
        let mut ahead = current.walk;
        loop {
            match ahead.step(&mut current.probe.window, &current.bounds) {
                Step::Frame(frame) if !frame.head.ends_batch => {}
                Step::Frame(frame) => {
                    self.whole_to = frame.head.seq;
                    // Looking ahead has moved the window; read this record once more.
                    current.walk = before;
                    return Advance::Again;
                }
                Step::Gap(gap) => {
                    let (lost, after) = (*gap.lost.start(), ahead);
                    if gap.may_be_torn && !self.was_durable(lost, after) {
                        return self.stop_at(before);
                    }
                    self.whole_to = lost.prev();
                    return self.resume(before);
                }
                Step::Torn { .. } | Step::End => {
                    let last = ahead.expected.prev();
                    // Recovery does not cut what a footer or durable mark says was durable, so it is served before, too.
                    if !self.was_durable(begins.head.seq, before) {
                        return self.stop_at(before);
                    }
                    self.whole_to = last;
                    return self.resume(before);
                }
            }
        }
    }

    /// A gap is damage if what is lost had been durable, or is seen to have been written; otherwise it is the torn end of
    /// the log.
    fn judge(&mut self, before: Walk, gap: &Gap) -> Advance {
        let Some(current) = self.current.as_ref() else {
            return Advance::Again;
        };
        let (segment, after) = (current.probe.first, current.walk);
        if !gap.may_be_torn || self.was_durable(*gap.lost.start(), after) {
            return Advance::Damage(damage_of(&self.reader.storage, segment, gap));
        }
        self.stop_at(before)
    }

    fn stop_at(&mut self, walk: Walk) -> Advance {
        let _ = self.resume(walk);
        Advance::End
    }

    fn resume(&mut self, walk: Walk) -> Advance {
        if let Some(current) = self.current.as_mut() {
            current.walk = walk;
        }
        Advance::Again
    }

    /// Whether some later mark says that a record was durable.
    fn was_durable(&mut self, lost: Seq, after: Walk) -> bool {
        let Some(current) = self.current.as_mut() else {
            return false;
        };
        let floor = current.bounds.floor.map_or(Seq::NONE, |(_, last)| last);
        if current.bounds.sealed || lost <= floor.max(self.durable_to) {
            return true;
        }
        let mut newest = newest_mark(&mut current.probe, after, &current.bounds, lost);
        let here = current.probe.first;
        for first in list_segments(&self.reader.storage)
            .unwrap_or_default()
            .into_iter()
            .filter(|&first| first > here)
        {
            if newest >= lost {
                break;
            }
            let Ok(mut probe) = Probe::open(&self.reader.storage, first) else {
                continue;
            };
            let (walk, bounds) = (probe.walk(), probe.bounds(None, false));
            newest = newest.max(newest_mark(&mut probe, walk, &bounds, lost));
        }
        self.durable_to = self.durable_to.max(newest);
        newest >= lost
    }
}

/// The newest durable mark in a segment from a place on; stops at the first that reaches `enough`.
fn newest_mark(probe: &mut Probe, mut walk: Walk, bounds: &Bounds, enough: Seq) -> Seq {
    let mut newest = bounds.floor.map_or(Seq::NONE, |(_, last)| last);
    while newest < enough {
        match walk.step(&mut probe.window, bounds) {
            Step::Frame(frame) => newest = newest.max(frame.head.durable_mark()),
            Step::Gap(_) => {}
            Step::Torn { .. } | Step::End => break,
        }
    }
    newest
}

fn following(firsts: &[Seq], first: Seq) -> Option<Seq> {
    firsts.iter().copied().find(|&other| other > first)
}

/// Follows a log as it grows, in this process or another: [`LogReader::tail`].
///
/// Sees records as soon as they are appended, which is before they are durable: after a power cut the newest may
/// never have been.
#[derive(Debug)]
pub struct Tail {
    records: Records,
}

impl Tail {
    /// The next record if there is one by now. Does not wait.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<Record<'_>, Damage>> {
        self.records.next()
    }
}
