//! Every distinct object and value that queries have met, numbered, and what transforms have found out about each.
//!
//! A year has millions of events, some ten thousand distinct objects and fewer distinct values. So whatever a transform
//! asks about an event's data (its category, its domain, whether a pattern matches) is asked once for each object or
//! value and kept here, across requests: [`ObjectId`] and [`ValueId`] are indexes into tables of answers.
//!
//! | file | what |
//! |---|---|
//! | `intern` | distinct values and objects, numbered |
//! | `table` | answers by number, filled by the first that asks |
//! | `memo` | the tables of all transforms, each known only to its transform |
//!
//! Everything here is append-only and read without locks; only additions take a lock. A catalog that has grown too large
//! is dropped as a whole, and the next query starts a new one ([`Catalog::bytes`]).

mod intern;
mod memo;
mod table;

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(crate) use intern::{Interned, InternedBytes};
pub(crate) use memo::Memo;
use memo::Memos;
pub(crate) use table::Table;
use timberline_model::data::Members;

use crate::error::QueryError;

/// Names a distinct data object of the catalog.
pub(crate) type ObjectId = u32;

/// Names a distinct JSON text of the catalog: a key, with its quotes, or a value.
pub(crate) type ValueId = u32;

/// The object without members; the first of every catalog.
pub(crate) const EMPTY_OBJECT: ObjectId = 0;

/// One member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    pub(crate) key: ValueId,
    pub(crate) value: ValueId,
}

impl Member {
    const BYTES: usize = 8;

    fn to_bytes(self) -> [u8; Member::BYTES] {
        (u64::from(self.key) << 32 | u64::from(self.value)).to_le_bytes()
    }

    fn of_bytes(bytes: &[u8; Member::BYTES]) -> Member {
        let both = u64::from_le_bytes(*bytes);
        Member {
            key: (both >> 32) as u32,
            value: both as u32,
        }
    }
}

/// The members of an object of the catalog, in canonical order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ObjectMembers<'a>(&'a [[u8; Member::BYTES]]);

impl ObjectMembers<'_> {
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl Iterator<Item = Member> {
        self.0.iter().map(Member::of_bytes)
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(crate) struct Catalog {
    values: InternedBytes,
    /// Members in canonical order, each as [`Member::to_bytes`].
    objects: InternedBytes,
    /// What transforms have found out.
    pub(crate) memos: Memos,
    bytes: AtomicUsize,
}

impl Catalog {
    pub(crate) fn new() -> Catalog {
        let catalog = Catalog {
            values: InternedBytes::default(),
            objects: InternedBytes::default(),
            memos: Memos::default(),
            bytes: AtomicUsize::new(0),
        };
        catalog.object(&[]);
        catalog
    }

    /// Bytes it holds, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Notes that it has grown.
    pub(crate) fn grown(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// The number of a JSON text.
    pub(crate) fn value(&self, text: &str) -> ValueId {
        let (id, grown) = self.values.intern(text.as_bytes());
        self.grown(grown);
        id
    }

    /// The number of a string.
    pub(crate) fn string(&self, text: &str) -> ValueId {
        let mut json = Vec::with_capacity(text.len() + 2);
        timberline_model::json::write_string(&mut json, text);
        self.value(std::str::from_utf8(&json).unwrap_or_default())
    }

    /// The number of a JSON text if it was met before.
    pub(crate) fn known_value(&self, text: &str) -> Option<ValueId> {
        self.values.find(text.as_bytes())
    }

    /// The JSON text of a value; `None` if the number is not from this catalog, which is a bug.
    pub(crate) fn text(&self, value: ValueId) -> Option<&str> {
        let text = self.values.text(value);
        debug_assert!(text.is_some(), "value {value} is not in the catalog");
        text
    }

    /// The string that a value is, if it is one.
    #[inline]
    pub(crate) fn as_string(&self, value: ValueId) -> Option<Cow<'_, str>> {
        let text = self.text(value)?;
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        if !inner.contains('\\') {
            return Some(Cow::Borrowed(inner));
        }
        serde_json::from_str(text).ok().map(Cow::Owned)
    }

    /// The number of an object; its members are in canonical order.
    pub(crate) fn object(&self, members: &[Member]) -> ObjectId {
        let bytes: Vec<u8> = members.iter().flat_map(|member| member.to_bytes()).collect();
        let (id, grown) = self.objects.intern(&bytes);
        self.grown(grown);
        id
    }

    /// The number of an object from its canonical JSON text.
    pub(crate) fn object_of_text(&self, text: &str) -> ObjectId {
        let members: Vec<Member> = Members::of(text)
            .map(|(key, value)| Member {
                key: self.value(key),
                value: self.value(value),
            })
            .collect();
        self.object(&members)
    }

    /// The members of an object.
    #[inline]
    pub(crate) fn members(&self, object: ObjectId) -> ObjectMembers<'_> {
        let bytes = self.objects.get(object);
        debug_assert!(bytes.is_some(), "object {object} is not in the catalog");
        ObjectMembers(bytes.unwrap_or_default().as_chunks().0)
    }

    /// The value that an object has for a key.
    pub(crate) fn member(&self, object: ObjectId, key: ValueId) -> Option<ValueId> {
        let found = self.members(object).iter().find(|m| m.key == key);
        found.map(|m| m.value)
    }

    /// An object with some members set, or in the place of those it had. `set` is in canonical order.
    pub(crate) fn with_members(&self, object: ObjectId, set: &[Member]) -> ObjectId {
        let old = self.members(object);
        let mut members = Vec::with_capacity(old.len() + set.len());
        let mut old = old.iter().peekable();
        for new in set {
            let before = |m: &Member| m.key != new.key && self.is_before(m.key, new.key);
            while let Some(member) = old.next_if(before) {
                members.push(member);
            }
            old.next_if(|m| m.key == new.key);
            members.push(*new);
        }
        members.extend(old);
        self.object(&members)
    }

    /// Whether a key comes before another in canonical order, which goes by what they stand for.
    fn is_before(&self, a: ValueId, b: ValueId) -> bool {
        self.as_string(a) < self.as_string(b)
    }

    /// Appends an object's canonical JSON text. Answers are measured with [`Catalog::object_len`] first, which reports
    /// numbers that are not from this catalog.
    pub(crate) fn write_object(&self, object: ObjectId, out: &mut Vec<u8>) {
        out.push(b'{');
        for (i, member) in self.members(object).iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            out.extend_from_slice(self.text(member.key).unwrap_or_default().as_bytes());
            out.push(b':');
            out.extend_from_slice(self.text(member.value).unwrap_or_default().as_bytes());
        }
        out.push(b'}');
    }

    /// Bytes of an object's JSON text.
    ///
    /// # Errors
    /// When the object or one of its values is not in this catalog, which is a bug.
    pub(crate) fn object_len(&self, object: ObjectId) -> Result<usize, QueryError> {
        let unknown = || QueryError::internal("an answer has data that are not in the catalog");
        self.objects.get(object).ok_or_else(unknown)?;
        let members = self.members(object);
        let mut len = 2;
        for (i, member) in members.iter().enumerate() {
            let key = self.text(member.key).ok_or_else(unknown)?;
            let value = self.text(member.value).ok_or_else(unknown)?;
            len += key.len() + 1 + value.len() + usize::from(i > 0);
        }
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_objects_have_one_number_and_new_members_go_where_they_belong() {
        let catalog = Catalog::new();
        let a = catalog.object_of_text(r#"{"app":"x","title":"a \"b\""}"#);
        assert_eq!(a, catalog.object_of_text(r#"{"app":"x","title":"a \"b\""}"#));
        let set = |key: &str, text: &str| Member {
            key: catalog.string(key),
            value: catalog.value(text),
        };
        let b = catalog.with_members(a, &[set("$category", r#"["W"]"#), set("app", "2"), set("b", "1")]);
        let mut text = Vec::new();
        catalog.write_object(b, &mut text);
        let expected = r#"{"$category":["W"],"app":2,"b":1,"title":"a \"b\""}"#;
        assert_eq!(String::from_utf8(text).unwrap(), expected);
        assert_eq!(catalog.object_len(b).unwrap(), expected.len());
        assert_eq!(catalog.object_of_text(expected), b);
        let title = catalog.member(a, catalog.string("title")).unwrap();
        assert_eq!(catalog.as_string(title).unwrap(), r#"a "b""#);
        assert_eq!(catalog.object_of_text("{}"), EMPTY_OBJECT);
    }
}
