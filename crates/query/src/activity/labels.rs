//! What groups have in common, numbered: sums of a thousand parts name the same titles.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::catalog::InternedBytes;

/// The number of a label; 0 for events that have none.
pub(super) type LabelId = u32;

/// Labels, each with a number. Sums refer to it instead of the engine's catalog because they are kept for longer: ten years have
/// more distinct data than a catalog holds.
#[derive(Debug, Default)]
pub(super) struct Labels {
    texts: InternedBytes,
    bytes: AtomicUsize,
}

impl Labels {
    pub(super) fn number(&self, label: Option<&str>) -> LabelId {
        let Some(label) = label else {
            return 0;
        };
        let (number, grown) = self.texts.intern(label.as_bytes());
        self.bytes.fetch_add(grown, Ordering::Relaxed);
        number + 1
    }

    /// The number of a label that was met before.
    pub(super) fn find(&self, label: Option<&str>) -> Option<LabelId> {
        match label {
            None => Some(0),
            Some(label) => self.texts.find(label.as_bytes()).map(|number| number + 1),
        }
    }

    pub(super) fn text(&self, number: LabelId) -> Option<&str> {
        self.texts.text(number.checked_sub(1)?)
    }

    /// About the bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_has_one_number_and_none_has_one_too() {
        let labels = Labels::default();
        let numbers = [None, Some("\"a\""), Some(""), None, Some("\"a\"")].map(|l| labels.number(l));
        assert_eq!(numbers, [0, 1, 2, 0, 1]);
        assert_eq!(
            [0, 1, 2, 3].map(|n| labels.text(n)),
            [None, Some("\"a\""), Some(""), None]
        );
        assert_eq!(
            [None, Some(""), Some("b")].map(|l| labels.find(l)),
            [Some(0), Some(2), None]
        );
        assert!(labels.bytes() > 3);
    }
}
