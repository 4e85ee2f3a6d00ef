//! Finding buckets and events in an export file.
//!
//! All of these are exports: `{"buckets": {"<id>": {..., "events": [...]}}}` and the same with a list of buckets, one
//! bare bucket `{"id": ..., "events": [...]}`, and a bare list of events.

use std::io::Read;

use super::scan::{Capture, ScanError, Scanner};

/// Bytes of one event. The model's own limit for events that are sent to a server is far below.
const EVENT_BYTES: usize = 16 << 20;
/// Bytes of a key or a bucket's field.
const FIELD_BYTES: usize = 1 << 20;

/// What comes next in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// A bucket begins; its key is [`Walk::key`], empty if it has none. A bare bucket or list of events begins with
    /// its first event.
    Bucket,
    /// A field of a bucket that is no list of events, or of the outermost object: [`Walk::key`], [`Walk::text`].
    Field { outermost: bool, too_large: bool },
    /// An event: [`Walk::text`].
    Event { too_large: bool },
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Start,
    /// In the outermost object.
    Outermost,
    /// In the object, or list, of buckets.
    Buckets {
        list: bool,
    },
    /// In a bucket.
    Bucket {
        list: bool,
    },
    /// In a bucket's list of events.
    Events {
        list: bool,
    },
    /// In the outermost object's list of events.
    BareEvents,
    /// In a list that is all there is.
    List,
    End,
}

/// Walks through an export.
pub(super) struct Walk<R> {
    scanner: Scanner<R>,
    place: Place,
    /// Whether an element of the current list or object came before.
    inside: bool,
    /// Whether a bare bucket has begun.
    bare: bool,
    /// Whether events are wanted as text.
    capture_events: bool,
    key: Vec<u8>,
    text: Vec<u8>,
    /// Whether there was an object or list that buckets and events can be in.
    pub(super) is_export: bool,
}

impl<R: Read> Walk<R> {
    pub(super) fn new(source: R) -> Self {
        Walk {
            scanner: Scanner::new(source),
            place: Place::Start,
            inside: false,
            bare: false,
            capture_events: true,
            key: Vec::new(),
            text: Vec::new(),
            is_export: false,
        }
    }

    /// For a pass that only determines what the file contains.
    pub(super) fn without_events(source: R) -> Self {
        Walk {
            capture_events: false,
            ..Walk::new(source)
        }
    }

    /// The key of the current bucket or field, as JSON.
    pub(super) fn key(&self) -> &[u8] {
        &self.key
    }

    /// The current field or event, as JSON.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn next(&mut self) -> Result<Option<Item>, ScanError> {
        loop {
            let item = match self.place {
                Place::Start => self.start()?,
                Place::Outermost => self.member(None)?,
                Place::Buckets { list } => self.bucket(list)?,
                Place::Bucket { list } => self.member(Some(list))?,
                Place::Events { list } => self.event(Place::Bucket { list })?,
                Place::BareEvents => self.event(Place::Outermost)?,
                Place::List => self.event(Place::End)?,
                Place::End => return Ok(None),
            };
            if item.is_some() {
                return Ok(item);
            }
        }
    }

    fn enter(&mut self, place: Place) {
        self.place = place;
        self.inside = false;
    }

    /// Goes on where something before has ended.
    fn leave(&mut self, place: Place) {
        self.place = place;
        self.inside = true;
    }

    fn start(&mut self) -> Result<Option<Item>, ScanError> {
        self.scanner.pass_mark()?;
        if self.scanner.skip(b'[')? {
            self.is_export = true;
            self.enter(Place::List);
            return Ok(self.begin_bare());
        }
        self.scanner.expect(b'{', "an object or a list")?;
        self.enter(Place::Outermost);
        Ok(None)
    }

    /// The bucket to which events belong that are in no bucket.
    fn begin_bare(&mut self) -> Option<Item> {
        if std::mem::replace(&mut self.bare, true) {
            return None;
        }
        self.key.clear();
        Some(Item::Bucket)
    }

    /// Whether another element follows, in a list or object that `close` ends.
    fn another(&mut self, close: u8) -> Result<bool, ScanError> {
        if self.scanner.skip(close)? {
            return Ok(false);
        }
        if self.inside {
            self.scanner
                .expect(b',', "a comma or the end of a list or object")?;
            // Some programs leave a comma behind the last one.
            if self.scanner.skip(close)? {
                return Ok(false);
            }
        }
        self.inside = true;
        Ok(true)
    }

    fn take_key(&mut self) -> Result<(), ScanError> {
        self.key.clear();
        if self.scanner.peek()? != Some(b'"') {
            return Err(match self.scanner.peek()? {
                Some(_) => self.scanner.syntax("a key in quotes"),
                None => ScanError::End,
            });
        }
        let mut capture = Capture {
            out: &mut self.key,
            limit: FIELD_BYTES,
            too_large: false,
        };
        self.scanner.string(Some(&mut capture))?;
        self.scanner.expect(b':', "a colon")
    }

    /// A member of a bucket (in a list or not) or of the outermost object.
    fn member(&mut self, bucket: Option<bool>) -> Result<Option<Item>, ScanError> {
        if !self.another(b'}')? {
            match bucket {
                Some(list) => self.leave(Place::Buckets { list }),
                None => self.place = Place::End,
            }
            return Ok(None);
        }
        self.take_key()?;
        let next = self.scanner.peek()?;
        match (self.key.as_slice(), next, bucket) {
            (b"\"buckets\"", Some(open @ (b'{' | b'[')), None) => {
                self.scanner.skip(open)?;
                self.is_export = true;
                self.enter(Place::Buckets { list: open == b'[' });
                Ok(None)
            }
            (b"\"events\"", Some(b'['), bucket) => {
                self.scanner.skip(b'[')?;
                self.is_export = true;
                match bucket {
                    Some(list) => {
                        self.enter(Place::Events { list });
                        Ok(None)
                    }
                    None => {
                        self.enter(Place::BareEvents);
                        Ok(self.begin_bare())
                    }
                }
            }
            (_, _, bucket) => {
                let too_large = self.take_value(FIELD_BYTES)?;
                Ok(Some(Item::Field {
                    outermost: bucket.is_none(),
                    too_large,
                }))
            }
        }
    }

    fn take_value(&mut self, limit: usize) -> Result<bool, ScanError> {
        self.text.clear();
        let mut capture = Capture {
            out: &mut self.text,
            limit,
            too_large: false,
        };
        self.scanner.value(Some(&mut capture))?;
        Ok(capture.too_large)
    }

    fn bucket(&mut self, list: bool) -> Result<Option<Item>, ScanError> {
        if !self.another(if list { b']' } else { b'}' })? {
            self.leave(Place::Outermost);
            return Ok(None);
        }
        if list {
            self.key.clear();
        } else {
            self.take_key()?;
        }
        if self.scanner.skip(b'{')? {
            self.enter(Place::Bucket { list });
        } else {
            // A value that is not a bucket counts as a bucket without fields.
            self.scanner.value(None)?;
        }
        Ok(Some(Item::Bucket))
    }

    fn event(&mut self, after: Place) -> Result<Option<Item>, ScanError> {
        if !self.another(b']')? {
            self.leave(after);
            return Ok(None);
        }
        let too_large = if self.capture_events {
            self.take_value(EVENT_BYTES)?
        } else {
            self.scanner.value(None)?;
            false
        };
        Ok(Some(Item::Event { too_large }))
    }
}
