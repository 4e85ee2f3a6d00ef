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

/// KWin knows each script of ours by this and the name of the connection that it calls, so that several processes can watch. The file
/// of a script is called the same.
const PREFIX: &str = "timberline-window-";
const SCRIPT: &str = include_str!("script.js");

/// The script in KWin. It is unloaded when this is dropped.
#[derive(Debug)]
pub(super) struct Loaded {
    /// `None` once there is nothing to unload.
    connection: Option<Connection>,
    plugin: String,
    file: PathBuf,
}

impl Loaded {
    /// Whether KWin still has the script.
    pub(super) async fn check(&self, bus: &BusQueue) -> Result<(), Lost> {
        let plugin = self.plugin.as_str();
        let has = bus.call::<_, bool>(SCRIPTING, "isScriptLoaded", &plugin);
        if has.await.map_err(|error| bus.lost(&error))? {
            return Ok(());
        }
        Err(Lost::Ended(
            "KWin no longer runs Timberline's script: another program has unloaded it".to_owned(),
        ))
    }

    /// KWin has gone, and the script with it.
    pub(super) fn has_gone(mut self) {
        self.connection = None;
    }
}

/// Loads the script and runs it.
pub(super) async fn load(bus: &BusQueue, folder: &Path) -> Result<Loaded, Lost> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Lost::Ended(format!("KWin does not run Timberline's script ({what}): {error}"))
    };
    let service = bus.connection.unique_name().map_or("", |name| name.as_str());
    let plugin = format!("{PREFIX}{}", service.trim_start_matches(':'));
    let file = folder.join(format!("{plugin}.js"));
    write(&file, &SCRIPT.replace("SERVICE", service))
        .map_err(|error| failed(&file.display().to_string(), &error))?;
    unload(bus, &plugin)
        .await
        .map_err(|error| failed("unloadScript", &error))?;
    let loaded = Loaded {
        connection: Some(bus.connection.clone()),
        plugin,
        file,
    };
    let path = loaded.file.to_string_lossy();
    let number: i32 = bus
        .call(SCRIPTING, "loadScript", &(&*path, loaded.plugin.as_str()))
        .await
        .map_err(|error| failed("loadScript", &error))?;
    run(bus, number).await.map_err(|error| failed("run", &error))?;
    Ok(loaded)
}

async fn unload(bus: &BusQueue, plugin: &str) -> zbus::Result<bool> {
    bus.call(SCRIPTING, "unloadScript", &plugin).await
}

/// Unloads the scripts of processes that have ended without doing so. Their files are still there.
pub(super) async fn unload_left_behind(bus: &BusQueue, folder: &Path) {
    let files = fs::read_dir(folder).into_iter().flatten().flatten();
    for file in files.map(|entry| entry.path()) {
        let name = file.file_name().and_then(|name| name.to_str());
        let Some(plugin) = name.and_then(|name| name.strip_suffix(".js")) else {
            continue;
        };
        let Some(service) = plugin.strip_prefix(PREFIX) else {
            continue;
        };
        if !service.chars().all(|char| char.is_ascii_digit() || char == '.') {
            continue;
        }
        if matches!(bus.is_there(&format!(":{service}")).await, Ok(false))
            && unload(bus, plugin).await.is_ok()
        {
            let _ = fs::remove_file(file);
        }
    }
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
        let Some(connection) = self.connection.take() else {
            let _ = fs::remove_file(&self.file);
            return;
        };
        // Nobody can wait here. If the process ends before this is done, the file is still there, and the next process unloads the
        // script.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (plugin, file) = (std::mem::take(&mut self.plugin), std::mem::take(&mut self.file));
            runtime.spawn(async move {
                let (service, interface) = (Some(SCRIPTING.service), Some(SCRIPTING.interface));
                let unloaded = connection
                    .call_method(service, SCRIPTING.path, interface, "unloadScript", &plugin)
                    .await;
                match unloaded {
                    Ok(_) => drop(fs::remove_file(file)),
                    Err(error) => tracing::debug!(%error, "KWin does not unload Timberline's script"),
                }
            });
        }
    }
}
