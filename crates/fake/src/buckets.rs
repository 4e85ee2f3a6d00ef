//! The buckets of a plan: names and types as the deployed watchers choose them, hosts that say that they are fake, and a mark
//! in the bucket's data by which they are found again.

use timberline_model::Data;

use crate::plan::Profile;

/// The hosts.
const HOSTS: [&str; 2] = ["fake-laptop", "fake-desktop"];

/// A program that records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Watcher {
    Window,
    Afk,
    Web,
    Editor,
    Music,
    Calendar,
    Stopwatch,
}

impl Watcher {
    const ALL: [Self; 7] = [
        Self::Window,
        Self::Afk,
        Self::Web,
        Self::Editor,
        Self::Music,
        Self::Calendar,
        Self::Stopwatch,
    ];

    /// Whether it runs on a device. Appointments and the stopwatch are the person's: the first device has them.
    fn runs_on(self, device: u32, profile: Profile) -> bool {
        match self {
            Self::Calendar | Self::Stopwatch => device == 0,
            Self::Editor => device == 0 && profile != Profile::Manager,
            _ => true,
        }
    }

    /// The bucket's id up to its host, its type and its client.
    fn names(self, device: u32) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Window => ("aw-watcher-window", "currentwindow", "aw-watcher-window"),
            Self::Afk => ("aw-watcher-afk", "afkstatus", "aw-watcher-afk"),
            Self::Web if device == 0 => ("aw-watcher-web-chrome", "web.tab.current", "aw-client-web"),
            Self::Web => ("aw-watcher-web-firefox", "web.tab.current", "aw-client-web"),
            Self::Editor => ("aw-watcher-vscode", "app.editor.activity", "aw-watcher-vscode"),
            Self::Music => ("aw-watcher-spotify", "currently-playing", "aw-watcher-spotify"),
            Self::Calendar => ("ical-import", "calendar", "aw-import-ical"),
            Self::Stopwatch => ("aw-stopwatch", "general.stopwatch", "aw-webui"),
        }
    }
}

/// A bucket to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FakeBucket {
    /// Its id.
    pub id: String,
    /// Its type.
    pub type_: &'static str,
    /// The program that would have filled it.
    pub client: &'static str,
    /// The device.
    pub hostname: &'static str,
    /// The mark, and which plan it is from.
    pub data: Data,
}

/// Whether a bucket is fake: its host and its data say so.
#[must_use]
pub fn is_fake(hostname: &str, data: &Data) -> bool {
    // Canonical text has its members in the order of their keys, without spaces, and the mark is the first key of ours.
    HOSTS.contains(&hostname) && data.as_str().starts_with("{\"fake\":true,")
}

/// Which bucket belongs to which watcher.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    places: Vec<(u32, Watcher)>,
    buckets: Vec<FakeBucket>,
}

impl Layout {
    pub(crate) fn new(devices: u32, profile: Profile, seed: u64) -> Self {
        let mark = format!(
            "{{\"fake\":true,\"profile\":\"{}\",\"seed\":\"{seed}\"}}",
            profile.name()
        );
        let data = Data::parse(&mark).unwrap_or_default();
        let mut places = Vec::new();
        let mut buckets = Vec::new();
        for (device, host) in (0..devices).zip(HOSTS) {
            for watcher in Watcher::ALL.into_iter().filter(|w| w.runs_on(device, profile)) {
                let (name, type_, client) = watcher.names(device);
                places.push((device, watcher));
                buckets.push(FakeBucket {
                    id: format!("{name}_{host}"),
                    type_,
                    client,
                    hostname: host,
                    data: data.clone(),
                });
            }
        }
        Self { places, buckets }
    }

    pub(crate) fn buckets(&self) -> &[FakeBucket] {
        &self.buckets
    }

    /// The bucket of a watcher on a device, if it runs there.
    pub(crate) fn bucket(&self, device: u32, watcher: Watcher) -> Option<usize> {
        self.places.iter().position(|place| *place == (device, watcher))
    }
}
