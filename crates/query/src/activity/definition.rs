//! What counts as a person's activity: which buckets of which devices, and how they are combined.

use timberline_views::{BucketView, Snapshot};

use super::browsers::{Browser, browsers_of};
use super::category_rules::CategoryRules;
use super::wanted::Filter;

/// See the [module](self). It is printed as a program of the query language by [`Definition::program`].
#[derive(Clone, Debug)]
pub struct Definition {
    /// Where devices were used at the same time, the earlier one of the list counts.
    pub devices: Vec<Device>,
    /// Whether only time counts in which the person was there.
    pub filter_afk: bool,
    /// Whether a browser tab in front that plays sound shows that the person is there.
    pub include_audible: bool,
    /// The bucket of the stopwatch, whose events come before all others.
    pub stopwatch: Option<String>,
    /// Windows whose app or title this pattern is found in show that the person is there. Empty for none.
    pub always_active_pattern: String,
    /// The rules of categories; without, events get no category.
    pub categories: Option<CategoryRules>,
    /// If not empty, only events of these categories count.
    pub filter_categories: Vec<Vec<String>>,
    /// Only events that pass all of these count. Lists of spans and timelines go by those of their own source, sums by all
    /// ([`Definition::crosses`]).
    pub filters: Vec<Filter>,
}

/// The buckets of a device.
#[derive(Clone, Debug)]
pub struct Device {
    /// The hostname of its buckets.
    pub hostname: String,
    /// The bucket of windows, or of a phone's apps.
    pub window: String,
    /// The bucket that says whether the person was there; phones have none, and are used whenever an app is in front.
    pub afk: Option<String>,
    /// Its browsers.
    pub(super) browsers: Vec<(&'static Browser, String)>,
    /// The buckets of its editors.
    pub editors: Vec<String>,
}

/// What an answer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// Windows and stopwatch.
    Activity,
    /// Pages of browsers whose window was in front. As in the web UI, whether or not the person was there.
    Browser,
    /// Files in editors. As in the web UI, whether or not the editor was in front.
    Editor,
}

/// Why there is no such definition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionError {
    /// A device that has no buckets to go by.
    #[error(
        "the device {0:?} has no bucket of windows; GET /api/0/buckets lists the buckets with their hostnames"
    )]
    NoDevice(String),
    /// What the query language cannot write.
    #[error("{0:?} ends with a backslash, which the query language cannot write")]
    Backslash(String),
}

impl Definition {
    /// What the standard web UI shows for these devices (hostnames), or for all that have buckets of windows: with AFK
    /// filter. For a single device audible tabs and the stopwatch count, for several they do not.
    ///
    /// # Errors
    /// [`DefinitionError`]
    pub fn of_devices(
        snapshot: &Snapshot,
        devices: Option<&[String]>,
    ) -> Result<Definition, DefinitionError> {
        let devices: Vec<Device> = match devices {
            None => {
                let mut hosts: Vec<&str> = snapshot.listed().map(|b| b.bucket().hostname.as_str()).collect();
                hosts.sort_unstable();
                hosts.dedup();
                hosts
                    .iter()
                    .filter_map(|host| Device::of(snapshot, host))
                    .collect()
            }
            Some(hosts) => hosts
                .iter()
                .map(|host| Device::of(snapshot, host).ok_or_else(|| DefinitionError::NoDevice(host.clone())))
                .collect::<Result<_, _>>()?,
        };
        let single = devices.len() == 1;
        let stopwatch = single
            .then(|| Definition::stopwatch_of(snapshot, &devices))
            .flatten();
        Ok(Definition {
            filter_afk: true,
            include_audible: single,
            stopwatch,
            always_active_pattern: String::new(),
            categories: None,
            filter_categories: Vec::new(),
            filters: Vec::new(),
            devices,
        })
    }

    /// The stopwatch of the first of these devices that has one.
    #[must_use]
    pub fn stopwatch_of(snapshot: &Snapshot, devices: &[Device]) -> Option<String> {
        let found = |device: &Device| {
            let found = ids(snapshot, &device.hostname, "general.stopwatch");
            found.first().map(|id| (*id).to_owned())
        };
        devices.iter().find_map(found)
    }

    /// Checks that it can be written as a program.
    ///
    /// # Errors
    /// [`DefinitionError::Backslash`]
    pub fn check(&self) -> Result<(), DefinitionError> {
        let devices = self.devices.iter();
        let ids = devices.flat_map(|d| {
            let browsers = d.browsers.iter().map(|(_, id)| id);
            [&d.window]
                .into_iter()
                .chain(&d.afk)
                .chain(browsers)
                .chain(&d.editors)
        });
        let texts = ids.chain(&self.stopwatch).chain([&self.always_active_pattern]);
        let names = self.filter_categories.iter().flatten();
        match texts.chain(names).find(|text| text.ends_with('\\')) {
            Some(text) => Err(DefinitionError::Backslash(text.clone())),
            None => Ok(()),
        }
    }
}

impl Device {
    /// The buckets of a hostname, as the web UI chooses them: the first of each type; of browsers, editors and the stopwatch
    /// those of the hostname `unknown` if it has none itself.
    fn of(snapshot: &Snapshot, hostname: &str) -> Option<Device> {
        let windows = of_host(snapshot, hostname, "currentwindow");
        let (phone, desktop): (Vec<&str>, Vec<&str>) = windows
            .into_iter()
            .partition(|id| id.starts_with("aw-watcher-android"));
        let afk = of_host(snapshot, hostname, "afkstatus")
            .first()
            .map(|id| (*id).to_owned());
        let (window, afk) = match (desktop.first(), afk) {
            (Some(window), afk) => ((*window).to_owned(), afk),
            (None, _) => {
                let screen_time = of_host(snapshot, hostname, "app");
                let screen_time = screen_time
                    .into_iter()
                    .find(|id| id.starts_with("aw-import-screentime"));
                (screen_time.or(phone.first().copied())?.to_owned(), None)
            }
        };
        Some(Device {
            hostname: hostname.to_owned(),
            window,
            afk,
            browsers: browsers_of(&ids(snapshot, hostname, "web.tab.current")),
            editors: ids(snapshot, hostname, "app.editor.activity")
                .into_iter()
                .map(str::to_owned)
                .collect(),
        })
    }
}

/// The buckets of a host and type, or else those of the host `unknown`.
fn ids<'a>(snapshot: &'a Snapshot, hostname: &str, kind: &str) -> Vec<&'a str> {
    let own = of_host(snapshot, hostname, kind);
    if own.is_empty() {
        of_host(snapshot, "unknown", kind)
    } else {
        own
    }
}

fn of_host<'a>(snapshot: &'a Snapshot, hostname: &str, kind: &str) -> Vec<&'a str> {
    let fits = |view: &&BucketView| view.bucket().hostname == hostname && view.bucket().type_ == kind;
    snapshot
        .listed()
        .filter(fits)
        .map(|view| view.bucket().id.as_str())
        .collect()
}
