//! The icon and its menu, as a tray on a private bus sees them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use timberline_model::Timestamp;
use timberline_test_support::PrivateBus;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use zbus::{Connection, OwnedVariant};

use super::show;
use crate::away::Absence;
use crate::desk::Desk;
use crate::supervisor::Which;
use crate::supervisor::tests::{Bench, Puppet, Way};

/// Who knows all icons.
struct Host(UnboundedSender<String>);

#[zbus::interface(name = "org.kde.StatusNotifierWatcher")]
impl Host {
    fn register_status_notifier_item(&self, service: String) {
        let _ = self.0.send(service);
    }
}

/// Says what was done.
pub(crate) struct TestDesk(pub(crate) UnboundedSender<String>);

impl Desk for TestDesk {
    fn open_dashboard(&self) {
        let _ = self.0.send("dashboard".to_owned());
    }

    fn open_absence(&self, absence: &Absence) {
        let _ = self.0.send(format!("absence from {}", absence.start));
    }

    fn quit(&self) {
        let _ = self.0.send("quit".to_owned());
    }

    fn now_and_tomorrow(&self) -> (Timestamp, Timestamp) {
        let now = Timestamp::parse("2026-03-01T10:00:00Z").expect("a time");
        (now, Timestamp::parse("2026-03-02T04:00:00Z").expect("a time"))
    }

    fn local_time(&self, time: Timestamp) -> String {
        time.to_string()
    }
}

type Node = (i32, HashMap<String, OwnedVariant>, Vec<OwnedVariant>);

/// A tray: it knows an icon by the name under which that has registered.
struct Looker {
    bus: Connection,
    icon: String,
}

impl Looker {
    async fn call<B>(&self, path: &str, interface: &str, method: &str, body: &B) -> zbus::Message
    where
        B: serde::Serialize + zbus::DynamicType,
    {
        let icon = self.icon.as_str();
        let called = self
            .bus
            .call_method(Some(icon), path, Some(interface), method, body);
        called.await.expect("an answer")
    }

    async fn click(&self, id: i32) {
        let nothing = zbus::Variant::from(0);
        let body = (id, "clicked", nothing, 0u32);
        self.call("/MenuBar", "com.canonical.dbusmenu", "Event", &body)
            .await;
    }

    /// The numbers and labels of the menu, those of menus in it as well.
    async fn menu(&self) -> Vec<(i32, String)> {
        let body = (0, -1, Vec::<String>::new());
        let answer = self
            .call("/MenuBar", "com.canonical.dbusmenu", "GetLayout", &body)
            .await;
        let (_, root): (u32, Node) = answer.body().deserialize().expect("a layout");
        let mut labels = Vec::new();
        collect(root, &mut labels);
        labels
    }

    async fn property(&self, name: &str) -> String {
        let interface = "org.freedesktop.DBus.Properties";
        let body = ("org.kde.StatusNotifierItem", name);
        let answer = self.call("/StatusNotifierItem", interface, "Get", &body).await;
        let value: OwnedVariant = answer.body().deserialize().expect("a value");
        format!("{value:?}")
    }
}

fn collect((id, properties, children): Node, labels: &mut Vec<(i32, String)>) {
    if let Some(label) = properties.get("label") {
        let label: String = label.try_clone().expect("a clone").try_into().expect("a text");
        let on = properties.get("toggle-state");
        let on = on.map(|on| i32::try_from(on).expect("a number"));
        let mark = match on {
            Some(1) => "[x] ",
            Some(_) => "[ ] ",
            None => "",
        };
        labels.push((id, format!("{mark}{label}")));
    }
    for child in children {
        let child: zbus::Structure<'static> = child.try_into().expect("a structure");
        let node: Node = child.try_into().expect("an entry");
        collect(node, labels);
    }
}

struct Shown {
    bench: Bench,
    looker: Looker,
    desk: UnboundedReceiver<String>,
    unexplained: watch::Sender<Option<Absence>>,
    registered: UnboundedReceiver<String>,
    host: Connection,
    bus: PrivateBus,
}

async fn shown(puppets: &[&Puppet]) -> Shown {
    let bus = PrivateBus::start();
    let bench = Bench::start(puppets);
    let (did, desk) = unbounded_channel();
    let (unexplained, receiver) = watch::channel(None);
    tokio::spawn(show(
        Some(bus.address.clone()),
        bench.handle.clone(),
        receiver,
        Arc::new(TestDesk(did)),
    ));
    // The tray comes later than the icon.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let (register, mut registered) = unbounded_channel();
    let host = host(&bus, register).await;
    let icon = registered.recv().await.expect("an icon");
    let looker = Looker {
        bus: connect(&bus).await,
        icon,
    };
    Shown {
        bench,
        looker,
        desk,
        unexplained,
        registered,
        host,
        bus,
    }
}

async fn connect(bus: &PrivateBus) -> Connection {
    let builder = zbus::connection::Builder::address(bus.address.as_str());
    builder.build().await.expect("a connection")
}

async fn host(bus: &PrivateBus, register: UnboundedSender<String>) -> Connection {
    zbus::connection::Builder::address(bus.address.as_str())
        .serve_at("/StatusNotifierWatcher", Host(register))
        .name("org.kde.StatusNotifierWatcher")
        .build()
        .await
        .expect("a host")
}

/// Waits until the menu is such.
async fn until(looker: &Looker, such: impl Fn(&[(i32, String)]) -> bool) -> Vec<(i32, String)> {
    for _ in 0..1000 {
        let menu = looker.menu().await;
        if such(&menu) {
            return menu;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the menu is {:?}", looker.menu().await);
}

fn has(menu: &[(i32, String)], label: &str) -> bool {
    menu.iter().any(|(_, known)| known == label)
}

#[tokio::test]
async fn the_menu_pauses_resumes_and_switches() {
    let puppets = [
        Puppet::new("camera", Way::Error),
        Puppet::new("screen_time", Way::Error),
    ];
    let shown = shown(&[&puppets[0], &puppets[1]]).await;
    let menu = shown.looker.menu().await;
    let labels: Vec<&str> = menu.iter().map(|(_, label)| label.as_str()).collect();
    let expected = [
        "Open dashboard",
        "Pause",
        "For 15 minutes",
        "For 1 hour",
        "Until tomorrow",
        "Until resumed",
        "[x] camera",
        "[x] screen__time",
        "Quit",
    ];
    assert_eq!(labels, expected);
    let number = |label: &str| menu.iter().find(|(_, known)| known == label).expect("an entry").0;

    shown.looker.click(number("Until tomorrow")).await;
    let paused = until(&shown.looker, |menu| has(menu, "[x] camera (paused)")).await;
    let resume = paused
        .iter()
        .find(|(_, label)| label.starts_with("Resume"))
        .expect("resume");
    assert!(resume.1.contains("2026-03-02T04:00:00"), "{resume:?}");
    assert!(shown.looker.property("ToolTip").await.contains("Paused"));
    shown.looker.click(resume.0).await;
    until(&shown.looker, |menu| has(menu, "[x] camera")).await;

    shown.looker.click(number("[x] camera")).await;
    until(&shown.looker, |menu| has(menu, "[ ] camera")).await;
    assert!(!shown.bench.status("camera").enabled);
    assert!(shown.bench.status("screen_time").enabled);
    drop((shown.host, shown.bus));
}

#[tokio::test]
async fn a_click_into_an_older_menu_switches_what_it_showed() {
    let puppets = [
        Puppet::new("camera", Way::Error),
        Puppet::new("screen", Way::Error),
    ];
    let shown = shown(&[&puppets[0], &puppets[1]]).await;
    let menu = shown.looker.menu().await;
    let (screen, _) = menu
        .iter()
        .find(|(_, label)| label == "[x] screen")
        .expect("an entry");
    // It comes before both.
    shown.bench.add_program("aw-watcher-new");
    shown.looker.click(*screen).await;
    until(&shown.looker, |menu| has(menu, "[ ] screen")).await;
    assert!(shown.bench.status("camera").enabled);
    drop((shown.host, shown.bus));
}

#[tokio::test]
async fn the_icon_opens_the_dashboard_and_comes_back_with_the_tray() {
    let mut shown = shown(&[]).await;
    let body = (0, 0);
    shown
        .looker
        .call(
            "/StatusNotifierItem",
            "org.kde.StatusNotifierItem",
            "Activate",
            &body,
        )
        .await;
    assert_eq!(shown.desk.recv().await.as_deref(), Some("dashboard"));
    shown.looker.click(4).await;
    assert_eq!(shown.desk.recv().await.as_deref(), Some("quit"));

    shown.host.close().await.expect("closed");
    let (register, mut again) = unbounded_channel();
    let _host = host(&shown.bus, register).await;
    assert_eq!(again.recv().await.as_deref(), Some(shown.looker.icon.as_str()));
    assert!(shown.registered.try_recv().is_err());
}

#[tokio::test]
async fn an_absence_that_nobody_has_explained_is_in_the_menu() {
    let mut shown = shown(&[]).await;
    let at = |text: &str| Timestamp::parse(text).expect("a time");
    let absence = Absence {
        start: at("2026-03-01T12:03:00Z"),
        end: at("2026-03-01T12:48:00Z"),
        is_over: true,
    };
    let question = absence.question(|time| time.to_string());
    shown.unexplained.send_replace(Some(absence));
    let menu = until(&shown.looker, |menu| has(menu, &question)).await;
    let entry = menu
        .iter()
        .find(|(_, label)| *label == question)
        .expect("an entry");
    shown.looker.click(entry.0).await;
    let done = shown.desk.recv().await.expect("something");
    assert_eq!(done, format!("absence from {}", absence.start));
    shown.unexplained.send_replace(None);
    until(&shown.looker, |menu| !has(menu, &question)).await;
}

#[tokio::test]
async fn an_alarm_asks_for_attention() {
    let puppet = Puppet::new("camera", Way::Error);
    let shown = shown(&[&puppet]).await;
    assert!(shown.looker.property("Status").await.contains("Active"));
    shown
        .bench
        .alarm("camera", Some("nothing was recorded for 10 minutes"));
    for _ in 0..1000 {
        if shown.looker.property("Status").await.contains("NeedsAttention") {
            assert!(shown.looker.property("ToolTip").await.contains("camera: nothing"));
            shown.bench.handle.resume(Which::All).expect("done");
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("nobody asks for attention");
}
