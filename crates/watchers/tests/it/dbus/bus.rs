//! A message bus that only the test uses.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use timberline_watchers::desktop::Session;
use zbus::connection::Builder;

const CONFIGURATION: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:dir=FOLDER</listen>
  <servicedir>FOLDER/services</servicedir>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// A bus, which ends with this.
pub(crate) struct Bus {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) address: String,
    daemon: Child,
}

impl Bus {
    /// `None` where there is no bus to start; then it says so. `make test` installs it.
    pub(crate) fn start() -> Option<Bus> {
        let folder = tempfile::tempdir().expect("a folder");
        let configuration = folder.path().join("bus.conf");
        // Services that the bus would start.
        std::fs::create_dir(folder.path().join("services")).expect("a folder");
        let text = CONFIGURATION.replace("FOLDER", &folder.path().display().to_string());
        std::fs::write(&configuration, text).expect("a file");
        let mut daemon = Command::new("dbus-daemon");
        daemon.arg("--config-file").arg(&configuration);
        daemon.args(["--nofork", "--nopidfile", "--print-address"]);
        let Ok(mut daemon) = daemon.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
            println!("skipped: dbus-daemon is not installed (make desktop)");
            return None;
        };
        let mut address = String::new();
        let output = daemon.stdout.as_mut().expect("a pipe");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("an address");
        Some(Bus {
            folder,
            address: address.trim().to_owned(),
            daemon,
        })
    }

    /// A session for which this is both buses.
    pub(crate) fn session(&self) -> Arc<Session> {
        let variables = [
            ("DBUS_SESSION_BUS_ADDRESS", self.address.clone()),
            ("DBUS_SYSTEM_BUS_ADDRESS", self.address.clone()),
            ("XDG_RUNTIME_DIR", self.folder.path().display().to_string()),
            ("XDG_SESSION_ID", "7".to_owned()),
        ];
        Arc::new(Session::from_environment(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        }))
    }

    /// A service of the test's begins with this.
    pub(crate) fn service(&self) -> Builder<'static> {
        Builder::address(self.address.as_str())
    }

    pub(crate) fn kill(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A session without any bus.
pub(crate) fn no_bus() -> Arc<Session> {
    Arc::new(Session::from_environment(|name| {
        // Otherwise the bus of the system that the test runs on.
        (name == "DBUS_SYSTEM_BUS_ADDRESS").then(|| "unix:path=/nonexistent/bus".into())
    }))
}

/// Waits until the bus has passed on everything that was sent on this connection, so that what others send comes later.
pub(crate) async fn settle(connection: &zbus::Connection) {
    let bus = "org.freedesktop.DBus";
    let answer = connection.call_method(Some(bus), "/org/freedesktop/DBus", Some(bus), "GetId", &());
    answer.await.unwrap();
}
