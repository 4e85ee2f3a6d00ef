//! Loading and unloading our script in KWin.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zbus::Connection;

use crate::desktop::Lost;
use crate::desktop::bus_queue::{BusQueue, Target};

pub(super) const KWIN: &str = "org.kde.KWin";
const SCRIPTING: Target<'static> = Target {
    service: KWIN,
    path: "/Scripting",
    interface: "org.kde.kwin.Scripting",
};

/// What KWin knows our script by.
const PLUGIN: &str = "timberline-window";
const SCRIPT: &str = include_str!("script.js");

/// The script in KWin. It is unloaded when this is dropped.
#[derive(Debug)]
pub(super) struct Loaded {
    /// `None` once there is nothing to unload.
    connection: Option<Connection>,
    file: PathBuf,
}

impl Loaded {
    /// KWin has gone, and the script with it.
    pub(super) fn has_gone(mut self) {
        self.connection = None;
    }
}

/// Loads the script and runs it. One that a former process left behind is replaced.
pub(super) async fn load(bus: &BusQueue, folder: &Path) -> Result<Loaded, Lost> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Lost::Ended(format!("KWin does not run Timberline's script ({what}): {error}"))
    };
    let service = bus.connection.unique_name().map_or("", |name| name.as_str());
    let file = folder.join(format!("{PLUGIN}.js"));
    write(&file, &SCRIPT.replace("SERVICE", service))
        .map_err(|error| failed(&file.display().to_string(), &error))?;
    unload(bus)
        .await
        .map_err(|error| failed("unloadScript", &error))?;
    let loaded = Loaded {
        connection: Some(bus.connection.clone()),
        file,
    };
    let path = loaded.file.to_string_lossy();
    let number: i32 = bus
        .call(SCRIPTING, "loadScript", &(&*path, PLUGIN))
        .await
        .map_err(|error| failed("loadScript", &error))?;
    run(bus, number).await.map_err(|error| failed("run", &error))?;
    Ok(loaded)
}

async fn unload(bus: &BusQueue) -> zbus::Result<bool> {
    bus.call(SCRIPTING, "unloadScript", &PLUGIN).await
}

/// KWin 6 has the script at one place, KWin 5.27 at another.
async fn run(bus: &BusQueue, number: i32) -> zbus::Result<()> {
    let at = |path| Target {
        service: KWIN,
        path,
        interface: "org.kde.kwin.Script",
    };
    let (new, old) = (format!("/Scripting/Script{number}"), format!("/{number}"));
    if bus.call::<_, ()>(at(&new), "run", &()).await.is_ok() {
        return Ok(());
    }
    bus.call(at(&old), "run", &()).await
}

/// The folder belongs to the person alone, so nobody else can put another script there.
fn write(file: &Path, script: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, script)
}

impl Drop for Loaded {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.file);
        // Nobody can wait here. What this does not reach, because the process ends, the next process unloads.
        if let Some(connection) = self.connection.take()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                let (service, interface) = (Some(SCRIPTING.service), Some(SCRIPTING.interface));
                let unloaded = connection
                    .call_method(service, SCRIPTING.path, interface, "unloadScript", &PLUGIN)
                    .await;
                if let Err(error) = unloaded {
                    tracing::debug!(%error, "KWin does not unload Timberline's script");
                }
            });
        }
    }
}
