//! The answer to a query: one result for each period, as text or still to be written.

use std::sync::Arc;

use crate::catalog::Catalog;
use crate::json::Writer;
use crate::limits::Charge;
use crate::value::Value;
use crate::warning::{Warning, Warnings};

/// Results, in the order of the periods.
#[derive(Debug)]
pub struct Answer {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) parts: Vec<Part>,
    pub(crate) warnings: Warnings,
}

/// The result of one period.
#[derive(Debug)]
pub(crate) enum Part {
    /// Text already.
    Text(Arc<[u8]>, #[allow(dead_code, reason = "held")] Charge),
    /// A large result, which is written while it is sent, and the most bytes that its text can have.
    Value(Value, usize),
}

impl Part {
    /// Bytes of its text, or a little more.
    pub(crate) fn size(&self) -> usize {
        match self {
            Part::Text(text, _) => text.len(),
            Part::Value(_, bytes) => *bytes,
        }
    }
}

impl Answer {
    /// What the results leave out: few warnings, each once. Cached results keep theirs.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.warnings.as_slice()
    }

    /// Bytes of the text, or a little more.
    #[must_use]
    pub fn size(&self) -> usize {
        let parts = self.parts.iter().map(|part| part.size() + 1);
        parts.sum::<usize>() + 2
    }

    /// Writes the text: a JSON list with one result for each period. `flush` is called every few hundred bytes and
    /// may empty the buffer.
    ///
    /// # Errors
    /// Those of `flush`.
    pub fn write<E>(&self, mut flush: impl FnMut(&mut Vec<u8>) -> Result<(), E>) -> Result<Vec<u8>, E> {
        let mut out = Vec::new();
        let mut writer = Writer::new(&self.catalog);
        out.push(b'[');
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            match part {
                Part::Text(text, _) => out.extend_from_slice(text),
                Part::Value(value, _) => writer.value(value, &mut out, &mut flush)?,
            }
            flush(&mut out)?;
        }
        out.push(b']');
        Ok(out)
    }

    /// The whole text.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        match self.write(|_| Ok::<(), std::convert::Infallible>(())) {
            Ok(text) => text,
            Err(never) => match never {},
        }
    }
}
