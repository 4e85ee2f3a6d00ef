//! Locks, as screen lockers report them.

use timberline_watchers::afk::Fact;
use timberline_watchers::desktop::Lost;
use timberline_watchers::desktop::screensaver::ScreenSaver;
use zbus::Connection;

use super::bus::{Bus, no_bus, settle};
use crate::watched::Watched;

/// A locker: the service that it provides, and where.
async fn locker(bus: &Bus, service: &'static str, path: &'static str, active: bool) -> Connection {
    let locker = bus.service().name(service).build().await.unwrap();
    // Answers the one question that is asked at the start.
    let answering = locker.clone();
    let mut calls = zbus::MessageStream::from(&locker);
    tokio::spawn(async move {
        while let Some(Ok(call)) = next(&mut calls).await {
            if call.message_type() == zbus::message::Type::MethodCall {
                let header = call.header();
                assert_eq!(header.path().unwrap().as_str(), path);
                answering.reply(&header, &active).await.unwrap();
            }
        }
    });
    locker
}

async fn next(calls: &mut zbus::MessageStream) -> Option<zbus::Result<zbus::Message>> {
    std::future::poll_fn(|context| {
        zbus::export::futures_core::Stream::poll_next(std::pin::Pin::new(&mut *calls), context)
    })
    .await
}

async fn say(locker: &Connection, service: &str, path: &str, active: bool) {
    let nobody = None::<&str>;
    let said = locker.emit_signal(nobody, path, service, "ActiveChanged", &active);
    said.await.unwrap();
    settle(locker).await;
}

#[tokio::test]
async fn every_locker_is_understood() {
    let Some(bus) = Bus::start() else { return };
    let mut watched = None;
    for name in ["gnome", "freedesktop", "cinnamon", "mate", "xfce"] {
        let (service, path) = (
            format!("org.{name}.ScreenSaver"),
            format!("/org/{name}/ScreenSaver"),
        );
        let (service, path): (&str, &str) = (service.leak(), path.leak());
        let locker = locker(&bus, service, path, true).await;
        // The first one is locked already. The others come while the source is at work.
        let watched = watched.get_or_insert_with(|| Watched::start(ScreenSaver::new(bus.session())));
        if name != "gnome" {
            say(&locker, service, path, true).await;
        }
        assert_eq!(watched.next().await, Fact::Locked, "{name}");
        say(&locker, service, path, true).await;
        say(&locker, service, path, false).await;
        assert_eq!(watched.next().await, Fact::Unlocked, "{name}");
    }
}

#[tokio::test]
async fn two_services_of_one_locker_are_one_lock_and_one_that_crashes_locks_nothing() {
    let Some(bus) = Bus::start() else { return };
    let (gnome, at) = ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver");
    let first = locker(&bus, gnome, at, true).await;
    let (free, there) = ("org.freedesktop.ScreenSaver", "/org/freedesktop/ScreenSaver");
    let second = locker(&bus, free, there, false).await;
    let mut watched = Watched::start(ScreenSaver::new(bus.session()));
    assert_eq!(watched.next().await, Fact::Locked);
    say(&second, free, there, true).await;
    say(&first, gnome, at, false).await;
    say(&first, gnome, at, true).await;
    first.release_name(gnome).await.unwrap();
    say(&second, free, there, false).await;
    assert_eq!(watched.next().await, Fact::Unlocked);
    assert_eq!(watched.unread(), []);
}

#[tokio::test]
async fn signals_of_others_are_no_locks() {
    let Some(bus) = Bus::start() else { return };
    let (gnome, at) = ("org.gnome.ScreenSaver", "/org/gnome/ScreenSaver");
    let gnome_locker = locker(&bus, gnome, at, true).await;
    let mut watched = Watched::start(ScreenSaver::new(bus.session()));
    assert_eq!(watched.next().await, Fact::Locked);
    say(&gnome_locker, "org.example.ScreenSaver", at, false).await;
    let nobody = None::<&str>;
    gnome_locker
        .emit_signal(nobody, at, gnome, "ActiveChanged", &"no")
        .await
        .unwrap();
    say(&gnome_locker, gnome, at, false).await;
    assert_eq!(watched.next().await, Fact::Unlocked);
    assert_eq!(watched.unread(), []);
}

#[tokio::test]
async fn without_a_bus_it_says_what_is_missing() {
    let lost = Watched::start(ScreenSaver::new(no_bus())).lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("no session bus")),
        "{lost:?}"
    );
}
