//! The names of monitors, such as `DP-1`.

use wayland_client::backend::ObjectId;
use wayland_client::protocol::wl_output::{self, WlOutput};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle};
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_manager_v1::ZxdgOutputManagerV1;
use wayland_protocols::xdg::xdg_output::zv1::client::zxdg_output_v1::{self, ZxdgOutputV1};

use super::registry::{Global, Listener};

/// A source that wants to know the names of monitors.
pub(super) trait NamesMonitors:
    Listener + Dispatch<WlOutput, ()> + Dispatch<ZxdgOutputManagerV1, ()> + Dispatch<ZxdgOutputV1, ObjectId>
{
    /// The monitors.
    fn monitors(&mut self) -> &mut Monitors;
}

/// The monitors. Since version 4 an output says its name; before, another protocol has to be asked.
#[derive(Debug, Default)]
pub(super) struct Monitors {
    outputs: Vec<Output>,
    naming: Option<ZxdgOutputManagerV1>,
}

#[derive(Debug)]
struct Output {
    global: u32,
    output: WlOutput,
    named_by: Option<ZxdgOutputV1>,
    name: Option<String>,
}

impl Monitors {
    /// Takes a global if it is of use here.
    pub(super) fn appeared<S: NamesMonitors>(&mut self, global: &Global<'_>, queue: &QueueHandle<S>) {
        if global.interface == WlOutput::interface().name {
            self.outputs.push(Output {
                global: global.name,
                output: global.bind(4, queue, ()),
                named_by: None,
                name: None,
            });
        } else if global.interface == ZxdgOutputManagerV1::interface().name {
            self.naming = Some(global.bind(3, queue, ()));
        } else {
            return;
        }
        self.ask(queue);
    }

    /// Asks for the names of those that do not say it themselves.
    fn ask<S: NamesMonitors>(&mut self, queue: &QueueHandle<S>) {
        let Some(naming) = &self.naming else { return };
        for output in &mut self.outputs {
            if output.named_by.is_none() && output.output.version() < wl_output::EVT_NAME_SINCE {
                output.named_by = Some(naming.get_xdg_output(&output.output, queue, output.output.id()));
            }
        }
    }

    /// Forgets a monitor that was unplugged.
    pub(super) fn vanished(&mut self, name: u32) {
        for gone in self.outputs.extract_if(.., |output| output.global == name) {
            if let Some(named_by) = &gone.named_by {
                named_by.destroy();
            }
            if gone.output.version() >= wl_output::REQ_RELEASE_SINCE {
                gone.output.release();
            }
        }
    }

    /// The name of a monitor.
    pub(super) fn name(&self, output: &ObjectId) -> Option<&str> {
        let output = self.outputs.iter().find(|known| known.output.id() == *output)?;
        output.name.as_deref()
    }

    fn named(&mut self, output: &ObjectId, name: String) {
        let output = self.outputs.iter_mut().find(|known| known.output.id() == *output);
        output
            .into_iter()
            .for_each(|output| output.name = Some(name.clone()));
    }
}

impl<S: NamesMonitors> Dispatch<WlOutput, (), S> for Monitors {
    fn event(
        state: &mut S,
        output: &WlOutput,
        event: wl_output::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<S>,
    ) {
        if let wl_output::Event::Name { name } = event {
            state.monitors().named(&output.id(), name);
        }
    }
}

impl<S: NamesMonitors> Dispatch<ZxdgOutputV1, ObjectId, S> for Monitors {
    fn event(
        state: &mut S,
        _: &ZxdgOutputV1,
        event: zxdg_output_v1::Event,
        output: &ObjectId,
        _: &Connection,
        _: &QueueHandle<S>,
    ) {
        if let zxdg_output_v1::Event::Name { name } = event {
            state.monitors().named(output, name);
        }
    }
}
