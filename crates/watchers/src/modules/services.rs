//! What services of the system say about the machine: the lid, and the network.

use std::sync::Arc;

use serde_json::Value;
use timberline_model::Data;
use zbus::zvariant::{OwnedVariant, Variant};

use crate::data::object;
use crate::desktop::property::{Place, Property};
use crate::desktop::{Session, Source};

/// Whether the lid is closed.
pub(super) fn lid(session: &Arc<Session>) -> Vec<Box<dyn Source<Option<bool>>>> {
    let place = Place {
        name: "upower",
        title: "UPower",
        service: "org.freedesktop.UPower",
        path: "/org/freedesktop/UPower",
        interface: "org.freedesktop.UPower",
        property: "LidIsClosed",
    };
    let read = |value: &OwnedVariant| match &**value {
        Variant::Bool(closed) => Ok(Some(*closed)),
        _ => Err("it does not say whether the lid is closed"),
    };
    vec![Box::new(Property::new(Arc::clone(session), place, read))]
}

/// Whether the machine is online, as the data of an event.
pub(super) fn network(session: &Arc<Session>) -> Vec<Box<dyn Source<Option<Data>>>> {
    let manager = Place {
        name: "networkmanager",
        title: "NetworkManager",
        service: "org.freedesktop.NetworkManager",
        path: "/org/freedesktop/NetworkManager",
        interface: "org.freedesktop.NetworkManager",
        property: "State",
    };
    let networkd = Place {
        name: "systemd-networkd",
        title: "systemd-networkd",
        service: "org.freedesktop.network1",
        path: "/org/freedesktop/network1",
        interface: "org.freedesktop.network1.Manager",
        property: "OnlineState",
    };
    let of_manager = |value: &OwnedVariant| match &**value {
        Variant::U32(state) => Ok(Some(status(*state >= CONNECTED_GLOBAL))),
        _ => Err("it does not say whether there is a connection"),
    };
    let of_networkd = |value: &OwnedVariant| match &**value {
        Variant::Str(state) => Ok(Some(status(state.as_str() == "online"))),
        _ => Err("it does not say whether there is a connection"),
    };
    vec![
        Box::new(Property::new(Arc::clone(session), manager, of_manager)),
        Box::new(Property::new(Arc::clone(session), networkd, of_networkd)),
    ]
}

/// `NM_STATE_CONNECTED_GLOBAL`: the lower ones do not reach the Internet.
const CONNECTED_GLOBAL: u32 = 70;

fn status(online: bool) -> Data {
    let status = if online { "online" } else { "offline" };
    object([("status", Some(Value::from(status)))])
}
