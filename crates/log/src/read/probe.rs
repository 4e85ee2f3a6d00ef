//! Opens a segment file and reads its header.

use std::sync::Arc;

use timberline_disk::Storage;

use crate::Seq;
use crate::error::{Damage, LogError};
use crate::format::segment::{
    FOOTER_OFFSET, FORMAT_VERSION, Footer, FooterRead, HeaderRead, SEGMENT_HEADER, SegmentHeader,
    segment_name,
};
use crate::read::source::Source;
use crate::read::walk::{Bounds, Walk};
use crate::read::window::Window;

/// How often a footer that does not hold is read again: the writer, in another process, may be writing it just now.
const MARK_ATTEMPTS: usize = 3;

/// A segment opened for reading, with what its header says.
#[derive(Debug)]
pub(crate) struct Probe {
    pub(crate) first: Seq,
    pub(crate) header: Option<SegmentHeader>,
    pub(crate) footer_read: FooterRead,
    pub(crate) window: Window,
}

impl Probe {
    pub(crate) fn open(storage: &Arc<dyn Storage>, first: Seq) -> Result<Self, LogError> {
        let name = segment_name(first);
        let path = storage.path().join(&name);
        let file = storage.open_read(&name).map_err(LogError::io("open", &path))?;
        let mut window = Window::new(file);
        let header = match SegmentHeader::decode(window.at(0, SEGMENT_HEADER)) {
            HeaderRead::Newer(found) => {
                return Err(LogError::NewerFormat {
                    path,
                    found,
                    known: FORMAT_VERSION,
                });
            }
            HeaderRead::Good(header) if header.first == first => Some(header),
            HeaderRead::Good(_) | HeaderRead::Blank | HeaderRead::Damaged => None,
        };
        let mut footer = Footer::decode(window.at(0, SEGMENT_HEADER));
        for _ in 0..MARK_ATTEMPTS {
            if footer != FooterRead::Damaged {
                break;
            }
            window.refresh();
            footer = Footer::decode(window.at(0, SEGMENT_HEADER));
        }
        Ok(Self {
            first,
            header,
            footer_read: footer,
            window,
        })
    }

    /// An encrypted log is so from its first segment to its last: nothing is added in the clear, and nothing in the
    /// clear is taken for ours.
    pub(crate) fn expect_encrypted(
        &self,
        storage: &Arc<dyn Storage>,
        encrypted: bool,
    ) -> Result<(), LogError> {
        let path = || storage.path().join(segment_name(self.first));
        match self.header.map(|header| header.encrypted) {
            Some(true) if !encrypted => Err(LogError::Encrypted { path: path() }),
            Some(false) if encrypted => Err(LogError::NotEncrypted { path: path() }),
            _ => Ok(()),
        }
    }

    pub(crate) fn footer(&self) -> Option<Footer> {
        match self.footer_read {
            FooterRead::Good(footer)
                if footer.used >= SEGMENT_HEADER as u64 && footer.last >= self.first.prev() =>
            {
                Some(footer)
            }
            _ => None,
        }
    }

    pub(crate) fn sealed(&self) -> bool {
        self.sealed_last().is_some()
    }

    pub(crate) fn bounds(&self, next_first: Option<Seq>, deep: bool) -> Bounds {
        let footer = self.footer();
        // Where the footer is damaged, zeroes among the records may be damage, too.
        let footer_is_damaged = footer.is_none() && self.footer_read != FooterRead::Blank;
        Bounds {
            floor: footer.map(|footer| (footer.used, footer.last)),
            sealed: self.sealed(),
            next_first,
            deep: deep || footer_is_damaged,
            squashed: self.squashed().map(|last| (self.first, last)),
        }
    }

    /// The last record of the segment, if only the squashed state of its records is left.
    pub(crate) fn squashed(&self) -> Option<Seq> {
        self.header.and_then(|header| header.squashed)
    }

    /// The last record of the segment, if it is sealed.
    pub(crate) fn sealed_last(&self) -> Option<Seq> {
        self.footer()
            .filter(|footer| footer.sealed)
            .map(|footer| footer.last)
            .or(self.squashed())
    }

    pub(crate) fn walk(&self) -> Walk {
        Walk {
            offset: SEGMENT_HEADER as u64,
            expected: self.first,
        }
    }

    /// What of the header is damaged; no record is lost by it.
    pub(crate) fn header_damage(&self, storage: &Arc<dyn Storage>) -> Vec<Damage> {
        let path = storage.path().join(segment_name(self.first));
        let damage = |offset: usize, reason: &str| Damage {
            path: path.clone(),
            offset: offset as u64,
            bytes: FOOTER_OFFSET as u64,
            lost: None,
            reason: reason.to_owned(),
        };
        let mut found = Vec::new();
        if self.header.is_none() {
            found.push(damage(0, "the segment header does not hold"));
        }
        if self.footer().is_none() && self.footer_read != FooterRead::Blank {
            found.push(damage(FOOTER_OFFSET, "the segment's footer does not hold"));
        }
        found
    }
}

/// The first sequence numbers of all segments, in order.
pub(crate) fn list_segments(storage: &Arc<dyn Storage>) -> Result<Vec<Seq>, LogError> {
    let names = storage.list().map_err(LogError::io("list", storage.path()))?;
    let mut firsts: Vec<Seq> = names
        .iter()
        .filter_map(|name| crate::format::segment::parse_segment_name(name))
        .collect();
    firsts.sort_unstable();
    Ok(firsts)
}
