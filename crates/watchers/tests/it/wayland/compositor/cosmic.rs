//! `ext_foreign_toplevel_list_v1` and `zcosmic_toplevel_info_v1`.

use wayland_protocols::ext::foreign_toplevel_list::v1::server::ext_foreign_toplevel_handle_v1::{
    self as listed, ExtForeignToplevelHandleV1,
};
use wayland_protocols::ext::foreign_toplevel_list::v1::server::ext_foreign_toplevel_list_v1::ExtForeignToplevelListV1;
use wayland_server::backend::ClientId;
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};

use super::protocols::cosmic::zcosmic_toplevel_handle_v1::{self as states, ZcosmicToplevelHandleV1};
use super::protocols::cosmic::zcosmic_toplevel_info_v1::{self as info, ZcosmicToplevelInfoV1};
use super::windows::Part;
use super::{Desk, Window, ignores_requests};

#[derive(Default)]
pub(super) struct Lists {
    lists: Vec<ExtForeignToplevelListV1>,
    infos: Vec<ZcosmicToplevelInfoV1>,
    /// Handles whose states were asked for, but not sent yet: COSMIC sends them some time later.
    owed: Vec<ZcosmicToplevelHandleV1>,
}

impl Desk {
    pub(super) fn offer_cosmic(&mut self, version: u32) {
        if version > 0 {
            let list = self
                .display
                .create_global::<Desk, ExtForeignToplevelListV1, ()>(1, ());
            self.globals
                .push((ExtForeignToplevelListV1::interface().name, list));
            let info = self
                .display
                .create_global::<Desk, ZcosmicToplevelInfoV1, ()>(version.min(2), ());
            self.globals.push((ZcosmicToplevelInfoV1::interface().name, info));
        }
    }

    pub(super) fn announce_listed(&mut self, id: usize) {
        for list in &self.cosmic.lists {
            let Some(client) = list.client() else { continue };
            let window = self.windows.iter_mut().find(|window| window.id == id);
            let window = window.expect("an open window");
            let handle =
                client.create_resource::<ExtForeignToplevelHandleV1, usize, Desk>(&self.display, 1, id);
            let handle = handle.expect("a client that is there");
            list.toplevel(&handle);
            handle.identifier(format!("window {id}"));
            self.handles += 1;
            window.listed.push(handle);
        }
        self.describe_listed(id, &[Part::App, Part::Title]);
    }

    pub(super) fn describe_listed(&self, id: usize, parts: &[Part]) {
        for window in self.windows.iter().filter(|window| window.id == id) {
            for handle in &window.listed {
                for part in parts {
                    match part {
                        Part::App => window.app.iter().for_each(|app| handle.app_id(app.clone())),
                        Part::Title => window.title.iter().for_each(|title| handle.title(title.clone())),
                        Part::States | Part::Monitor(_) => {}
                    }
                }
                handle.done();
            }
            for handle in &window.cosmic {
                parts
                    .iter()
                    .for_each(|part| self.describe_states(window, handle, *part));
            }
        }
        self.cosmic.infos.iter().for_each(ZcosmicToplevelInfoV1::done);
    }

    fn describe_states(&self, window: &Window, handle: &ZcosmicToplevelHandleV1, part: Part) {
        match part {
            Part::States => handle.state(window.states()),
            Part::Monitor(before) => {
                let Some(client) = handle.client() else { return };
                let outputs = |name| self.monitors.of(&client, name);
                before
                    .into_iter()
                    .flat_map(outputs)
                    .for_each(|output| handle.output_leave(output));
                let now = window.monitor.into_iter().flat_map(outputs);
                now.for_each(|output| handle.output_enter(output));
            }
            Part::App | Part::Title => {}
        }
    }

    /// Of how many windows the states were asked for, but not sent.
    pub(in super::super) fn states_owed(&self) -> usize {
        self.cosmic.owed.len()
    }

    /// Sends the states that were asked for. Returns of how many windows.
    pub(in super::super) fn send_states(&mut self) -> usize {
        let owed = std::mem::take(&mut self.cosmic.owed);
        for handle in &owed {
            let window = self.windows.iter().find(|window| window.cosmic.contains(handle));
            if let Some(window) = window {
                self.describe_states(window, handle, Part::Monitor(None));
                self.describe_states(window, handle, Part::States);
            }
        }
        self.cosmic.infos.iter().for_each(ZcosmicToplevelInfoV1::done);
        owed.len()
    }
}

impl GlobalDispatch<ExtForeignToplevelListV1, ()> for Desk {
    fn bind(
        desk: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        list: New<ExtForeignToplevelListV1>,
        (): &(),
        init: &mut DataInit<'_, Desk>,
    ) {
        let others = std::mem::replace(&mut desk.cosmic.lists, vec![init.init(list, ())]);
        let ids: Vec<usize> = desk.windows.iter().map(|window| window.id).collect();
        ids.into_iter().for_each(|id| desk.announce_listed(id));
        desk.cosmic.lists.extend(others);
    }
}

impl GlobalDispatch<ZcosmicToplevelInfoV1, ()> for Desk {
    fn bind(
        desk: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        info: New<ZcosmicToplevelInfoV1>,
        (): &(),
        init: &mut DataInit<'_, Desk>,
    ) {
        desk.cosmic.infos.push(init.init(info, ()));
    }
}

impl Dispatch<ZcosmicToplevelInfoV1, ()> for Desk {
    fn request(
        desk: &mut Desk,
        _: &Client,
        _: &ZcosmicToplevelInfoV1,
        request: info::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Desk>,
    ) {
        if let info::Request::GetCosmicToplevel {
            cosmic_toplevel,
            foreign_toplevel,
        } = request
        {
            let handle = init.init(cosmic_toplevel, ());
            let id = foreign_toplevel.data::<usize>().copied();
            for window in desk.windows.iter_mut().filter(|window| Some(window.id) == id) {
                window.cosmic.push(handle.clone());
            }
            desk.handles += 1;
            desk.cosmic.owed.push(handle);
        }
    }
}

impl Dispatch<ExtForeignToplevelHandleV1, usize> for Desk {
    fn request(
        desk: &mut Desk,
        _: &Client,
        handle: &ExtForeignToplevelHandleV1,
        _: listed::Request,
        id: &usize,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Desk>,
    ) {
        // The only request is to destroy it.
        let extended = desk.windows.iter().filter(|window| window.id == *id);
        let extended = extended.flat_map(|window| &window.cosmic);
        let mut own = extended.filter(|cosmic| cosmic.client() == handle.client());
        assert!(own.next().is_none(), "the states are destroyed before the window");
    }

    fn destroyed(desk: &mut Desk, _: ClientId, handle: &ExtForeignToplevelHandleV1, _: &usize) {
        desk.handles -= 1;
        desk.windows
            .iter_mut()
            .for_each(|window| window.listed.retain(|known| known != handle));
    }
}

impl Dispatch<ZcosmicToplevelHandleV1, ()> for Desk {
    fn request(
        _: &mut Desk,
        _: &Client,
        _: &ZcosmicToplevelHandleV1,
        _: states::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Desk>,
    ) {
    }

    fn destroyed(desk: &mut Desk, _: ClientId, handle: &ZcosmicToplevelHandleV1, (): &()) {
        desk.handles -= 1;
        desk.cosmic.owed.retain(|known| known != handle);
        desk.windows
            .iter_mut()
            .for_each(|window| window.cosmic.retain(|known| known != handle));
    }
}

ignores_requests!(ExtForeignToplevelListV1: ());
