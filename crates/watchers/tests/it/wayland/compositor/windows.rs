//! The windows, and what a test does with them.

use wayland_protocols::ext::foreign_toplevel_list::v1::server::ext_foreign_toplevel_handle_v1::ExtForeignToplevelHandleV1;
use wayland_protocols_wlr::foreign_toplevel::v1::server::zwlr_foreign_toplevel_handle_v1::ZwlrForeignToplevelHandleV1;
use wayland_server::Resource;
use wayland_server::protocol::wl_output::WlOutput;

use super::protocols::cosmic::zcosmic_toplevel_handle_v1::ZcosmicToplevelHandleV1;
use super::{Desk, Offered};

/// A window.
#[derive(Default)]
pub(in super::super) struct Window {
    pub(in super::super) id: usize,
    pub(in super::super) app: Option<String>,
    pub(in super::super) title: Option<String>,
    pub(in super::super) active: bool,
    pub(in super::super) full_screen: bool,
    pub(in super::super) monitor: Option<&'static str>,
    pub(super) wlr: Vec<ZwlrForeignToplevelHandleV1>,
    pub(super) listed: Vec<ExtForeignToplevelHandleV1>,
    pub(super) cosmic: Vec<ZcosmicToplevelHandleV1>,
}

/// A part of a window's description.
#[derive(Clone, Copy)]
pub(super) enum Part {
    App,
    Title,
    States,
    /// It has left this monitor, and is on its own now.
    Monitor(Option<&'static str>),
}

impl Window {
    /// Its states, as they are sent.
    pub(super) fn states(&self) -> Vec<u8> {
        // 0: maximized, as all windows are.
        let states = [Some(0), self.active.then_some(2), self.full_screen.then_some(3)];
        states.into_iter().flatten().flat_map(u32::to_ne_bytes).collect()
    }
}

impl Desk {
    pub(super) fn offer_windows(&mut self, offered: &Offered) {
        self.offer_wlr(offered.wlr);
        self.offer_cosmic(offered.cosmic);
    }

    /// A window appears, without focus.
    pub(in super::super) fn open(&mut self, app: &str, title: &str) -> usize {
        self.appear(Window {
            app: Some(app.to_owned()),
            title: Some(title.to_owned()),
            ..Window::default()
        })
    }

    /// A window appears that has no name yet.
    pub(in super::super) fn open_unnamed(&mut self) -> usize {
        self.appear(Window::default())
    }

    fn appear(&mut self, window: Window) -> usize {
        let id = self.windows_opened;
        self.windows_opened += 1;
        self.windows.push(Window { id, ..window });
        self.announce(id);
        id
    }

    fn announce(&mut self, id: usize) {
        self.announce_wlr(id);
        self.announce_listed(id);
    }

    /// A window gets another title.
    pub(in super::super) fn title(&mut self, id: usize, title: &str) {
        let title = Some(title.to_owned());
        self.change(id, &[Part::Title], |window| window.title = title);
    }

    /// A window gets its name and title.
    pub(in super::super) fn name(&mut self, id: usize, app: &str, title: &str) {
        let (app, title) = (Some(app.to_owned()), Some(title.to_owned()));
        self.change(id, &[Part::App, Part::Title], |window| {
            window.app = app;
            window.title = title;
        });
    }

    /// A window becomes active or not.
    pub(in super::super) fn activate(&mut self, id: usize, active: bool) {
        self.change(id, &[Part::States], |window| window.active = active);
    }

    /// The focus goes to a window, as in sway: first no window has it.
    pub(in super::super) fn focus(&mut self, id: Option<usize>) {
        let active = self
            .windows
            .iter()
            .filter(|window| window.active && Some(window.id) != id);
        for other in active.map(|window| window.id).collect::<Vec<_>>() {
            self.activate(other, false);
        }
        if let Some(id) = id {
            self.activate(id, true);
        }
    }

    /// A window fills the screen or not.
    pub(in super::super) fn full_screen(&mut self, id: usize, full_screen: bool) {
        self.change(id, &[Part::States], |window| window.full_screen = full_screen);
    }

    /// A window is on this monitor only.
    pub(in super::super) fn put(&mut self, id: usize, monitor: Option<&'static str>) {
        let before = self.windows.iter().find(|window| window.id == id);
        let before = before.and_then(|window| window.monitor);
        self.change(id, &[Part::Monitor(before)], |window| window.monitor = monitor);
    }

    fn change(&mut self, id: usize, parts: &[Part], change: impl FnOnce(&mut Window)) {
        let window = self.windows.iter_mut().find(|window| window.id == id);
        change(window.expect("an open window"));
        self.describe(id, parts);
    }

    /// Tells all clients parts of a window's description.
    fn describe(&self, id: usize, parts: &[Part]) {
        self.describe_wlr(id, parts);
        self.describe_listed(id, parts);
    }

    /// A window vanishes.
    pub(in super::super) fn close(&mut self, id: usize) {
        for window in self.windows.extract_if(.., |window| window.id == id) {
            window.wlr.iter().for_each(ZwlrForeignToplevelHandleV1::closed);
            window.listed.iter().for_each(ExtForeignToplevelHandleV1::closed);
        }
    }

    /// A client wants to know of a monitor: it learns which windows are there.
    pub(super) fn tell_where_windows_are(&self, output: &WlOutput, monitor: &str) {
        let client = output.client().map(|client| client.id());
        for window in self
            .windows
            .iter()
            .filter(|window| window.monitor == Some(monitor))
        {
            for handle in &window.wlr {
                if handle.client().map(|client| client.id()) == client {
                    handle.output_enter(output);
                    handle.done();
                }
            }
        }
    }
}
