//! The answer to a query: one result for each period, on its way to becoming text.

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
    /// A large one, which is written as it is sent; with the bytes that it takes at most.
    Value(Value, usize),
}

impl Answer {
    /// What the results do not take into account: few, each once, also when the results were remembered.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.warnings.as_slice()
    }

    /// Bytes of the text, or a little more.
    #[must_use]
    pub fn size(&self) -> usize {
        let parts = self.parts.iter().map(|part| match part {
            Part::Text(text, _) => text.len() + 1,
            Part::Value(_, bytes) => bytes + 1,
        });
        parts.sum::<usize>() + 2
    }

    /// Writes the text: a JSON list with one result for each period. `flush` is called every few hundred bytes or so and
    /// may take what is in the buffer out.
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
