//! Which programs have a camera open.
//!
//! The kernel reports when a device is opened or closed. Who has it open is then looked up in `/proc`, where only the person's own
//! programs can be seen.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use serde_json::Value;
use timberline_model::Data;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::{Lost, Reports, Source, Watching};
use crate::data::object;

/// A program that lists the cameras opens each of them for a moment. Only a state that lasts this long is reported.
const SETTLE: Duration = Duration::from_millis(500);

/// This program opens cameras only to list them.
const SESSION_MANAGER: &str = "wireplumber";

/// The source `video-devices`: which programs have a camera open, as the data of an event.
#[derive(Debug)]
pub struct Cameras;

impl Source<Option<Data>> for Cameras {
    fn name(&self) -> &'static str {
        "video-devices"
    }

    fn watch(&mut self, reports: Reports<Option<Data>>) -> Watching<'_> {
        Box::pin(async move {
            let lost = listen(&reports).await;
            lost.unwrap_or_else(|error| Lost::Ended(format!("cameras cannot be watched: {error}")))
        })
    }
}

async fn listen(reports: &Reports<Option<Data>>) -> io::Result<Lost> {
    let notices = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    inotify::add_watch(&notices, "/dev", WatchFlags::CREATE | WatchFlags::DELETE)?;
    // SAFETY: the descriptor is owned by nothing else, and `AsyncFd` closes it when it is dropped.
    let notices = unsafe { AsyncFd::register_with_interest(notices, Interest::READABLE) };
    let notices = notices.map_err(|error| error.into_parts().1)?;
    let mut reported = None;
    loop {
        let devices = devices()?;
        if devices.is_empty() {
            return Ok(Lost::Missing("there is no camera".to_owned()));
        }
        for device in &devices {
            let flags = WatchFlags::OPEN | WatchFlags::CLOSE;
            // A device that has just gone is found gone with the next notice.
            let _ = inotify::add_watch(notices.get_ref(), device, flags);
        }
        let programs = tokio::task::spawn_blocking(move || programs_with(&devices));
        let programs = programs.await.map_err(io::Error::other)?;
        if reported.as_ref() != Some(&programs) {
            reports.send(data(&programs));
            reported = Some(programs);
        }
        notices.readable().await?.clear_ready();
        drain(notices.get_ref())?;
        tokio::time::sleep(SETTLE).await;
        drain(notices.get_ref())?;
    }
}

/// Reads notifications without interpreting them: each one means that the devices must be checked again.
pub(super) fn drain(notices: &OwnedFd) -> io::Result<()> {
    let mut buffer = [0_u8; 4096];
    loop {
        match rustix::io::read(notices, &mut buffer) {
            Ok(0) | Err(Errno::AGAIN) => return Ok(()),
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn devices() -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir("/dev")?.filter_map(Result::ok);
    let paths = entries.map(|entry| entry.path());
    Ok(paths.filter(|path| is_camera(path)).collect())
}

fn is_camera(path: &Path) -> bool {
    path.to_str().is_some_and(|path| path.starts_with("/dev/video"))
}

fn programs_with(devices: &[PathBuf]) -> BTreeSet<String> {
    let processes = fs::read_dir("/proc").into_iter().flatten().filter_map(Result::ok);
    let has_one = |process: &PathBuf| {
        let files = fs::read_dir(process.join("fd")).into_iter().flatten();
        let mut targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
        targets.any(|target| devices.contains(&target))
    };
    let name = |process: PathBuf| fs::read_to_string(process.join("comm")).ok();
    let programs = processes
        .map(|process| process.path())
        .filter(has_one)
        .filter_map(name);
    let programs = programs.map(|name| name.trim().to_owned());
    programs.filter(|name| name != SESSION_MANAGER).collect()
}

fn data(programs: &BTreeSet<String>) -> Option<Data> {
    let programs = || programs.iter().cloned().collect::<Vec<_>>();
    (!programs().is_empty()).then(|| object([("apps", Some(Value::from(programs())))]))
}
