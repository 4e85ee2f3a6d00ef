//! Which players there are, and which of them counts.

use std::collections::HashMap;

use serde_json::Value;
use timberline_model::Data;
use zbus::zvariant::{OwnedVariant, Variant};

use crate::data::object;

/// What all names of players begin with.
pub(super) const PREFIX: &str = "org.mpris.MediaPlayer2.";

/// It repeats what another player says.
const REPEATER: &str = "playerctld";

/// KDE's extension for browsers. It says what the browser itself says, and more exactly.
const EXTENSION: &str = "plasma-browser-integration";

/// How the names of browsers begin.
const BROWSERS: [&str; 10] = [
    "brave",
    "chrom",
    "edge",
    "firefox",
    "google-chrome",
    "librewolf",
    "microsoft-edge",
    "opera",
    "vivaldi",
    "zen",
];

/// What a player says of itself.
pub(super) type Properties = HashMap<String, OwnedVariant>;

/// The players, and those of them that play.
#[derive(Debug, Default)]
pub(super) struct Players {
    players: Vec<Player>,
    /// Parts of the names of players that do not count, in lower case.
    ignored: Vec<String>,
    /// How often a player began to play.
    begun: u64,
}

#[derive(Debug, Default)]
struct Player {
    /// Its name on the bus, without the prefix.
    name: String,
    /// The connection that has this name. Signals come from it.
    owner: String,
    identity: String,
    /// If it plays: its position in the order in which players began to play.
    playing: Option<u64>,
    track: Track,
}

/// What is played.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Track {
    artist: Option<String>,
    album: Option<String>,
    title: Option<String>,
    uri: Option<String>,
}

impl Players {
    pub(super) fn new(ignored: &[String]) -> Players {
        Players {
            ignored: ignored.iter().map(|name| name.to_lowercase()).collect(),
            ..Players::default()
        }
    }

    /// Whether a player of this name counts.
    pub(super) fn counts(&self, name: &str) -> bool {
        let lower = name.to_lowercase();
        let ignored = self.ignored.iter().any(|part| lower.contains(part));
        name != REPEATER && !ignored
    }

    /// There is a player, or it is another connection now.
    pub(super) fn add(&mut self, name: &str, owner: &str, identity: Option<String>) {
        self.remove(name);
        self.players.push(Player {
            name: name.to_owned(),
            owner: owner.to_owned(),
            // Players must have one. A name is better than nothing.
            identity: identity.unwrap_or_else(|| name.to_owned()),
            ..Player::default()
        });
    }

    /// A player is gone.
    pub(super) fn remove(&mut self, name: &str) {
        self.players.retain(|player| player.name != name);
    }

    /// The players of a connection.
    pub(super) fn names_of(&self, owner: &str) -> Vec<String> {
        let own = self.players.iter().filter(|player| player.owner == owner);
        own.map(|player| player.name.clone()).collect()
    }

    /// A player says these properties of itself; those that it does not say are as they were.
    pub(super) fn update(&mut self, owner: &str, properties: &Properties) {
        for player in self.players.iter_mut().filter(|player| player.owner == owner) {
            if let Some(status) = properties.get("PlaybackStatus") {
                let plays = text(status).as_deref() == Some("Playing");
                match (plays, player.playing) {
                    (true, None) => {
                        self.begun += 1;
                        player.playing = Some(self.begun);
                    }
                    (false, Some(_)) => player.playing = None,
                    _ => {}
                }
            }
            if let Some(metadata) = properties.get("Metadata") {
                player.track = Track::of(metadata);
            }
        }
    }

    /// What is played by the player that has begun last, as the data of an event.
    pub(super) fn playing(&self) -> Option<Data> {
        let playing = || self.players.iter().filter(|player| player.playing.is_some());
        let extension = playing().any(|player| player.name == EXTENSION);
        let told_twice = |player: &&Player| {
            let browser = BROWSERS.iter().any(|browser| player.name.starts_with(browser));
            extension && browser
        };
        let player = playing()
            .filter(|player| !told_twice(player))
            .max_by_key(|player| player.playing)?;
        let track = player.track.clone();
        Some(object([
            ("player", Some(Value::from(player.identity.as_str()))),
            ("artist", track.artist.map(Value::from)),
            ("album", track.album.map(Value::from)),
            ("title", track.title.map(Value::from)),
            ("uri", track.uri.map(Value::from)),
        ]))
    }
}

impl Track {
    /// What MPRIS's metadata say; what they do not say is missing.
    fn of(metadata: &OwnedVariant) -> Track {
        let fields = HashMap::<String, OwnedVariant>::try_from(metadata.clone()).unwrap_or_default();
        let artists = |key: &str| {
            let artists = fields.get(key).and_then(texts)?;
            Some(artists.join(", "))
        };
        let field = |key: &str| fields.get(key).and_then(text);
        Track {
            artist: artists("xesam:artist").or_else(|| artists("xesam:albumArtist")),
            album: field("xesam:album"),
            title: field("xesam:title"),
            uri: field("xesam:url"),
        }
    }
}

fn text(value: &OwnedVariant) -> Option<String> {
    match &**value {
        Variant::Str(text) => Some(text.to_string()),
        _ => None,
    }
}

/// A list of texts. Some players say one text instead.
fn texts(value: &OwnedVariant) -> Option<Vec<String>> {
    match &**value {
        Variant::Array(list) => {
            let text = |value: &Variant<'_>| match value {
                Variant::Str(text) => Some(text.to_string()),
                _ => None,
            };
            Some(list.inner().iter().filter_map(text).collect())
        }
        _ => text(value).map(|text| vec![text]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(status: Option<&str>, title: Option<&str>) -> Properties {
        let mut properties = Properties::new();
        let owned = |value: Variant<'static>| OwnedVariant::try_from(value).expect("a value");
        if let Some(status) = status {
            properties.insert(
                "PlaybackStatus".to_owned(),
                owned(Variant::from(status.to_owned())),
            );
        }
        if let Some(title) = title {
            let mut metadata = HashMap::<String, Variant<'static>>::new();
            metadata.insert("xesam:title".to_owned(), Variant::from(title.to_owned()));
            let artists = vec!["Ann".to_owned(), "Bob".to_owned()];
            metadata.insert("xesam:artist".to_owned(), Variant::from(artists));
            properties.insert("Metadata".to_owned(), owned(Variant::from(metadata)));
        }
        properties
    }

    fn players(names: &[&str]) -> Players {
        let mut players = Players::new(&["Ignored".to_owned()]);
        for name in names {
            players.add(name, &format!(":{name}"), Some(name.to_uppercase()));
        }
        players
    }

    fn playing(players: &Players) -> Option<String> {
        players.playing().map(|data| data.as_str().to_owned())
    }

    #[test]
    fn the_data_are_those_of_the_reference() {
        let mut players = players(&["vlc"]);
        players.update(":vlc", &properties(Some("Paused"), Some("Song")));
        assert_eq!(playing(&players), None, "only what plays");
        players.update(":vlc", &properties(Some("Playing"), None));
        let expected = r#"{"artist":"Ann, Bob","player":"VLC","title":"Song"}"#;
        assert_eq!(playing(&players).as_deref(), Some(expected));
    }

    #[test]
    fn the_player_that_has_begun_last_counts() {
        let mut players = players(&["a", "b"]);
        let plays = properties(Some("Playing"), None);
        players.update(":a", &plays);
        players.update(":b", &plays);
        players.update(":a", &plays);
        assert!(playing(&players).is_some_and(|data| data.contains("\"B\"")));
        players.update(":b", &properties(Some("Stopped"), None));
        assert!(playing(&players).is_some_and(|data| data.contains("\"A\"")));
        players.remove("a");
        assert_eq!(playing(&players), None);
    }

    #[test]
    fn a_player_that_is_reported_twice_is_recorded_once() {
        let mut players = players(&["plasma-browser-integration", "firefox.instance_1_84"]);
        let plays = properties(Some("Playing"), None);
        players.update(":plasma-browser-integration", &plays);
        players.update(":firefox.instance_1_84", &plays);
        assert!(playing(&players).is_some_and(|data| data.contains("PLASMA")));
        assert!(!players.counts("playerctld"));
        assert!(!players.counts("some.ignored.player"));
        assert!(players.counts("vlc"));
    }
}
