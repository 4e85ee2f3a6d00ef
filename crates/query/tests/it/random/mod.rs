//! Random events, and random programs over them.

// Each test uses a part of it.

pub(crate) mod programs;

use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Value as Json, json};

use crate::reference::buckets::Period;
use crate::reference::{Event, Object, SECOND};

/// 2024-03-01T12:00:00Z; all events are about then.
pub(crate) const NOON: i64 = 1_709_294_400 * SECOND;

/// A fixed list of texts, of which one is chosen.
pub(crate) fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(texts).prop_map(str::to_owned)
}

/// Events in the order in which they are inserted.
pub(crate) fn events() -> impl Strategy<Value = Vec<Event>> {
    prop_oneof![3 => walk(), 1 => walk().prop_shuffle()]
}

/// Events of which each comes after the one before, or near it.
fn walk() -> impl Strategy<Value = Vec<Event>> {
    let event = (gap(), duration(), object(), 0u8..12);
    prop::collection::vec(event, 0..24).prop_map(|steps| {
        let mut events: Vec<Event> = Vec::new();
        for (gap, duration, data, luck) in steps {
            let last = events.last();
            let next = Event {
                start: last.map_or(NOON, Event::end) + gap,
                duration,
                id: None,
                data,
            };
            events.push(match (last, luck) {
                // The same once more, only its start, only its data.
                (Some(last), 0) => last.clone(),
                (Some(last), 1) => Event {
                    start: last.start,
                    ..next
                },
                (Some(last), 2..4) => Event {
                    data: last.data.clone(),
                    ..next
                },
                _ => next,
            });
        }
        events
    })
}

/// Time between the end of an event and the start of the next.
fn gap() -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => Just(0),
        4 => (1i64..20).prop_map(|quarters| quarters * SECOND / 4),
        1 => Just(5 * SECOND),
        1 => select(vec![1, 3, 5 * SECOND - 1, 5 * SECOND + 1, 1_234_567_891]),
        3 => (6i64..60).prop_map(|seconds| seconds * SECOND),
        3 => (1i64..40).prop_map(|quarters| -quarters * SECOND / 4),
    ]
}

fn duration() -> impl Strategy<Value = i64> {
    prop_oneof![
        10 => (1i64..40).prop_map(|quarters| quarters * SECOND / 4),
        3 => Just(0),
        2 => select(vec![1, 999_999_999, 123_456_789, 1_000_001]),
        1 => (1i64..20).prop_map(|quarters| -quarters * SECOND / 4),
        1 => select(vec![3_600 * SECOND, 86_400 * SECOND, 400 * 86_400 * SECOND + 1]),
    ]
}

/// What events are about: mostly what watchers send, so that many agree, sometimes anything.
pub(crate) fn object() -> impl Strategy<Value = Object> {
    let or_null = prop_oneof![6 => value(), 1 => Just(Json::Null)];
    let usual = (
        prop::option::weighted(0.8, one_of(&["vim", "Firefox", "ünï", ""]).prop_map(Json::from)),
        prop::option::weighted(0.8, one_of(TITLES).prop_map(Json::from)),
        prop::option::weighted(0.3, one_of(URLS).prop_map(Json::from)),
        prop::option::weighted(0.5, number()),
        prop::option::weighted(0.3, (select(&["status", "$category"]), or_null)),
    );
    let usual = usual.prop_map(|(app, title, url, n, other)| {
        let known = ["app", "title", "url", "n"].into_iter().zip([app, title, url, n]);
        let known = known.filter_map(|(key, value)| Some((key, value?)));
        known
            .chain(other)
            .map(|(key, value)| (key.to_owned(), value))
            .collect()
    });
    let any = prop::collection::vec((key(), value()), 0..4).prop_map(|members| members.into_iter().collect());
    prop_oneof![4 => usual, 1 => any]
}

/// Keys of data, and of arguments.
pub(crate) fn key() -> impl Strategy<Value = String> {
    one_of(&[
        "app",
        "title",
        "url",
        "n",
        "n",
        "status",
        "$category",
        "$domain",
        "",
        "ключ \"\\n",
    ])
}

/// Texts with what titles are simplified by, with escapes, and with what regular expressions look for.
const TITLES: &[&str] = &[
    "",
    "main.rs",
    "● main.rs",
    "*notes FPS: 59.9 - FPS: 60",
    "(3) Inbox",
    "(12)  ● Inbox (2)",
    "say \"hi\" \\d and \\\" so on",
    "line\nbreak\ttab",
    "\u{1}\u{7f}\u{2028}\u{feff}",
    "日本語 e\u{301} 👩‍💻",
    "hello world",
];

/// URLs as browsers have them, and texts that are not URLs.
const URLS: &[&str] = &[
    "https://www.example.com/a/b;p?q=1&r=%20#f",
    "https://example.com/",
    "HTTP://User:pw@WWW.Example.COM:80/../x?",
    "https://www.www.a.example:8443",
    "http://münchen.example/straße?ä=ö",
    "http://[::1]:5600/#/home",
    "http://1.2.3/x",
    "file:///home/me/notes.txt",
    "about:blank",
    "mailto:me@example.com?subject=hi",
    "data:text/plain,a b",
    "https:\\\\example.com\\back",
    " https://example.com/with blanks ",
    "chrome-extension://abcdef/page.html",
    "http://",
    "//example.com/none",
    "no url at all",
    "",
];

pub(crate) fn number() -> impl Strategy<Value = Json> {
    select(vec![
        json!(1),
        json!(1.0),
        json!(0),
        json!(0.0),
        json!(-0.0),
        json!(-1),
        json!(2.5),
        json!(-2.5),
        json!(0.1),
        json!(1e21),
        json!(9_007_199_254_740_992_u64),
        json!(1e-7),
    ])
}

/// Any value of data but null, which programs cannot say.
pub(crate) fn value() -> impl Strategy<Value = Json> {
    let plain = prop_oneof![
        3 => number(),
        1 => any::<bool>().prop_map(Json::from),
        3 => one_of(TITLES).prop_map(Json::from),
        1 => one_of(&["vim", "1", "true"]).prop_map(Json::from),
    ];
    plain.prop_recursive(2, 6, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Json::from),
            prop::collection::vec((one_of(&["x", "", "ключ"]), inner), 0..3)
                .prop_map(|members| Json::Object(members.into_iter().collect())),
        ]
    })
}

/// Around all events, through their midst, touching them, empty, and backwards.
pub(crate) fn period() -> impl Strategy<Value = Period> {
    let between = |start, end| Period {
        start: NOON + start,
        end: NOON + end,
    };
    prop_oneof![
        4 => Just(between(-3_600 * SECOND, 86_400 * SECOND)),
        3 => (-20i64..80, 0i64..240).prop_map(move |(from, length)| {
            between(from * SECOND / 4, (from + length) * SECOND / 4)
        }),
        1 => (-20i64..80, -5i64..1).prop_map(move |(from, length)| {
            between(from * SECOND / 4, (from + length) * SECOND / 4)
        }),
        1 => select(vec![between(1, 123_456_789), between(-1, 5 * SECOND + 1)]),
    ]
}
