//! Which programs record from a sound card, as the kernel says: for systems without PipeWire.
//!
//! The kernel reports when the recording side of a card is opened or closed. Whether it runs and who has it is then read in
//! `/proc/asound`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

use super::cameras::drain;
use super::pipewire::Sound;
use super::{Lost, Reports, Source, Watching};

/// A program that looks which cards there are opens each of them for a moment. What holds for so long is reported.
const SETTLE: Duration = Duration::from_millis(500);
/// Nothing reports that an open card begins or ends to record. So it is looked at this often, but only while it is open.
const LOOK_AGAIN: Duration = Duration::from_secs(5);

/// The source `alsa`: which programs record. It does not know what is played.
#[derive(Debug)]
pub struct Alsa {
    devices: PathBuf,
    cards: PathBuf,
    processes: PathBuf,
}

/// What is known of all cards together.
#[derive(Debug, Default, PartialEq, Eq)]
struct Cards {
    recording: BTreeSet<String>,
    /// Whether one of them is open, be it that it records or not.
    is_open: bool,
}

impl Alsa {
    /// The cards of this machine.
    #[must_use]
    pub fn new() -> Alsa {
        Alsa::below(Path::new("/"))
    }

    /// The same in another directory than the root.
    #[must_use]
    pub fn below(root: &Path) -> Alsa {
        Alsa {
            devices: root.join("dev/snd"),
            cards: root.join("proc/asound"),
            processes: root.join("proc"),
        }
    }

    async fn listen(&self, reports: &Reports<Sound>) -> io::Result<Lost> {
        let notices = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
        let changes = WatchFlags::CREATE | WatchFlags::DELETE | WatchFlags::OPEN | WatchFlags::CLOSE;
        if inotify::add_watch(&notices, &self.devices, changes).is_err() {
            return Ok(Lost::Missing("there is no sound card".to_owned()));
        }
        // SAFETY: the descriptor is owned by nothing else, and `AsyncFd` closes it when it is dropped.
        let notices = unsafe { AsyncFd::register_with_interest(notices, Interest::READABLE) };
        let notices = notices.map_err(|error| error.into_parts().1)?;
        let mut reported = None;
        loop {
            let Cards { recording, is_open } = self.look();
            if reported.as_ref() != Some(&recording) {
                reports.send(Sound {
                    recording: recording.iter().cloned().collect(),
                    playing: None,
                });
                reported = Some(recording);
            }
            let change = changed(&notices);
            if is_open {
                let change = tokio::time::timeout(LOOK_AGAIN, change).await;
                change.unwrap_or(Ok(()))?;
            } else {
                change.await?;
            }
        }
    }

    fn look(&self) -> Cards {
        let mut cards = Cards::default();
        for card in entries(&self.cards, |name| name.starts_with("card")) {
            for stream in entries(&card, |name| name.starts_with("pcm") && name.ends_with('c')) {
                for part in entries(&stream, |name| name.starts_with("sub")) {
                    let status = fs::read_to_string(part.join("status")).unwrap_or_default();
                    self.note(&status, &mut cards);
                }
            }
        }
        cards
    }

    /// Takes up the status of a part of a card: `closed`, or a line for each of its properties.
    fn note(&self, status: &str, cards: &mut Cards) {
        let property = |name: &str| {
            let mut lines = status.lines().filter_map(|line| line.split_once(':'));
            lines
                .find(|(key, _)| key.trim() == name)
                .map(|(_, value)| value.trim())
        };
        let Some(state) = property("state") else { return };
        cards.is_open = true;
        if state != "RUNNING" {
            return;
        }
        let owner = property("owner_pid").and_then(|pid| pid.parse::<u32>().ok());
        let name = owner.and_then(|pid| {
            let comm = self.processes.join(pid.to_string()).join("comm");
            fs::read_to_string(comm).ok()
        });
        let name = name.map(|name| name.trim().to_owned());
        cards
            .recording
            .insert(name.unwrap_or_else(|| "unknown".to_owned()));
    }
}

impl Default for Alsa {
    fn default() -> Alsa {
        Alsa::new()
    }
}

impl Source<Sound> for Alsa {
    fn name(&self) -> &'static str {
        "alsa"
    }

    fn watch(&mut self, reports: Reports<Sound>) -> Watching<'_> {
        Box::pin(async move {
            let lost = self.listen(&reports).await;
            lost.unwrap_or_else(|error| Lost::Ended(format!("sound cards cannot be watched: {error}")))
        })
    }
}

/// Waits until a card was opened or closed, and has settled.
async fn changed(notices: &AsyncFd<OwnedFd>) -> io::Result<()> {
    notices.readable().await?.clear_ready();
    drain(notices.get_ref())?;
    tokio::time::sleep(SETTLE).await;
    drain(notices.get_ref())
}

/// What is in a directory and has such a name. What cannot be read is not there.
fn entries(directory: &Path, such: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let is_such = |path: &PathBuf| path.file_name().and_then(|name| name.to_str()).is_some_and(&such);
    paths.filter(is_such).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUNNING: &str = "state: RUNNING\nowner_pid   : 7\ntrigger_time: 12.5\ndelay       : 5\n";
    const PREPARED: &str = "state: PREPARED\nowner_pid   : 7\n";

    /// A machine with a card: 7 is a program that can record, pcm0p is the side that plays.
    fn machine(capture: &str) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for directory in [
            "dev/snd",
            "proc/7",
            "proc/asound/card0/pcm0c/sub0",
            "proc/asound/card0/pcm0p/sub0",
        ] {
            fs::create_dir_all(root.path().join(directory)).unwrap();
        }
        fs::write(root.path().join("proc/7/comm"), "arecord\n").unwrap();
        fs::write(root.path().join("proc/asound/card0/pcm0p/sub0/status"), RUNNING).unwrap();
        fs::write(root.path().join("dev/snd/pcmC0D0c"), "").unwrap();
        set(&root, capture);
        root
    }

    fn set(root: &tempfile::TempDir, capture: &str) {
        fs::write(root.path().join("proc/asound/card0/pcm0c/sub0/status"), capture).unwrap();
    }

    fn cards(recording: &[&str], is_open: bool) -> Cards {
        Cards {
            recording: recording.iter().map(|name| (*name).to_owned()).collect(),
            is_open,
        }
    }

    #[test]
    fn only_a_card_that_runs_records_and_its_owner_is_named() {
        let look = |capture: &str| Alsa::below(machine(capture).path()).look();
        assert_eq!(look("closed\n"), cards(&[], false));
        assert_eq!(look(PREPARED), cards(&[], true));
        assert_eq!(look(RUNNING), cards(&["arecord"], true));
        assert_eq!(
            look("state: RUNNING\nowner_pid   : 8\n"),
            cards(&["unknown"], true)
        );
        assert_eq!(look("state: RUNNING\n"), cards(&["unknown"], true));
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_recorded_is_reported_when_a_card_is_opened_and_closed() {
        let root = machine("closed\n");
        let (reports, mut from) = Reports::channel(std::sync::Arc::new(crate::clock::SystemClock::new()));
        let mut alsa = Alsa::below(root.path());
        tokio::spawn(async move { alsa.watch(reports).await });
        assert_eq!(from.recv().await.unwrap().report, Sound::default());
        set(&root, RUNNING);
        let device = fs::File::open(root.path().join("dev/snd/pcmC0D0c")).unwrap();
        assert_eq!(from.recv().await.unwrap().report.recording, ["arecord"]);
        set(&root, PREPARED);
        assert_eq!(
            from.recv().await.unwrap().report.recording,
            Vec::<String>::new(),
            "it is looked at again"
        );
        set(&root, RUNNING);
        assert_eq!(from.recv().await.unwrap().report.recording, ["arecord"]);
        set(&root, "closed\n");
        drop(device);
        assert_eq!(from.recv().await.unwrap().report, Sound::default());
    }

    #[tokio::test]
    async fn a_machine_without_a_card_is_missing_one() {
        let root = tempfile::tempdir().unwrap();
        let (reports, _from) = Reports::channel(std::sync::Arc::new(crate::clock::SystemClock::new()));
        let lost = Alsa::below(root.path()).watch(reports).await;
        assert!(matches!(lost, Lost::Missing(_)), "{lost:?}");
    }
}
