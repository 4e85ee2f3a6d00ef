//! Which monitor a window is on.

use x11rb::connection::RequestConnection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::randr::{self, ConnectionExt as _, MonitorInfo, NotifyMask};
use x11rb::protocol::xproto::{Atom, ConnectionExt as _, Window};

use super::display::Display;

/// The first version of the extension that knows monitors.
const WITH_MONITORS: (u32, u32) = (1, 5);

impl Display {
    /// Whether the server knows monitors. If it does, it reports from now on when there are others.
    pub(super) fn watch_monitors(&self) -> Result<bool, ReplyError> {
        let extension = self.connection.extension_information(randr::X11_EXTENSION_NAME)?;
        if extension.is_none() {
            return Ok(false);
        }
        let (major, minor) = WITH_MONITORS;
        let version = self.connection.randr_query_version(major, minor)?.reply()?;
        if (version.major_version, version.minor_version) < WITH_MONITORS {
            return Ok(false);
        }
        let changes = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::RESOURCE_CHANGE;
        self.connection.randr_select_input(self.root, changes)?.check()?;
        Ok(true)
    }

    /// The name of the monitor that has most of a window. The server must know monitors.
    pub(super) fn monitor_of(&self, window: Window) -> Result<Option<String>, ReplyError> {
        // All three are asked before the first answer is waited for.
        let corner = self.connection.translate_coordinates(window, self.root, 0, 0)?;
        let size = self.connection.get_geometry(window)?;
        let monitors = self.connection.randr_get_monitors(self.root, true)?;
        let corner = corner.reply()?;
        let size = match size.reply() {
            Ok(size) => size,
            // It has vanished since.
            Err(ReplyError::X11Error(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let area = Area::new(corner.dst_x, corner.dst_y, size.width, size.height);
        let Some(name) = with_most_of(area, &monitors.reply()?.monitors) else {
            return Ok(None);
        };
        let name = self.connection.get_atom_name(name)?.reply()?.name;
        Ok(Some(String::from_utf8_lossy(&name).into_owned()))
    }
}

/// A rectangle on the screen.
#[derive(Clone, Copy, Debug)]
struct Area {
    left: i32,
    top: i32,
    right: i32,
    bottom: i32,
}

impl Area {
    fn new(x: i16, y: i16, width: u16, height: u16) -> Area {
        let (left, top) = (i32::from(x), i32::from(y));
        Area {
            left,
            top,
            right: left + i32::from(width),
            bottom: top + i32::from(height),
        }
    }

    /// The number of pixels that both have.
    fn shared_with(self, other: Area) -> i64 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        i64::from(width.max(0)) * i64::from(height.max(0))
    }
}

/// The monitor that has most of the area; of several that have the same, the first. `None` if none has any of it.
fn with_most_of(area: Area, monitors: &[MonitorInfo]) -> Option<Atom> {
    let shared = |monitor: &MonitorInfo| {
        let of_monitor = Area::new(monitor.x, monitor.y, monitor.width, monitor.height);
        area.shared_with(of_monitor)
    };
    let with_some = monitors.iter().filter(|monitor| shared(monitor) > 0);
    // Of equal ones `max_by_key` takes the last.
    let most = with_some.rev().max_by_key(|monitor| shared(monitor));
    most.map(|monitor| monitor.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn monitor(name: Atom, x: i16, y: i16) -> MonitorInfo {
        MonitorInfo {
            name,
            x,
            y,
            width: 100,
            height: 100,
            ..MonitorInfo::default()
        }
    }

    #[test]
    fn a_window_is_on_the_monitor_that_has_most_of_it() {
        let monitors = [monitor(1, 0, 0), monitor(2, 100, 0), monitor(3, 0, 100)];
        let on = |x, y, width, height| with_most_of(Area::new(x, y, width, height), &monitors);
        assert_eq!(on(10, 10, 20, 20), Some(1));
        assert_eq!(on(60, 10, 80, 20), Some(1), "40 and 40: the first");
        assert_eq!(on(61, 10, 80, 20), Some(2));
        assert_eq!(on(-50, 90, 100, 30), Some(3));
        assert_eq!(on(-50, -50, 50, 200), None, "it touches one, and is on none");
        assert_eq!(on(i16::MAX, i16::MAX, u16::MAX, u16::MAX), None);
        assert_eq!(with_most_of(Area::new(0, 0, 10, 10), &[]), None);
    }
}
