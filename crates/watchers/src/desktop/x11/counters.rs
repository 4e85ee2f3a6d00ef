//! The idle counters of an X server: milliseconds since the last input.

use x11rb::connection::RequestConnection;
use x11rb::errors::ReplyError;
use x11rb::protocol::sync::{ConnectionExt as _, Counter};
use x11rb::protocol::xinput::{self, ConnectionExt as _, DeviceType, XIDeviceInfo, XIEventMask};

use super::display::Display;

/// The identifiers that XInput has for all devices and for the ones that stand for several.
const ALL_DEVICES: u16 = 0;

impl Display {
    /// The counters that together say how long there was no input: that of the server, or, if one of the devices is to be
    /// ignored, those of all other devices. Empty if this server has none.
    pub(super) fn idle_counters(&self, ignored: &[String]) -> Result<Vec<Counter>, ReplyError> {
        let counters = self.connection.sync_list_system_counters()?.reply()?.counters;
        let named = |name: &str| {
            let mut all = counters.iter();
            all.find(|counter| counter.name == name.as_bytes())
                .map(|counter| counter.counter)
        };
        let devices = self.devices(ignored)?;
        if !devices.iter().any(|device| is_ignored(device, ignored)) {
            return Ok(named("IDLETIME").into_iter().collect());
        }
        let counted = devices.iter().filter(|device| !is_ignored(device, ignored));
        Ok(counted
            .filter_map(|device| named(&format!("DEVICEIDLETIME {}", device.deviceid)))
            .collect())
    }

    /// The devices that input comes from, and a promise that the server reports when there are others.
    fn devices(&self, ignored: &[String]) -> Result<Vec<XIDeviceInfo>, ReplyError> {
        let extension = self
            .connection
            .extension_information(xinput::X11_EXTENSION_NAME)?;
        if ignored.is_empty() || extension.is_none() {
            return Ok(Vec::new());
        }
        self.connection.xinput_xi_query_version(2, 0)?.reply()?;
        let changes = xinput::EventMask {
            deviceid: ALL_DEVICES,
            mask: vec![XIEventMask::HIERARCHY],
        };
        self.connection
            .xinput_xi_select_events(self.root, &[changes])?
            .check()?;
        let mut devices = self
            .connection
            .xinput_xi_query_device(ALL_DEVICES)?
            .reply()?
            .infos;
        // The others stand for several devices.
        let real = [
            DeviceType::SLAVE_POINTER,
            DeviceType::SLAVE_KEYBOARD,
            DeviceType::FLOATING_SLAVE,
        ];
        devices.retain(|device| real.contains(&device.type_));
        Ok(devices)
    }
}

/// A device is ignored if its name contains one of these texts, in small or capital letters.
fn is_ignored(device: &XIDeviceInfo, ignored: &[String]) -> bool {
    let name = String::from_utf8_lossy(&device.name).to_lowercase();
    ignored.iter().any(|part| name.contains(&part.to_lowercase()))
}
