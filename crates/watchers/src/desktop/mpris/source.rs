//! The source `mpris`.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use timberline_model::{Data, Timestamp};
use zbus::message::Type;
use zbus::{Connection, MatchRule, Message};

use super::players::{PREFIX, Players, Properties};
use crate::desktop::bus::{self, Signals};
use crate::desktop::{Lost, Reports, Session, Source, Watching};

const PATH: &str = "/org/mpris/MediaPlayer2";
const ROOT: &str = "org.mpris.MediaPlayer2";
const PLAYER: &str = "org.mpris.MediaPlayer2.Player";
const BUS: &str = "org.freedesktop.DBus";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";

/// A player reports what it plays in several steps. Only a state that lasts this long is reported.
const SETTLE: Duration = Duration::from_millis(300);

/// What is played.
#[derive(Debug)]
pub struct Mpris {
    session: Arc<Session>,
    ignored: Vec<String>,
}

impl Mpris {
    /// The players of this session. Those whose names contain one of the `ignored` texts do not count.
    #[must_use]
    pub fn new(session: Arc<Session>, ignored: Vec<String>) -> Mpris {
        Mpris { session, ignored }
    }
}

impl Source<Option<Data>> for Mpris {
    fn name(&self) -> &'static str {
        "mpris"
    }

    fn watch(&mut self, reports: Reports<Option<Data>>) -> Watching<'_> {
        Box::pin(async move {
            let connection = match bus::connect(self.session.session_bus.as_deref(), "session bus").await {
                Ok(connection) => connection,
                Err(lost) => return lost,
            };
            let players = Players::new(&self.ignored);
            match listen(connection, players, &reports).await {
                Ok(never) => match never {},
                Err(error) => Lost::Ended(format!("the session bus has failed: {error}")),
            }
        })
    }
}

/// Follows the players, and reports what they play.
async fn listen(
    connection: Connection,
    players: Players,
    reports: &Reports<Option<Data>>,
) -> zbus::Result<Infallible> {
    let signal = || MatchRule::builder().msg_type(Type::Signal);
    let names = signal()
        .sender(BUS)
        .interface(BUS)
        .member("NameOwnerChanged")
        .arg0ns("org.mpris.MediaPlayer2")
        .build()?;
    let changes = signal()
        .path(PATH)
        .interface(PROPERTIES)
        .member("PropertiesChanged")
        .arg(0, PLAYER)
        .build()?;
    let mut names = Signals::of(&connection, names).await?;
    let mut changes = Signals::of(&connection, changes).await?;
    let mut listener = Listener { connection, players };
    listener.find_players().await?;
    let mut reported = listener.players.playing();
    reports.send(reported.clone());
    let mut changed_at: Option<Timestamp> = None;
    loop {
        let settled = async {
            match changed_at {
                Some(at) => {
                    tokio::time::sleep(SETTLE).await;
                    at
                }
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            message = changes.next() => listener.properties_changed(&message?).await,
            message = names.next() => listener.name_changed(&message?).await,
            at = settled => {
                reported = listener.players.playing();
                reports.send_at(at, reported.clone());
                changed_at = None;
                continue;
            }
        }
        // It began with the first of the changes that follow one another closely.
        let changed = listener.players.playing() != reported;
        let now = reports.clock().read().wall;
        changed_at = changed.then(|| changed_at.unwrap_or(now));
    }
}

struct Listener {
    connection: Connection,
    players: Players,
}

impl Listener {
    async fn find_players(&mut self) -> zbus::Result<()> {
        let call =
            self.connection
                .call_method(Some(BUS), "/org/freedesktop/DBus", Some(BUS), "ListNames", &());
        let names: Vec<String> = call.await?.body().deserialize()?;
        for name in names.iter().filter_map(|name| name.strip_prefix(PREFIX)) {
            let owner = self
                .connection
                .call_method(
                    Some(BUS),
                    "/org/freedesktop/DBus",
                    Some(BUS),
                    "GetNameOwner",
                    &format!("{PREFIX}{name}"),
                )
                .await;
            // It may have gone meanwhile.
            let Ok(owner) = owner else { continue };
            let owner: String = owner.body().deserialize()?;
            self.add(name, &owner).await;
        }
        Ok(())
    }

    /// Asks a new player what it plays. One that does not answer plays nothing.
    async fn add(&mut self, name: &str, owner: &str) {
        if !self.players.counts(name) {
            return;
        }
        let root = self.properties(owner, ROOT).await;
        let identity = root
            .get("Identity")
            .and_then(|value| String::try_from(value.clone()).ok());
        self.players.add(name, owner, identity);
        let player = self.properties(owner, PLAYER).await;
        self.players.update(owner, &player);
    }

    async fn properties(&self, owner: &str, interface: &str) -> Properties {
        let ask = async {
            let call = self
                .connection
                .call_method(Some(owner), PATH, Some(PROPERTIES), "GetAll", &interface);
            call.await?.body().deserialize::<Properties>()
        };
        ask.await.unwrap_or_else(|error| {
            tracing::debug!(owner, interface, %error, "a player does not say what it plays");
            Properties::new()
        })
    }

    /// A player says what has changed, or only that something has.
    async fn properties_changed(&mut self, message: &Message) {
        let header = message.header();
        let Some(owner) = header.sender().map(ToString::to_string) else {
            return;
        };
        if self.players.names_of(&owner).is_empty() {
            return;
        }
        let body = message.body();
        let Ok((_, mut properties, unsaid)) = body.deserialize::<(String, Properties, Vec<String>)>() else {
            return;
        };
        if unsaid
            .iter()
            .any(|name| name == "Metadata" || name == "PlaybackStatus")
        {
            properties = self.properties(&owner, PLAYER).await;
        }
        self.players.update(&owner, &properties);
    }

    /// A player has come or gone.
    async fn name_changed(&mut self, message: &Message) {
        let body = message.body();
        let Ok((name, _, owner)) = body.deserialize::<(String, String, String)>() else {
            return;
        };
        let Some(name) = name.strip_prefix(PREFIX) else {
            return;
        };
        if owner.is_empty() {
            self.players.remove(name);
        } else {
            self.add(name, &owner).await;
        }
    }
}
