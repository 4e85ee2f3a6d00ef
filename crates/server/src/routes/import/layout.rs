//! First pass: is it JSON, which buckets are in it, and where are their events?
//!
//! The whole grammar of JSON (RFC 8259) is checked here, without looking into events: what comes out
//! of a second pass is stored for good, so a file that is broken anywhere must be refused before. The
//! bytes of events are passed and only their place noted; the other fields of a bucket are few, are
//! put together again without the events, and read by the model.

use std::io::{self, Read};

use timberline_model::{NewBucket, ParseErrorKind, json};

use super::window::Window;

/// Deepest nesting; the model accepts less in an event's data.
const DEPTH: usize = 1_000;
/// What the fields of one bucket other than its events may take.
const FIELDS_BYTES: usize = 8 << 20;
/// Most buckets in one file.
const BUCKETS: usize = 100_000;

/// Why a file cannot be imported.
#[derive(Debug, thiserror::Error)]
pub(super) enum LayoutError {
    #[error("The file is not JSON: {expected} expected at byte {offset}")]
    Syntax { offset: u64, expected: &'static str },
    #[error("The file is not an export: {0}")]
    Shape(String),
    #[error("{0}")]
    TooLarge(String),
    #[error(transparent)]
    Read(#[from] io::Error),
}

type Result<T, E = LayoutError> = std::result::Result<T, E>;

/// What is in a file.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) buckets: Vec<BucketLayout>,
}

/// A bucket in a file.
#[derive(Debug)]
pub(super) struct BucketLayout {
    /// Its fields; its id is the one inside it, else its key. The events are not in here.
    pub(super) id: String,
    pub(super) fields: NewBucket<'static>,
    /// The place of the list of its events, if it has one.
    pub(super) events: Option<u64>,
}

/// Reads `source` to its end.
///
/// # Errors
/// When it is not JSON, not an export, or cannot be read.
pub(super) fn read(source: impl Read) -> Result<Layout> {
    let mut scanner = Scanner::new(source);
    let mut layout: Option<Layout> = None;
    scanner.members("the file", |scanner, key| {
        if key != "buckets" {
            return scanner.value();
        }
        if layout.is_some() {
            return Err(LayoutError::Shape("'buckets' is there twice".to_owned()));
        }
        layout = Some(buckets(scanner)?);
        Ok(())
    })?;
    scanner.end()?;
    layout.ok_or_else(|| LayoutError::Shape("'buckets' is missing".to_owned()))
}

fn buckets<R: Read>(scanner: &mut Scanner<R>) -> Result<Layout> {
    let mut layout = Layout::default();
    scanner.members("'buckets'", |scanner, key| {
        if layout.buckets.len() == BUCKETS {
            return Err(LayoutError::TooLarge(format!(
                "The file has more than {BUCKETS} buckets"
            )));
        }
        layout.buckets.push(bucket(scanner, key)?);
        Ok(())
    })?;
    Ok(layout)
}

fn bucket<R: Read>(scanner: &mut Scanner<R>, key: String) -> Result<BucketLayout> {
    let place = format!("bucket '{key}'");
    let mut text = vec![b'{'];
    let mut events = None;
    scanner.members(&place, |scanner, name| {
        if name == "events" {
            return match events.replace(scanner.events(&place)?) {
                None => Ok(()),
                Some(_) => Err(LayoutError::Shape(format!("{place}: 'events' is there twice"))),
            };
        }
        let value = scanner.captured(&place)?;
        if text.len() > 1 {
            text.push(b',');
        }
        json::write_string(&mut text, &name);
        text.push(b':');
        text.extend_from_slice(&value);
        if text.len() > FIELDS_BYTES {
            return Err(too_large(&place));
        }
        Ok(())
    })?;
    text.push(b'}');
    let fields = json::parse_bucket(&text).map_err(|error| match error.kind {
        // Half of a surrogate pair, bytes that are no UTF-8: the grammar does not show it.
        ParseErrorKind::Syntax | ParseErrorKind::Shape => LayoutError::Shape(format!("{place}: {error}")),
    })?;
    let mut fields = detached(fields);
    Ok(BucketLayout {
        id: fields.id.take().unwrap_or(key),
        fields,
        events: events.flatten(),
    })
}

fn too_large(place: &str) -> LayoutError {
    LayoutError::TooLarge(format!(
        "The fields of {place} are larger than {FIELDS_BYTES} bytes"
    ))
}

/// The same without events, which is all that could borrow.
fn detached(bucket: NewBucket<'_>) -> NewBucket<'static> {
    NewBucket {
        id: bucket.id,
        type_: bucket.type_,
        client: bucket.client,
        hostname: bucket.hostname,
        created: bucket.created,
        data: bucket.data,
        last_updated: bucket.last_updated,
        events: Vec::new(),
        left_out: None,
    }
}

/// What a value is in.
#[derive(Clone, Copy)]
enum Container {
    Object,
    List,
}

/// Passes over JSON and checks it.
struct Scanner<R> {
    window: Window<R>,
    /// What is passed, while somebody wants it.
    capture: Option<Vec<u8>>,
}

impl<R: Read> Scanner<R> {
    fn new(source: R) -> Self {
        Self {
            window: Window::new(source, 0),
            capture: None,
        }
    }

    /// Passes an object; `each` passes the value of one member.
    fn members(&mut self, what: &str, mut each: impl FnMut(&mut Self, String) -> Result<()>) -> Result<()> {
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

    /// Passes a list of events, or null, and says where the list is.
    fn events(&mut self, place: &str) -> Result<Option<u64>> {
        let offset = self.window.offset();
        let first = self.peek()?;
        self.value()?;
        match first {
            Some(b'[') => Ok(Some(offset)),
            Some(b'n') => Ok(None),
            _ => Err(LayoutError::Shape(format!("{place}: 'events' must be a list"))),
        }
    }

    /// Passes a value and gives back its text.
    fn captured(&mut self, place: &str) -> Result<Vec<u8>> {
        let text = self.capturing(Self::value)?;
        if text.len() > FIELDS_BYTES {
            return Err(too_large(place));
        }
        Ok(text)
    }

    fn capturing(&mut self, pass: impl FnOnce(&mut Self) -> Result<()>) -> Result<Vec<u8>> {
        self.capture = Some(Vec::new());
        let passed = pass(self);
        let text = self.capture.take().unwrap_or_default();
        passed.map(|()| text)
    }

    /// Passes one value of any kind.
    fn value(&mut self) -> Result<()> {
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

    fn end(&mut self) -> Result<()> {
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

#[cfg(test)]
mod tests {
    use super::super::window::tests::Trickle;
    use super::*;

    fn layout(text: &str) -> Result<Layout> {
        let at_once = read(text.as_bytes());
        let slowly = read(Trickle(text.as_bytes()));
        assert_eq!(format!("{at_once:?}"), format!("{slowly:?}"));
        at_once
    }

    /// One value as the file's only other key.
    fn accepts(value: &str) -> bool {
        layout(&format!("{{\"x\":{value},\"buckets\":{{}}}}")).is_ok()
    }

    #[test]
    fn the_order_of_keys_in_a_bucket_is_free() {
        let text = r#" {"buckets": {"k": {"events": [ {"a": "]}"} ], "type": "t", "client": "c",
            "hostname": "h", "id": "i", "data": {"x": [1]}}, "m": {"type": "t", "client": "c",
            "hostname": "h", "events": null}}} "#;
        let layout = layout(text).unwrap();
        let [first, second] = &layout.buckets[..] else {
            panic!("{layout:?}");
        };
        assert_eq!(first.id, "i");
        assert_eq!(first.fields.type_, "t");
        assert_eq!(first.fields.data.as_str(), r#"{"x":[1]}"#);
        let at = usize::try_from(first.events.unwrap()).unwrap();
        assert!(text[at..].starts_with("[ {"));
        assert_eq!((second.id.as_str(), second.events), ("m", None));
    }

    #[test]
    fn the_grammar_is_that_of_serde_json() {
        for value in [
            "1",
            "-0",
            "0.5",
            "1e5",
            "1E-5",
            "-1.5e+10",
            "\"\"",
            "\"\\u00e5\\n\\/\"",
            "true",
            "null",
            "[]",
            "[1, [2] ,{}]",
            "{\"a\" : {\"b\":[{}]}}",
            "\"åäö\"",
            " [ ] ",
        ] {
            assert!(accepts(value), "{value}");
            assert!(
                serde_json::from_str::<serde_json::Value>(value).is_ok(),
                "{value}"
            );
        }
        for value in [
            "",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "tru",
            "nul",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\n\"",
            "[1,]",
            "[1 2]",
            "[",
            "{\"a\"}",
            "{\"a\":1,}",
            "{a:1}",
            "{,}",
            "1 2",
            "NaN",
            "]",
        ] {
            assert!(!accepts(value), "{value}");
            assert!(
                serde_json::from_str::<serde_json::Value>(value).is_err(),
                "{value}"
            );
        }
    }

    #[test]
    fn what_is_no_export_says_why() {
        for (text, reason) in [
            ("[]", "the file must be an object"),
            ("{}", "'buckets' is missing"),
            ("{\"buckets\":[]}", "'buckets' must be an object"),
            ("{\"buckets\":{},\"buckets\":{}}", "twice"),
            (
                "{\"buckets\":{\"a\":{\"client\":\"c\",\"hostname\":\"h\"}}}",
                "type",
            ),
            ("{\"buckets\":{\"a\":{\"events\":3}}}", "must be a list"),
            ("{\"buckets\":{\"a\":{\"events\":[],\"events\":[]}}}", "twice"),
        ] {
            let error = layout(text).unwrap_err();
            assert!(matches!(error, LayoutError::Shape(_)), "{text}: {error}");
            assert!(error.to_string().contains(reason), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_no_json_says_where() {
        let error = layout("{\"buckets\": nope}").unwrap_err();
        assert!(matches!(error, LayoutError::Syntax { offset: 13, .. }), "{error}");
        assert!(layout("{\"buckets\":{}} x").is_err());
        assert!(layout("{\"buckets\":{}").is_err());
    }

    #[test]
    fn nesting_has_a_bound_and_needs_no_stack() {
        let deep = "[".repeat(100_000);
        assert!(matches!(
            read(format!("{{\"x\":{deep}").as_bytes()),
            Err(LayoutError::TooLarge(_))
        ));
    }
}
