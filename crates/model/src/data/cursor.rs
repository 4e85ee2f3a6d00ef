//! A place in a JSON text. What it reads is only the plain part of JSON, strictly; on everything else it gives up,
//! and the text is left to serde_json. So it never has to say what is wrong.

use super::number;
use crate::escape::plain_run;

/// A place in a JSON text.
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

/// A string that was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct StringText<'a> {
    /// What stands between the quotes.
    pub(super) inner: &'a [u8],
    pub(super) escapes: Escapes,
}

/// How the escapes of a string are spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Escapes {
    /// There are none.
    None,
    /// All as serde_json writes them.
    Canonical,
    /// Some otherwise, or not right at all.
    Other,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str) -> Cursor<'a> {
        Cursor {
            rest: text.as_bytes(),
        }
    }

    pub(super) fn at_end(&self) -> bool {
        self.rest.is_empty()
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// Steps over one byte if it is this one.
    #[inline]
    pub(super) fn eat(&mut self, byte: u8) -> Option<()> {
        let (&first, rest) = self.rest.split_first()?;
        if first != byte {
            return None;
        }
        self.rest = rest;
        Some(())
    }

    #[inline]
    pub(super) fn skip_white(&mut self) {
        while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = self.rest {
            self.rest = rest;
        }
    }

    /// Reads a string and its quotes.
    #[inline]
    pub(super) fn string(&mut self) -> Option<StringText<'a>> {
        self.eat(b'"')?;
        let text = self.rest;
        let mut escapes = Escapes::None;
        let mut length = 0;
        loop {
            length += plain_run(text.get(length..)?);
            match text.get(length..)? {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Some(StringText {
                        inner: text.get(..length)?,
                        escapes,
                    });
                }
                [b'\\', escape @ ..] => {
                    let (canonical, taken) = escape_length(escape)?;
                    if !canonical {
                        escapes = Escapes::Other;
                    } else if escapes == Escapes::None {
                        escapes = Escapes::Canonical;
                    }
                    length += 1 + taken;
                }
                // A control character, or no end.
                _ => return None,
            }
        }
    }

    /// Reads `true`, `false`, `null` or a number that is spelled as serde_json would.
    #[inline]
    pub(super) fn scalar(&mut self) -> Option<()> {
        let literal: &[u8] = match self.peek()? {
            b't' => b"true",
            b'f' => b"false",
            b'n' => b"null",
            _ => {
                self.rest = self.rest.get(number::canonical_length(self.rest)?..)?;
                return Some(());
            }
        };
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// The bytes between an earlier state of this cursor and now.
    #[inline]
    pub(super) fn since(&self, earlier: &'a [u8]) -> Option<&'a [u8]> {
        earlier.get(..earlier.len().checked_sub(self.rest.len())?)
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// Whether an escape (without its backslash) is spelled as serde_json would, and how many bytes it takes: all of them
/// if so, else enough to get past a quote or a backslash; the code that resolves it checks the rest.
fn escape_length(escape: &[u8]) -> Option<(bool, usize)> {
    match escape {
        [b'"' | b'\\' | b'b' | b'f' | b'n' | b'r' | b't', ..] => Some((true, 1)),
        // The others below 0x10 have a short escape.
        [b'u', b'0', b'0', b'0', b'0'..=b'7' | b'b' | b'e' | b'f', ..] => Some((true, 5)),
        [b'u', b'0', b'0', b'1', b'0'..=b'9' | b'a'..=b'f', ..] => Some((true, 5)),
        [_, ..] => Some((false, 1)),
        [] => None,
    }
}
