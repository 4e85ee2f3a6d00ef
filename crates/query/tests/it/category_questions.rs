//! Questions about categories: a preview is the difference of two sums, and what has no category is what no rule matches.

use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use timberline_model::{Bucket, Data, Timestamp};
use timberline_query::activity::{CategoryRules, Definition, Dimension, Listed, UsageRequest};
use timberline_query::calendar::{Calendar, Interval};
use timberline_query::categories::{Feature, rules_in_turn};
use timberline_query::{Cancel, Period};

use crate::harness::{Stage, property};
use crate::reference::{Event, Object, SECOND};

const DAY: &str = "2024-03-01T00:00:00Z/2024-03-02T00:00:00Z";

fn period() -> Period {
    Period::parse(DAY).expect("a period")
}

/// A minute of the day, minutes, app and title.
type Draft<'a> = (i64, i64, &'a str, &'a str);

/// A bucket of windows.
fn windows(stage: &Stage, events: &[Draft<'_>]) {
    let name = stage.fresh_name();
    let bucket = Bucket {
        id: name.clone(),
        type_: "currentwindow".to_owned(),
        client: String::new(),
        hostname: "laptop".to_owned(),
        created: Timestamp::from_nanos(0),
        data: Data::default(),
        last_updated: None,
    };
    stage
        .store(|store| store.create_bucket(&bucket))
        .expect("is created");
    let event = |(from, minutes, app, title): &Draft<'_>| Event {
        start: period().start.nanos() + from * 60 * SECOND,
        duration: minutes * 60 * SECOND,
        id: None,
        data: Object::from_iter([("app".to_owned(), json!(app)), ("title".to_owned(), json!(title))]),
    };
    stage.insert(&name, &events.iter().map(event).collect::<Vec<_>>());
}

/// Nanoseconds by category, as `/api/1/usage` adds them up.
fn usage(stage: &Stage, definition: &Definition, rules: &Json) -> BTreeMap<String, i128> {
    let mut definition = definition.clone();
    definition.categories = Some(CategoryRules::new(rules).expect("rules"));
    let calendar = Calendar::of_zone("UTC", "04:00", "monday").expect("a calendar");
    let bins = calendar.bins(period(), Interval::None, 1).expect("bins");
    let request = UsageRequest {
        definition: &definition,
        period: period(),
        by: Dimension::Category,
        calendar: &calendar,
        bins: &bins,
        listed: Listed::Longest(1_000),
        past: false,
    };
    let usage = stage
        .engine
        .usage(&stage.snapshot(), &request, &Cancel::new())
        .expect("sums");
    let groups = usage.groups.into_iter();
    groups
        .map(|(label, times)| (label.expect("a category"), times.all))
        .collect()
}

fn rule() -> impl Strategy<Value = Json> {
    let word = select(vec!["a", "b", "c", "ab"]);
    let regex = word.prop_map(|word| json!({"type": "regex", "regex": word}));
    (regex, any::<bool>(), any::<bool>(), 0..23u8, 1..60u8).prop_map(|(rule, timed, not, hour, minute)| {
        let rule = if not { json!({"type": "not", "rule": rule}) } else { rule };
        match timed {
            true => {
                let time = json!({"type": "time", "from": format!("{hour:02}:00"), "to": format!("23:{minute:02}"), "zone": "Asia/Kathmandu"});
                json!({"type": "and", "rules": [rule, time]})
            }
            false => rule,
        }
    })
}

fn rules() -> impl Strategy<Value = Json> {
    let pair = (select(vec!["X", "Y", "Z"]), rule()).prop_map(|(name, rule)| json!([[name], rule]));
    prop::collection::vec(pair, 0..4).prop_map(Json::Array)
}

#[test]
fn a_preview_is_the_difference_of_two_sums() {
    let stage = Stage::new();
    let word = || select(vec!["a", "b", "xc", "d"]);
    let events = prop::collection::vec((0..1_400i64, 1..200i64, word(), word()), 1..12);
    let holds = |(events, now, then): (Vec<Draft<'_>>, Json, Json)| -> TestCaseResult {
        stage.clear();
        windows(&stage, &events);
        let snapshot = stage.snapshot();
        let definition = Definition::of_devices(&snapshot, None).expect("a definition");
        let of = (&definition, period());
        let moves = stage
            .engine
            .preview_categories(&snapshot, of, (&now, &then), 3, &Cancel::new())
            .expect("moves");
        let (mut before, after) = (
            usage(&stage, &definition, &now),
            usage(&stage, &definition, &then),
        );
        prop_assert_eq!(moves.total, before.values().sum::<i128>());
        for one in &moves.moves {
            prop_assert_ne!(&one.from, &one.to);
            prop_assert!(one.samples.iter().map(|(_, nanos)| nanos).sum::<i128>() <= one.nanos);
            *before.entry(one.from.clone()).or_default() -= one.nanos;
            *before.entry(one.to.clone()).or_default() += one.nanos;
        }
        before.retain(|_, nanos| *nanos != 0);
        prop_assert_eq!(before, after);
        Ok(())
    };
    property(60, (events, rules(), rules()), holds);
}

#[test]
fn what_has_no_category_is_counted_and_suggestions_match_only_that() {
    let stage = Stage::new();
    let hour = |hour: i64| hour * 60;
    windows(
        &stage,
        &[
            (hour(8), 60, "vim", "main.rs Timberline"),
            (hour(10), 60, "Firefox", "Budget 2024 Timberline"),
            (hour(12), 90, "Firefox", "Recipes: lasagna"),
            (hour(14), 30, "Firefox", "More recipes: Recipes for soup"),
            (hour(16), 45, "Solitaire.exe", "a game"),
            (hour(18), 10, "Firefox", "YouTube Recipes-Channel"),
        ],
    );
    let rules = json!([
        [["Work"], {"type": "regex", "regex": "Timberline"}],
        // What is on at night is none of this.
        [["Night"], {"type": "time", "from": "23:00", "to": "04:00", "zone": "UTC"}]
    ]);
    let snapshot = stage.snapshot();
    let definition = Definition::of_devices(&snapshot, None).expect("a definition");
    let ask = |rules: &Json| {
        let of = (&definition, period());
        stage
            .engine
            .uncategorised(&snapshot, of, rules, 3, &Cancel::new())
            .expect("an answer")
    };
    let found = ask(&rules);
    let minutes = |list: &[(String, i128)]| -> Vec<(String, i128)> {
        list.iter()
            .map(|(text, nanos)| (text.clone(), nanos / i128::from(60 * SECOND)))
            .collect()
    };
    let texts = |list: &[(&str, i128)]| -> Vec<(String, i128)> {
        list.iter()
            .map(|(text, minutes)| ((*text).to_owned(), *minutes))
            .collect()
    };
    assert_eq!(
        (found.total, found.nanos),
        (295 * 60 * i128::from(SECOND), 175 * 60 * i128::from(SECOND))
    );
    assert_eq!(
        minutes(&found.apps),
        texts(&[("Firefox", 130), ("Solitaire.exe", 45)])
    );
    assert_eq!(minutes(&found.words)[..1], texts(&[("Recipes", 130)]));
    assert_eq!(minutes(&found.titles)[..1], texts(&[("Recipes: lasagna", 90)]));
    // Not the browser, in which there was work, too.
    let suggested: Vec<_> = found
        .suggestions
        .iter()
        .map(|s| (s.about, s.text.as_str()))
        .collect();
    assert_eq!(
        suggested,
        [(Feature::Word, "Recipes"), (Feature::App, "Solitaire.exe")]
    );
    assert_eq!(
        found.suggestions[1].rule,
        json!({"type": "regex", "regex": r"^Solitaire\.exe$"})
    );
    // Accepting all of them leaves nothing, and moves nothing that had a category.
    let mut accepted = rules.clone();
    for suggestion in &found.suggestions {
        accepted
            .as_array_mut()
            .expect("a list")
            .push(json!([["New"], suggestion.rule]));
    }
    assert_eq!(ask(&accepted).nanos, 0);
    let of = (&definition, period());
    let moves = stage
        .engine
        .preview_categories(&snapshot, of, (&rules, &accepted), 1, &Cancel::new())
        .expect("moves");
    let pairs: Vec<_> = moves
        .moves
        .iter()
        .map(|one| (one.from.as_str(), one.to.as_str()))
        .collect();
    assert_eq!(pairs, [(r#"["Uncategorized"]"#, r#"["New"]"#)]);
    assert_eq!(moves.moves[0].samples[0].1, 90 * 60 * i128::from(SECOND));
}

#[test]
fn rules_in_turn_give_each_instant_the_category_of_that_time() {
    let stage = Stage::new();
    windows(&stage, &[(600, 120, "a", "t"), (800, 60, "b", "t")]);
    let at = |text: &str| Timestamp::parse(text).expect("a time");
    let rules = |category: &str, regex: &str| json!([[[category], {"type": "regex", "regex": regex}]]);
    let turns = [
        (at("2024-02-01T00:00:00Z"), rules("One", "a")),
        (at("2024-03-01T11:00:00Z"), rules("Two", "a|b")),
        (at("2024-03-01T13:30:00Z"), rules("Three", "nothing")),
    ];
    let snapshot = stage.snapshot();
    let definition = Definition::of_devices(&snapshot, None).expect("a definition");
    let hour = 3_600 * i128::from(SECOND);
    let expected = [
        ("One", hour),
        ("Two", hour + hour / 6),
        ("Uncategorized", hour / 2 + hour / 3),
    ];
    let expected = expected.map(|(name, nanos)| (json!([name]).to_string(), nanos));
    assert_eq!(
        usage(&stage, &definition, &rules_in_turn(&turns)),
        BTreeMap::from(expected)
    );
}
