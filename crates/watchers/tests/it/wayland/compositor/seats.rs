//! Seats.

use wayland_server::protocol::wl_seat::WlSeat;
use wayland_server::{Client, DataInit, DisplayHandle, GlobalDispatch, New, Resource};

use super::{Desk, ignores_requests};

/// The number of a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Seat(pub(in super::super) usize);

impl Desk {
    /// Adds a seat.
    pub(in super::super) fn plug_seat(&mut self) {
        let interface = WlSeat::interface().name;
        let number = self
            .globals
            .iter()
            .filter(|(known, _)| *known == interface)
            .count();
        let global = self.display.create_global::<Desk, WlSeat, Seat>(7, Seat(number));
        self.globals.push((interface, global));
    }

    /// Removes a seat.
    pub(in super::super) fn unplug_seat(&mut self, number: usize) {
        let interface = WlSeat::interface().name;
        let seats = self.globals.iter().enumerate();
        let mut seats = seats.filter(|(_, (known, _))| *known == interface);
        let (index, _) = seats.nth(number).expect("a seat");
        let (_, global) = self.globals.remove(index);
        self.display.remove_global::<Desk>(global);
    }
}

impl GlobalDispatch<WlSeat, Seat> for Desk {
    fn bind(
        _: &mut Desk,
        _: &DisplayHandle,
        _: &Client,
        seat: New<WlSeat>,
        number: &Seat,
        init: &mut DataInit<'_, Desk>,
    ) {
        init.init(seat, *number);
    }
}

ignores_requests!(WlSeat: Seat);
