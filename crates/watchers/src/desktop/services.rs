//! What services of the system say about the machine: the lid, and the network.

use std::sync::Arc;

use serde_json::Value;
use timberline_model::Data;
use zbus::zvariant::{OwnedVariant, Variant};

use super::Session;
use super::property::{Place, Property};
use crate::data::object;

/// The source `upower`: whether the lid is closed.
#[must_use]
pub fn lid(session: Arc<Session>) -> Property<Option<bool>> {
    let place = Place {
        name: "upower",
        title: "UPower",
        service: "org.freedesktop.UPower",
        path: "/org/freedesktop/UPower",
        interface: "org.freedesktop.UPower",
        property: "LidIsClosed",
    };
    Property::new(session, place, |value| match &**value {
        Variant::Bool(closed) => Ok(Some(*closed)),
        _ => Err("it does not say whether the lid is closed"),
    })
}

/// The source `networkmanager`: whether the machine is online, as the data of an event.
#[must_use]
pub fn network_manager(session: Arc<Session>) -> Property<Option<Data>> {
    let place = Place {
        name: "networkmanager",
        title: "NetworkManager",
        service: "org.freedesktop.NetworkManager",
        path: "/org/freedesktop/NetworkManager",
        interface: "org.freedesktop.NetworkManager",
        property: "State",
    };
    Property::new(session, place, |value| match &**value {
        Variant::U32(state) => Ok(Some(status(*state >= CONNECTED_GLOBAL))),
        _ => Err(NO_STATE),
    })
}

/// The source `systemd-networkd`: the same where there is no NetworkManager.
#[must_use]
pub fn networkd(session: Arc<Session>) -> Property<Option<Data>> {
    let place = Place {
        name: "systemd-networkd",
        title: "systemd-networkd",
        service: "org.freedesktop.network1",
        path: "/org/freedesktop/network1",
        interface: "org.freedesktop.network1.Manager",
        property: "OnlineState",
    };
    Property::new(session, place, |value: &OwnedVariant| match &**value {
        Variant::Str(state) => Ok(Some(status(state.as_str() == "online"))),
        _ => Err(NO_STATE),
    })
}

const NO_STATE: &str = "it does not say whether there is a connection";

/// `NM_STATE_CONNECTED_GLOBAL`: the lower ones do not reach the Internet.
const CONNECTED_GLOBAL: u32 = 70;

fn status(online: bool) -> Data {
    let status = if online { "online" } else { "offline" };
    object([("status", Some(Value::from(status)))])
}
