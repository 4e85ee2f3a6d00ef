//! `hyprland_lock_notifier_v1`.

use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};

use super::protocols::hyprland::hyprland_lock_notification_v1::HyprlandLockNotificationV1;
use super::protocols::hyprland::hyprland_lock_notifier_v1::{self, HyprlandLockNotifierV1};
use super::{Desk, Offered, ignores_requests};

#[derive(Default)]
pub(super) struct Lock {
    locked: bool,
    told: Vec<HyprlandLockNotificationV1>,
}

impl Desk {
    pub(super) fn offer_lock(&mut self, offered: &Offered) {
        if offered.lock {
            let global = self
                .display
                .create_global::<Desk, HyprlandLockNotifierV1, ()>(1, ());
            self.globals
                .push((HyprlandLockNotifierV1::interface().name, global));
        }
    }

    /// Locks or unlocks the session.
    pub(in super::super) fn lock(&mut self, locked: bool) {
        self.lock.locked = locked;
        for client in &self.lock.told {
            if locked {
                client.locked();
            } else {
                client.unlocked();
            }
        }
    }
}

impl GlobalDispatch<HyprlandLockNotifierV1, ()> for Desk {
    fn bind(
        _: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        notifier: New<HyprlandLockNotifierV1>,
        (): &(),
        init: &mut DataInit<'_, Desk>,
    ) {
        init.init(notifier, ());
    }
}

impl Dispatch<HyprlandLockNotifierV1, ()> for Desk {
    fn request(
        desk: &mut Desk,
        _: &Client,
        _: &HyprlandLockNotifierV1,
        request: hyprland_lock_notifier_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Desk>,
    ) {
        if let hyprland_lock_notifier_v1::Request::GetLockNotification { id } = request {
            let client = init.init(id, ());
            if desk.lock.locked {
                client.locked();
            }
            desk.lock.told.push(client);
        }
    }
}

ignores_requests!(HyprlandLockNotificationV1: ());
