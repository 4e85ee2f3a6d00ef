//! Compares an answer with what is expected of it. The first difference is reported as
//! `$[0].duration: expected 1.0, got 2.0`.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Number, Value};

use super::format::{self, Expect, Names};
use crate::harness::http::Answer;
use crate::harness::rfc3339::{self, SECOND};

/// Numbers that differ by less are equal; durations are seconds.
const NUMBER_TOLERANCE: f64 = 1e-6;

/// Instants that differ by no more are equal, in nanoseconds.
const INSTANT_TOLERANCE: u128 = 1000;

/// A difference, in words.
pub(crate) type Difference = String;

/// Compares an answer with an expectation. Binds the names that the expectation meets for the first time.
///
/// # Errors
///
/// The first difference.
pub(crate) fn check(expect: &Expect, answer: &Answer, names: &mut Names) -> Result<(), Difference> {
    let text = answer.text();
    if let Some(statuses) = expect
        .status
        .as_ref()
        .filter(|statuses| !statuses.include(answer.status))
    {
        return Err(format!(
            "status: expected {statuses:?}, got {} {}",
            answer.status,
            shortened(&text)
        ));
    }
    check_headers(expect, answer, names)?;
    for part in &expect.text_contains {
        let part = format::fill_text(part, names);
        if !text.contains(&part) {
            return Err(format!(
                "body: expected it to contain {part:?}, got {}",
                shortened(&text)
            ));
        }
    }
    for (wanted, subset) in [(&expect.json, false), (&expect.json_subset, true)] {
        let Some(wanted) = wanted else { continue };
        let got = answer
            .json()
            .ok_or_else(|| format!("body: expected JSON, got {:?}", shortened(&text)))?;
        let wanted = format::fill(wanted, names);
        Comparison {
            expect,
            subset,
            names,
        }
        .values(&wanted, &got, "$")?;
    }
    Ok(())
}

fn check_headers(expect: &Expect, answer: &Answer, names: &Names) -> Result<(), Difference> {
    for (name, wanted) in &expect.headers {
        let got = answer.header(&name.to_ascii_lowercase());
        let wanted = wanted.as_deref().map(|wanted| format::fill_text(wanted, names));
        let fits = match (&wanted, &got) {
            (Some(wanted), Some(got)) => match wanted.strip_prefix('~') {
                Some(part) => got.to_lowercase().contains(&part.to_lowercase()),
                None => got == wanted,
            },
            (wanted, got) => wanted.is_none() && got.is_none(),
        };
        if !fits {
            return Err(format!("header {name}: expected {wanted:?}, got {got:?}"));
        }
    }
    Ok(())
}

struct Comparison<'a> {
    expect: &'a Expect,
    subset: bool,
    names: &'a mut Names,
}

impl Comparison<'_> {
    fn values(&mut self, wanted: &Value, got: &Value, path: &str) -> Result<(), Difference> {
        let equal = match (wanted, got) {
            (Value::String(text), _) if let Some(name) = format::placeholder(text) => {
                return self.matcher(name, got, path);
            }
            (Value::Array(wanted), Value::Array(got)) => return self.lists(wanted, got, path),
            (Value::Object(_), Value::Object(_)) => return self.objects(wanted, got, path),
            (Value::Number(wanted), Value::Number(got)) => {
                numbers_equal(wanted, got) || (self.expect.cut_ms && is_cut(wanted, got))
            }
            (Value::String(wanted), Value::String(got)) => wanted == got || instants_equal(wanted, got),
            (wanted, got) => wanted == got,
        };
        if equal {
            Ok(())
        } else {
            Err(told(path, wanted, got))
        }
    }

    /// `{{int}}` and the like.
    fn matcher(&mut self, name: &str, got: &Value, path: &str) -> Result<(), Difference> {
        if let Some(name) = name.strip_prefix('=') {
            return match self.names.get(name).cloned() {
                Some(known) => self.values(&known, got, path),
                None => {
                    self.names.insert(name.to_owned(), got.clone());
                    Ok(())
                }
            };
        }
        let instant = || got.as_str().and_then(rfc3339::parse);
        let fits = match name {
            "any" => true,
            "int" => got.as_f64().is_some_and(|number| number.fract() == 0.0),
            "number" => got.is_number(),
            "string" => got.is_string(),
            "nonempty" => got.as_str().is_some_and(|text| !text.is_empty()),
            "bool" => got.is_boolean(),
            "list" => got.is_array(),
            "dict" => got.is_object(),
            "timestamp" => instant().is_some(),
            "now" => {
                instant().is_some_and(|instant| instant.abs_diff(now()) < 86_400 * SECOND.unsigned_abs())
            }
            _ => match name.strip_prefix('~') {
                Some(part) => got.as_str().is_some_and(|text| text.contains(part)),
                None => false,
            },
        };
        if fits {
            Ok(())
        } else {
            Err(told(path, &Value::String(format!("{{{{{name}}}}}")), got))
        }
    }

    fn lists(&mut self, wanted: &[Value], got: &[Value], path: &str) -> Result<(), Difference> {
        if wanted.len() != got.len() {
            let lengths = format!("expected a list of {}, got one of {}", wanted.len(), got.len());
            return Err(format!(
                "{path}: {lengths}: {}",
                told(path, &wanted.into(), &got.into())
            ));
        }
        let named = |pattern: &str| path_fits(pattern, path);
        if let Some((_, key)) = self.expect.ties.iter().find(|(pattern, _)| named(pattern)) {
            for (i, (wanted, got)) in wanted.iter().zip(got).enumerate() {
                self.values(
                    &wanted[key.as_str()],
                    &got[key.as_str()],
                    &format!("{path}[{i}].{key}"),
                )?;
            }
            return self.in_any_order(wanted, got, path);
        }
        if self.expect.unordered.iter().any(|pattern| named(pattern)) {
            return self.in_any_order(wanted, got, path);
        }
        for (i, (wanted, got)) in wanted.iter().zip(got).enumerate() {
            self.values(wanted, got, &format!("{path}[{i}]"))?;
        }
        Ok(())
    }

    /// Every wanted element takes the first one that is like it.
    fn in_any_order(&mut self, wanted: &[Value], got: &[Value], path: &str) -> Result<(), Difference> {
        let mut left: Vec<&Value> = got.iter().collect();
        for (i, wanted) in wanted.iter().enumerate() {
            let mut first = None;
            let taken = left.iter().position(|got| {
                // What an unlike element has bound is not meant.
                let before = self.names.clone();
                let difference = self.values(wanted, got, &format!("{path}[{i}]"));
                if difference.is_err() {
                    *self.names = before;
                }
                difference
                    .map_err(|difference| first.get_or_insert(difference).clone())
                    .is_ok()
            });
            match taken {
                Some(taken) => drop(left.remove(taken)),
                None => {
                    let wanted = shortened(&wanted.to_string());
                    return Err(format!(
                        "{path}: no element like {wanted}: {}",
                        first.unwrap_or_default()
                    ));
                }
            }
        }
        Ok(())
    }

    fn objects(&mut self, wanted: &Value, got: &Value, path: &str) -> Result<(), Difference> {
        let keys = |value: &Value| -> Vec<String> {
            let keys = value.as_object().into_iter().flat_map(|object| object.keys());
            keys.filter(|key| !self.expect.ignore_keys.contains(key))
                .cloned()
                .collect()
        };
        let (wanted_keys, got_keys) = (keys(wanted), keys(got));
        for key in &wanted_keys {
            let path = format!("{path}.{key}");
            let got = got
                .get(key)
                .ok_or_else(|| format!("{path}: expected {}, is absent", wanted[key]))?;
            self.values(&wanted[key.as_str()], got, &path)?;
        }
        match got_keys.iter().find(|key| !wanted_keys.contains(key)) {
            Some(key) if !self.subset => {
                let value = shortened(&got[key.as_str()].to_string());
                Err(format!("{path}.{key}: expected none, got {value}"))
            }
            _ => Ok(()),
        }
    }
}

fn told(path: &str, wanted: &Value, got: &Value) -> Difference {
    format!(
        "{path}: expected {}, got {}",
        shortened(&wanted.to_string()),
        shortened(&got.to_string())
    )
}

/// Integers are compared exactly; an integer equals the fraction of the same value.
fn numbers_equal(wanted: &Number, got: &Number) -> bool {
    let integer = |number: &Number| {
        number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
    };
    match (integer(wanted), integer(got), wanted.as_f64(), got.as_f64()) {
        (Some(wanted), Some(got), _, _) => wanted == got,
        (_, _, Some(wanted), Some(got)) => (wanted - got).abs() <= NUMBER_TOLERANCE.max(wanted.abs() * 1e-12),
        _ => false,
    }
}

/// Whether what is wanted is what was got, cut to whole milliseconds.
fn is_cut(wanted: &Number, got: &Number) -> bool {
    match (wanted.as_f64(), got.as_f64()) {
        (Some(wanted), Some(got)) => {
            (wanted - (got * 1000.0).trunc() / 1000.0).abs() <= NUMBER_TOLERANCE.max(wanted.abs() * 1e-12)
        }
        _ => false,
    }
}

fn instants_equal(wanted: &str, got: &str) -> bool {
    match (rfc3339::parse(wanted), rfc3339::parse(got)) {
        (Some(wanted), Some(got)) => wanted.abs_diff(got) <= INSTANT_TOLERANCE,
        _ => false,
    }
}

/// Whether a path such as `$[3].events` is one that a pattern such as `$[*].events` means.
fn path_fits(pattern: &str, path: &str) -> bool {
    let Some((before, behind)) = pattern.split_once("[*]") else {
        return pattern == path;
    };
    let Some((index, rest)) = path
        .strip_prefix(before)
        .and_then(|rest| rest.strip_prefix('['))
        .and_then(|rest| rest.split_once(']'))
    else {
        return false;
    };
    index.bytes().all(|byte| byte.is_ascii_digit()) && path_fits(behind, rest)
}

fn now() -> i128 {
    let since_1970 = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock that is set");
    i128::try_from(since_1970.as_nanos()).expect("a clock that is set")
}

/// As much of a text as a person wants to read.
fn shortened(text: &str) -> String {
    const LENGTH: usize = 160;
    match text.char_indices().nth(LENGTH) {
        Some((end, _)) => format!("{}... ({} bytes)", &text[..end], text.len()),
        None => text.to_owned(),
    }
}

mod tests {
    use serde_json::json;

    use super::*;

    /// The difference between an answer of JSON and an expectation, if there is one.
    fn difference(expect: &Value, got: &Value) -> Option<Difference> {
        let expect: Expect = serde_json::from_value(expect.clone()).expect("an expectation");
        let answer = Answer {
            status: 200,
            headers: Vec::new(),
            body: got.to_string().into_bytes(),
        };
        check(&expect, &answer, &mut Names::new()).err()
    }

    #[test]
    fn a_cut_sum_is_like_the_exact_one_only_where_that_is_said() {
        let cut = json!({"json": [1.234], "cut_ms": true});
        assert_eq!(difference(&cut, &json!([1.2349])), None);
        assert!(difference(&cut, &json!([1.2351])).is_some());
        assert!(difference(&json!({"json": [1.234]}), &json!([1.2349])).is_some());
    }

    #[test]
    fn values_are_compared_by_structure() {
        let mut wrong = Vec::new();
        for (wanted, got, equal) in [
            (json!(1), json!(1.0), true),
            (json!(1.0), json!(1.000_000_5), true),
            (json!(1.0), json!(1.000_002), false),
            (
                json!(9_007_199_254_740_993_u64),
                json!(9_007_199_254_740_992_u64),
                false,
            ),
            (json!(1), json!(true), false),
            (json!(1), json!("1"), false),
            (json!(null), json!(false), false),
            (
                json!("2024-03-01T10:00:00Z"),
                json!("2024-03-01T12:00:00.000001+02:00"),
                true,
            ),
            (
                json!("2024-03-01T10:00:00Z"),
                json!("2024-03-01T10:00:00.000002Z"),
                false,
            ),
            (json!("a"), json!("b"), false),
            (json!([1, 2]), json!([2, 1]), false),
            (json!([1, 2]), json!([1]), false),
            (json!({"a": 1}), json!({"a": 1, "b": 2}), false),
            (json!({"a": 1, "b": 2}), json!({"a": 1}), false),
            (json!({"a": {}}), json!({"a": []}), false),
            (json!("{{int}}"), json!(3), true),
            (json!("{{int}}"), json!(3.5), false),
            (json!("{{nonempty}}"), json!(""), false),
            (json!("{{~part}}"), json!("a part of it"), true),
            (json!("{{~part}}"), json!("all of it"), false),
            (json!("{{now}}"), json!("2020-01-01T00:00:00Z"), false),
            (json!("{{unheard of}}"), json!("{{unheard of}}"), false),
            (json!(["{{=a}}", "{{=a}}"]), json!([7, 7]), true),
            (json!(["{{=a}}", "{{=a}}"]), json!([7, 8]), false),
        ] {
            let difference = difference(&json!({"json": wanted}), &got);
            if difference.is_none() != equal {
                wrong.push(format!("{wanted} and {got}: {difference:?}"));
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    }

    #[test]
    fn an_expectation_may_leave_things_free() {
        let got = json!([{"k": 1, "v": "a"}, {"k": 1, "v": "b"}, {"k": 2, "v": "c"}]);
        let with = |free: &str, value: Value, json: Value| {
            difference(&json!({free: value, "json": json}), &got).is_none()
        };
        let swapped = json!([{"k": 1, "v": "b"}, {"k": 1, "v": "a"}, {"k": 2, "v": "c"}]);
        let turned = json!([{"k": 2, "v": "c"}, {"k": 1, "v": "b"}, {"k": 1, "v": "a"}]);
        assert!(!with("unordered", json!([]), swapped.clone()));
        assert!(!with("unordered", json!(["$[*]"]), swapped.clone()));
        assert!(with("unordered", json!(["$"]), turned.clone()));
        assert!(with("ties", json!({"$": "k"}), swapped));
        assert!(!with("ties", json!({"$": "k"}), turned));
        assert!(with(
            "ignore_keys",
            json!(["v"]),
            json!([{"k": 1}, {"k": 1}, {"k": 2}])
        ));
        assert!(!with(
            "ignore_keys",
            json!(["v"]),
            json!([{"k": 1}, {"k": 1}, {"k": 3}])
        ));
        let subset = json!({"json_subset": [{"k": 1}, {}, {"k": 2}]});
        assert_eq!(difference(&subset, &got), None);
        assert!(path_fits("$[*].events", "$[12].events"));
        assert!(!path_fits("$[*].events", "$[12].data.events"));
    }

    #[test]
    fn status_headers_and_text_are_compared() {
        let headers = vec![("content-type".to_owned(), "application/json".to_owned())];
        let answer = Answer {
            status: 404,
            headers,
            body: b"not here".to_vec(),
        };
        for (expect, fits) in [
            (json!({"status": 404}), true),
            (json!({"status": [400, 404]}), true),
            (json!({"status": 200}), false),
            (json!({"headers": {"Content-Type": "~JSON"}}), true),
            (json!({"headers": {"Content-Type": "json"}}), false),
            (json!({"headers": {"Content-Type": null}}), false),
            (json!({"headers": {"Age": null}}), true),
            (json!({"text_contains": ["not", "here"]}), true),
            (json!({"text_contains": ["not", "there"]}), false),
            (json!({"json": null}), false),
        ] {
            let expectation: Expect = serde_json::from_value(expect.clone()).expect("an expectation");
            assert_eq!(
                check(&expectation, &answer, &mut Names::new()).is_ok(),
                fits,
                "{expect}"
            );
        }
    }
}
