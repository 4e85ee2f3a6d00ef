//! `zwlr_foreign_toplevel_manager_v1`.

use wayland_protocols_wlr::foreign_toplevel::v1::server::zwlr_foreign_toplevel_handle_v1::{
    self as handle, ZwlrForeignToplevelHandleV1,
};
use wayland_protocols_wlr::foreign_toplevel::v1::server::zwlr_foreign_toplevel_manager_v1::ZwlrForeignToplevelManagerV1;
use wayland_server::backend::ClientId;
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};

use super::windows::Part;
use super::{Desk, Window, ignores_requests};

#[derive(Default)]
pub(super) struct Managers(Vec<ZwlrForeignToplevelManagerV1>);

impl Desk {
    pub(super) fn offer_wlr(&mut self, version: u32) {
        if version > 0 {
            let global = self
                .display
                .create_global::<Desk, ZwlrForeignToplevelManagerV1, ()>(version, ());
            self.globals
                .push((ZwlrForeignToplevelManagerV1::interface().name, global));
        }
    }

    /// The compositor ends its lists.
    pub(in super::super) fn finish(&mut self) {
        for manager in self.wlr.0.drain(..) {
            manager.finished();
        }
    }

    /// The compositor claims that each client has made a mistake.
    pub(in super::super) fn blame(&mut self, text: &str) {
        for manager in &self.wlr.0 {
            manager.post_error(7_u32, text);
        }
    }

    pub(super) fn announce_wlr(&mut self, id: usize) {
        for manager in &self.wlr.0 {
            let Some(client) = manager.client() else { continue };
            let window = self.windows.iter_mut().find(|window| window.id == id);
            let window = window.expect("an open window");
            let handle = client.create_resource::<ZwlrForeignToplevelHandleV1, (), Desk>(
                &self.display,
                manager.version(),
                (),
            );
            let handle = handle.expect("a client that is there");
            manager.toplevel(&handle);
            self.handles += 1;
            window.wlr.push(handle);
        }
        self.describe_wlr(id, &[Part::App, Part::Title, Part::Monitor(None), Part::States]);
    }

    pub(super) fn describe_wlr(&self, id: usize, parts: &[Part]) {
        for window in self.windows.iter().filter(|window| window.id == id) {
            for handle in &window.wlr {
                parts
                    .iter()
                    .for_each(|part| self.describe_part(window, handle, *part));
                handle.done();
            }
        }
    }

    fn describe_part(&self, window: &Window, handle: &ZwlrForeignToplevelHandleV1, part: Part) {
        match part {
            Part::App => window.app.iter().for_each(|app| handle.app_id(app.clone())),
            Part::Title => window.title.iter().for_each(|title| handle.title(title.clone())),
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
        }
    }
}

impl GlobalDispatch<ZwlrForeignToplevelManagerV1, ()> for Desk {
    fn bind(
        desk: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        manager: New<ZwlrForeignToplevelManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Desk>,
    ) {
        let others = std::mem::replace(&mut desk.wlr.0, vec![init.init(manager, ())]);
        let ids: Vec<usize> = desk.windows.iter().map(|window| window.id).collect();
        ids.into_iter().for_each(|id| desk.announce_wlr(id));
        desk.wlr.0.extend(others);
    }
}

impl Dispatch<ZwlrForeignToplevelHandleV1, ()> for Desk {
    fn request(
        _: &mut Desk,
        _: &Client,
        _: &ZwlrForeignToplevelHandleV1,
        _: handle::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Desk>,
    ) {
    }

    fn destroyed(desk: &mut Desk, _: ClientId, handle: &ZwlrForeignToplevelHandleV1, (): &()) {
        desk.handles -= 1;
        desk.windows
            .iter_mut()
            .for_each(|window| window.wlr.retain(|known| known != handle));
    }
}

ignores_requests!(ZwlrForeignToplevelManagerV1: ());
