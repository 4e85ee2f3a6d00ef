//! How often a pass over the log checks whether it is cancelled.

use timberline_cancel::{Cancel, Cancelled};

/// Records between two checks, at most.
const MAX_RECORDS: u32 = 1 << 10;
/// Bytes of payloads between two checks, at most: one record may be as long as a segment.
const MAX_BYTES: usize = 1 << 20;

/// Counts what a pass has read since its last check. Sequence numbers would not do: in a squashed segment all records
/// have the same.
#[derive(Debug)]
pub(crate) struct CancelCheck<'a> {
    cancel: &'a Cancel,
    records: u32,
    bytes: usize,
}

impl<'a> CancelCheck<'a> {
    pub(crate) fn new(cancel: &'a Cancel) -> CancelCheck<'a> {
        CancelCheck {
            cancel,
            // A pass that is already cancelled ends at its first record.
            records: MAX_RECORDS,
            bytes: 0,
        }
    }

    /// Counts a record with so many bytes of payload, or a damaged place with none, and checks the token if it is time.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub(crate) fn after(&mut self, bytes: usize) -> Result<(), Cancelled> {
        self.records += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.records < MAX_RECORDS && self.bytes < MAX_BYTES {
            return Ok(());
        }
        (self.records, self.bytes) = (0, 0);
        self.cancel.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checks(records: usize, bytes: usize) -> u64 {
        let cancel = Cancel::new();
        let mut check = CancelCheck::new(&cancel);
        for _ in 0..records {
            assert_eq!(check.after(bytes), Ok(()));
        }
        cancel.checks()
    }

    #[test]
    fn it_checks_by_records_and_by_bytes() {
        assert_eq!(checks(1, 0), 1);
        assert_eq!(checks(MAX_RECORDS as usize, 0), 1);
        assert_eq!(checks(MAX_RECORDS as usize + 1, 0), 2);
        assert_eq!(checks(3, MAX_BYTES), 3);
        assert_eq!(checks(11, MAX_BYTES / 2), 6);
        let cancel = Cancel::new();
        cancel.cancel();
        assert_eq!(CancelCheck::new(&cancel).after(0), Err(Cancelled));
    }
}
