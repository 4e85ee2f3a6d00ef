//! Which keys of the data become columns: found by reading everything once.

use std::collections::HashSet;

use timberline_exchange::Result;
use timberline_exchange::export::{Columns, Sink, Totals};
use timberline_model::{Bucket, NewEvent};

/// Distinct data that are remembered, and how many bytes they may take together.
const REMEMBERED: usize = 100_000;
const REMEMBERED_BYTES: usize = 32 << 20;

/// Takes events and notes the keys of their data.
#[derive(Default)]
pub(super) struct Survey {
    columns: Columns,
    /// The same data come again and again. Forgetting them costs time, nothing else.
    seen: HashSet<String>,
    bytes: usize,
}

impl Survey {
    pub(super) fn into_columns(self) -> Columns {
        self.columns
    }
}

impl Sink for Survey {
    fn bucket(&mut self, _: &Bucket) -> Result<()> {
        Ok(())
    }

    fn events(&mut self, events: &[NewEvent<'_>]) -> Result<()> {
        for event in events {
            if self.seen.contains(event.data.as_ref()) {
                continue;
            }
            if self.seen.len() >= REMEMBERED || self.bytes >= REMEMBERED_BYTES {
                self.seen.clear();
                self.bytes = 0;
            }
            self.columns.observe(&event.data);
            self.bytes += event.data.len();
            self.seen.insert(event.data.as_ref().to_owned());
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<Totals> {
        Ok(Totals::default())
    }
}
