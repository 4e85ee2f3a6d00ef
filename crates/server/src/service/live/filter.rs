//! Which records and buckets a reader gets.

use timberline_model::Bucket;
use timberline_views::record::RecordKind;

use crate::pattern;

/// What a reader asks for and may see. An empty list stands for everything.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Filter {
    /// Ids of buckets, with `*` for any text.
    pub(crate) buckets: Vec<String>,
    /// Types of buckets.
    pub(crate) types: Vec<String>,
    /// Kinds of records.
    pub(crate) kinds: Vec<RecordKind>,
    /// The buckets that the reader's token is for, written in the same way.
    pub(crate) allowed: Vec<String>,
}

impl Filter {
    /// Whether the reader gets records of this kind.
    pub(crate) fn has_kind(&self, kind: Option<RecordKind>) -> bool {
        self.kinds.is_empty() || kind.is_some_and(|kind| self.kinds.contains(&kind))
    }

    /// Whether the reader gets what concerns this bucket.
    pub(crate) fn has_bucket(&self, bucket: &Bucket) -> bool {
        let named = |patterns: &[String]| {
            patterns.is_empty() || patterns.iter().any(|wanted| pattern::matches(wanted, &bucket.id))
        };
        named(&self.allowed)
            && named(&self.buckets)
            && (self.types.is_empty() || self.types.contains(&bucket.type_))
    }

    /// Whether the reader gets what concerns no bucket, or one that is gone.
    pub(crate) fn has_rest(&self) -> bool {
        self.allowed.is_empty() && self.buckets.is_empty() && self.types.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use timberline_model::{Data, Timestamp};

    use super::*;

    fn bucket(id: &str, type_: &str) -> Bucket {
        Bucket {
            id: id.to_owned(),
            type_: type_.to_owned(),
            client: String::new(),
            hostname: String::new(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        }
    }

    fn list(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn what_is_asked_for_and_what_is_allowed_both_count() {
        let all = Filter::default();
        assert!(all.has_bucket(&bucket("a", "t")) && all.has_rest() && all.has_kind(None));
        let some = Filter {
            buckets: list(&["a*", "b"]),
            types: list(&["t"]),
            kinds: vec![RecordKind::Heartbeat],
            allowed: list(&["*1"]),
        };
        for (id, type_, expected) in [
            ("a1", "t", true),
            ("a2", "t", false),
            ("a1", "u", false),
            ("b", "t", false),
            ("c1", "t", false),
        ] {
            assert_eq!(some.has_bucket(&bucket(id, type_)), expected, "{id} {type_}");
        }
        assert!(some.has_kind(Some(RecordKind::Heartbeat)));
        assert!(!some.has_kind(Some(RecordKind::SettingSet)) && !some.has_kind(None));
        assert!(!some.has_rest());
    }

    #[test]
    fn a_limited_reader_sees_nothing_that_belongs_to_no_bucket() {
        let limited = Filter {
            allowed: list(&["*"]),
            ..Filter::default()
        };
        assert!(!limited.has_rest());
    }
}
