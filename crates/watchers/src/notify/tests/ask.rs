//! Questions about absences.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use serde_json::{Value, json};
use timberline_model::{Duration, Timestamp};
use timberline_test_support::PrivateBus;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::desktop::{Asked, Desktop};
use crate::away::Absences;
use crate::clock::SystemClock;
use crate::desk::Calendar;
use crate::notify::ask;
use crate::tray::tests::TestDesk;
use crate::{Answer, Client, ClientOptions, Method, NotSent, Request, Server, Transport};

const AFK: &str = "aw-watcher-afk_laptop";
const ANSWERS: &str = "aw-watcher-ask-away_laptop";

/// A server with the buckets and events that the test gives it.
#[derive(Default)]
struct Store {
    buckets: Mutex<serde_json::Map<String, Value>>,
    is_read_only: AtomicBool,
}

impl Store {
    fn put(&self, bucket: &str, events: Value) {
        self.buckets.lock().insert(bucket.to_owned(), events);
    }

    fn events(&self, bucket: &str) -> Vec<Value> {
        let events = self.buckets.lock().get(bucket).cloned();
        events
            .and_then(|events| events.as_array().cloned())
            .unwrap_or_default()
    }
}

impl Transport for Store {
    fn send(&self, request: &Request) -> Result<Answer, NotSent> {
        let path = request.path.split('?').next().unwrap_or_default();
        let limit_one = request.path.contains("limit=1&") || request.path.ends_with("limit=1");
        let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        let body = || serde_json::from_slice(request.body.as_deref().unwrap_or_default()).unwrap_or_default();
        let (status, answer) = match (&request.method, parts.as_slice()) {
            (Method::Get, ["", "api", "0", "settings", _]) => (200, json!("06:00")),
            (Method::Get, ["", "api", "0", "buckets"]) => {
                let info = |id: &String| {
                    (
                        id.clone(),
                        json!({"id": id, "type": "", "client": "", "hostname": "laptop"}),
                    )
                };
                (200, Value::Object(self.buckets.lock().keys().map(info).collect()))
            }
            (Method::Post, _) if self.is_read_only.load(Ordering::SeqCst) => {
                (403, json!({"message": "read only"}))
            }
            (Method::Post, ["", "api", "0", "buckets", bucket]) => {
                self.buckets.lock().entry(*bucket).or_insert(json!([]));
                (200, json!({}))
            }
            (Method::Get, ["", "api", "0", "buckets", bucket, "events"]) => {
                let mut events = self.events(bucket);
                events.reverse();
                events.truncate(if limit_one { 1 } else { usize::MAX });
                (200, Value::Array(events))
            }
            (Method::Post, ["", "api", "0", "buckets", bucket, "events"]) => {
                self.put(bucket, body());
                (200, json!({}))
            }
            _ => (404, json!({"message": path})),
        };
        Ok(Answer {
            status,
            retry_after: None,
            body: answer.to_string().into_bytes(),
        })
    }
}

/// It is ten o'clock, as for the desk, and the day began when the person says.
struct TenOClock;

impl Calendar for TenOClock {
    fn now_and_day(&self, start: Option<&str>) -> (Timestamp, Timestamp) {
        let day = format!("2026-03-01T{}:00Z", start.expect("a setting"));
        (at("2026-03-01T10:00:00Z"), at(&day))
    }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a time")
}

fn afk(spans: &[(&str, &str, &str)]) -> Value {
    let event = |(start, end, status): &(&str, &str, &str)| {
        let [start, end] = [start, end].map(|time| at(&format!("2026-03-01T{time}:00Z")));
        json!({"timestamp": start.to_string(), "duration": end.since(start).as_secs_f64(), "data": {"status": status}})
    };
    Value::Array(spans.iter().map(event).collect())
}

struct Bench {
    store: Arc<Store>,
    absences: Absences,
    done: UnboundedReceiver<String>,
    _bus: PrivateBus,
    _dir: tempfile::TempDir,
}

impl Bench {
    /// Asks about absences of a quarter of an hour.
    async fn start(desktop: &'static [&'static str]) -> (Bench, Desktop) {
        let bus = PrivateBus::start();
        let shown = Desktop::on(&bus, desktop).await;
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Store::default());
        let transport: Arc<dyn Transport> = Arc::clone(&store) as Arc<dyn Transport>;
        let options = ClientOptions::new(Server::new("127.0.0.1", 1), dir.path()).hostname("laptop");
        let client =
            Client::with_transport(options, transport, Arc::new(SystemClock::new())).expect("a client");
        let absences = Absences::new(client, Duration::from_secs(15 * 60));
        let (did, done) = unbounded_channel();
        let desk = Arc::new(TestDesk(did));
        tokio::spawn(ask(Some(bus.address.clone()), absences.clone(), desk));
        let bench = Bench {
            store,
            absences,
            done,
            _bus: bus,
            _dir: dir,
        };
        (bench, shown)
    }

    async fn look(&self) {
        self.absences.look(&TenOClock).await.expect("a look");
    }

    fn unexplained(&self) -> Option<Timestamp> {
        self.absences.unexplained().borrow().map(|absence| absence.start)
    }
}

/// A morning with a long absence at seven, and another one at nine that has just ended.
const MORNING: [(&str, &str, &str); 6] = [
    ("05:00", "05:30", "not-afk"),
    ("06:30", "07:00", "not-afk"),
    ("07:00", "08:30", "afk"),
    ("08:30", "09:10", "not-afk"),
    ("09:10", "09:55", "afk"),
    ("09:55", "10:00", "not-afk"),
];

const EVENING: [(&str, &str, &str); 1] = [("22:00", "23:00", "not-afk")];

#[tokio::test]
async fn an_answer_in_the_notification_is_recorded_and_older_absences_are_left_alone() {
    let (bench, mut desktop) = Bench::start(&["actions", "inline-reply"]).await;
    bench.store.put(AFK, afk(&MORNING));
    bench.look().await;
    let shown = desktop.shown().await;
    assert_eq!(
        shown.title,
        "What did you do from 2026-03-01T09:10:00Z to 2026-03-01T09:55:00Z?"
    );
    assert_eq!(shown.text, "You were away for 45 minutes.");
    assert_eq!(shown.actions, ["default", "Open", "inline-reply", "Answer"]);
    desktop.write(1, " breakfast ").await;
    let answers = loop {
        let answers = bench.store.events(ANSWERS);
        if !answers.is_empty() {
            break answers;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    };
    assert_eq!(answers[0]["data"], json!({"message": "breakfast"}));
    assert_eq!(answers[0]["duration"], json!(2700.0));
    assert_eq!(
        at(answers[0]["timestamp"].as_str().expect("a time")),
        at("2026-03-01T09:10:00Z")
    );

    // The one at seven is in the menu of the tray, but nobody is asked about it any more. That at half past five was the night.
    bench.look().await;
    assert_eq!(bench.unexplained(), Some(at("2026-03-01T07:00:00Z")));
    bench
        .store
        .put(AFK, afk(&[MORNING.as_slice(), &EVENING].concat()));
    bench.look().await;
    assert!(desktop.shown().await.title.contains("T10:00:00"));
}

#[tokio::test]
async fn a_question_that_is_answered_elsewhere_is_taken_off_the_screen() {
    let (mut bench, mut desktop) = Bench::start(&["actions"]).await;
    bench.store.put(AFK, afk(&MORNING));
    bench.look().await;
    assert_eq!(
        desktop.shown().await.actions,
        ["default", "Open", "button", "Answer…"]
    );
    let answer = afk(&[("07:00", "08:10", ""), ("09:15", "09:50", "")]);
    bench.store.put(ANSWERS, answer);
    bench.look().await;
    assert_eq!(desktop.asked().await, Asked::Close(1));
    assert_eq!(bench.unexplained(), None);

    bench
        .store
        .put(AFK, afk(&[MORNING.as_slice(), &EVENING].concat()));
    bench.look().await;
    assert!(desktop.shown().await.title.contains("T10:00:00"));
    desktop.choose(2, "button").await;
    let done = bench.done.recv().await.expect("something");
    assert_eq!(done, "absence from 2026-03-01T10:00:00Z");
}

#[tokio::test]
async fn a_pause_explains_an_absence_and_a_service_without_buttons_names_the_command() {
    let (bench, mut desktop) = Bench::start(&[]).await;
    let mut pause = afk(&[("09:10", "09:55", "paused")]);
    pause[0]["data"] = json!({"status": "paused", "watchers": ["afk", "window"]});
    bench.store.put("timberline-watchers_laptop", pause);
    bench.store.put(AFK, afk(&MORNING));
    bench.look().await;
    assert_eq!(bench.unexplained(), Some(at("2026-03-01T07:00:00Z")));
    bench
        .store
        .put(AFK, afk(&[MORNING.as_slice(), &EVENING].concat()));
    bench.look().await;
    let shown = desktop.shown().await;
    assert_eq!(shown.actions, Vec::<String>::new());
    assert!(shown.text.ends_with("timberline away '…'"), "{}", shown.text);
}

#[tokio::test]
async fn an_answer_that_cannot_be_recorded_is_shown_again() {
    let (bench, mut desktop) = Bench::start(&["actions", "inline-reply"]).await;
    bench.store.put(AFK, afk(&MORNING));
    bench.look().await;
    desktop.shown().await;
    bench.store.is_read_only.store(true, Ordering::SeqCst);
    desktop.write(1, "lunch").await;
    let shown = desktop.shown().await;
    assert_eq!(shown.title, "Your answer was not recorded");
    assert!(
        shown.text.contains("read only") && shown.text.ends_with("You wrote: lunch"),
        "{}",
        shown.text
    );
}
