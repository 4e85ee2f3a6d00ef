//! Flat objects: what watchers send, mostly from Python, with blanks after colons and commas, keys in any order and
//! `\u` escapes for everything beyond ASCII.

use super::cursor::{Cursor, Escapes};
use crate::escape::{plain_run, push_char};

/// Objects of more members are left to serde_json: there are few, and these fit the stack.
const MAX_MEMBERS: usize = 24;

#[derive(Clone, Copy, Default)]
struct Member<'a> {
    /// Without quotes, and without escapes, so that it compares as what it stands for.
    key: &'a [u8],
    /// As it stands in the text.
    value: &'a [u8],
    /// The value is a string whose escapes have to be rewritten.
    respell: bool,
}

/// The canonical spelling of an object of strings, plain numbers, booleans and nulls; `None` when it is anything
/// else, or wrong.
pub(super) fn canonical(raw: &str) -> Option<String> {
    let mut members = [Member::default(); MAX_MEMBERS];
    let count = read_members(raw, &mut members)?;
    let members = members.get_mut(..count)?;
    // Stable, so that the last of equal keys stays the last of them.
    members.sort_by_key(|member| member.key);

    let mut out = Vec::with_capacity(raw.len());
    out.push(b'{');
    for (at, member) in members.iter().enumerate() {
        if members.get(at + 1).is_some_and(|next| next.key == member.key) {
            continue;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(member.key);
        out.extend_from_slice(b"\":");
        if member.respell {
            respell(member.value, &mut out)?;
        } else {
            out.extend_from_slice(member.value);
        }
    }
    out.push(b'}');
    String::from_utf8(out).ok()
}

fn read_members<'a>(raw: &'a str, members: &mut [Member<'a>; MAX_MEMBERS]) -> Option<usize> {
    let mut cursor = Cursor::new(raw);
    cursor.skip_white();
    cursor.eat(b'{')?;
    cursor.skip_white();
    let mut count = 0;
    if cursor.eat(b'}').is_none() {
        loop {
            *members.get_mut(count)? = read_member(&mut cursor)?;
            count += 1;
            if cursor.eat(b',').is_none() {
                cursor.eat(b'}')?;
                break;
            }
            cursor.skip_white();
        }
    }
    cursor.skip_white();
    cursor.at_end().then_some(count)
}

fn read_member<'a>(cursor: &mut Cursor<'a>) -> Option<Member<'a>> {
    let key = cursor.string()?;
    if key.escapes != Escapes::None {
        return None;
    }
    cursor.skip_white();
    cursor.eat(b':')?;
    cursor.skip_white();
    let before = cursor.rest();
    let respell = match cursor.peek()? {
        b'"' => cursor.string()?.escapes == Escapes::Other,
        _ => {
            cursor.scalar()?;
            false
        }
    };
    let value = cursor.since(before)?;
    cursor.skip_white();
    Some(Member {
        key: key.inner,
        value,
        respell,
    })
}

/// Appends a string (with its quotes) with every escape resolved and only those made that are needed. `None` for an
/// escape that stands for nothing.
fn respell(text: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut rest = text.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
    out.push(b'"');
    loop {
        let (plain, after) = rest.split_at_checked(plain_run(rest))?;
        out.extend_from_slice(plain);
        let Some(escape) = after.strip_prefix(b"\\") else {
            out.push(b'"');
            return after.is_empty().then_some(());
        };
        let (character, after) = resolve(escape)?;
        push_char(out, character);
        rest = after;
    }
}

/// The character an escape (without its backslash) stands for, and what follows it.
fn resolve(escape: &[u8]) -> Option<(char, &[u8])> {
    let (&kind, rest) = escape.split_first()?;
    let character = match kind {
        b'"' | b'\\' | b'/' => char::from(kind),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return resolve_unicode(rest),
        _ => return None,
    };
    Some((character, rest))
}

fn resolve_unicode(digits: &[u8]) -> Option<(char, &[u8])> {
    let (first, rest) = four_hex(digits)?;
    if !(0xd800..0xdc00).contains(&first) {
        // The second half of a pair without a first one is no character.
        return Some((char::from_u32(first)?, rest));
    }
    let (second, rest) = four_hex(rest.strip_prefix(b"\\u")?)?;
    if !(0xdc00..0xe000).contains(&second) {
        return None;
    }
    let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(code)?, rest))
}

fn four_hex(text: &[u8]) -> Option<(u32, &[u8])> {
    let (digits, rest) = text.split_first_chunk::<4>()?;
    let mut value = 0;
    for &digit in digits {
        value = value * 16 + char::from(digit).to_digit(16)?;
    }
    Some((value, rest))
}
