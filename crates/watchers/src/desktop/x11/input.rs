//! How much keyboard and pointer are used, by raw events of XInput 2.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use x11rb::connection::RequestConnection;
use x11rb::errors::ReplyError;
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{
    self, ConnectionExt as _, DeviceClassData, Fp3232, KeyEventFlags, RawMotionEvent, ValuatorMode,
    XIEventMask,
};

use super::display::Display;
use crate::desktop::{Counts, Lost, Reports, Session, Source, Watching};

/// The identifier that XInput has for all devices that stand for several: each input comes from one of them, once.
const ALL_MASTERS: u16 = 1;

/// Events are taken from the server so often at most: a mouse that moves makes a thousand of them in a second.
const PACE: Duration = Duration::from_millis(250);

/// What wheels are as buttons: up, down, left, right.
const WHEEL_Y: [u32; 2] = [4, 5];
const WHEEL_X: [u32; 2] = [6, 7];

/// The source `xinput2`: what is counted on an X server, whichever program gets the input.
#[derive(Debug)]
pub struct XInput {
    session: Arc<Session>,
}

impl XInput {
    /// The input of this session's X server.
    #[must_use]
    pub fn new(session: Arc<Session>) -> XInput {
        XInput { session }
    }
}

impl Source<Counts> for XInput {
    fn name(&self) -> &'static str {
        "xinput2"
    }

    fn watch(&mut self, reports: Reports<Counts>) -> Watching<'_> {
        Box::pin(async move {
            let display = match Display::open(&self.session) {
                Ok(display) => display,
                Err(lost) => return lost,
            };
            match count(&display, &reports).await {
                Ok(never) => match never {},
                Err(lost) => lost,
            }
        })
    }
}

async fn count(display: &Display, reports: &Reports<Counts>) -> Result<Infallible, Lost> {
    if !listen(display).map_err(|error| display.lost(error))? {
        return Err(Lost::Missing("this X server has no XInput 2".to_owned()));
    }
    let mut counter = Counter::default();
    reports.send(counter.total);
    loop {
        let first = display.next().await?;
        counter.add(display, &first);
        tokio::time::sleep(PACE).await;
        while let Some(event) = display.pending()? {
            counter.add(display, &event);
        }
        reports.send(counter.total);
    }
}

/// From now on the server reports raw input. False if it cannot.
fn listen(display: &Display) -> Result<bool, ReplyError> {
    let connection = &display.connection;
    if connection
        .extension_information(xinput::X11_EXTENSION_NAME)?
        .is_none()
    {
        return Ok(false);
    }
    // Since 2.1, input is also reported while another program has grabbed the keyboard, as menus do.
    connection.xinput_xi_query_version(2, 2)?.reply()?;
    let kinds = XIEventMask::RAW_KEY_PRESS | XIEventMask::RAW_BUTTON_PRESS | XIEventMask::RAW_MOTION;
    let events = xinput::EventMask {
        deviceid: ALL_MASTERS,
        mask: vec![kinds],
    };
    connection
        .xinput_xi_select_events(display.root, &[events])?
        .check()?;
    Ok(true)
}

#[derive(Default)]
struct Counter {
    total: Counts,
    /// Fractions of a pixel that were not counted yet, of both axes.
    rest: [u64; 2],
    /// Whether a device says how far it was moved. Others, such as tablets, say where they are.
    is_relative: HashMap<u16, bool>,
}

impl Counter {
    fn add(&mut self, display: &Display, event: &Event) {
        match event {
            Event::XinputRawKeyPress(press) => {
                let repeated = u32::from(press.flags) & u32::from(KeyEventFlags::KEY_REPEAT) != 0;
                self.total.presses += u64::from(!repeated);
            }
            Event::XinputRawButtonPress(press) => {
                let button = press.detail;
                let counted = if WHEEL_Y.contains(&button) {
                    &mut self.total.scroll_y
                } else if WHEEL_X.contains(&button) {
                    &mut self.total.scroll_x
                } else {
                    &mut self.total.clicks
                };
                *counted += 1;
            }
            Event::XinputRawMotion(motion) => self.add_motion(display, motion),
            _ => {}
        }
    }

    fn add_motion(&mut self, display: &Display, motion: &RawMotionEvent) {
        let device = motion.sourceid;
        let is_relative = *self
            .is_relative
            .entry(device)
            .or_insert_with(|| is_relative(display, device).unwrap_or(false));
        if !is_relative {
            return;
        }
        let [x, y] = distances(motion);
        for (axis, distance, counted) in [(0, x, &mut self.total.delta_x), (1, y, &mut self.total.delta_y)] {
            if let Some(rest) = self.rest.get_mut(axis) {
                *rest = rest.saturating_add(distance);
                *counted += *rest >> 32;
                *rest &= u64::from(u32::MAX);
            }
        }
    }
}

/// How far the pointer has moved along both axes, in parts of 2^32 of a pixel. The values are those of the axes whose bits are set,
/// in their order.
fn distances(motion: &RawMotionEvent) -> [u64; 2] {
    let mask = motion.valuator_mask.first().copied().unwrap_or_default();
    let mut values = motion.axisvalues.iter();
    [1, 2].map(|bit| {
        let value = if mask & bit != 0 { values.next() } else { None };
        value.map_or(0, distance)
    })
}

fn distance(value: &Fp3232) -> u64 {
    let exact = (i64::from(value.integral) << 32) | i64::from(value.frac);
    exact.unsigned_abs()
}

fn is_relative(display: &Display, device: u16) -> Result<bool, ReplyError> {
    let infos = display.connection.xinput_xi_query_device(device)?.reply()?.infos;
    let mut classes = infos.iter().flat_map(|info| &info.classes);
    Ok(classes.any(|class| match &class.data {
        DeviceClassData::Valuator(axis) => axis.number == 0 && axis.mode == ValuatorMode::RELATIVE,
        _ => false,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_positive_in_both_directions() {
        let half = Fp3232 {
            integral: -2,
            frac: 1 << 31,
        };
        assert_eq!(distance(&half), 3 << 31, "one pixel and a half to the left");
    }
}
