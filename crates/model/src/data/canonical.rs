//! The canonical spelling, by the shortest of three ways: text that is spelled so already is borrowed after one scan;
//! flat objects, which nearly all watchers send, are rewritten by hand ([`flat`]); the rest goes through
//! [`serde_json::Value`], which also defines what is right.

use std::borrow::Cow;

use serde_json::Value;

use super::cursor::{Cursor, Escapes};
use super::{DataError, flat, kind_of};

/// Levels that are followed by recursion here; what is deeper is left to serde_json, which has a limit of its own.
const DEEPEST: u32 = 32;

/// See [`Data::canonical`](super::Data::canonical).
pub(super) fn canonical(raw: &str) -> Result<Cow<'_, str>, DataError> {
    if is_canonical(raw) {
        return Ok(Cow::Borrowed(raw));
    }
    match flat::canonical(raw) {
        Some(text) => Ok(Cow::Owned(text)),
        None => by_value(raw).map(Cow::Owned),
    }
}

#[cold]
fn by_value(raw: &str) -> Result<String, DataError> {
    let unreadable = |error: serde_json::Error| DataError::Unreadable(error.to_string());
    let mut value: Value = serde_json::from_str(raw).map_err(unreadable)?;
    if !value.is_object() {
        return Err(DataError::NotAnObject { found: kind_of(raw) });
    }
    // Nothing to do with a serde_json whose objects are sorted maps; but another crate in the build may ask it to
    // keep the order of the text.
    value.sort_all_objects();
    serde_json::to_string(&value).map_err(unreadable)
}

/// Whether the text is an object in canonical spelling. May say no to one that is (numbers and keys in unusual
/// shapes), never yes to one that is not.
fn is_canonical(raw: &str) -> bool {
    let mut cursor = Cursor::new(raw);
    object(&mut cursor, 0).is_some() && cursor.at_end()
}

fn object(cursor: &mut Cursor<'_>, depth: u32) -> Option<()> {
    if depth == DEEPEST {
        return None;
    }
    cursor.eat(b'{')?;
    if cursor.eat(b'}').is_some() {
        return Some(());
    }
    let mut last: Option<&[u8]> = None;
    loop {
        let key = cursor.string()?;
        // Sorted by what they stand for, so escapes would have to be resolved before comparing.
        if key.escapes != Escapes::None || last.is_some_and(|last| last >= key.inner) {
            return None;
        }
        last = Some(key.inner);
        cursor.eat(b':')?;
        value(cursor, depth)?;
        if cursor.eat(b',').is_none() {
            return cursor.eat(b'}');
        }
    }
}

fn list(cursor: &mut Cursor<'_>, depth: u32) -> Option<()> {
    if depth == DEEPEST {
        return None;
    }
    cursor.eat(b'[')?;
    if cursor.eat(b']').is_some() {
        return Some(());
    }
    loop {
        value(cursor, depth)?;
        if cursor.eat(b',').is_none() {
            return cursor.eat(b']');
        }
    }
}

fn value(cursor: &mut Cursor<'_>, depth: u32) -> Option<()> {
    match cursor.peek()? {
        b'"' => (cursor.string()?.escapes != Escapes::Other).then_some(()),
        b'{' => object(cursor, depth + 1),
        b'[' => list(cursor, depth + 1),
        _ => cursor.scalar(),
    }
}
