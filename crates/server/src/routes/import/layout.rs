//! First pass: is it JSON, which buckets are in it, and where are their events?
//!
//! The whole grammar of JSON is checked on the way, without looking into events: what comes out
//! of a second pass is stored for good, so a file that is broken anywhere must be refused before. The
//! bytes of events are passed and only their place noted; the other fields of a bucket are few, are
//! put together again without the events, and read by the model.

use std::io::{self, Read};

use timberline_model::{NewBucket, ParseErrorKind, json};

use super::scan::Scanner;

/// What the fields of one bucket other than its events may take.
pub(super) const FIELDS_BYTES: usize = 8 << 20;
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

pub(super) type Result<T, E = LayoutError> = std::result::Result<T, E>;

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

pub(super) fn too_large(place: &str) -> LayoutError {
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
