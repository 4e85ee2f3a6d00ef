//! Compares the filters with their plain definition: data as values, rules one after the other.

use std::borrow::Cow;

use proptest::prelude::*;
use regex::Regex;
use serde_json::{Map, Value, json};
use timberline_model::Data;

use super::filters::{Filters, Verdict};
use super::key::HashKey;

fn parse(rules: &Value) -> Filters {
    Filters::parse(&rules.to_string(), HashKey::random)
}

fn reasons(rules: Value) -> Vec<(Option<usize>, String)> {
    let filters = parse(&rules);
    let problems = filters.problems().iter();
    problems.map(|p| (p.index, p.reason.clone())).collect()
}

/// Follows a path of names into an object.
fn at<'a>(data: &'a mut Map<String, Value>, path: &str) -> Option<&'a mut Value> {
    match path.split_once('.') {
        None => data.get_mut(path),
        Some((name, rest)) => at(data.get_mut(name)?.as_object_mut()?, rest),
    }
}

/// What the rules make of data, said as simply as it can be. Their replacements refer to the first group or to none.
fn plain(
    rules: &[Value],
    hashes: &dyn Fn(&str) -> String,
    bucket: &str,
    mut data: Map<String, Value>,
) -> Option<Value> {
    for rule in rules {
        let text = |name: &str| rule[name].as_str();
        if rule["enabled"] != true || !bucket.starts_with(text("bucket_prefix").unwrap_or("")) {
            continue;
        }
        let pattern = Regex::new(text("pattern").unwrap()).unwrap();
        let Some(Value::String(value)) = at(&mut data, text("field").unwrap()) else {
            continue;
        };
        if !pattern.is_match(value) {
            continue;
        }
        let replacement = text("replacement").unwrap_or("");
        *value = match text("action").unwrap() {
            "drop" => return None,
            "hash" => hashes(value),
            _ if !replacement.contains("$1") || pattern.captures_len() == 1 => replacement.to_owned(),
            _ if pattern.captures_iter(value).any(|c| c.get(1).is_none()) => replacement.to_owned(),
            _ => {
                let of_match = |c: &regex::Captures<'_>| replacement.replace("$1", &c[1]);
                pattern.replace_all(value, of_match).into_owned()
            }
        };
    }
    Some(data.into())
}

const NAMES: [&str; 4] = ["a", "b", "é", "a b"];

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(&NAMES[..]).prop_map(str::to_owned)
}

/// Values of which patterns match some, with what JSON has to escape.
fn word() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop::sample::select(vec!["x", "y", "\"", "\\", "\n", "é", "{", ",", "hash:"]),
        0..5,
    )
    .prop_map(|parts| parts.concat())
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        4 => word().prop_map(Value::from),
        1 => any::<i32>().prop_map(Value::from),
        1 => Just(Value::Null),
        1 => Just(json!(["x", {"a": "x"}])),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| object(inner).prop_map(Value::from))
}

fn object(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(name(), inner, 0..4).prop_map(|members| members.into_iter().collect())
}

fn rule() -> impl Strategy<Value = Value> {
    let field = prop::collection::vec(name(), 1..3).prop_map(|names| names.join("."));
    let pattern = prop::sample::select(vec![
        "x", "^x", "(x)", "(x)|(y)", "(?i)É", "", "y$", r#"["\\]"#, "^$", "(.)",
    ]);
    let replacement = prop::sample::select(vec!["gone", "x", "[$1]", "$1$1", "\"\\", "é"]);
    (
        prop::bool::weighted(0.9),
        prop::option::of(prop::sample::select(vec!["", "aw-", "other"])),
        field,
        pattern,
        prop::sample::select(vec!["drop", "redact", "redact", "redact", "hash"]),
        replacement,
    )
        .prop_map(|(enabled, bucket_prefix, field, pattern, action, replacement)| {
            json!({
                "enabled": enabled, "bucket_prefix": bucket_prefix, "field": field, "pattern": pattern,
                "action": action, "replacement": replacement,
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn filters_do_what_their_plain_definition_says(
        rules in prop::collection::vec(rule(), 0..5),
        data in object(value()),
    ) {
        let key = HashKey::random().unwrap();
        let filters = Filters::parse(&Value::from(rules.clone()).to_string(), || Ok(key.clone()));
        prop_assert_eq!(filters.problems(), &[]);
        let text = Value::from(data.clone()).to_string();
        let canonical = Data::canonical(&text).unwrap();
        let expected = plain(&rules, &|value| key.hash(value), "aw-watcher-window", data);
        let expected = match expected.map(|data| data.to_string()) {
            None => Verdict::Drop,
            Some(stored) if stored == canonical => Verdict::Keep,
            Some(stored) => Verdict::Change(stored),
        };
        let verdict = filters.judge("aw-watcher-window", &canonical);
        prop_assert_eq!(&verdict, &expected);
        if let Verdict::Change(stored) = &verdict {
            prop_assert!(matches!(Data::canonical(stored), Ok(Cow::Borrowed(_))), "canonical: {}", stored);
        }
    }

    #[test]
    fn no_list_of_rules_panics(json in ".{0,80}", pattern in ".{0,30}", replacement in ".{0,20}", field in ".{0,10}") {
        let _ = Filters::parse(&json, HashKey::random);
        let rule = json!([{
            "enabled": true, "field": field, "pattern": pattern, "action": "redact", "replacement": replacement,
        }]);
        let _ = parse(&rule).judge("b", r#"{"a":"some value"}"#);
    }
}

#[test]
fn what_is_wrong_with_a_rule_is_told_and_the_others_are_followed() {
    let ok = json!({"enabled": true, "field": "a", "pattern": "x", "action": "drop"});
    let wrong = [
        (
            json!({"field": "a", "pattern": "x", "action": "drop"}),
            "missing field `enabled`",
        ),
        (
            json!({"enabled": true, "pattern": "x", "action": "drop"}),
            "field is missing",
        ),
        (
            json!({"enabled": true, "field": "a", "action": "drop"}),
            "missing field `pattern`",
        ),
        (
            json!({"enabled": true, "field": "a", "pattern": "(", "action": "drop"}),
            "unclosed group",
        ),
        (
            json!({"enabled": false, "field": "a", "pattern": "(", "action": "drop"}),
            "unclosed group",
        ),
        (
            json!({"enabled": true, "field": "a", "pattern": "\\pL{9999}", "action": "drop"}),
            "size limit",
        ),
        (
            json!({"enabled": true, "field": "a", "pattern": "x".repeat(20_000), "action": "drop"}),
            "at most 16384",
        ),
        (
            json!({"enabled": true, "field": "a", "pattern": "x", "action": "erase"}),
            "unknown variant `erase`",
        ),
        (
            json!({"enabled": true, "field": "a", "pattern": "x", "action": "redact"}),
            "replacement is missing",
        ),
        (
            json!({"enabled": true, "field": "a", "pattern": "x", "action": "redact", "replacement": ""}),
            "replacement is missing",
        ),
        (
            json!({"enabled": true, "field": "a", "pattern": "x", "action": "redact", "replacement": "r".repeat(300)}),
            "at most 256",
        ),
        (json!("x"), "invalid type"),
    ];
    for (rule, reason) in wrong {
        let list = json!([rule, ok]);
        let problems = reasons(list.clone());
        assert_eq!(problems.len(), 1, "{rule}: {problems:?}");
        assert_eq!(problems[0].0, Some(0));
        assert!(problems[0].1.contains(reason), "{rule}: {problems:?}");
        assert_eq!(parse(&list).judge("b", r#"{"a":"x"}"#), Verdict::Drop, "{rule}");
    }
}

#[test]
fn what_is_no_list_of_rules_is_told_and_filters_nothing() {
    for list in [json!({}), json!(null), json!("drop"), json!(1)] {
        let problems = reasons(list.clone());
        assert_eq!(problems.len(), 1, "{list}");
        assert!(
            problems[0].0.is_none() && problems[0].1.contains("expected a list of rules"),
            "{problems:?}"
        );
    }
    let many = vec![json!({"enabled": true, "field": "a", "pattern": "x", "action": "drop"}); 300];
    let problems = reasons(many.into());
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].0, Some(256), "{problems:?}");
    assert!(
        reasons(json!("x".repeat(2 << 20)))[0]
            .1
            .contains("at most 1048576")
    );
}

#[test]
fn a_rule_sees_what_the_ones_before_it_have_made() {
    let rules = json!([
        {"enabled": true, "field": "a", "pattern": "x", "action": "redact", "replacement": "y"},
        {"enabled": true, "field": "a", "pattern": "y", "action": "redact", "replacement": "z"},
        {"enabled": true, "field": "b", "pattern": "", "action": "drop"},
    ]);
    let filters = parse(&rules);
    assert_eq!(
        filters.judge("b", r#"{"a":"x"}"#),
        Verdict::Change(r#"{"a":"z"}"#.to_owned())
    );
    assert_eq!(filters.judge("b", r#"{"a":"x","b":""}"#), Verdict::Drop);
    assert_eq!(filters.judge("b", r#"{"a":"w"}"#), Verdict::Keep);
}
