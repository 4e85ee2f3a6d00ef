//! Which of logind's sessions is this one.

use std::collections::HashMap;

use zbus::{Message, OwnedObjectPath, OwnedVariant};

use super::{MANAGER, PROPERTIES, SERVICE, SESSION};
use crate::desktop::bus_queue::{BusQueue, Target};

type Properties = HashMap<String, OwnedVariant>;

/// The state of a session. A session that logind does not know is neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SessionState {
    pub(super) locked: bool,
    /// Another session is on the screen.
    pub(super) away: bool,
}

impl SessionState {
    fn change(&mut self, properties: &Properties) {
        let says = |name: &str| properties.get(name).and_then(|value| bool::try_from(value).ok());
        if let Some(locked) = says("LockedHint") {
            self.locked = locked;
        }
        if let Some(active) = says("Active") {
            self.away = !active;
        }
    }
}

/// This session, and how it is now: the one with this id, else that of this process, else the one that its user sees.
///
/// A session from which the user has logged out is none of them. It exists as long as one of its processes lives, such as this
/// one.
pub(super) async fn find(bus: &BusQueue, id: Option<&str>) -> Option<(OwnedObjectPath, SessionState)> {
    let process = std::process::id();
    if let Some(id) = id
        && let Ok(path) = bus.call(MANAGER, "GetSession", &id).await
        && let Some(state) = read(bus, &path).await
    {
        return Some((path, state));
    }
    if let Ok(path) = bus.call(MANAGER, "GetSessionByPID", &process).await
        && let Some(state) = read(bus, &path).await
    {
        return Some((path, state));
    }
    // A service of the user's systemd belongs to no session.
    let path = of_user(bus, process).await?;
    let state = read(bus, &path).await?;
    Some((path, state))
}

/// The session that the user of this process sees.
async fn of_user(bus: &BusQueue, process: u32) -> Option<OwnedObjectPath> {
    let user: OwnedObjectPath = bus.call(MANAGER, "GetUserByPID", &process).await.ok()?;
    let user = properties_of(&user);
    let asked = ("org.freedesktop.login1.User", "Display");
    let display: OwnedVariant = bus.call(user, "Get", &asked).await.ok()?;
    let (_id, path) = <(String, OwnedObjectPath)>::try_from(display).ok()?;
    (path.as_str() != "/").then_some(path)
}

/// How a session is now. `None`: it is over, or its user has logged out.
async fn read(bus: &BusQueue, session: &OwnedObjectPath) -> Option<SessionState> {
    let all = bus.call::<_, Properties>(properties_of(session), "GetAll", &SESSION);
    let all = all.await.ok()?;
    let phase = all.get("State").and_then(|value| <&str>::try_from(value).ok());
    if phase == Some("closing") {
        return None;
    }
    let mut state = SessionState::default();
    state.change(&all);
    Some(state)
}

fn properties_of(object: &OwnedObjectPath) -> Target<'_> {
    Target {
        service: SERVICE,
        path: object.as_str(),
        interface: PROPERTIES,
    }
}

/// The state of the session after this signal, which says what has changed.
pub(super) fn after(state: SessionState, changed: &Message) -> SessionState {
    let mut state = state;
    let body = changed.body();
    if let Ok((interface, properties, _)) = body.deserialize::<(String, Properties, Vec<String>)>()
        && interface == SESSION
    {
        state.change(&properties);
    }
    state
}
