//! A list of events, cut into batches of whole elements.
//!
//! The list was checked in the first pass, so it is enough here to follow quotes and brackets.

use std::io::{self, Read};

use memchr::memchr2;

use super::window::Window;

/// Elements in a batch, at most.
const BATCH_ELEMENTS: usize = 2_000;
/// A batch is full from this size on.
const BATCH_BYTES: usize = 512 << 10;
/// Largest single element.
const ELEMENT_BYTES: usize = 64 << 20;

/// Some elements, as a list of their own.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Batch {
    pub(super) text: Vec<u8>,
    pub(super) count: usize,
}

/// Cuts the list that `source` stands before.
#[derive(Debug)]
pub(super) struct Splitter<R> {
    window: Window<R>,
    begun: bool,
}

impl<R: Read> Splitter<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            window: Window::new(source, 0),
            begun: false,
        }
    }

    /// The next elements; `None` after the last.
    ///
    /// # Errors
    /// When the source cannot be read, or has no list.
    pub(super) fn next(&mut self) -> io::Result<Option<Batch>> {
        if !self.begun {
            self.expect(b'[')?;
            self.begun = true;
        }
        let mut batch = Batch {
            text: vec![b'['],
            count: 0,
        };
        while batch.count < BATCH_ELEMENTS && batch.text.len() < BATCH_BYTES {
            match self.after_blanks()? {
                b']' => break,
                b',' => self.window.pass(1),
                _ => {
                    let length = self.element()?;
                    if batch.count > 0 {
                        batch.text.push(b',');
                    }
                    let element = self.window.bytes().get(..length).unwrap_or_default();
                    batch.text.extend_from_slice(element);
                    batch.count += 1;
                    self.window.pass(length);
                }
            }
        }
        batch.text.push(b']');
        Ok((batch.count > 0).then_some(batch))
    }

    /// The length of the element that comes next, which is then in the window.
    fn element(&mut self) -> io::Result<usize> {
        let mut looked = Looked::default();
        while !looked.at(self.window.bytes()) {
            if looked.length > ELEMENT_BYTES {
                return Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("an event is larger than {ELEMENT_BYTES} bytes"),
                ));
            }
            if !self.window.more()? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(looked.length)
    }

    fn expect(&mut self, byte: u8) -> io::Result<()> {
        if self.after_blanks()? != byte {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.window.pass(1);
        Ok(())
    }

    fn after_blanks(&mut self) -> io::Result<u8> {
        loop {
            match self.window.peek()? {
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.window.pass(1),
                Some(byte) => return Ok(byte),
            }
        }
    }
}

/// The elements of a batch's text.
pub(super) fn elements(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let inner = text.strip_prefix(b"[").and_then(|text| text.strip_suffix(b"]"));
    let mut rest = inner.unwrap_or_default();
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let mut looked = Looked::default();
        looked.at(rest);
        let (element, after) = rest.split_at_checked(looked.length)?;
        rest = after.strip_prefix(b",").unwrap_or_default();
        Some(element)
    })
}

/// How far an element was looked at, so that reading more does not start again.
#[derive(Debug, Default)]
struct Looked {
    length: usize,
    depth: usize,
    in_string: bool,
}

impl Looked {
    /// Looks on. True when the end of the element was found.
    fn at(&mut self, bytes: &[u8]) -> bool {
        while let Some(byte) = bytes.get(self.length) {
            if self.in_string {
                let rest = bytes.get(self.length..).unwrap_or_default();
                match memchr2(b'"', b'\\', rest) {
                    None => {
                        self.length = bytes.len();
                        return false;
                    }
                    Some(at) if rest.get(at) == Some(&b'"') => {
                        self.length += at + 1;
                        self.in_string = false;
                    }
                    // An escape is two bytes at least, the second of which ends nothing.
                    Some(at) if at + 1 < rest.len() => self.length += at + 2,
                    Some(at) => {
                        self.length += at;
                        return false;
                    }
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b',' if self.depth == 0 => return true,
                b']' if self.depth == 0 => return true,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.length += 1;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::window::tests::Trickle;
    use super::*;

    #[test]
    fn a_batch_is_taken_apart_into_its_elements() {
        let text = br#"[{"a":",]"},NaN,[1,2],"x\\",{"b":{"c":[]}}]"#;
        let all: Vec<_> = elements(text).collect();
        assert_eq!(
            all,
            [
                &br#"{"a":",]"}"#[..],
                b"NaN",
                b"[1,2]",
                br#""x\\""#,
                br#"{"b":{"c":[]}}"#
            ]
        );
        assert_eq!(elements(b"[]").count(), 0);
    }

    fn split(source: impl Read) -> Vec<serde_json::Value> {
        let mut splitter = Splitter::new(source);
        let mut all = Vec::new();
        while let Some(batch) = splitter.next().unwrap() {
            let list: Vec<serde_json::Value> = serde_json::from_slice(&batch.text).unwrap();
            assert_eq!(list.len(), batch.count);
            assert!(batch.count <= BATCH_ELEMENTS);
            all.extend(list);
        }
        all
    }

    #[test]
    fn elements_of_every_kind_come_out_whole() {
        let text = br#" [ {"a":"},{\"\\"} , [1,[2]] ,3, "]," ,null,{"b":{"c":[{}]}}  ] rest"#;
        let expected: Vec<serde_json::Value> = serde_json::from_slice(&text[..text.len() - 5]).unwrap();
        assert_eq!(split(&text[..]), expected);
        assert_eq!(split(Trickle(text)), expected);
    }

    #[test]
    fn an_empty_list_has_no_batch() {
        assert!(split(&b"[ ]"[..]).is_empty());
    }

    #[test]
    fn a_long_list_is_cut_by_number_and_by_size() {
        let many: Vec<usize> = (0..5_000).collect();
        let text = serde_json::to_vec(&many).unwrap();
        assert_eq!(split(&text[..]).len(), many.len());
        let large = vec!["x".repeat(300 << 10); 4];
        let text = serde_json::to_vec(&large).unwrap();
        let mut splitter = Splitter::new(&text[..]);
        assert_eq!(splitter.next().unwrap().unwrap().count, 2);
    }

    #[test]
    fn a_list_that_breaks_off_is_an_error() {
        for text in ["", "[", "[1", "[\"a\\", "{}"] {
            assert!(Splitter::new(text.as_bytes()).next().is_err(), "{text}");
        }
    }
}
