//! How often a pass over the log asks whether to go on.

use crate::history::HistoryError;

/// Records between two questions, at most.
const RECORDS: u32 = 1 << 10;
/// Bytes of payloads between two questions, at most: one record may be as long as a segment.
const BYTES: usize = 1 << 20;

/// Counts what a pass has read since it last asked. Sequence numbers would not do: in a squashed segment all records
/// have the same.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    records: u32,
    bytes: usize,
}

impl Asking {
    /// Notes a record with so many bytes of payload, or a damaged place with none, and asks if it is time to.
    ///
    /// # Errors
    /// [`HistoryError::Cancelled`] when the answer is no.
    pub(crate) fn after(
        &mut self,
        bytes: usize,
        go_on: &mut dyn FnMut() -> bool,
    ) -> Result<(), HistoryError> {
        self.records += 1;
        self.bytes = self.bytes.saturating_add(bytes);
        if self.records < RECORDS && self.bytes < BYTES {
            return Ok(());
        }
        *self = Asking::default();
        if go_on() {
            Ok(())
        } else {
            Err(HistoryError::Cancelled)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn questions(records: usize, bytes: usize) -> usize {
        let (mut asking, mut asked) = (Asking::default(), 0);
        for _ in 0..records {
            let mut go_on = || {
                asked += 1;
                true
            };
            asking.after(bytes, &mut go_on).unwrap();
        }
        asked
    }

    #[test]
    fn it_asks_by_records_and_by_bytes() {
        assert_eq!(questions(RECORDS as usize - 1, 0), 0);
        assert_eq!(questions(RECORDS as usize, 0), 1);
        assert_eq!(questions(3, BYTES), 3);
        assert_eq!(questions(10, BYTES / 2), 5);
        let refused = Asking::default().after(BYTES, &mut || false);
        assert!(matches!(refused, Err(HistoryError::Cancelled)));
    }
}
