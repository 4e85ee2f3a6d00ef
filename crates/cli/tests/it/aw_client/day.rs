//! The day that is recorded: what three watchers saw, and what events must come of it.

use serde_json::{Value, json};

use crate::harness::rfc3339::{self, SECOND};

const BEGIN: &str = "2024-03-04T09:00:00Z";

/// Seconds in each part of the day.
const PARTS: [u32; 3] = [10_000, 10_000, 10_000];

/// The watchers, each with a client and a bucket of its own.
const WATCHERS: [Watcher; 3] = [
    Watcher {
        client: "aw-watcher-window",
        kind: "currentwindow",
        interval: 1,
        pulsetime: 2.0,
    },
    Watcher {
        client: "aw-watcher-afk",
        kind: "afkstatus",
        interval: 5,
        pulsetime: 185.0,
    },
    Watcher {
        client: "aw-watcher-web",
        kind: "web.tab.current",
        interval: 3,
        pulsetime: 20.0,
    },
];

struct Watcher {
    client: &'static str,
    kind: &'static str,
    /// Seconds from one heartbeat to the next.
    interval: u32,
    pulsetime: f64,
}

/// An event as a model has it; times in nanoseconds.
#[derive(Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) start: i128,
    pub(crate) duration: i128,
    pub(crate) data: Value,
}

impl Event {
    /// An event as the API answers it.
    pub(crate) fn from_json(event: &Value) -> Event {
        Event {
            start: event["timestamp"]
                .as_str()
                .and_then(rfc3339::parse)
                .expect("a timestamp"),
            duration: (event["duration"].as_f64().expect("a duration") * SECOND as f64).round() as i128,
            data: event["data"].clone(),
        }
    }
}

/// What a watcher says at one moment. Its duration is none.
struct Heartbeat {
    watcher: usize,
    time: i128,
    data: Value,
}

/// A day in parts.
pub(crate) struct Day {
    parts: Vec<Vec<Heartbeat>>,
}

impl Day {
    /// The same day at every call.
    pub(crate) fn plan() -> Day {
        let mut life = Life {
            random: 0x9e37_79b9_7f4a_7c15,
            app: 0,
            title: 0,
            away: false,
        };
        let mut second = 0;
        let mut part = |length: &u32| {
            let mut heartbeats = Vec::new();
            for _ in 0..*length {
                life.goes_on();
                let sees = WATCHERS
                    .iter()
                    .enumerate()
                    .filter(|(_, watcher)| second % watcher.interval == 0);
                for (watcher, _) in sees {
                    if let Some(data) = life.seen_by(watcher) {
                        // Watchers are not punctual; clients keep milliseconds.
                        let milliseconds = second * 1000 + life.below(300);
                        let time = begin() + i128::from(milliseconds) * (SECOND / 1000);
                        heartbeats.push(Heartbeat { watcher, time, data });
                    }
                }
                second += 1;
            }
            heartbeats
        };
        let mut day = Day {
            parts: PARTS.iter().map(&mut part).collect(),
        };
        let end = begin() + i128::from(second) * SECOND;
        // A client keeps its last heartbeat to itself until one comes that does not continue it.
        let farewell = |watcher| Heartbeat {
            watcher,
            time: end,
            data: farewell(),
        };
        day.parts
            .last_mut()
            .expect("a part")
            .extend((0..WATCHERS.len()).map(farewell));
        day
    }

    /// The plan for `record_day.py`.
    pub(crate) fn to_json(&self) -> Value {
        let bucket = |watcher: &Watcher| json!({"client": watcher.client, "id": bucket_id(watcher), "type": watcher.kind});
        let heartbeat = |heartbeat: &Heartbeat| {
            json!({
                "bucket": heartbeat.watcher,
                "timestamp": rfc3339::format(heartbeat.time),
                "duration": 0,
                "pulsetime": WATCHERS[heartbeat.watcher].pulsetime,
                "data": heartbeat.data,
            })
        };
        let part = |part: &Vec<Heartbeat>| part.iter().map(heartbeat).collect::<Value>();
        json!({
            "buckets": WATCHERS.iter().map(bucket).collect::<Value>(),
            "parts": self.parts.iter().map(part).collect::<Value>(),
        })
    }

    /// The events of each bucket, by the plain rule: a heartbeat with the same data, not before the last
    /// event and within pulsetime of its end, extends it; any other is a new event.
    pub(crate) fn events(&self) -> Vec<(String, Vec<Event>)> {
        let mut buckets: Vec<_> = WATCHERS
            .iter()
            .map(|watcher| (bucket_id(watcher), Vec::new()))
            .collect();
        let sent = self
            .parts
            .iter()
            .flatten()
            .filter(|heartbeat| heartbeat.data != farewell());
        for Heartbeat { watcher, time, data } in sent {
            let events: &mut Vec<Event> = &mut buckets[*watcher].1;
            let pulsetime = (WATCHERS[*watcher].pulsetime * SECOND as f64) as i128;
            match events.last_mut() {
                Some(last)
                    if last.data == *data
                        && last.start <= *time
                        && *time <= last.start + last.duration + pulsetime =>
                {
                    last.duration = last.duration.max(time - last.start);
                }
                _ => events.push(Event {
                    start: *time,
                    duration: 0,
                    data: data.clone(),
                }),
            }
        }
        buckets
    }
}

fn bucket_id(watcher: &Watcher) -> String {
    format!("{}_desk", watcher.client)
}

fn begin() -> i128 {
    rfc3339::parse(BEGIN).expect("a valid time")
}

fn farewell() -> Value {
    json!({"status": "the day is over"})
}

/// What goes on in front of the screen.
struct Life {
    random: u64,
    app: u32,
    title: u32,
    away: bool,
}

const BROWSER: u32 = 0;

impl Life {
    /// One second.
    fn goes_on(&mut self) {
        if self.away {
            self.away = self.below(200) != 0;
            return;
        }
        self.away = self.below(1500) == 0;
        if self.below(40) == 0 {
            self.title = self.below(12);
        }
        if self.below(90) == 0 {
            self.app = self.below(4);
        }
    }

    /// What a watcher has to say of it now, if anything.
    fn seen_by(&self, watcher: usize) -> Option<Value> {
        let title = format!("Überblick {} – “{}”", self.title, self.title * 7);
        match watcher {
            0 => Some(json!({"app": format!("app-{}", self.app), "title": title})),
            1 => Some(json!({"status": if self.away { "afk" } else { "not-afk" }})),
            _ => (self.app == BROWSER && !self.away).then(|| {
                let url = format!("https://example.org/{}?q=%20", self.title);
                json!({"url": url, "title": title, "audible": false, "incognito": false, "tabCount": 3})
            }),
        }
    }

    /// A random number below a bound, by xorshift: the day must be the same everywhere.
    fn below(&mut self, bound: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        u32::try_from((self.random >> 32) % u64::from(bound)).unwrap_or_default()
    }
}
