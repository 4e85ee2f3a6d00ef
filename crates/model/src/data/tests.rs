//! Canonical data against its definition: what serde_json makes of the same text.

use std::borrow::Cow;

use serde_json::Value;

use super::{DataError, flat};
use crate::Data;
use proptest::prelude::*;

/// The definition: whatever serde_json makes of it.
fn plain_model(raw: &str) -> Option<String> {
    let value: Value = serde_json::from_str(raw).ok()?;
    value.is_object().then(|| serde_json::to_string(&value).unwrap())
}

fn agrees(raw: &str) -> Result<(), TestCaseError> {
    let canonical = Data::canonical(raw).ok();
    let model = plain_model(raw);
    prop_assert_eq!(canonical.as_deref(), model.as_deref(), "{}", raw);
    if let Some(text) = canonical {
        let again = Data::canonical(&text).unwrap();
        prop_assert_eq!(&again, &text, "canonical text stays as it is");
    }
    Ok(())
}

/// Text of a string: plain, escaped in all the ways there are, and wrong.
fn string_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[a-zA-Z0-9 /:.?&=_-]{1,12}",
        1 => "[\u{e9}\u{20ac}\u{1f600}\u{7f}]",
        2 => prop::sample::select(vec![
            "\\n", "\\t", "\\\"", "\\\\", "\\/", "\\b", "\\f", "\\r", "\\u00e9", "\\u00E9", "\\u0041", "\\u001f",
            "\\u001F", "\\u0000", "\\u000a", "\\u0008", "\\u0022", "\\u005c", "\\u007f", "\\ud83d\\ude00",
            "\\uD83D\\uDE00", "\\u2028",
        ]).prop_map(str::to_owned),
    ];
    let broken = prop::sample::select(vec![
        "\\ud800",
        "\\udc00",
        "\\ud800\\ud800",
        "\\ud800x",
        "\\ud83d\\n",
        "\\u12",
        "\\x",
        "\n",
        "\u{1}",
        "\\",
    ]);
    let broken = broken.prop_map(str::to_owned);
    prop::collection::vec(prop_oneof![60 => piece, 1 => broken], 0..4)
        .prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn number_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|n| n.to_string()),
        (-20i64..2000).prop_map(|n| n.to_string()),
        any::<u64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        "-?[0-9]{1,4}\\.[0-9]{1,5}",
        "-?0\\.0{0,7}[0-9]{1,3}",
        "-?[0-9]{1,17}\\.[0-9]{1,17}",
        "-?[0-9]{1,22}",
        "-?[0-9]{1,4}(\\.[0-9]{1,3})?[eE][+-]?[0-9]{1,3}",
    ]
}

fn white() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["", "", "", "", " ", " ", "\n\t", "\r "])
}

fn key_text() -> impl Strategy<Value = String> {
    prop_oneof![4 => "\"[a-c]{0,2}\"", 4 => "\"[a-z]{1,8}\"", 1 => string_text()]
}

fn value_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => string_text(),
        3 => number_text(),
        1 => prop::sample::select(vec!["true", "false", "null", "nul", "tru"]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let list = (prop::collection::vec(inner.clone(), 0..4), white())
            .prop_map(|(values, white)| format!("[{white}{}]", values.join(&format!("{white},"))));
        prop_oneof![list, object_of(inner)]
    })
}

fn object_of(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let member = (key_text(), white(), white(), value, white())
        .prop_map(|(key, a, b, value, c)| format!("{a}{key}{b}:{b}{value}{c}"));
    prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(",")))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn canonical_is_what_serde_json_makes_of_it(raw in object_of(value_text())) {
        agrees(&raw)?;
    }

    #[test]
    fn canonical_of_a_canonical_object_is_itself(raw in object_of(value_text())) {
        if let Some(text) = plain_model(&raw) {
            agrees(&text)?;
        }
    }

    #[test]
    fn damaged_text_is_refused_where_serde_json_refuses_it(
        raw in object_of(value_text()),
        at in any::<prop::sample::Index>(),
        with in prop::option::of(prop::sample::select(vec!["{", "}", "\"", ",", ":", "\\", "0", " ", "e", "-", "[", "]"])),
    ) {
        let mut characters: Vec<String> = raw.chars().map(String::from).collect();
        let at = at.index(characters.len());
        characters[at] = with.unwrap_or_default().to_owned();
        agrees(&characters.concat())?;
    }

    #[test]
    fn numbers_are_spelled_as_serde_json_spells_them(number in number_text()) {
        agrees(&format!("{{\"a\":{number}}}"))?;
        agrees(&format!("{{\"a\": {number}}}"))?;
    }

    #[test]
    fn strings_are_spelled_as_serde_json_spells_them(text in string_text()) {
        agrees(&format!("{{\"a\":{text}}}"))?;
        agrees(&format!("{{\"b\": {text}, \"a\": [{text}]}}"))?;
    }
}

#[test]
fn canonical_text_is_borrowed() {
    for raw in [
        "{}",
        r#"{"app":"Firefox","title":"a \"b\" \\ \n é"}"#,
        r#"{"":[],"a":{"x":[1,{"y":null}],"z":true},"b":-1.5,"c":0.001}"#,
    ] {
        assert!(
            matches!(Data::canonical(raw), Ok(Cow::Borrowed(text)) if text == raw),
            "{raw}"
        );
    }
}

#[test]
fn flat_objects_do_not_go_through_a_value() {
    for raw in [
        r#"{"app": "Firefox", "title": "Caf\u00e9 \ud83d\ude00"}"#,
        r#"{"url":"https:\/\/example.org","title":"b","audible":false,"incognito":false,"tabCount":12}"#,
        r#"{ }"#,
    ] {
        assert_eq!(flat::canonical(raw), plain_model(raw), "{raw}");
    }
}

#[test]
fn of_a_key_that_is_there_twice_the_last_counts() {
    assert_eq!(
        Data::canonical(r#"{"a":1,"b":2,"a":3}"#).unwrap(),
        r#"{"a":3,"b":2}"#
    );
}

#[test]
fn half_a_surrogate_pair_is_refused_wherever_it_stands() {
    for raw in [
        r#"{"a":"\ud800"}"#,
        r#"{"a": "\udfff"}"#,
        r#"{"\ud800":1}"#,
        r#"{"a":["\ud800"]}"#,
        r#"{"a":{"b":"x\ud800\u0041"}}"#,
    ] {
        assert!(
            matches!(Data::canonical(raw), Err(DataError::Unreadable(_))),
            "{raw}"
        );
    }
}

#[test]
fn nesting_is_refused_where_serde_json_refuses_it() {
    for levels in 1..=140 {
        let compact = format!("{}1{}", "{\"a\":".repeat(levels), "}".repeat(levels));
        let spaced = format!("{}1{}", "{\"a\": ".repeat(levels), "}".repeat(levels));
        let lists = format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        for raw in [compact, spaced, lists] {
            assert_eq!(
                Data::canonical(&raw).ok().as_deref(),
                plain_model(&raw).as_deref(),
                "{levels} levels"
            );
        }
    }
}

#[test]
fn an_object_of_many_keys_is_sorted() {
    let members: Vec<String> = (0..100).rev().map(|n| format!("\"k{n:03}\": {n}")).collect();
    let raw = format!("{{{}}}", members.join(", "));
    assert_eq!(Data::canonical(&raw).ok(), plain_model(&raw).map(Cow::Owned));
}

#[test]
fn what_is_no_object_is_named() {
    for (raw, name) in [
        ("[]", "a list"),
        ("null", "null"),
        (" 1", "a number"),
        ("\"x\"", "a string"),
        ("true", "a boolean"),
    ] {
        assert_eq!(
            Data::canonical(raw),
            Err(DataError::NotAnObject { found: name }),
            "{raw}"
        );
    }
}

/// Without serde_json's `float_roundtrip` these change with every reading.
#[test]
fn floats_stay_as_they_were_written() {
    for number in [
        "1.044511722666794e+101",
        "-7.351559910219484e-53",
        "0.12345678901234568",
        "5e-324",
    ] {
        let raw = format!("{{\"a\":{number}}}");
        assert_eq!(Data::canonical(&raw).unwrap(), raw);
    }
}
