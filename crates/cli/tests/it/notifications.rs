//! Notifications about the time in a real server, as the desktop's service on a private bus gets them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use serde_json::json;
use timberline_model::Timestamp;
use timberline_test_support::PrivateBus;
use timberline_watchers::desk::Calendar;
use timberline_watchers::{Client, ClientOptions, Server, notify};

use crate::harness::server::Installation;
use crate::harness::{PATIENCE, poll};

/// Shows notifications to the test.
struct Service(Sender<String>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Service {
    #[allow(clippy::too_many_arguments, reason = "the specification has so many")]
    fn notify(
        &self,
        _program: String,
        _replaces: u32,
        _icon: String,
        title: String,
        text: String,
        _actions: Vec<String>,
        _hints: HashMap<String, zbus::OwnedVariant>,
        _expires: i32,
    ) -> u32 {
        let _ = self.0.send(format!("{title}: {text}"));
        1
    }
}

/// A day on which it is always three in the afternoon. Counts how often somebody looks at it.
#[derive(Default)]
struct Afternoon(AtomicUsize);

impl Calendar for Afternoon {
    fn now_and_day(&self, start: Option<&str>) -> (Timestamp, Timestamp) {
        assert_eq!(start, Some("05:00"), "the setting of the server");
        self.0.fetch_add(1, Ordering::SeqCst);
        let at = |text: &str| Timestamp::parse(text).expect("a time");
        (at("2026-03-02T15:00:00Z"), at("2026-03-02T05:00:00Z"))
    }
}

impl Afternoon {
    /// Waits until two more looks have begun, so that the first of them is over.
    fn looked(&self) {
        let before = self.0.load(Ordering::SeqCst);
        poll("two looks", || {
            (self.0.load(Ordering::SeqCst) >= before + 2).then_some(())
        });
    }
}

/// Shows alerts about a server as often as possible.
fn alerts(bus: &PrivateBus, client: Client, afternoon: &Arc<Afternoon>) -> Receiver<String> {
    let (show, shown) = channel();
    let (address, calendar) = (bus.address.clone(), Arc::clone(afternoon));
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let _service = zbus::connection::Builder::address(address.as_str())
                .serve_at("/org/freedesktop/Notifications", Service(show))
                .name("org.freedesktop.Notifications")
                .build()
                .await
                .expect("a service");
            notify::alerts(Some(address), client, calendar, Duration::from_millis(20)).await;
        });
    });
    shown
}

#[test]
fn a_threshold_that_is_reached_is_told_once() {
    let installation = Installation::new();
    let server = installation.start();
    let thresholds =
        json!([{"category": null, "label": null, "thresholds_minutes": [10, 30], "positive": false}]);
    let quiet = json!({"alerts": thresholds, "hourly_checkins": false, "new_day_greetings": false});
    for (key, value) in [("aw-notify", quiet), ("startOfDay", json!("05:00"))] {
        let (status, answer) = server.post(&format!("/api/0/settings/{key}"), &value);
        assert!((200..300).contains(&status), "{answer:?}");
    }
    let spend = |start: &str, minutes: u32| {
        let buckets = [
            ("window", "currentwindow", json!({"app": "editor", "title": "x"})),
            ("afk", "afkstatus", json!({"status": "not-afk"})),
        ];
        for (name, kind, data) in buckets {
            let path = format!("/api/0/buckets/aw-watcher-{name}_laptop");
            let bucket = json!({"client": "test", "type": kind, "hostname": "laptop"});
            assert!([200, 304].contains(&server.post(&path, &bucket).0));
            let event = json!([{"timestamp": start, "duration": 60 * minutes, "data": data}]);
            assert_eq!(server.post(&format!("{path}/events"), &event).0, 200);
        }
    };
    let bus = PrivateBus::start();
    let queue = installation.root().join("queue");
    let client =
        Client::open(ClientOptions::new(Server::new("127.0.0.1", server.port), queue)).expect("a client");
    let afternoon = Arc::new(Afternoon::default());
    let shown = alerts(&bus, client, &afternoon);

    afternoon.looked();
    spend("2026-03-02T10:00:00Z", 9);
    afternoon.looked();
    assert!(shown.try_recv().is_err(), "it is told too early");
    spend("2026-03-02T11:00:00Z", 2);
    let told = shown.recv_timeout(PATIENCE).expect("a notification");
    assert_eq!(told, "Time spent: All: 11m");
    afternoon.looked();
    spend("2026-03-02T12:00:00Z", 5);
    afternoon.looked();
    assert!(shown.try_recv().is_err(), "it is told twice");
    spend("2026-03-02T13:00:00Z", 15);
    let told = shown.recv_timeout(PATIENCE).expect("a notification");
    assert_eq!(told, "Time spent: All: 31m");

    // The server ends: somebody who wants to know is told, once.
    server.stop();
    let told = shown.recv_timeout(PATIENCE).expect("a notification");
    assert!(told.starts_with("Server unavailable: "), "{told}");
    let _server = installation.start();
    let told = shown.recv_timeout(PATIENCE).expect("a notification");
    assert_eq!(told, "Server available: Timberline's server answers again.");
}
