//! What a compositor offers, for a person.

use std::fmt;

use wayland_client::protocol::{wl_callback::WlCallback, wl_registry::WlRegistry};
use wayland_client::{QueueHandle, delegate_dispatch};

use super::registry::{Global, Listener, Registry};
use super::wire::{Wire, in_time};
use crate::desktop::{Lost, Session};

/// What is of use, and for what.
const WANTED: [(&str, &str); 7] = [
    ("wl_seat", "keyboard and pointer"),
    ("ext_idle_notifier_v1", "idle time"),
    ("org_kde_kwin_idle", "idle time, before ext_idle_notifier_v1"),
    ("zwlr_foreign_toplevel_manager_v1", "the window in front"),
    (
        "zcosmic_toplevel_info_v1",
        "the window in front, with ext_foreign_toplevel_list_v1",
    ),
    ("ext_foreign_toplevel_list_v1", "the open windows"),
    ("hyprland_lock_notifier_v1", "locks"),
];

/// An interface that would be of use, and whether a compositor offers it. Printed, it is a line for a person: see `examples/wayland.rs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The interface.
    pub interface: &'static str,
    /// What it is of use for.
    pub purpose: &'static str,
    /// The version in which it is offered. `None`: it is not.
    pub version: Option<u32>,
}

impl fmt::Display for Offer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Offer {
            interface,
            purpose,
            version,
        } = self;
        match version {
            Some(version) => write!(f, "{interface} version {version} ({purpose})"),
            None => write!(f, "{interface} is not offered ({purpose})"),
        }
    }
}

/// Asks the compositor what it offers.
///
/// # Errors
///
/// If there is no compositor, or it does not answer.
pub async fn offers(session: &Session) -> Result<Vec<Offer>, Lost> {
    let mut state = State::default();
    in_time(Wire::open(session, &mut state)).await?;
    let offers = WANTED.iter().map(|&(interface, purpose)| Offer {
        interface,
        purpose,
        version: state.registry.version(interface),
    });
    Ok(offers.collect())
}

#[derive(Default)]
struct State {
    registry: Registry,
}

impl Listener for State {
    fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    fn appeared(&mut self, _: &Global<'_>, _: &QueueHandle<State>) {}

    fn vanished(&mut self, _: u32) {}
}

delegate_dispatch!(State: [WlRegistry: ()] => Registry);
delegate_dispatch!(State: [WlCallback: ()] => Registry);
