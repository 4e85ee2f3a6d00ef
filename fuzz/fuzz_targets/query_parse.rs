//! Any text: the parser never panics, points at places that there are, and what it takes prints as a program that it
//! takes again and that says the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use timberline_query::syntax::{Position, parse, parse_within};

/// Not the default, so that fuzzing meets the bound.
const DEPTH: usize = 8;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    match parse(&text) {
        Ok(program) => {
            let printed = program.to_string();
            match parse(&printed) {
                Ok(again) => {
                    assert_eq!(program, again, "printed as {printed:?}");
                    assert_eq!(printed, again.to_string());
                }
                Err(error) => panic!("{printed:?} is no program: {error}"),
            }
        }
        Err(error) => {
            let span = error.span;
            assert!(span.start <= span.end, "{span:?}");
            assert!(
                text.get(span.start as usize..span.end as usize).is_some(),
                "{span:?} of {} bytes",
                text.len()
            );
            assert!(!error.message.is_empty());
            let place = Position::of(&text, span.start);
            assert!(place.line >= 1 && place.column >= 1);
        }
    }
    // A program is the same one however many brackets would be allowed.
    if let Ok(shallow) = parse_within(&text, DEPTH) {
        assert_eq!(Ok(shallow), parse(&text));
    }
});
