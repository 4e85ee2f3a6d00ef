//! Locks of Hyprland, from `hyprland_lock_notifier_v1`.

use std::convert::Infallible;
use std::sync::Arc;

use wayland_client::protocol::{wl_callback::WlCallback, wl_registry::WlRegistry};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, delegate_dispatch, delegate_noop};

use super::protocols::hyprland::hyprland_lock_notification_v1::{
    self as notification, HyprlandLockNotificationV1,
};
use super::protocols::hyprland::hyprland_lock_notifier_v1::HyprlandLockNotifierV1;
use super::registry::{Global, Listener, Registry};
use super::wire::{Wire, in_time};
use crate::afk::Fact;
use crate::desktop::{Lost, Reports, Session, Source, Watching};

/// Whether the session is locked, from `hyprland_lock_notifier_v1`.
#[derive(Debug)]
pub struct HyprlandLock {
    session: Arc<Session>,
}

impl HyprlandLock {
    /// Of the compositor of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> HyprlandLock {
        HyprlandLock { session }
    }
}

impl Source<Fact> for HyprlandLock {
    fn name(&self) -> &'static str {
        "hyprland-lock"
    }

    fn watch(&mut self, reports: Reports<Fact>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = watch(&self.session, reports).await;
            lost
        })
    }
}

async fn watch(session: &Session, reports: Reports<Fact>) -> Result<Infallible, Lost> {
    let mut state = State::default();
    let mut wire = in_time(async {
        let mut wire = Wire::open(session, &mut state).await?;
        state.check()?;
        // An existing lock is reported before the answer to this.
        wire.answered(&mut state).await?;
        Ok(wire)
    })
    .await?;
    let mut reported = None;
    loop {
        if reported != Some(state.locked) {
            reports.send(if state.locked {
                Fact::Locked
            } else {
                Fact::Unlocked
            });
            reported = Some(state.locked);
        }
        wire.next(&mut state).await?;
        state.check()?;
    }
}

#[derive(Default)]
struct State {
    registry: Registry,
    notifier: Option<u32>,
    vanished: bool,
    locked: bool,
}

impl State {
    fn check(&self) -> Result<(), Lost> {
        if self.vanished {
            let text = "the compositor no longer offers hyprland_lock_notifier_v1";
            return Err(Lost::Ended(text.to_owned()));
        }
        self.registry.require(HyprlandLockNotifierV1::interface().name, 1)
    }
}

impl Listener for State {
    fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    fn appeared(&mut self, global: &Global<'_>, queue: &QueueHandle<State>) {
        if global.interface == HyprlandLockNotifierV1::interface().name && self.notifier.is_none() {
            let notifier: HyprlandLockNotifierV1 = global.bind(1, queue, ());
            notifier.get_lock_notification(queue, ());
            self.notifier = Some(global.name);
        }
    }

    fn vanished(&mut self, name: u32) {
        self.vanished |= self.notifier == Some(name);
    }
}

impl Dispatch<HyprlandLockNotificationV1, ()> for State {
    fn event(
        state: &mut State,
        _: &HyprlandLockNotificationV1,
        event: notification::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        match event {
            notification::Event::Locked => state.locked = true,
            notification::Event::Unlocked => state.locked = false,
        }
    }
}

delegate_dispatch!(State: [WlRegistry: ()] => Registry);
delegate_dispatch!(State: [WlCallback: ()] => Registry);
delegate_noop!(State: ignore HyprlandLockNotifierV1);
