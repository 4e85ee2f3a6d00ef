//! Random events of which both stores give the same: whole milliseconds, in each bucket no two that start together, none
//! longer than a day or of negative length.

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use crate::random::{NOON, one_of};
use crate::reference::buckets::Period;
use crate::reference::{Event, Object};

/// What all times are multiples of: a gap can be halved seven times until it is no whole number of milliseconds, and
/// down to 16 ms none is the five seconds at which `flood` differs.
const GRID: i64 = 256_000_000;

/// Events that do not overlap, each lasts, and has a title of its own; with an address if it is of a browser.
pub(crate) fn tidy(of_browser: bool) -> impl Strategy<Value = Vec<Event>> {
    let gap = prop_oneof![2 => Just(0i64), 4 => 1i64..20, 2 => 20i64..200];
    let lists = vec![json!(["a", "b"]), json!(["a"]), json!([])];
    let data = (one_of(APPS), one_of(TITLES), one_of(URLS), 2i64..4, select(lists));
    let event = (gap, 1i64..60, data);
    prop::collection::vec(event, 0..24).prop_map(move |steps| {
        let mut end = NOON;
        let mut events = Vec::new();
        for (number, (gap, length, (app, title, url, n, list))) in steps.into_iter().enumerate() {
            let mut data = json!({"app": app, "title": format!("{title} {number}"), "n": n, "list": list});
            if of_browser {
                data["url"] = json!(url);
            }
            events.push(event_at(end + gap * GRID, length * GRID, data));
            end += (gap + length) * GRID;
        }
        events
    })
}

/// Events that overlap, repeat, have no length, and data of any shape, only that titles and the like are strings.
pub(crate) fn messy() -> impl Strategy<Value = Vec<Event>> {
    let others = vec![
        json!(null),
        json!(true),
        json!(1),
        json!(2),
        json!(2.0),
        json!(2.5),
        json!({"x": [2]}),
        json!([]),
    ];
    let members = (
        prop::option::of(one_of(APPS).prop_map(Json::from)),
        prop::option::of(one_of(TITLES).prop_map(Json::from)),
        prop::option::of(one_of(URLS).prop_map(Json::from)),
        prop::option::of(select(others)),
    );
    let data = members.prop_map(|(app, title, url, n)| {
        let members = ["app", "title", "url", "n"].into_iter().zip([app, title, url, n]);
        Json::Object(
            members
                .filter_map(|(key, value)| Some((key.to_owned(), value?)))
                .collect(),
        )
    });
    let length = prop_oneof![1 => Just(0i64), 3 => 1i64..60];
    prop::collection::btree_map(0i64..300, (length, data), 0..20).prop_map(|events| {
        let events = events.into_iter();
        events
            .map(|(start, (length, data))| event_at(NOON + start * GRID, length * GRID, data))
            .collect()
    })
}

fn event_at(start: i64, duration: i64, data: Json) -> Event {
    let data: Object = serde_json::from_value(data).expect("an object");
    let id = None;
    Event {
        start,
        duration,
        id,
        data,
    }
}

/// Around all of them, or through their midst, but never touching one.
pub(crate) fn period() -> impl Strategy<Value = Period> {
    let cut = |from: i64, to: i64| Period {
        start: NOON + from * GRID + GRID / 2,
        end: NOON + to * GRID + GRID / 2,
    };
    prop_oneof![
        4 => Just(cut(-1, 100_000)),
        1 => (-1i64..200, 1i64..300).prop_map(move |(from, length)| cut(from, from + length)),
    ]
}

const APPS: &[&str] = &["vim", "Firefox", "ünï \"x\" \\d", "(2) term"];

const TITLES: &[&str] = &[
    "main.rs",
    "● main.rs",
    "(3) Inbox",
    "*notes FPS: 59.9",
    "hello xy",
    "日本語\n[(\"'",
];

/// Addresses that Python takes apart as browsers do.
const URLS: &[&str] = &[
    "https://example.com/a/b?q=1",
    "http://www.example.org/",
    "https://sub.example.net/x%20y?a=b&c=d",
    "file:///home/me/notes.txt",
    "about:blank",
];
