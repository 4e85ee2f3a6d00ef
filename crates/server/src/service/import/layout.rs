//! First pass over an import: is it JSON, which buckets are in it, where are their events?
//!
//! The second pass stores events, so the first pass refuses a file that is cut off or not JSON. It skips the bytes of
//! events and notes only where they are. The other fields of a bucket are few: they are joined without the events, and the
//! model parses them.
//!
//! Files come in several shapes: `{"buckets": {id: bucket}}` as today's servers export them, the same with a list,
//! a list of buckets, one bucket, or buckets by id without anything around them. What in them is odd costs as little as
//! possible, and is noted.

use std::io::Read;

use timberline_model::{NewBucket, json};

use super::layout_error::{LayoutError, Result};
use super::notes::Notes;
use super::scan::{FIELDS_BYTES, Scanner};
use crate::service::bucket::is_usable_id;

/// Most buckets in one file.
const BUCKETS: usize = 100_000;
/// The fields of a bucket that are read, but for its events.
const FIELDS: [&str; 7] = [
    "id",
    "type",
    "client",
    "hostname",
    "created",
    "data",
    "last_updated",
];

/// What is in a file.
#[derive(Debug, Default)]
pub(crate) struct Layout {
    pub(super) buckets: Vec<BucketLayout>,
    /// What was changed in buckets, and buckets that were left out.
    pub(super) notes: Notes,
    pub(super) buckets_changed: u64,
    pub(super) buckets_left_out: u64,
}

/// A bucket in a file.
#[derive(Debug)]
pub(super) struct BucketLayout {
    /// Its fields; its id is the one inside it, else its key. The events are not in here.
    pub(super) id: String,
    pub(super) fields: NewBucket<'static>,
    /// The places of the lists of its events.
    pub(super) events: Vec<u64>,
}

/// Reads `source` to its end.
///
/// # Errors
/// When it is not JSON, nothing in it can be taken, or it cannot be read.
pub(crate) fn read(source: impl Read) -> Result<Layout> {
    let mut scanner = Scanner::new(source);
    scanner.pass_mark()?;
    let mut layout = Layout::default();
    if scanner.begins_with(b'[')? {
        layout.list(&mut scanner)?;
        if layout.buckets.is_empty() && layout.buckets_left_out == 0 {
            return Err(LayoutError::Shape("there is no bucket in its list".to_owned()));
        }
    } else {
        layout.object(&mut scanner)?;
    }
    scanner.end()?;
    if layout.buckets.is_empty() && layout.buckets_left_out > 0 {
        return Err(LayoutError::Shape(format!(
            "nothing in it can be taken: {}",
            layout.notes.summary()
        )));
    }
    Ok(layout)
}

/// A bucket as it stands in the file.
#[derive(Debug, Default)]
struct RawBucket {
    /// Its known fields, an object.
    text: Vec<u8>,
    events: Vec<u64>,
    /// What is wrong with it: where, and why.
    wrong: Vec<(&'static str, &'static str)>,
}

impl RawBucket {
    fn push(&mut self, name: &str, value: &[u8]) {
        self.text.push(if self.text.is_empty() { b'{' } else { b',' });
        json::write_string(&mut self.text, name);
        self.text.push(b':');
        self.text.extend_from_slice(value);
    }

    /// Passes the value of the member `name`, and keeps it if it is a field of a bucket.
    fn member<R: Read>(&mut self, scanner: &mut Scanner<R>, name: &str) -> Result<()> {
        if name == "events" {
            let (list, kind) = scanner.events()?;
            match list {
                Some(offset) => self.events.push(offset),
                None if kind == Some(b'n') => {}
                None => self.wrong.push(("events", "are no list: left out")),
            }
            return Ok(());
        }
        let Some(field) = FIELDS.into_iter().find(|field| *field == name) else {
            return scanner.value();
        };
        match scanner.captured()? {
            Some(value) if self.text.len() + value.len() <= FIELDS_BYTES => self.push(field, &value),
            _ => self.wrong.push((field, "is too large: left out")),
        }
        Ok(())
    }

    /// Passes a value; `None` when it is no object.
    fn read<R: Read>(scanner: &mut Scanner<R>) -> Result<Option<Self>> {
        if !scanner.begins_with(b'{')? {
            scanner.value()?;
            return Ok(None);
        }
        let mut bucket = Self::default();
        scanner.members("a bucket", |scanner, name| bucket.member(scanner, &name))?;
        Ok(Some(bucket))
    }
}

impl Layout {
    /// The file is an object: an export, a bucket, or buckets by id.
    fn object<R: Read>(&mut self, scanner: &mut Scanner<R>) -> Result<()> {
        let mut is_export = false;
        let mut alone = RawBucket::default();
        let mut by_id: Vec<(String, RawBucket)> = Vec::new();
        scanner.members("the file", |scanner, key| {
            if key == "buckets" {
                is_export = true;
                return self.buckets(scanner);
            }
            if key == "events" || FIELDS.contains(&key.as_str()) || !scanner.begins_with(b'{')? {
                return alone.member(scanner, &key);
            }
            // Any object may be in a file; what is no bucket has no events.
            match RawBucket::read(scanner)? {
                Some(bucket) if !bucket.events.is_empty() => {
                    check_count(by_id.len())?;
                    by_id.push((key, bucket));
                }
                _ => {}
            }
            Ok(())
        })?;
        if is_export {
            return Ok(());
        }
        if !alone.events.is_empty() {
            return self.take(None, "the file", alone, true);
        }
        if by_id.is_empty() {
            return Err(LayoutError::Shape("'buckets' is missing".to_owned()));
        }
        for (key, bucket) in by_id {
            self.take(Some(key), "", bucket, true)?;
        }
        Ok(())
    }

    /// Passes the value of `buckets`.
    fn buckets<R: Read>(&mut self, scanner: &mut Scanner<R>) -> Result<()> {
        if scanner.begins_with(b'[')? {
            return self.list(scanner);
        }
        scanner.members("'buckets'", |scanner, key| match RawBucket::read(scanner)? {
            Some(bucket) => self.take(Some(key), "", bucket, false),
            None => {
                self.leave_out(&key, "is no bucket: an object was expected");
                Ok(())
            }
        })
    }

    /// Passes a list of buckets.
    fn list<R: Read>(&mut self, scanner: &mut Scanner<R>) -> Result<()> {
        let mut index = 0u64;
        scanner.elements(|scanner| {
            let place = format!("element {index}");
            index += 1;
            match RawBucket::read(scanner)? {
                Some(bucket) => self.take(None, &place, bucket, false),
                None => {
                    self.leave_out(&place, "is no bucket: an object was expected");
                    Ok(())
                }
            }
        })
    }

    /// Takes a bucket as it is, or as far as it can be read. What is hardly a bucket is taken for its events only.
    fn take(
        &mut self,
        key: Option<String>,
        place: &str,
        bucket: RawBucket,
        needs_events: bool,
    ) -> Result<()> {
        check_count(self.buckets.len())?;
        let RawBucket {
            mut text,
            events,
            wrong,
        } = bucket;
        text.extend_from_slice(if text.is_empty() { b"{}" } else { b"}" });
        let name = key.as_deref().unwrap_or(place);
        let (mut fields, changes) = match salvaged(&text) {
            Ok(read) => read,
            Err(reason) => {
                self.leave_out(name, &reason);
                return Ok(());
            }
        };
        let needs_events = needs_events || changes.iter().any(|(field, _)| *field == "type");
        if needs_events && events.is_empty() {
            self.leave_out(name, "has no type and no events");
            return Ok(());
        }
        let Some(id) = fields.id.take().or(key) else {
            self.leave_out(place, "has no id");
            return Ok(());
        };
        if !is_usable_id(&id) {
            self.leave_out(&id, "has an id that no address can have");
            return Ok(());
        }
        self.buckets_changed += u64::from(!changes.is_empty() || !wrong.is_empty());
        for (field, reason) in changes {
            self.notes.push(&id, field, &reason, false);
        }
        for (field, reason) in wrong {
            self.notes.push(&id, field, reason, true);
        }
        self.buckets.push(BucketLayout { id, fields, events });
        Ok(())
    }

    fn leave_out(&mut self, name: &str, reason: &str) {
        self.buckets_left_out += 1;
        self.notes.push(name, "", reason, true);
    }
}

/// A field, and what was changed in it.
type FieldChange = (&'static str, String);

/// The fields of a bucket and what was changed in them, or why there are none.
fn salvaged(text: &[u8]) -> Result<(NewBucket<'static>, Vec<FieldChange>), String> {
    if let Ok(fields) = json::parse_bucket(text) {
        return Ok((detached(fields), Vec::new()));
    }
    let (mended, changed) = json::mend(text);
    let (fields, changes) = json::salvage_bucket(&mended).map_err(|error| error.to_string())?;
    let mut all: Vec<_> = changes
        .into_iter()
        .map(|change| (change.field, change.reason))
        .collect();
    if !changed.is_nothing() {
        all.push(("", super::notes::mended(changed)));
    }
    Ok((fields, all))
}

fn check_count(count: usize) -> Result<()> {
    if count < BUCKETS {
        return Ok(());
    }
    Err(LayoutError::TooLarge(format!(
        "The file has more than {BUCKETS} buckets"
    )))
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
        let at = usize::try_from(first.events[0]).unwrap();
        assert!(text[at..].starts_with("[ {"));
        assert_eq!((second.id.as_str(), second.events.len()), ("m", 0));
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
            "NaNo",
            "-NaN",
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
            ("7", "the file must be an object"),
            ("{}", "'buckets' is missing"),
            ("[]", "no bucket"),
            ("{\"x\":{\"events\":[]}}", "'buckets' is missing"),
            ("{\"buckets\":7}", "'buckets' must be an object"),
            ("{\"buckets\":{\"a\":3}}", "is no bucket"),
            (
                "{\"buckets\":{\"a\":{\"client\":\"c\",\"hostname\":\"h\",\"events\":[]}}}",
                "no type and no events",
            ),
            (
                "[{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\"}]",
                "has no id",
            ),
            (
                "{\"buckets\":{\"..\":{\"type\":\"t\",\"client\":\"c\",\"hostname\":\"h\"}}}",
                "id",
            ),
        ] {
            let error = layout(text).unwrap_err();
            assert!(matches!(error, LayoutError::Shape(_)), "{text}: {error}");
            assert!(error.to_string().contains(reason), "{text}: {error}");
        }
    }

    const FIELDS: &str = r#""type":"t","client":"c","hostname":"h""#;

    #[test]
    fn a_file_of_any_shape_is_taken() {
        let bucket = format!(r#"{{"id":"b",{FIELDS},"events":[{{}}]}}"#);
        let mark = "\u{feff}";
        for text in [
            format!("{{\"buckets\":{{\"b\":{bucket}}}}}"),
            format!("{{\"buckets\":[{bucket}]}}"),
            format!("[{bucket}]"),
            bucket.clone(),
            format!("{{\"version\":1,\"x\":{{\"y\":1}},\"b\":{bucket}}}"),
            format!("{mark}{{\"buckets\":{{\"b\":{bucket}}},\"b2\":{bucket}}}"),
        ] {
            let layout = layout(&text).unwrap();
            assert_eq!(layout.buckets.len(), 1, "{text}");
            assert_eq!(
                (layout.buckets[0].id.as_str(), layout.buckets[0].events.len()),
                ("b", 1),
                "{text}"
            );
            assert_eq!(
                (layout.buckets_changed, layout.buckets_left_out),
                (0, 0),
                "{text}"
            );
        }
    }

    #[test]
    fn one_odd_bucket_does_not_cost_the_file() {
        let text = format!(
            r#"{{"buckets":{{"a":7,"b":{{{FIELDS},"events":{{}}}},"c":{{"hostname":null,"client":"\ud835","events":[1]}},
            ".":{{{FIELDS}}},"d":{{{FIELDS},"events":[1],"events":[2]}},"e":{{{FIELDS},"data":{{"x":NaN}},"created":-Infinity}}}}}}"#
        );
        let layout = layout(&text).unwrap();
        let ids: Vec<_> = layout
            .buckets
            .iter()
            .map(|bucket| (bucket.id.as_str(), bucket.events.len()))
            .collect();
        assert_eq!(ids, [("b", 0), ("c", 1), ("d", 2), ("e", 0)]);
        assert_eq!((layout.buckets_changed, layout.buckets_left_out), (3, 2));
        assert_eq!(layout.buckets[1].fields.hostname, "unknown");
        assert_eq!(layout.buckets[1].fields.client, "\u{fffd}");
        assert_eq!(layout.buckets[3].fields.data.as_str(), r#"{"x":null}"#);
    }

    #[test]
    fn fields_that_are_too_large_are_left_out_without_the_file() {
        let text = format!(
            r#"{{"buckets":{{"a":{{{FIELDS},"data":{{"x":"{}"}},"events":[{{}}]}}}}}}"#,
            "x".repeat(FIELDS_BYTES)
        );
        let layout = read(text.as_bytes()).unwrap();
        assert_eq!((layout.buckets.len(), layout.buckets_changed), (1, 1));
        assert_eq!(layout.buckets[0].fields.data.as_str(), "{}");
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
