//! Reads a batch event by event, if some of it cannot be read as it is.

use std::borrow::Cow;

use timberline_model::{NewEvent, json};

use super::notes;
use super::split::{Batch, elements};

/// What the second pass of a batch came to.
#[derive(Debug, Default)]
pub(super) struct Salvaged {
    pub(super) changed: u64,
    pub(super) left_out: u64,
    /// The number of an event in its list, what is wrong with it, and whether it is left out.
    pub(super) notes: Vec<(u64, String, bool)>,
}

/// The texts of a batch's events, mended where that is needed to read them.
pub(super) struct Texts<'a>(Vec<(Cow<'a, [u8]>, String)>);

impl<'a> Texts<'a> {
    pub(super) fn of(batch: &'a Batch) -> Self {
        let texts = elements(&batch.text).map(|text| {
            if json::salvage_event(text).is_ok() {
                return (Cow::Borrowed(text), String::new());
            }
            let (mended, changed) = json::mend(text);
            (mended, notes::mended(changed))
        });
        Self(texts.collect())
    }

    /// Reads the events, of which the first has the number `first`.
    pub(super) fn events(&self, first: u64) -> (Vec<NewEvent<'_>>, Salvaged) {
        let mut salvaged = Salvaged::default();
        let mut events = Vec::with_capacity(self.0.len());
        for (number, (text, mended)) in (first..).zip(&self.0) {
            match json::salvage_event(text) {
                Ok((event, changes)) => {
                    let mut reasons: Vec<String> = changes
                        .into_iter()
                        .map(|change| format!("{} {}", change.field, change.reason))
                        .collect();
                    reasons.extend((!mended.is_empty()).then(|| mended.clone()));
                    if !reasons.is_empty() {
                        salvaged.changed += 1;
                        salvaged.notes.push((number, reasons.join("; "), false));
                    }
                    events.push(event);
                }
                Err(error) => {
                    salvaged.left_out += 1;
                    salvaged.notes.push((number, error.to_string(), true));
                }
            }
        }
        (events, salvaged)
    }
}
