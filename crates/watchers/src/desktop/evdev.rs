//! How much the devices in `/dev/input` are used.
//!
//! Who may read them can read all keys that are pressed, so the person has to allow it. Keys are counted here and go nowhere else.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use rustix::fs::OFlags;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use rustix::io::Errno;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::{Counts, Lost, Reports, Source, Watching};

const DIRECTORY: &str = "/dev/input";

/// The source `evdev`: what the devices count together.
#[derive(Debug)]
pub struct Evdev {
    /// Whether the person allows it.
    pub allowed: bool,
}

impl Source<Counts> for Evdev {
    fn name(&self) -> &'static str {
        "evdev"
    }

    fn watch(&mut self, reports: Reports<Counts>) -> Watching<'_> {
        let allowed = self.allowed;
        Box::pin(async move {
            if !allowed {
                return Lost::Missing(
                    "not allowed: with 'evdev = true' in the section [watchers.input] the devices are read"
                        .to_owned(),
                );
            }
            let lost = listen(&reports).await;
            lost.unwrap_or_else(|error| Lost::Ended(format!("{DIRECTORY} cannot be read: {error}")))
        })
    }
}

async fn listen(reports: &Reports<Counts>) -> io::Result<Lost> {
    let notices = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
    match inotify::add_watch(&notices, DIRECTORY, WatchFlags::CREATE | WatchFlags::ATTRIB) {
        Err(Errno::NOENT) => return Ok(Lost::Missing(format!("there is no {DIRECTORY}"))),
        added => added?,
    };
    let notices = asynchronous(notices)?;
    let (to, mut counted) = mpsc::unbounded_channel();
    let mut known = Vec::new();
    let mut devices = JoinSet::new();
    let mut total = Counts::default();
    loop {
        open_new(&mut known, &mut devices, &to)?;
        if devices.is_empty() {
            return Ok(Lost::Missing(format!(
                "no device in {DIRECTORY} may be read: add yourself to the group 'input' and log in again"
            )));
        }
        reports.send(total);
        loop {
            tokio::select! {
                Some(counts) = counted.recv() => {
                    total = total.plus(counts);
                    reports.send(total);
                }
                Some(gone) = devices.join_next() => {
                    known.retain(|path| gone.as_ref().ok() != Some(path));
                    break;
                }
                ready = notices.readable() => {
                    ready?.clear_ready();
                    while matches!(rustix::io::read(notices.get_ref(), &mut [0_u8; 4096]), Ok(1..)) {}
                    break;
                }
            }
        }
    }
}

/// Opens the devices that may be read and are not open yet.
fn open_new(
    known: &mut Vec<PathBuf>,
    devices: &mut JoinSet<PathBuf>,
    to: &mpsc::UnboundedSender<Counts>,
) -> io::Result<()> {
    for entry in fs::read_dir(DIRECTORY)?.filter_map(Result::ok) {
        let path = entry.path();
        let is_event = entry.file_name().to_string_lossy().starts_with("event");
        if !is_event || known.contains(&path) {
            continue;
        }
        let flags = i32::try_from(OFlags::NONBLOCK.bits()).unwrap_or_default();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(&path);
        let device = match file.and_then(asynchronous) {
            Ok(device) => device,
            // Another may be readable.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => continue,
            Err(error) => {
                tracing::debug!(device = %path.display(), %error, "an input device cannot be read");
                continue;
            }
        };
        known.push(path.clone());
        let to = to.clone();
        devices.spawn(async move {
            let ended = count(&device, &to).await;
            tracing::debug!(device = %path.display(), ?ended, "an input device has gone");
            path
        });
    }
    Ok(())
}

/// Counts until the device is gone.
async fn count(device: &AsyncFd<File>, to: &mpsc::UnboundedSender<Counts>) -> io::Result<()> {
    let mut buffer = [0_u8; EVENT * 64];
    loop {
        let mut ready = device.readable().await?;
        match rustix::io::read(device.get_ref(), &mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => {
                let events = buffer.get(..length).unwrap_or_default();
                let counts = counts_of(events);
                if counts != Counts::default() && to.send(counts).is_err() {
                    return Ok(());
                }
            }
            Err(Errno::AGAIN) => ready.clear_ready(),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn asynchronous<T: std::os::fd::AsRawFd>(descriptor: T) -> io::Result<AsyncFd<T>> {
    // SAFETY: both callers pass an owned descriptor, which `AsyncFd` closes when it is dropped.
    let registered = unsafe { AsyncFd::register_with_interest(descriptor, Interest::READABLE) };
    registered.map_err(|error| error.into_parts().1)
}

/// The length of `struct input_event`: a time of two words, type, code and value.
const EVENT: usize = 2 * size_of::<usize>() + 8;

const EV_KEY: u16 = 1;
const EV_REL: u16 = 2;
const PRESSED: i32 = 1;
const REL_X: u16 = 0;
const REL_Y: u16 = 1;
const REL_HWHEEL: u16 = 6;
const REL_WHEEL: u16 = 8;

/// The codes of buttons of mice; `BTN_TOUCH` and others of touch pads are no clicks.
const BUTTONS: std::ops::Range<u16> = 0x110..0x118;

/// The codes from `BTN_MISC` to before `KEY_OK` are buttons of some kind, and all others are keys.
const NO_KEYS: std::ops::Range<u16> = 0x100..0x160;

fn counts_of(events: &[u8]) -> Counts {
    let mut counts = Counts::default();
    for event in events.chunks_exact(EVENT) {
        let Some(&[kind_a, kind_b, code_a, code_b, a, b, c, d]) = event.last_chunk::<8>() else {
            continue;
        };
        let kind = u16::from_ne_bytes([kind_a, kind_b]);
        let code = u16::from_ne_bytes([code_a, code_b]);
        let value = i32::from_ne_bytes([a, b, c, d]);
        let distance = u64::from(value.unsigned_abs());
        match (kind, code) {
            (EV_KEY, code) if value == PRESSED && BUTTONS.contains(&code) => counts.clicks += 1,
            (EV_KEY, code) if value == PRESSED && !NO_KEYS.contains(&code) => counts.presses += 1,
            (EV_REL, REL_X) => counts.delta_x += distance,
            (EV_REL, REL_Y) => counts.delta_y += distance,
            (EV_REL, REL_HWHEEL) => counts.scroll_x += distance,
            (EV_REL, REL_WHEEL) => counts.scroll_y += distance,
            _ => {}
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: u16, code: u16, value: i32) -> Vec<u8> {
        let mut event = vec![0; 2 * size_of::<usize>()];
        event.extend(kind.to_ne_bytes());
        event.extend(code.to_ne_bytes());
        event.extend(value.to_ne_bytes());
        event
    }

    #[test]
    fn presses_are_counted_and_neither_releases_nor_repeats() {
        let events = [
            event(EV_KEY, 30, 1),
            event(EV_KEY, 30, 2),
            event(EV_KEY, 30, 0),
            event(EV_KEY, 0x161, 1),
            event(EV_KEY, 0x110, 1),
            event(EV_KEY, 0x14a, 1),
            event(EV_REL, REL_X, -7),
            event(EV_REL, REL_Y, 2),
            event(EV_REL, REL_WHEEL, -1),
            event(EV_REL, REL_HWHEEL, 3),
            event(0, 0, 0),
        ];
        let counts = Counts {
            presses: 2,
            clicks: 1,
            delta_x: 7,
            delta_y: 2,
            scroll_x: 3,
            scroll_y: 1,
        };
        assert_eq!(counts_of(&events.concat()), counts);
    }
}
