//! Reading a log, also while another process writes it.
//!
//! Readers copy with `pread` instead of mapping. The copy costs little, because a log is read front to back, and it makes
//! reading safe: a bad sector is an error and not a SIGBUS. The writer, in another process, may cut the unused end off a
//! file that is being read.

use std::path::Path;
use std::sync::Arc;

use timberline_disk::{Cipher, Pinned, Storage};

use crate::error::{Damage, LogError};
use crate::format::frame::{FRAME_HEADER, kind_in_header};
use crate::read::probe::{Probe, list_segments};
use crate::read::records::{Records, Tail};
use crate::read::segment_info::{SegmentInfo, segment_info};
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

    pub(crate) fn is_deep(&self) -> bool {
        self.deep
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
            let mut records = self.frames_from(first)?;
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
            .map(|first| segment_info(&self.storage, first))
            .collect()
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
        shallow.opened_records(seq, None).map(Tail::of)
    }

    /// Records whose payloads can be read. If they cannot, that is an error here, not one per record.
    fn opened_records(&self, seq: Seq, hint: Option<Position>) -> Result<Records, LogError> {
        let records = Records::begin(self, seq, hint)?;
        records.expect_encrypted()?;
        Ok(records)
    }

    /// Frames from a record on, payloads as they are stored. Needs no key: checksums and batches are in the clear.
    pub(crate) fn frames_from(&self, seq: Seq) -> Result<Records, LogError> {
        Records::begin(self, seq, None)
    }
}
