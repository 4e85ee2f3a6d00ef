//! Records that are encoded before the sequencer's lock.

use std::sync::Arc;

use timberline_log::Entry;

use crate::record::{CodecError, Record};
use crate::view::Located;

/// A record that is ready to be appended: what takes long was done before the sequencer's lock.
pub(crate) struct Prepared<'a> {
    pub(crate) record: Record<'a>,
    pub(crate) payload: Vec<u8>,
    /// Where the events lie that it names.
    pub(crate) located: Option<Arc<Located>>,
}

impl<'a> Prepared<'a> {
    /// Encodes a record.
    ///
    /// # Errors
    /// None in practice; an encoder error is passed on.
    pub(crate) fn of(record: Record<'a>, located: Option<Arc<Located>>) -> Result<Prepared<'a>, CodecError> {
        let mut payload = Vec::new();
        record.encode(&mut payload)?;
        Ok(Prepared {
            record,
            payload,
            located,
        })
    }

    pub(crate) fn entry(&self) -> Entry<'_> {
        Entry {
            kind: self.record.kind().number(),
            payload: &self.payload,
        }
    }
}
