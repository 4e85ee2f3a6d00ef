//! Records one after another, across segments.

mod end;

use timberline_disk::Cipher;

use crate::error::{Damage, LogError};
use crate::format::frame::{FRAME_HEADER, frame_size};
use crate::format::segment::segment_name;
use crate::read::damage::missing_segment;
use crate::read::probe::{Probe, list_segments};
use crate::read::reader::LogReader;
use crate::read::walk::{Bounds, FrameAt, Step, Walk};
use crate::{Position, Seq};

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
    /// Whether it is none that was ever appended, but belongs to the squashed state of its segment. All records of such
    /// a segment carry the sequence number of the last record that they stand for.
    pub squashed: bool,
}

impl Record<'_> {
    /// The bytes it takes up in its segment, header and padding included.
    #[must_use]
    pub fn size(&self) -> u64 {
        let overhead = if self.encrypted { Cipher::OVERHEAD } else { 0 };
        frame_size(self.payload.len() + overhead) as u64
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
    /// Begins at a record, or at the oldest one there is. A wrong hint costs time, never an answer.
    pub(crate) fn begin(reader: &LogReader, seq: Seq, hint: Option<Position>) -> Result<Records, LogError> {
        let mut records = Records {
            reader: reader.clone(),
            from: seq.max(Seq::FIRST),
            least: Seq::NONE,
            current: None,
            whole_to: Seq::NONE,
            durable_to: Seq::NONE,
            notices: Vec::new(),
            plain: Vec::new(),
        };
        let firsts = list_segments(reader.storage())?;
        if let Some(first) = records.first_to_read(&firsts) {
            records.enter(first, &firsts)?;
            records.take_hint(hint);
        }
        Ok(records)
    }

    /// Fails if the payloads of the segment that is read first cannot be read with this key, or without one.
    pub(crate) fn expect_encrypted(&self) -> Result<(), LogError> {
        match &self.current {
            Some(current) => current
                .probe
                .expect_encrypted(self.reader.storage(), self.reader.cipher().is_some()),
            None => Ok(()),
        }
    }

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
        let opened = match (self.reader.cipher(), head.encrypted) {
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
            squashed: probe.squashed().is_some(),
        }))
    }

    fn undecipherable(&self, segment: Seq, frame: &FrameAt, reason: String) -> Damage {
        Damage {
            path: self.reader.path().join(segment_name(segment)),
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
    pub(crate) fn next_frame(&mut self) -> Option<Result<FrameAt, Damage>> {
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
        let probe = Probe::open(self.reader.storage(), first)?;
        let bounds = probe.bounds(following(firsts, first), self.reader.is_deep());
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
                .extend(current.probe.header_damage(self.reader.storage()));
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
        let firsts = match list_segments(self.reader.storage()) {
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
        let Ok(firsts) = list_segments(self.reader.storage()) else {
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
            return Advance::Damage(missing_segment(self.reader.storage(), expected, next));
        }
        Advance::Again
    }

    fn unreadable(&self, first: Seq, next: Option<Seq>, error: &LogError) -> Damage {
        Damage {
            path: self.reader.path().join(segment_name(first)),
            offset: 0,
            bytes: 0,
            lost: next.map(|next| first..=next.prev()),
            reason: error.to_string(),
        }
    }
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
    pub(crate) fn of(records: Records) -> Self {
        Self { records }
    }

    /// The next record if there is one by now. Does not wait.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<Result<Record<'_>, Damage>> {
        self.records.next()
    }
}
