//! The compositor's globals.

use wayland_client::protocol::{wl_callback, wl_registry};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle};

use crate::desktop::Lost;

/// Takes what the compositor sends: the state of a source.
pub(super) trait Listener:
    Dispatch<wl_registry::WlRegistry, ()> + Dispatch<wl_callback::WlCallback, ()> + 'static
{
    /// The globals.
    fn registry(&mut self) -> &mut Registry;

    /// The compositor offers this. Here it is bound, if it is wanted.
    fn appeared(&mut self, global: &Global<'_>, queue: &QueueHandle<Self>);

    /// The compositor offers this no longer.
    fn vanished(&mut self, name: u32);
}

/// What is known of the globals.
#[derive(Debug, Default)]
pub(super) struct Registry {
    /// Interface and version of everything that is offered, by the number that the compositor gives it.
    offered: Vec<(u32, String, u32)>,
    /// How many questions the compositor has answered.
    answers: u64,
}

/// Something that the compositor offers.
pub(super) struct Global<'a> {
    registry: &'a wl_registry::WlRegistry,
    /// The number that it has at this compositor.
    pub(super) name: u32,
    /// What it is.
    pub(super) interface: &'a str,
    /// The highest version that it has at this compositor.
    pub(super) version: u32,
}

impl Global<'_> {
    /// Binds it in the highest version up to `highest`. The interface must be `I`'s.
    pub(super) fn bind<I, U, S>(&self, highest: u32, queue: &QueueHandle<S>, data: U) -> I
    where
        I: Proxy + 'static,
        U: Send + Sync + 'static,
        S: Dispatch<I, U> + 'static,
    {
        self.registry
            .bind(self.name, self.version.min(highest), queue, data)
    }
}

impl Registry {
    /// How many questions the compositor has answered.
    pub(super) fn answers(&self) -> u64 {
        self.answers
    }

    /// The highest version in which an interface is offered.
    pub(super) fn version(&self, interface: &str) -> Option<u32> {
        let of_interface = self.offered.iter().filter(|(_, name, _)| name == interface);
        of_interface.map(|(_, _, version)| *version).max()
    }

    /// Fails with a text for the person unless an interface is offered in at least this version.
    pub(super) fn require(&self, interface: &str, least: u32) -> Result<(), Lost> {
        match self.version(interface) {
            Some(version) if version >= least => Ok(()),
            Some(version) => Err(Lost::Missing(format!(
                "this compositor offers {interface} in version {version}, and version {least} is needed"
            ))),
            None => Err(Lost::Missing(format!(
                "this compositor does not offer {interface}"
            ))),
        }
    }
}

impl<S: Listener> Dispatch<wl_registry::WlRegistry, (), S> for Registry {
    fn event(
        state: &mut S,
        registry: &wl_registry::WlRegistry,
        event: wl_registry::Event,
        (): &(),
        _: &Connection,
        queue: &QueueHandle<S>,
    ) {
        match event {
            wl_registry::Event::Global {
                name,
                interface,
                version,
            } => {
                let global = Global {
                    registry,
                    name,
                    interface: &interface,
                    version,
                };
                state.appeared(&global, queue);
                state.registry().offered.push((name, interface, version));
            }
            wl_registry::Event::GlobalRemove { name } => {
                state.registry().offered.retain(|(known, _, _)| *known != name);
                state.vanished(name);
            }
            _ => {}
        }
    }
}

impl<S: Listener> Dispatch<wl_callback::WlCallback, (), S> for Registry {
    fn event(
        state: &mut S,
        _: &wl_callback::WlCallback,
        _: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<S>,
    ) {
        state.registry().answers += 1;
    }
}
