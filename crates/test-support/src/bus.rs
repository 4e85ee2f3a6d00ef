//! A message bus that only one test uses.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// A session bus, which ends with this.
pub struct PrivateBus {
    daemon: Child,
    /// Where it is.
    pub address: String,
}

impl PrivateBus {
    /// Starts it.
    ///
    /// # Panics
    /// When `dbus-daemon` is not installed.
    #[must_use]
    pub fn start() -> PrivateBus {
        let mut daemon = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--nopidfile", "--print-address"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon");
        let mut address = String::new();
        let output = daemon.stdout.take().expect("its output");
        BufReader::new(output)
            .read_line(&mut address)
            .expect("an address");
        PrivateBus {
            daemon,
            address: address.trim().to_owned(),
        }
    }
}

impl Drop for PrivateBus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}
