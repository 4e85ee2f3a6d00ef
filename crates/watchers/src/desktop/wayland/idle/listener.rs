//! The timers of both protocols.

use std::sync::Arc;

use timberline_model::{Duration, Timestamp};
use wayland_client::protocol::wl_seat::{self, WlSeat};
use wayland_client::protocol::{wl_callback::WlCallback, wl_registry::WlRegistry};
use wayland_client::{Connection, Dispatch, Proxy, QueueHandle, delegate_dispatch, delegate_noop};
use wayland_protocols::ext::idle_notify::v1::client::ext_idle_notification_v1::{
    self, ExtIdleNotificationV1,
};
use wayland_protocols::ext::idle_notify::v1::client::ext_idle_notifier_v1::{self, ExtIdleNotifierV1};

use super::super::protocols::kde_idle::org_kde_kwin_idle::OrgKdeKwinIdle;
use super::super::protocols::kde_idle::org_kde_kwin_idle_timeout::{self, OrgKdeKwinIdleTimeout};
use super::super::registry::{Global, Listener, Registry};
use super::seats::{Seats, Timer, UNLESS_INHIBITED_AFTER};
use crate::clock::Clock;
use crate::desktop::{Activity, At, IDLE_AFTER, Lost};

/// Who runs the timers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Protocol {
    /// `ext_idle_notifier_v1`.
    Ext,
    /// `org_kde_kwin_idle`.
    Kde,
}

impl Protocol {
    fn interface(self) -> &'static str {
        match self {
            Protocol::Ext => ExtIdleNotifierV1::interface().name,
            Protocol::Kde => OrgKdeKwinIdle::interface().name,
        }
    }
}

/// The timers of all seats.
pub(super) struct State {
    registry: Registry,
    protocol: Protocol,
    clock: Arc<dyn Clock>,
    /// Who makes timers, and which global that is.
    maker: Option<(u32, Maker)>,
    seats: Vec<Seat>,
    timers: Seats,
    vanished: bool,
}

enum Maker {
    Ext(ExtIdleNotifierV1),
    Kde(OrgKdeKwinIdle),
}

struct Seat {
    name: u32,
    seat: WlSeat,
    timers: Vec<Running>,
}

enum Running {
    Ext(ExtIdleNotificationV1),
    Kde(OrgKdeKwinIdleTimeout),
}

/// Which seat and which of its timers.
type Which = (u32, Timer);

impl State {
    /// For timers of this protocol.
    pub(super) fn new(protocol: Protocol, clock: Arc<dyn Clock>) -> State {
        let now = clock.read().wall;
        State {
            registry: Registry::default(),
            protocol,
            clock,
            maker: None,
            seats: Vec::new(),
            timers: Seats::new(now, false),
            vanished: false,
        }
    }

    /// Fails if the compositor does not offer what is needed, or no longer.
    pub(super) fn check(&self) -> Result<(), Lost> {
        let interface = self.protocol.interface();
        if self.vanished {
            let text = format!("the compositor no longer offers {interface}");
            return Err(Lost::Ended(text));
        }
        self.registry.require(interface, 1)?;
        self.registry.require(WlSeat::interface().name, 1)
    }

    /// What there is to report.
    pub(super) fn changes(&mut self) -> impl Iterator<Item = At<Activity>> + use<> {
        self.timers.changes()
    }

    fn now(&self) -> Timestamp {
        self.clock.read().wall
    }

    /// Starts the timers of all seats that have none.
    fn start_timers(&mut self, queue: &QueueHandle<State>) {
        let Some((_, maker)) = &self.maker else { return };
        let now = self.clock.read().wall;
        for seat in self.seats.iter_mut().filter(|seat| seat.timers.is_empty()) {
            seat.timers = maker.start_timers(seat.name, &seat.seat, queue);
            self.timers.added(seat.name, now);
        }
    }
}

impl Maker {
    /// Whether there are both kinds of timers.
    fn has_both(&self) -> bool {
        const SINCE: u32 = ext_idle_notifier_v1::REQ_GET_INPUT_IDLE_NOTIFICATION_SINCE;
        matches!(self, Maker::Ext(maker) if maker.version() >= SINCE)
    }

    fn start_timers(&self, name: u32, seat: &WlSeat, queue: &QueueHandle<State>) -> Vec<Running> {
        let (input, unless_inhibited) = (millis(IDLE_AFTER), millis(UNLESS_INHIBITED_AFTER));
        let for_input = (name, Timer::Input);
        match self {
            Maker::Ext(maker) if self.has_both() => {
                let for_both = (name, Timer::UnlessInhibited);
                vec![
                    Running::Ext(maker.get_input_idle_notification(input, seat, queue, for_input)),
                    Running::Ext(maker.get_idle_notification(unless_inhibited, seat, queue, for_both)),
                ]
            }
            Maker::Ext(maker) => vec![Running::Ext(
                maker.get_idle_notification(input, seat, queue, for_input),
            )],
            Maker::Kde(maker) => vec![Running::Kde(
                maker.get_idle_timeout(seat, input, queue, for_input),
            )],
        }
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.nanos() / 1_000_000).unwrap_or(u32::MAX)
}

impl Listener for State {
    fn registry(&mut self) -> &mut Registry {
        &mut self.registry
    }

    fn appeared(&mut self, global: &Global<'_>, queue: &QueueHandle<State>) {
        if global.interface == WlSeat::interface().name {
            self.seats.push(Seat {
                name: global.name,
                seat: global.bind(wl_seat::REQ_RELEASE_SINCE, queue, ()),
                timers: Vec::new(),
            });
        } else if global.interface == self.protocol.interface() && self.maker.is_none() {
            let maker = match self.protocol {
                Protocol::Ext => Maker::Ext(global.bind(2, queue, ())),
                Protocol::Kde => Maker::Kde(global.bind(1, queue, ())),
            };
            self.timers = Seats::new(self.now(), maker.has_both());
            self.maker = Some((global.name, maker));
        }
        self.start_timers(queue);
    }

    fn vanished(&mut self, name: u32) {
        self.vanished |= self.maker.as_ref().is_some_and(|(maker, _)| *maker == name);
        let now = self.now();
        for gone in self.seats.extract_if(.., |seat| seat.name == name) {
            self.timers.removed(name, now);
            for timer in gone.timers {
                match timer {
                    Running::Ext(timer) => timer.destroy(),
                    Running::Kde(timer) => timer.release(),
                }
            }
            if gone.seat.version() >= wl_seat::REQ_RELEASE_SINCE {
                gone.seat.release();
            }
        }
    }
}

impl Dispatch<ExtIdleNotificationV1, Which> for State {
    fn event(
        state: &mut State,
        _: &ExtIdleNotificationV1,
        event: ext_idle_notification_v1::Event,
        &(seat, timer): &Which,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let now = state.now();
        match event {
            ext_idle_notification_v1::Event::Idled => state.timers.idled(seat, timer, now),
            ext_idle_notification_v1::Event::Resumed => state.timers.resumed(seat, timer, now),
            _ => {}
        }
    }
}

impl Dispatch<OrgKdeKwinIdleTimeout, Which> for State {
    fn event(
        state: &mut State,
        _: &OrgKdeKwinIdleTimeout,
        event: org_kde_kwin_idle_timeout::Event,
        &(seat, timer): &Which,
        _: &Connection,
        _: &QueueHandle<State>,
    ) {
        let now = state.now();
        match event {
            org_kde_kwin_idle_timeout::Event::Idle => state.timers.idled(seat, timer, now),
            org_kde_kwin_idle_timeout::Event::Resumed => state.timers.resumed(seat, timer, now),
        }
    }
}

delegate_dispatch!(State: [WlRegistry: ()] => Registry);
delegate_dispatch!(State: [WlCallback: ()] => Registry);
delegate_noop!(State: ignore WlSeat);
delegate_noop!(State: ignore ExtIdleNotifierV1);
delegate_noop!(State: ignore OrgKdeKwinIdle);
