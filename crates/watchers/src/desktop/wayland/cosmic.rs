//! The windows of COSMIC: `ext_foreign_toplevel_list_v1` lists them, `zcosmic_toplevel_info_v1` says which one is active.

use std::sync::Arc;

use wayland_client::backend::ObjectId;
use wayland_client::protocol::{wl_callback::WlCallback, wl_output::WlOutput, wl_registry::WlRegistry};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, delegate_dispatch, delegate_noop};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_handle_v1::{
    self as window, ExtForeignToplevelHandleV1,
};
use wayland_protocols::ext::foreign_toplevel_list::v1::client::ext_foreign_toplevel_list_v1::{
    self as list, ExtForeignToplevelListV1,
};
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1;
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_v1::ZxdgOutputV1;

use super::front::{self, Toplevels};
use super::monitors::{Monitors, NamesMonitors};
use super::protocols::cosmic::zcosmic_toplevel_handle_v1::{self as states, ZcosmicToplevelHandleV1};
use super::protocols::cosmic::zcosmic_toplevel_info_v1::{self as info, ZcosmicToplevelInfoV1};
use super::registry::{Global, Listener, Registry};
use super::windows::{Look, Windows};
use crate::desktop::{Lost, Reports, Session, Sighting, Source, Watching};

/// Before this version `zcosmic_toplevel_info_v1` had a list of its own.
const INFO_VERSION: u32 = 2;

/// The window in front, from `zcosmic_toplevel_info_v1`.
#[derive(Debug)]
pub struct CosmicToplevel {
    session: Arc<Session>,
}

impl CosmicToplevel {
    /// Of the compositor of this session.
    #[must_use]
    pub fn new(session: Arc<Session>) -> CosmicToplevel {
        CosmicToplevel { session }
    }
}

impl Source<Option<Sighting>> for CosmicToplevel {
    fn name(&self) -> &'static str {
        "cosmic-toplevel"
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
    handles: Vec<Handles>,
    list: Option<u32>,
    info: Option<(u32, ZcosmicToplevelInfoV1)>,
    finished: Option<&'static str>,
}

/// The objects for a window.
struct Handles {
    window: ExtForeignToplevelHandleV1,
    /// `None`: not asked for yet.
    states: Option<ZcosmicToplevelHandleV1>,
}

impl State {
    /// Asks for the states of all windows whose states were not asked for yet.
    fn ask(&mut self, queue: &QueueHandle<State>) {
        let Some((_, info)) = &self.info else { return };
        for handles in self.handles.iter_mut().filter(|handles| handles.states.is_none()) {
            let id = handles.window.id();
            handles.states = Some(info.get_cosmic_toplevel(&handles.window, queue, id));
        }
    }

    /// Destroys the objects for a window, in the order that the protocol demands.
    fn closed(&mut self, id: &ObjectId) {
        self.windows.closed(id);
        for gone in self.handles.extract_if(.., |handles| handles.window.id() == *id) {
            if let Some(states) = &gone.states {
                states.destroy();
            }
            gone.window.destroy();
        }
    }
}

impl Listener for State {
    fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    fn appeared(&mut self, global: &Global<'_>, queue: &QueueHandle<State>) {
        if global.interface == ExtForeignToplevelListV1::interface().name && self.list.is_none() {
            global.bind::<ExtForeignToplevelListV1, _, _>(1, queue, ());
            self.list = Some(global.name);
        } else if global.interface == ZcosmicToplevelInfoV1::interface().name
            && global.version >= INFO_VERSION
            && self.info.is_none()
        {
            self.info = Some((global.name, global.bind(INFO_VERSION, queue, ())));
            self.ask(queue);
        }
        self.monitors.appeared(global, queue);
    }

    fn vanished(&mut self, name: u32) {
        if self.list == Some(name) {
            self.finished = Some(ExtForeignToplevelListV1::interface().name);
        }
        if self.info.as_ref().is_some_and(|(info, _)| *info == name) {
            self.finished = Some(ZcosmicToplevelInfoV1::interface().name);
        }
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
        if let Some(interface) = self.finished {
            let text = format!("the compositor no longer offers {interface}");
            return Err(Lost::Ended(text));
        }
        let info = ZcosmicToplevelInfoV1::interface().name;
        self.registry.require(info, INFO_VERSION)?;
        self.registry
            .require(ExtForeignToplevelListV1::interface().name, 1)
    }

    /// The states of a window come some time after they were asked for.
    fn complete(&self) -> bool {
        self.windows.all_known()
    }

    fn front(&self) -> Option<&Look<ObjectId>> {
        self.windows.front()
    }
}

impl Dispatch<ExtForeignToplevelListV1, ()> for State {
    fn event(
        state: &mut State,
        _: &ExtForeignToplevelListV1,
        event: list::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<State>,
    ) {
        match event {
            list::Event::Toplevel { toplevel } => {
                state.windows.opened(toplevel.id());
                state.handles.push(Handles {
                    window: toplevel,
                    states: None,
                });
                state.ask(queue);
            }
            list::Event::Finished => state.finished = Some(ExtForeignToplevelListV1::interface().name),
            _ => {}
        }
    }

    wayland_client::event_created_child!(State, ExtForeignToplevelListV1, [
        list::EVT_TOPLEVEL_OPCODE => (ExtForeignToplevelHandleV1, ()),
    ]);
}

impl Dispatch<ExtForeignToplevelHandleV1, ()> for State {
    fn event(
        state: &mut State,
        window: &ExtForeignToplevelHandleV1,
        event: window::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let id = window.id();
        match event {
            window::Event::Done => return state.windows.done(&id),
            window::Event::Closed => return state.closed(&id),
            _ => {}
        }
        let Some(next) = state.windows.next(&id) else {
            return;
        };
        match event {
            window::Event::Title { title } => next.title = title,
            window::Event::AppId { app_id } => next.app = app_id,
            _ => {}
        }
    }
}

impl Dispatch<ZcosmicToplevelInfoV1, ()> for State {
    fn event(
        state: &mut State,
        _: &ZcosmicToplevelInfoV1,
        event: info::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        // The other events are those of version 1.
        if let info::Event::Done = event {
            state.windows.all_done();
        }
    }

    wayland_client::event_created_child!(State, ZcosmicToplevelInfoV1, [
        info::EVT_TOPLEVEL_OPCODE => (ZcosmicToplevelHandleV1, ObjectId::null()),
    ]);
}

impl Dispatch<ZcosmicToplevelHandleV1, ObjectId> for State {
    fn event(
        state: &mut State,
        _: &ZcosmicToplevelHandleV1,
        event: states::Event,
        window: &ObjectId,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let Some(next) = state.windows.next(window) else {
            return;
        };
        match event {
            states::Event::State { state } => next.set_states(&state, true),
            states::Event::OutputEnter { output } => next.enter(output.id()),
            states::Event::OutputLeave { output } => next.leave(&output.id()),
            _ => {}
        }
    }
}

delegate_dispatch!(State: [WlRegistry: ()] => Registry);
delegate_dispatch!(State: [WlCallback: ()] => Registry);
delegate_dispatch!(State: [WlOutput: ()] => Monitors);
delegate_dispatch!(State: [ZxdgOutputV1: ObjectId] => Monitors);
delegate_noop!(State: ignore ZxdgOutputManagerV1);
