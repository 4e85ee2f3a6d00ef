//! Skips JSON values and checks their grammar (RFC 8259). It also accepts `NaN`, `Infinity` and `-Infinity`, which Python
//! writes, and a byte order mark at the beginning.
//!
//! It builds no values, does not recurse, and needs only the bytes in the window. So a file of any size and shape takes
//! the same memory.

use std::io::Read;

use timberline_model::json;

use super::layout_error::{LayoutError, Result};
use super::window::Window;

/// Deepest nesting; the model accepts less in an event's data.
const DEPTH: usize = 1_000;
/// What the fields of one bucket other than its events may take.
pub(super) const FIELDS_BYTES: usize = 8 << 20;

/// What a value is in.
#[derive(Clone, Copy)]
enum Container {
    Object,
    List,
}

/// Passes over JSON and checks it.
pub(super) struct Scanner<R> {
    window: Window<R>,
    /// What is passed, while somebody wants it.
    capture: Option<Vec<u8>>,
}

impl<R: Read> Scanner<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            window: Window::new(source, 0),
            capture: None,
        }
    }

    /// Passes a byte order mark, if there is one.
    pub(super) fn pass_mark(&mut self) -> Result<()> {
        const MARK: &[u8] = "\u{feff}".as_bytes();
        while self.window.bytes().len() < MARK.len() && MARK.starts_with(self.window.bytes()) {
            if !self.window.more()? {
                return Ok(());
            }
        }
        if self.window.bytes().starts_with(MARK) {
            self.pass(MARK.len());
        }
        Ok(())
    }

    /// Whether the next value begins with `byte`.
    pub(super) fn begins_with(&mut self, byte: u8) -> Result<bool> {
        self.blanks()?;
        Ok(self.peek()? == Some(byte))
    }

    /// Passes a list, before which the scanner stands; `each` passes an element.
    pub(super) fn elements(&mut self, mut each: impl FnMut(&mut Self) -> Result<()>) -> Result<()> {
        self.expect(b'[', "a list")?;
        self.blanks()?;
        if self.peek()? == Some(b']') {
            self.pass(1);
            return Ok(());
        }
        loop {
            self.blanks()?;
            each(self)?;
            self.blanks()?;
            match self.peek()? {
                Some(b',') => self.pass(1),
                Some(b']') => {
                    self.pass(1);
                    return Ok(());
                }
                _ => return Err(self.syntax("',' or ']'")),
            }
        }
    }

    /// Passes an object; `each` passes the value of one member.
    pub(super) fn members(
        &mut self,
        what: &str,
        mut each: impl FnMut(&mut Self, String) -> Result<()>,
    ) -> Result<()> {
        self.blanks()?;
        if self.peek()? != Some(b'{') {
            // Whether it is wrong JSON or the wrong JSON is for the value to say.
            self.value()?;
            return Err(LayoutError::Shape(format!("{what} must be an object")));
        }
        self.pass(1);
        self.blanks()?;
        if self.peek()? == Some(b'}') {
            self.pass(1);
            return Ok(());
        }
        loop {
            self.blanks()?;
            let key = self.capturing(Self::string)?;
            let key = serde_json::from_slice(&key)
                .or_else(|_| serde_json::from_slice(&json::mend(&key).0))
                .map_err(|error| LayoutError::Shape(format!("{what}: a key: {error}")))?;
            self.blanks()?;
            self.expect(b':', "':'")?;
            self.blanks()?;
            each(self, key)?;
            self.blanks()?;
            match self.peek()? {
                Some(b',') => self.pass(1),
                Some(b'}') => {
                    self.pass(1);
                    return Ok(());
                }
                _ => return Err(self.syntax("',' or '}'")),
            }
        }
    }

    /// Passes a list of events, and says where it is if there is something in it; also what the value begins with.
    pub(super) fn events(&mut self) -> Result<(Option<u64>, Option<u8>)> {
        let offset = self.window.offset();
        let first = self.peek()?;
        if first != Some(b'[') {
            self.value()?;
            return Ok((None, first.filter(|byte| *byte == b'n')));
        }
        let mut count = 0u64;
        self.elements(|scanner| {
            count += 1;
            scanner.value()
        })?;
        Ok(((count > 0).then_some(offset), Some(b'n')))
    }

    /// Passes a value and gives back its text, if it is not too large.
    pub(super) fn captured(&mut self) -> Result<Option<Vec<u8>>> {
        let text = self.capturing(Self::value)?;
        Ok((text.len() <= FIELDS_BYTES).then_some(text))
    }

    fn capturing(&mut self, pass: impl FnOnce(&mut Self) -> Result<()>) -> Result<Vec<u8>> {
        self.capture = Some(Vec::new());
        let passed = pass(self);
        let text = self.capture.take().unwrap_or_default();
        passed.map(|()| text)
    }

    /// Passes one value of any kind.
    pub(super) fn value(&mut self) -> Result<()> {
        let mut open: Vec<Container> = Vec::new();
        loop {
            self.blanks()?;
            match self.peek()? {
                Some(b'{') => {
                    self.pass(1);
                    self.blanks()?;
                    if self.peek()? == Some(b'}') {
                        self.pass(1);
                    } else {
                        self.key()?;
                        self.open(&mut open, Container::Object)?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.pass(1);
                    self.blanks()?;
                    if self.peek()? == Some(b']') {
                        self.pass(1);
                    } else {
                        self.open(&mut open, Container::List)?;
                        continue;
                    }
                }
                Some(b'"') => self.string()?,
                Some(b'-' | b'0'..=b'9') => self.number()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                Some(b'N') => self.literal(b"NaN")?,
                Some(b'I') => self.literal(b"Infinity")?,
                _ => return Err(self.syntax("a value")),
            }
            if self.close(&mut open)? {
                return Ok(());
            }
        }
    }

    fn open(&mut self, open: &mut Vec<Container>, container: Container) -> Result<()> {
        if open.len() == DEPTH {
            return Err(LayoutError::TooLarge(format!(
                "The file is nested deeper than {DEPTH} levels"
            )));
        }
        open.push(container);
        Ok(())
    }

    /// After a value: passes what closes or continues the containers around it. True when none is left.
    fn close(&mut self, open: &mut Vec<Container>) -> Result<bool> {
        loop {
            let Some(container) = open.last() else {
                return Ok(true);
            };
            let container = *container;
            self.blanks()?;
            match (container, self.peek()?) {
                (Container::Object, Some(b',')) => {
                    self.pass(1);
                    self.blanks()?;
                    self.key()?;
                    return Ok(false);
                }
                (Container::List, Some(b',')) => {
                    self.pass(1);
                    return Ok(false);
                }
                (Container::Object, Some(b'}')) | (Container::List, Some(b']')) => {
                    self.pass(1);
                    open.pop();
                }
                (Container::Object, _) => return Err(self.syntax("',' or '}'")),
                (Container::List, _) => return Err(self.syntax("',' or ']'")),
            }
        }
    }

    fn key(&mut self) -> Result<()> {
        self.string()?;
        self.blanks()?;
        self.expect(b':', "':'")
    }

    fn string(&mut self) -> Result<()> {
        self.expect(b'"', "a string")?;
        loop {
            let bytes = self.window.bytes();
            let count = plain_bytes(bytes);
            let stop = bytes.get(count).copied();
            self.pass(count);
            match stop {
                Some(b'"') => {
                    self.pass(1);
                    return Ok(());
                }
                Some(b'\\') => self.escape()?,
                Some(_) => return Err(self.syntax("an escape for this control character")),
                None => {
                    if !self.window.more()? {
                        return Err(self.syntax("'\"'"));
                    }
                }
            }
        }
    }

    fn escape(&mut self) -> Result<()> {
        self.pass(1);
        match self.peek()? {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.pass(1),
            Some(b'u') => {
                self.pass(1);
                for _ in 0..4 {
                    if !self.peek()?.is_some_and(|b| b.is_ascii_hexdigit()) {
                        return Err(self.syntax("four hexadecimal digits"));
                    }
                    self.pass(1);
                }
            }
            _ => return Err(self.syntax("an escape")),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<()> {
        if self.peek()? == Some(b'-') {
            self.pass(1);
            if self.peek()? == Some(b'I') {
                return self.literal(b"Infinity");
            }
        }
        if self.peek()? == Some(b'0') {
            self.pass(1);
        } else {
            self.digits()?;
        }
        if self.peek()? == Some(b'.') {
            self.pass(1);
            self.digits()?;
        }
        if matches!(self.peek()?, Some(b'e' | b'E')) {
            self.pass(1);
            if matches!(self.peek()?, Some(b'+' | b'-')) {
                self.pass(1);
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<()> {
        if !self.peek()?.is_some_and(|b| b.is_ascii_digit()) {
            return Err(self.syntax("a digit"));
        }
        while self.peek()?.is_some_and(|b| b.is_ascii_digit()) {
            self.pass(1);
        }
        Ok(())
    }

    fn literal(&mut self, text: &'static [u8]) -> Result<()> {
        for byte in text {
            self.expect(*byte, "true, false or null")?;
        }
        Ok(())
    }

    fn blanks(&mut self) -> Result<()> {
        while matches!(self.peek()?, Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.pass(1);
        }
        Ok(())
    }

    pub(super) fn end(&mut self) -> Result<()> {
        self.blanks()?;
        match self.peek()? {
            None => Ok(()),
            Some(_) => Err(self.syntax("the end of the file")),
        }
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<()> {
        if self.peek()? != Some(byte) {
            return Err(self.syntax(what));
        }
        self.pass(1);
        Ok(())
    }

    #[inline]
    fn peek(&mut self) -> Result<Option<u8>> {
        Ok(self.window.peek()?)
    }

    #[inline]
    fn pass(&mut self, count: usize) {
        if let Some(capture) = &mut self.capture {
            // Beyond the bound it is refused anyway; it need not be kept for that.
            if capture.len() <= FIELDS_BYTES {
                let bytes = self.window.bytes();
                capture.extend_from_slice(bytes.get(..count).unwrap_or_default());
            }
        }
        self.window.pass(count);
    }

    #[cold]
    fn syntax(&self, expected: &'static str) -> LayoutError {
        LayoutError::Syntax {
            offset: self.window.offset(),
            expected,
        }
    }
}

/// How many bytes from the start stand for themselves in a string. Most of a file goes through here, so
/// it looks at blocks without a branch per byte, which compilers turn into vector instructions.
fn plain_bytes(bytes: &[u8]) -> usize {
    const BLOCK: usize = 16;
    let special = |byte: &u8| *byte == b'"' || *byte == b'\\' || *byte < 0x20;
    let plain = |block: &&[u8]| !block.iter().fold(false, |found, byte| found | special(byte));
    let passed = BLOCK * bytes.chunks_exact(BLOCK).take_while(plain).count();
    let rest = bytes.get(passed..).unwrap_or_default();
    passed + rest.iter().position(special).unwrap_or(rest.len())
}
