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

/// The object of this session: the one with this id, else that of this process, else the one that its user sees.
pub(super) async fn find(bus: &BusQueue, id: Option<&str>) -> Option<OwnedObjectPath> {
    if let Some(id) = id
        && let Ok(path) = bus.call(MANAGER, "GetSession", &id).await
    {
        return Some(path);
    }
    let process = std::process::id();
    if let Ok(path) = bus.call(MANAGER, "GetSessionByPID", &process).await {
        return Some(path);
    }
    // A service of the user's systemd belongs to no session.
    let user: OwnedObjectPath = bus.call(MANAGER, "GetUserByPID", &process).await.ok()?;
    let properties = Target {
        service: SERVICE,
        path: user.as_str(),
        interface: PROPERTIES,
    };
    let display: OwnedVariant = bus
        .call(properties, "Get", &("org.freedesktop.login1.User", "Display"))
        .await
        .ok()?;
    let (_id, path) = <(String, OwnedObjectPath)>::try_from(display).ok()?;
    (path.as_str() != "/").then_some(path)
}

/// The state of the session now.
pub(super) async fn read(bus: &BusQueue, session: &OwnedObjectPath) -> SessionState {
    let mut state = SessionState::default();
    let properties = Target {
        service: SERVICE,
        path: session.as_str(),
        interface: PROPERTIES,
    };
    // A session that ends just now is like one that there is not.
    if let Ok(all) = bus.call::<_, Properties>(properties, "GetAll", &SESSION).await {
        state.change(&all);
    }
    state
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
