//! The windows of compositors with `zwlr_foreign_toplevel_manager_v1`: sway, labwc, Hyprland, niri, river, Wayfire and others.

use std::sync::Arc;

use wayland_client::backend::ObjectId;
use wayland_client::protocol::{wl_callback::WlCallback, wl_output::WlOutput, wl_registry::WlRegistry};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, delegate_dispatch, delegate_noop};
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1;
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_v1::ZxdgOutputV1;
use wayland_protocols_wlr::foreign_toplevel::v1::client::zwlr_foreign_toplevel_handle_v1::{
    self as handle, ZwlrForeignToplevelHandleV1,
};
use wayland_protocols_wlr::foreign_toplevel::v1::client::zwlr_foreign_toplevel_manager_v1::{
    self as manager, ZwlrForeignToplevelManagerV1,
};

use super::front::{self, Toplevels};
use super::monitors::{Monitors, NamesMonitors};
use super::registry::{Global, Listener, Registry};
use super::windows::{Look, Windows};
use crate::desktop::{Lost, Reports, Session, Sighting, Source, Watching};

/// The version in which windows began to say whether they fill the screen.
const KNOWS_FULL_SCREEN: u32 = 2;

/// The window in front, from `zwlr_foreign_toplevel_manager_v1`.
#[derive(Debug)]
pub struct WlrForeignToplevel {
    session: Arc<Session>,
}

impl WlrForeignToplevel {
    /// Of the compositor of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> WlrForeignToplevel {
        WlrForeignToplevel { session }
    }
}

impl Source<Option<Sighting>> for WlrForeignToplevel {
    fn name(&self) -> &'static str {
        "wlr-foreign-toplevel"
    }

    fn watch(&mut self, reports: Reports<Option<Sighting>>) -> Watching<'_> {
        Box::pin(async move {
            let Err(lost) = front::watch(&self.session, State::default(), reports).await;
            lost
        })
    }
}

/// What the compositor has said.
#[derive(Default)]
struct State {
    registry: Registry,
    monitors: Monitors,
    windows: Windows<ObjectId>,
    manager: Option<u32>,
    finished: bool,
}

impl Listener for State {
    fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    fn appeared(&mut self, global: &Global<'_>, queue: &QueueHandle<State>) {
        if global.interface == ZwlrForeignToplevelManagerV1::interface().name && self.manager.is_none() {
            global.bind::<ZwlrForeignToplevelManagerV1, _, _>(3, queue, ());
            self.manager = Some(global.name);
        }
        self.monitors.appeared(global, queue);
    }

    fn vanished(&mut self, name: u32) {
        self.finished |= self.manager == Some(name);
        self.monitors.vanished(name);
    }
}

impl NamesMonitors for State {
    fn monitors(&mut self) -> &mut Monitors {
        &mut self.monitors
    }
}

impl Toplevels for State {
    fn check(&mut self) -> Result<(), Lost> {
        if self.finished {
            let text = "the compositor no longer offers zwlr_foreign_toplevel_manager_v1";
            return Err(Lost::Ended(text.to_owned()));
        }
        self.registry
            .require(ZwlrForeignToplevelManagerV1::interface().name, 1)
    }

    fn complete(&self) -> bool {
        true
    }

    fn front(&self) -> Option<&Look<ObjectId>> {
        self.windows.front()
    }
}

impl Dispatch<ZwlrForeignToplevelManagerV1, ()> for State {
    fn event(
        state: &mut State,
        _: &ZwlrForeignToplevelManagerV1,
        event: manager::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        match event {
            manager::Event::Toplevel { toplevel } => state.windows.opened(toplevel.id()),
            manager::Event::Finished => state.finished = true,
            _ => {}
        }
    }

    wayland_client::event_created_child!(State, ZwlrForeignToplevelManagerV1, [
        manager::EVT_TOPLEVEL_OPCODE => (ZwlrForeignToplevelHandleV1, ()),
    ]);
}

impl Dispatch<ZwlrForeignToplevelHandleV1, ()> for State {
    fn event(
        state: &mut State,
        handle: &ZwlrForeignToplevelHandleV1,
        event: handle::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let id = handle.id();
        match event {
            handle::Event::Done => return state.windows.done(&id),
            handle::Event::Closed => {
                state.windows.closed(&id);
                return handle.destroy();
            }
            _ => {}
        }
        let Some(next) = state.windows.next(&id) else {
            return;
        };
        match event {
            handle::Event::Title { title } => next.title = title,
            handle::Event::AppId { app_id } => next.app = app_id,
            handle::Event::State { state } => {
                next.set_states(&state, handle.version() >= KNOWS_FULL_SCREEN);
            }
            handle::Event::OutputEnter { output } => next.enter(output.id()),
            handle::Event::OutputLeave { output } => next.leave(&output.id()),
            _ => {}
        }
    }
}

delegate_dispatch!(State: [WlRegistry: ()] => Registry);
delegate_dispatch!(State: [WlCallback: ()] => Registry);
delegate_dispatch!(State: [WlOutput: ()] => Monitors);
delegate_dispatch!(State: [ZxdgOutputV1: ObjectId] => Monitors);
delegate_noop!(State: ignore ZxdgOutputManagerV1);
