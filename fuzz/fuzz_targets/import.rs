//! Import files: the same is said of one however it arrives, its grammar is that of serde_json once it is mended, and its events come out
//! of the second pass as they went in.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use timberline_fuzz::pieces::Pieces;
use timberline_fuzz::script::Script;
use timberline_model::json;
use timberline_server::fuzz::import::{self, Refused};

/// The first bytes of an input choose how it arrives.
const LENGTHS: usize = 4;

fuzz_target!(|bytes: &[u8]| {
    let mut script = Script::new(bytes);
    let lengths = script.take(LENGTHS);
    let file = script.rest();
    layout(file, lengths);
    list(file, lengths);
    form(file, lengths);
});

fn layout(file: &[u8], lengths: &[u8]) {
    let whole = import::layout(file);
    assert_eq!(whole, import::layout(Pieces::new(file, lengths)));
    // Beyond serde_json's grammar: NaN, infinities, and a mark in front.
    let grammar = serde_json::from_slice::<IgnoredAny>(&json::mend(file).0);
    match whole {
        Ok(buckets) => {
            assert!(grammar.is_ok(), "{grammar:?}");
            for place in buckets.iter().flat_map(|(_, events)| events) {
                list(&file[*place as usize..], lengths);
            }
        }
        Err(Refused::Syntax(why)) => assert!(grammar.is_err(), "{why}"),
        Err(Refused::Other(why)) => assert!(!why.is_empty()),
    }
}

/// Cuts the list at the front of `text`.
fn list(text: &[u8], lengths: &[u8]) {
    let whole = import::batches(text);
    let pieces = import::batches(Pieces::new(text, lengths));
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (Err(whole), Err(pieces)) => assert_eq!(whole.kind(), pieces.kind()),
        _ => panic!("{whole:?}, but in pieces {pieces:?}"),
    }
    let mut lists = serde_json::Deserializer::from_slice(text).into_iter::<Vec<&RawValue>>();
    let Some(Ok(expected)) = lists.next() else { return };
    let batches = whole.expect("a list is cut");
    let mut cut: Vec<&RawValue> = Vec::new();
    for (batch, count) in &batches {
        let elements: Vec<&RawValue> = serde_json::from_slice(batch).expect("a batch is a list");
        assert_eq!(elements.len(), *count);
        cut.extend(elements);
    }
    assert!(cut.iter().map(|e| e.get()).eq(expected.iter().map(|e| e.get())));
}

/// As the body of a form, and as the file in one.
fn form(bytes: &[u8], lengths: &[u8]) {
    const BOUNDARY: &str = "B";
    let whole = import::file_in_form(bytes, BOUNDARY);
    let pieces = import::file_in_form(Pieces::new(bytes, lengths), BOUNDARY);
    assert_eq!(whole.as_ref().ok(), pieces.as_ref().ok(), "{whole:?} {pieces:?}");
    let mut form = b"--B\r\nContent-Disposition: form-data; name=\"buckets\"\r\n\r\n".to_vec();
    form.extend_from_slice(bytes);
    form.extend_from_slice(b"\r\n--B--\r\n");
    let file = import::file_in_form(Pieces::new(&form, lengths), BOUNDARY).expect("the form is whole");
    let end = bytes
        .windows(5)
        .position(|w| w == b"\r\n--B")
        .unwrap_or(bytes.len());
    assert!(file == bytes[..end]);
}
