//! Monitors and their names.

use wayland_protocols::xdg::xdg_output::zv1::server::zxdg_output_manager_v1::{self, ZxdgOutputManagerV1};
use wayland_protocols::xdg::xdg_output::zv1::server::zxdg_output_v1::ZxdgOutputV1;
use wayland_server::protocol::wl_output::{self, WlOutput};
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};

use super::{Desk, Offered, ignores_requests};

#[derive(Default)]
pub(super) struct Monitors {
    bound: Vec<WlOutput>,
}

/// A monitor, by its name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Monitor(&'static str);

impl Monitors {
    /// The objects that a client has for a monitor.
    pub(super) fn of(&self, client: &Client, name: &str) -> impl Iterator<Item = &WlOutput> {
        self.bound.iter().filter(move |output| {
            output.client().is_some_and(|of| of.id() == client.id())
                && output.data::<Monitor>().is_some_and(|monitor| monitor.0 == name)
        })
    }
}

impl Desk {
    pub(super) fn offer_monitors(&mut self, offered: &Offered) {
        if offered.old_monitors {
            let global = self.display.create_global::<Desk, ZxdgOutputManagerV1, ()>(3, ());
            self.globals.push((ZxdgOutputManagerV1::interface().name, global));
        }
        let version = if offered.old_monitors { 3 } else { 4 };
        for name in &offered.monitors {
            let monitor = Monitor(name);
            let global = self
                .display
                .create_global::<Desk, WlOutput, Monitor>(version, monitor);
            self.globals.push((WlOutput::interface().name, global));
        }
    }
}

impl GlobalDispatch<WlOutput, Monitor> for Desk {
    fn bind(
        desk: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        output: New<WlOutput>,
        monitor: &Monitor,
        init: &mut DataInit<'_, Desk>,
    ) {
        let output = init.init(output, *monitor);
        if output.version() >= wl_output::EVT_NAME_SINCE {
            output.name(monitor.0.to_owned());
        }
        output.done();
        desk.monitors.bound.push(output.clone());
        desk.tell_where_windows_are(&output, monitor.0);
    }
}

impl Dispatch<ZxdgOutputManagerV1, ()> for Desk {
    fn request(
        _: &mut Desk,
        _: &Client,
        _: &ZxdgOutputManagerV1,
        request: zxdg_output_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Desk>,
    ) {
        if let zxdg_output_manager_v1::Request::GetXdgOutput { id, output } = request {
            let named = init.init(id, ());
            let monitor = output.data::<Monitor>().expect("a monitor");
            named.name(monitor.0.to_owned());
        }
    }
}

impl GlobalDispatch<ZxdgOutputManagerV1, ()> for Desk {
    fn bind(
        _: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        manager: New<ZxdgOutputManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Desk>,
    ) {
        init.init(manager, ());
    }
}

impl Dispatch<WlOutput, Monitor> for Desk {
    fn request(
        _: &mut Desk,
        _: &Client,
        _: &WlOutput,
        _: wl_output::Request,
        _: &Monitor,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Desk>,
    ) {
    }

    fn destroyed(desk: &mut Desk, _: wayland_server::backend::ClientId, output: &WlOutput, _: &Monitor) {
        desk.monitors.bound.retain(|known| known != output);
    }
}

ignores_requests!(ZxdgOutputV1: ());
