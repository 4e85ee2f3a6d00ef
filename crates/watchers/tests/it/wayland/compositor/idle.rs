//! `ext_idle_notifier_v1` and `org_kde_kwin_idle`.

use wayland_protocols::ext::idle_notify::v1::server::ext_idle_notification_v1::ExtIdleNotificationV1;
use wayland_protocols::ext::idle_notify::v1::server::ext_idle_notifier_v1::{self, ExtIdleNotifierV1};
use wayland_server::protocol::wl_seat::WlSeat;
use wayland_server::{Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource};

use super::protocols::kde_idle::org_kde_kwin_idle::{self, OrgKdeKwinIdle};
use super::protocols::kde_idle::org_kde_kwin_idle_timeout::OrgKdeKwinIdleTimeout;
use super::seats::Seat;
use super::{Desk, Offered, ignores_requests};

/// The timers that clients have asked for.
#[derive(Default)]
pub(in super::super) struct Timers(pub(in super::super) Vec<Timer>);

/// A timer.
pub(in super::super) struct Timer {
    pub(in super::super) seat: usize,
    /// Whether it runs although a program inhibits idling.
    pub(in super::super) ignores_inhibitors: bool,
    pub(in super::super) milliseconds: u32,
    object: Object,
}

enum Object {
    Ext(ExtIdleNotificationV1),
    Kde(OrgKdeKwinIdleTimeout),
}

impl Timer {
    fn run_out(&self) {
        match &self.object {
            Object::Ext(timer) => timer.idled(),
            Object::Kde(timer) => timer.idle(),
        }
    }

    fn resume(&self) {
        match &self.object {
            Object::Ext(timer) => timer.resumed(),
            Object::Kde(timer) => timer.resumed(),
        }
    }
}

impl Timers {
    /// The timers that are meant run out.
    pub(in super::super) fn run_out(&self, meant: impl Fn(&Timer) -> bool) {
        self.0
            .iter()
            .filter(|timer| meant(timer))
            .for_each(Timer::run_out);
    }

    /// The timers that are meant run again.
    pub(in super::super) fn resume(&self, meant: impl Fn(&Timer) -> bool) {
        self.0.iter().filter(|timer| meant(timer)).for_each(Timer::resume);
    }
}

impl Desk {
    pub(super) fn offer_idle(&mut self, offered: &Offered) {
        if offered.ext_idle > 0 {
            let global = self
                .display
                .create_global::<Desk, ExtIdleNotifierV1, ()>(offered.ext_idle, ());
            self.globals.push((ExtIdleNotifierV1::interface().name, global));
        }
        if offered.kde_idle {
            let global = self.display.create_global::<Desk, OrgKdeKwinIdle, ()>(1, ());
            self.globals.push((OrgKdeKwinIdle::interface().name, global));
        }
    }

    fn start_timer(&mut self, seat: &WlSeat, ignores_inhibitors: bool, milliseconds: u32, object: Object) {
        let seat = seat.data::<Seat>().expect("a seat").0;
        self.idle.0.push(Timer {
            seat,
            ignores_inhibitors,
            milliseconds,
            object,
        });
    }
}

impl Dispatch<ExtIdleNotifierV1, ()> for Desk {
    fn request(
        desk: &mut Desk,
        _: &Client,
        _: &ExtIdleNotifierV1,
        request: ext_idle_notifier_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Desk>,
    ) {
        match request {
            ext_idle_notifier_v1::Request::GetIdleNotification { id, timeout, seat } => {
                let object = Object::Ext(init.init(id, ()));
                desk.start_timer(&seat, false, timeout, object);
            }
            ext_idle_notifier_v1::Request::GetInputIdleNotification { id, timeout, seat } => {
                let object = Object::Ext(init.init(id, ()));
                desk.start_timer(&seat, true, timeout, object);
            }
            _ => {}
        }
    }
}

impl Dispatch<OrgKdeKwinIdle, ()> for Desk {
    fn request(
        desk: &mut Desk,
        _: &Client,
        _: &OrgKdeKwinIdle,
        request: org_kde_kwin_idle::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Desk>,
    ) {
        let org_kde_kwin_idle::Request::GetIdleTimeout { id, seat, timeout } = request;
        let object = Object::Kde(init.init(id, ()));
        desk.start_timer(&seat, false, timeout, object);
    }
}

impl GlobalDispatch<ExtIdleNotifierV1, ()> for Desk {
    fn bind(
        _: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        notifier: New<ExtIdleNotifierV1>,
        (): &(),
        init: &mut DataInit<'_, Desk>,
    ) {
        init.init(notifier, ());
    }
}

impl GlobalDispatch<OrgKdeKwinIdle, ()> for Desk {
    fn bind(
        _: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        idle: New<OrgKdeKwinIdle>,
        (): &(),
        init: &mut DataInit<'_, Desk>,
    ) {
        init.init(idle, ());
    }
}

impl Dispatch<ExtIdleNotificationV1, ()> for Desk {
    fn request(
        _: &mut Desk,
        _: &Client,
        _: &ExtIdleNotificationV1,
        _: <ExtIdleNotificationV1 as Resource>::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Desk>,
    ) {
    }

    fn destroyed(
        desk: &mut Desk,
        _: wayland_server::backend::ClientId,
        gone: &ExtIdleNotificationV1,
        (): &(),
    ) {
        let timers = &mut desk.idle.0;
        timers.retain(|timer| !matches!(&timer.object, Object::Ext(known) if known == gone));
    }
}

ignores_requests!(OrgKdeKwinIdleTimeout: ());
