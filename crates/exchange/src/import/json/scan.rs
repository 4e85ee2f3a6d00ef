//! Passing over JSON with bounded memory: no nesting takes stack, and only what is wanted is kept.
//!
//! It finds where values end, and leaves it to the model to check what is in them. So it is lenient: `NaN`, broken
//! UTF-8 and half surrogates pass, and are repaired or refused where they count.

use std::io::{self, Read};
use std::path::Path;

use memchr::memchr2;

use crate::{Error, Result};

const BUFFER: usize = 1 << 16;

/// Why scanning cannot go on.
#[derive(Debug)]
pub(super) enum ScanError {
    /// The file cannot be read, or not be decompressed.
    Io(io::Error),
    /// The file ends too early.
    End,
    /// Something else was expected.
    Syntax {
        /// Where.
        offset: u64,
        /// What.
        expected: &'static str,
    },
}

impl ScanError {
    /// The message about a damaged file.
    ///
    /// # Errors
    ///
    /// The operating system's, which say nothing about the file.
    pub(super) fn into_damage(self, path: &Path) -> Result<String> {
        match self {
            ScanError::End => Ok("the file ends too early".to_owned()),
            ScanError::Syntax { offset, expected } => Ok(format!(
                "no valid JSON from byte {offset} on: expected {expected}"
            )),
            // What decompressors say of their input; the operating system's errors have a code.
            ScanError::Io(error) if error.raw_os_error().is_none() => {
                Ok(format!("the compressed data are damaged: {error}"))
            }
            ScanError::Io(error) => Err(Error::io("read", path)(error)),
        }
    }
}

/// Passes over JSON.
pub(super) struct Scanner<R> {
    source: R,
    buffer: Box<[u8]>,
    at: usize,
    end: usize,
    /// Bytes before the buffer.
    before: u64,
}

/// Where a value goes that is passed over.
pub(super) struct Capture<'a> {
    pub(super) out: &'a mut Vec<u8>,
    /// Bytes that it may take.
    pub(super) limit: usize,
    pub(super) too_large: bool,
}

impl Capture<'_> {
    fn push(&mut self, bytes: &[u8]) {
        if self.out.len() + bytes.len() > self.limit {
            self.too_large = true;
        } else {
            self.out.extend_from_slice(bytes);
        }
    }
}

type Captured<'a, 'b> = Option<&'a mut Capture<'b>>;

impl<R: Read> Scanner<R> {
    pub(super) fn new(source: R) -> Self {
        Scanner {
            source,
            buffer: vec![0; BUFFER].into(),
            at: 0,
            end: 0,
            before: 0,
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.at..self.end).unwrap_or_default()
    }

    /// Reads on; false at the end of the file.
    fn refill(&mut self) -> Result<bool, ScanError> {
        self.before += self.end as u64;
        self.at = 0;
        self.end = 0;
        loop {
            match self.source.read(&mut self.buffer) {
                Ok(read) => {
                    self.end = read;
                    return Ok(read > 0);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ScanError::Io(error)),
            }
        }
    }

    /// The next byte, which stays.
    fn here(&mut self) -> Result<Option<u8>, ScanError> {
        if self.at == self.end && !self.refill()? {
            return Ok(None);
        }
        Ok(self.rest().first().copied())
    }

    /// The next byte that is no white space, which stays.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, ScanError> {
        loop {
            let blanks = self
                .rest()
                .iter()
                .take_while(|byte| byte.is_ascii_whitespace())
                .count();
            self.at += blanks;
            if self.at < self.end || !self.refill()? {
                return Ok(self.rest().first().copied());
            }
        }
    }

    /// Passes a byte order mark.
    pub(super) fn pass_mark(&mut self) -> Result<(), ScanError> {
        for byte in "\u{feff}".as_bytes() {
            if self.here()? != Some(*byte) {
                break;
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Passes one byte that must be there.
    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), ScanError> {
        match self.peek()? {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.syntax(expected)),
            None => Err(ScanError::End),
        }
    }

    /// Passes a byte if it is the next.
    pub(super) fn skip(&mut self, byte: u8) -> Result<bool, ScanError> {
        let is_next = self.peek()? == Some(byte);
        self.at += usize::from(is_next);
        Ok(is_next)
    }

    pub(super) fn syntax(&self, expected: &'static str) -> ScanError {
        ScanError::Syntax {
            offset: self.before + self.at as u64,
            expected,
        }
    }

    /// Passes any value.
    pub(super) fn value(&mut self, mut capture: Captured<'_, '_>) -> Result<(), ScanError> {
        match self.peek()? {
            None => Err(ScanError::End),
            Some(b'"') => self.string(capture),
            Some(b'{' | b'[') => self.nested(capture.as_deref_mut()),
            Some(b',' | b':' | b'}' | b']') => Err(self.syntax("a value")),
            Some(_) => self.scalar(capture),
        }
    }

    /// Passes a string, at whose quote the scanner stands.
    pub(super) fn string(&mut self, mut capture: Captured<'_, '_>) -> Result<(), ScanError> {
        let mut take = |bytes: &[u8]| {
            if let Some(capture) = capture.as_deref_mut() {
                capture.push(bytes);
            }
        };
        take(b"\"");
        self.at += 1;
        loop {
            if self.at == self.end && !self.refill()? {
                return Err(ScanError::End);
            }
            let rest = self.rest();
            let Some(stop) = memchr2(b'"', b'\\', rest) else {
                take(rest);
                self.at = self.end;
                continue;
            };
            take(rest.get(..=stop).unwrap_or_default());
            let is_quote = rest.get(stop) == Some(&b'"');
            self.at += stop + 1;
            if is_quote {
                return Ok(());
            }
            match self.here()? {
                Some(escaped) => take(&[escaped]),
                None => return Err(ScanError::End),
            }
            self.at += 1;
        }
    }

    fn nested(&mut self, mut capture: Captured<'_, '_>) -> Result<(), ScanError> {
        let mut depth = 0u64;
        loop {
            if self.at == self.end && !self.refill()? {
                return Err(ScanError::End);
            }
            let rest = self.rest();
            let is_bracket = |byte: &u8| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']');
            let stop = rest.iter().position(is_bracket).unwrap_or(rest.len());
            let byte = rest.get(stop).copied();
            // A quote begins a string, which takes it itself.
            let taken = stop + usize::from(byte.is_some_and(|byte| byte != b'"'));
            if let Some(capture) = capture.as_deref_mut() {
                capture.push(rest.get(..taken).unwrap_or_default());
            }
            self.at += taken;
            match byte {
                Some(b'"') => self.string(capture.as_deref_mut())?,
                Some(b'{' | b'[') => depth += 1,
                Some(_) => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(());
                    }
                }
                None => {}
            }
        }
    }

    fn scalar(&mut self, mut capture: Captured<'_, '_>) -> Result<(), ScanError> {
        loop {
            let rest = self.rest();
            let ends = |byte: &u8| matches!(byte, b',' | b'}' | b']' | b':') || byte.is_ascii_whitespace();
            let stop = rest.iter().position(ends);
            let length = stop.unwrap_or(rest.len());
            if let Some(capture) = capture.as_deref_mut() {
                capture.push(rest.get(..length).unwrap_or_default());
            }
            self.at += length;
            if stop.is_some() || !self.refill()? {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Gives a byte at a time.
    struct Trickle<'a>(&'a [u8]);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(1);
            self.0.read(&mut buffer[..length])
        }
    }

    fn first_value(source: impl Read) -> Result<Vec<u8>, ScanError> {
        let mut out = Vec::new();
        let mut capture = Capture {
            out: &mut out,
            limit: 1 << 20,
            too_large: false,
        };
        Scanner::new(source).value(Some(&mut capture)).map(|()| out)
    }

    proptest! {
        #[test]
        fn a_value_is_captured_whole_whatever_comes_after_it(
            text in "[\\x00-\\x7f\u{e9}]{0,20}", number in any::<i32>(), after in "[,\\]} ]",
        ) {
            let value = serde_json::json!({"a": [text, {"b": number}], "c": null}).to_string();
            for source in [format!("{value}{after}"), format!("  {value}")] {
                prop_assert_eq!(first_value(Trickle(source.as_bytes())).unwrap(), value.as_bytes());
                prop_assert_eq!(first_value(source.as_bytes()).unwrap(), value.as_bytes());
            }
        }

        #[test]
        fn nothing_breaks_it(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = first_value(bytes.as_slice());
        }
    }

    #[test]
    fn nesting_takes_no_stack() {
        let deep = vec![b'['; 1_000_000];
        assert!(matches!(first_value(deep.as_slice()), Err(ScanError::End)));
    }
}
