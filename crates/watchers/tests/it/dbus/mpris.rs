//! What is played, as players say.

use std::collections::HashMap;

use timberline_model::Data;
use timberline_watchers::desktop::Lost;
use timberline_watchers::desktop::mpris::Mpris;
use zbus::Connection;
use zbus::zvariant::{OwnedVariant, Variant};

use super::bus::{Bus, no_bus};
use crate::watched::Watched;

const PATH: &str = "/org/mpris/MediaPlayer2";

struct Root(&'static str);

#[zbus::interface(name = "org.mpris.MediaPlayer2")]
impl Root {
    #[zbus(property)]
    fn identity(&self) -> String {
        self.0.to_owned()
    }
}

struct Player {
    status: &'static str,
    title: &'static str,
}

#[zbus::interface(name = "org.mpris.MediaPlayer2.Player")]
impl Player {
    #[zbus(property)]
    fn playback_status(&self) -> String {
        self.status.to_owned()
    }

    #[zbus(property)]
    fn metadata(&self) -> HashMap<String, OwnedVariant> {
        let value = |value: Variant<'static>| OwnedVariant::try_from(value).unwrap();
        let artists = vec!["Ann".to_owned(), "Bob".to_owned()];
        HashMap::from([
            ("xesam:title".to_owned(), value(self.title.into())),
            ("xesam:artist".to_owned(), value(artists.into())),
        ])
    }
}

/// A player on the bus.
async fn player(bus: &Bus, name: &str, identity: &'static str, status: &'static str) -> Connection {
    let player = Player { status, title: "One" };
    let service = bus
        .service()
        .serve_at(PATH, Root(identity))
        .serve_at(PATH, player)
        .name(format!("org.mpris.MediaPlayer2.{name}"));
    service.build().await.unwrap()
}

/// The player says that this is the case now.
async fn say(player: &Connection, status: &'static str, title: &'static str) {
    let object = player.object_server().interface::<_, Player>(PATH).await.unwrap();
    let emitter = object.signal_emitter();
    let mut state = object.get_mut().await;
    (state.status, state.title) = (status, title);
    state.playback_status_changed(emitter).await.unwrap();
    state.metadata_changed(emitter).await.unwrap();
}

fn watch(bus: &Bus) -> Watched<Option<Data>> {
    Watched::start(Mpris::new(bus.session(), Vec::new()))
}

fn song(player: &str, title: &str) -> Option<Data> {
    let data = format!(r#"{{"artist":"Ann, Bob","player":"{player}","title":"{title}"}}"#);
    Some(Data::parse(&data).unwrap())
}

#[tokio::test]
async fn only_players_that_play_are_reported() {
    let Some(bus) = Bus::start() else { return };
    let vlc = player(&bus, "vlc", "VLC", "Playing").await;
    let mut watched = watch(&bus);
    assert_eq!(watched.next().await, song("VLC", "One"));
    say(&vlc, "Playing", "Two").await;
    assert_eq!(watched.next().await, song("VLC", "Two"));
    say(&vlc, "Paused", "Two").await;
    assert_eq!(watched.next().await, None);
    // It comes later, plays at once, and goes.
    let mpv = player(&bus, "mpv.instance7", "mpv", "Playing").await;
    assert_eq!(watched.next().await, song("mpv", "One"));
    drop(mpv.close().await);
    assert_eq!(watched.next().await, None);
    assert_eq!(watched.unread(), []);
}

#[tokio::test]
async fn the_player_that_has_begun_last_counts_until_it_ends() {
    let Some(bus) = Bus::start() else { return };
    let first = player(&bus, "a", "A", "Playing").await;
    let second = player(&bus, "b", "B", "Stopped").await;
    let mut watched = watch(&bus);
    assert_eq!(watched.next().await, song("A", "One"));
    say(&second, "Playing", "Two").await;
    assert_eq!(watched.next().await, song("B", "Two"));
    say(&second, "Stopped", "Two").await;
    assert_eq!(watched.next().await, song("A", "One"));
    drop((first, second));
}

#[tokio::test]
async fn the_reason_names_a_bus_that_is_missing_or_ends() {
    let lost = Watched::start(Mpris::new(no_bus(), Vec::new())).lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("session bus")),
        "{lost:?}"
    );
    let Some(mut bus) = Bus::start() else { return };
    let mut watched = watch(&bus);
    assert_eq!(watched.next().await, None);
    bus.kill();
    let lost = watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("session bus")),
        "{lost:?}"
    );
}
