//! The sources of KWin and GNOME Shell with the real ones. They take half a gigabyte, so only `make desktops` installs them and
//! runs these tests.

mod gnome;
mod kwin;
mod window;

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use timberline_test_support::PATIENCE;
use timberline_watchers::desktop::Sighting;
use zbus::Connection;

use crate::dbus::bus::Bus;
use crate::watched::Watched;

/// A program, which ends with this. If the test fails, what the program has logged is printed.
struct Program {
    child: Child,
    log: Option<PathBuf>,
}

impl Program {
    fn start(command: &mut Command) -> io::Result<Program> {
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        Ok(Program { child, log: None })
    }

    fn start_with_log(command: &mut Command, log: PathBuf) -> io::Result<Program> {
        let child = command
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()?;
        Ok(Program {
            child,
            log: Some(log),
        })
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let ended = self.child.wait();
        if let Some(log) = self.log.as_ref().filter(|_| std::thread::panicking()) {
            let text = fs::read_to_string(log).unwrap_or_default();
            println!("{} ({ended:?}):\n{text}", log.display());
        }
    }
}

/// What can be expected of every desktop: program, title, whether it fills the screen, and the process, which is this one.
fn window(app: &str, title: &str, full_screen: bool) -> Option<(String, String, Option<bool>, Option<u32>)> {
    let pid = std::process::id();
    Some((app.to_owned(), title.to_owned(), Some(full_screen), Some(pid)))
}

/// The next report, as far as it can be expected.
async fn next(
    watched: &mut Watched<Option<Sighting>>,
) -> Option<(String, String, Option<bool>, Option<u32>)> {
    let sighting = watched.next().await?;
    let front = sighting.front;
    Some((front.app, front.title, sighting.full_screen, sighting.pid))
}

/// Waits for what is wanted. A window that opens may have no name yet.
async fn until(
    watched: &mut Watched<Option<Sighting>>,
    wanted: Option<(String, String, Option<bool>, Option<u32>)>,
) {
    loop {
        let report = next(watched).await;
        println!("{report:?}");
        if report == wanted {
            return;
        }
    }
}

/// Waits until somebody on the bus has this name.
async fn named(bus: &Bus, name: &str) -> Connection {
    // A service that hangs does not hold up the test.
    let connection = bus.service().method_timeout(PATIENCE).build().await.unwrap();
    let wait = async {
        loop {
            let asked = Some("org.freedesktop.DBus");
            let answer = connection.call_method(asked, "/org/freedesktop/DBus", asked, "NameHasOwner", &name);
            if answer.await.unwrap().body().deserialize::<bool>().unwrap() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect(name);
    connection
}
