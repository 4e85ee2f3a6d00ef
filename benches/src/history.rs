//! Years of someone's days, made up but shaped like real ones, and kept for the next run.
//!
//! A day's events depend on its date alone, so a shorter history is the tail of every longer one. In a day are some
//! 3,100 events of windows, 80 of afk, and 1,470 each of a browser and an editor, in forty spells with breaks between
//! them; in a year some forty thousand distinct window titles, most of which are seen once, and a few all day.

use std::path::{Path, PathBuf};

use timberline_model::{Bucket, Data, Duration, NewEvent, Timestamp};
use timberline_views::{Store, StoreOptions};

/// Part of the directory's name, so that data of another shape are not taken for these. To be changed with the shape.
const SHAPE: &str = "1";

/// The day after the last one, in days since 1970: 2026-07-01.
const END_DAY: i64 = 20_635;
const DAY: i64 = 86_400_000;
const HOUR: i64 = 3_600_000;

/// Spells of work in a day, from eight in the morning; each with a break after it.
const SPELLS: i64 = 40;
const SPELL: i64 = 12 * 60_000;
const BREAK: i64 = 6 * 60_000;

/// Titles that come again; the first of them most often.
const KNOWN_TITLES: u64 = 600;
const SITES: u64 = 300;
const FILES: u64 = 1_500;
const PROJECTS: u64 = 25;

/// The buckets, in the order of [`Day`]'s lists: id and type.
pub const BUCKETS: [(&str, &str); 4] = [
    ("aw-watcher-window_bench", "currentwindow"),
    ("aw-watcher-afk_bench", "afkstatus"),
    ("aw-watcher-web-chrome_bench", "web.tab.current"),
    ("aw-watcher-vscode_bench", "app.editor.activity"),
];

const OTHER_APPS: [&str; 12] = [
    "gnome-terminal",
    "Slack",
    "Thunderbird",
    "Spotify",
    "libreoffice",
    "Evince",
    "Telegram",
    "GIMP",
    "Nautilus",
    "vlc",
    "Minecraft",
    "aw-qt",
];
const TOPICS: [&str; 16] = [
    "release notes",
    "GitHub issue",
    "weekly report",
    "YouTube mix",
    "Stack Overflow question",
    "travel plan",
    "invoice",
    "reddit thread",
    "design review",
    "Gmail inbox",
    "Google Docs draft",
    "recipe",
    "news",
    "bug list",
    "ActivityWatch",
    "query planner",
];
const LANGUAGES: [(&str, &str); 6] = [
    ("rust", "rs"),
    ("python", "py"),
    ("typescript", "ts"),
    ("markdown", "md"),
    ("toml", "toml"),
    ("sql", "sql"),
];

/// A day's events: start and duration in milliseconds, and data.
pub type Events = Vec<(i64, i64, String)>;

/// The end of the last day.
#[must_use]
pub fn end() -> Timestamp {
    Timestamp::from_nanos(END_DAY * DAY * 1_000_000)
}

/// The directory with a store of so many days, which is made if it is not there yet.
///
/// # Panics
/// When it cannot be made: a benchmark needs data.
#[must_use]
#[allow(clippy::expect_used)]
pub fn history(days: i64) -> PathBuf {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/bench-data");
    let wanted = all.join(format!("history-{SHAPE}-{days}-days"));
    if wanted.exists() {
        return wanted;
    }
    eprintln!("making {}", wanted.display());
    std::fs::create_dir_all(&all).expect("a directory for the data");
    // Under another name until it is complete.
    let unfinished = tempfile::tempdir_in(&all).expect("a directory for the data");
    fill(unfinished.path(), days);
    if let Err(error) = std::fs::rename(unfinished.path(), &wanted) {
        assert!(wanted.exists(), "cannot keep the data: {error}");
    }
    wanted
}

#[allow(clippy::expect_used)]
fn fill(dir: &Path, days: i64) {
    let (store, _) = Store::open(dir, StoreOptions::default()).expect("a fresh directory opens");
    for (id, type_) in BUCKETS {
        let bucket = Bucket {
            id: id.into(),
            type_: type_.into(),
            client: "bench".into(),
            hostname: "bench".into(),
            created: end(),
            data: Data::default(),
            last_updated: None,
        };
        store.create_bucket(&bucket).expect("a bucket can be made");
    }
    for date in END_DAY - days..END_DAY {
        for ((id, _), events) in BUCKETS.iter().zip(Day::of(date).lists()) {
            let event = |(start, duration, data): &(i64, i64, String)| NewEvent {
                id: None,
                start: Timestamp::from_nanos(start * 1_000_000),
                duration: Duration::from_nanos(duration * 1_000_000),
                data: data.clone().into(),
            };
            let events: Vec<NewEvent<'_>> = events.iter().map(event).collect();
            store.wait_for_room(id);
            store.insert_events(id, &events).expect("is stored");
        }
    }
    store.compact().expect("compacts");
    store.close().expect("closes");
}

/// The events of a day.
#[derive(Debug, Default)]
pub struct Day {
    window: Events,
    afk: Events,
    web: Events,
    editor: Events,
}

/// What a day is made with.
struct Maker {
    chance: Chance,
    /// Tabs that are open.
    tabs: u64,
    day: Day,
}

impl Day {
    /// The day so many days after 1970-01-01.
    #[must_use]
    pub fn of(date: i64) -> Day {
        let mut maker = Maker {
            chance: Chance(u64::from_ne_bytes(date.to_ne_bytes()).wrapping_mul(0x9e37_79b9)),
            tabs: 8,
            day: Day::default(),
        };
        let mut at = date * DAY + 8 * HOUR;
        for _ in 0..SPELLS {
            let worked = maker.chance.around(SPELL);
            maker.spell(at, worked);
            let rested = maker.chance.around(BREAK);
            let afk = &mut maker.day.afk;
            afk.push((at, worked, r#"{"status":"not-afk"}"#.to_owned()));
            afk.push((at + worked, rested, r#"{"status":"afk"}"#.to_owned()));
            at += worked + rested;
        }
        maker.day
    }

    /// In the order of [`BUCKETS`].
    #[must_use]
    pub fn lists(&self) -> [&Events; 4] {
        [&self.window, &self.afk, &self.web, &self.editor]
    }
}

impl Maker {
    /// Windows, one after the other.
    fn spell(&mut self, from: i64, length: i64) {
        let mut at = from;
        while at < from + length {
            let stays = self.chance.around(9_300).min(from + length - at);
            match self.chance.below(100) {
                0..40 => self.browser(at, stays),
                40..80 => self.editor(at, stays),
                _ => {
                    let app = OTHER_APPS[self.chance.crowded(OTHER_APPS.len() as u64) as usize];
                    let (_, title) = self.title();
                    self.window(at, stays, app, &title);
                }
            }
            at += stays + 1;
        }
    }

    fn window(&mut self, at: i64, stays: i64, app: &str, title: &str) {
        let data = format!(r#"{{"app":"{app}","title":"{title}"}}"#);
        self.day.window.push((at, stays, data));
    }

    /// A window of the browser, in which one or two pages are read.
    fn browser(&mut self, at: i64, stays: i64) {
        let pages = 1 + i64::from(self.chance.below(100) < 19);
        for page in 0..pages {
            let (number, title) = self.title();
            if page == 0 {
                self.window(at, stays, "Google-chrome", &format!("{title} - Google Chrome"));
            }
            if self.chance.below(30) == 0 {
                self.tabs = 1 + self.chance.below(20);
            }
            let (site, path, audible) = (number % SITES, number / SITES, number % 12 == 3);
            let data = format!(
                r#"{{"audible":{audible},"incognito":false,"tabCount":{},"title":"{title}","url":"https://www.site-{site}.example/page/{path}"}}"#,
                self.tabs
            );
            let length = stays / pages;
            self.day.web.push((at + page * length, length, data));
        }
    }

    /// A window of the editor, in which one or two files are worked on.
    fn editor(&mut self, at: i64, stays: i64) {
        let files = 1 + i64::from(self.chance.below(100) < 19);
        for turn in 0..files {
            let file = self.chance.crowded(FILES);
            let (language, extension) = LANGUAGES[(file % LANGUAGES.len() as u64) as usize];
            let project = file % PROJECTS;
            let length = stays / files;
            if turn == 0 {
                let title = format!("file_{file}.{extension} - project-{project} - Visual Studio Code");
                self.window(at, stays, "Code", &title);
            }
            let data = format!(
                r#"{{"file":"/home/ann/project-{project}/src/file_{file}.{extension}","language":"{language}","project":"/home/ann/project-{project}"}}"#
            );
            self.day.editor.push((at + turn * length, length, data));
        }
    }

    /// A title and its number. Most are known; one in twenty has never been seen before.
    fn title(&mut self) -> (u64, String) {
        let mut number = self.chance.crowded(KNOWN_TITLES);
        if self.chance.below(1_000) < 50 {
            number = KNOWN_TITLES + self.chance.next() % 1_000_000_000;
        }
        let topic = TOPICS[(number % TOPICS.len() as u64) as usize];
        (number, format!("{topic} {number}"))
    }
}

/// Chance, the same each time: the splitmix64 sequence.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Less than `bound`, each as likely.
    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Less than `bound`, the lower the more likely: popular things are very popular.
    fn crowded(&mut self, bound: u64) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (unit.powi(4) * bound as f64) as u64
    }

    /// More than 0, with this mean; mostly less, at times four times as much.
    fn around(&mut self, mean: i64) -> i64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        1 + (mean as f64 * (0.25 + 3.0 * unit.powi(3))) as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn days_are_as_full_as_real_ones_and_do_not_overlap() {
        let days: Vec<Day> = (END_DAY - 30..END_DAY).map(Day::of).collect();
        let mean = |list: usize| days.iter().map(|day| day.lists()[list].len()).sum::<usize>() / days.len();
        for (list, expected) in [(0, 3_100), (1, 80), (2, 1_470), (3, 1_470)] {
            let mean = mean(list);
            let near = expected * 9 / 10..=expected * 11 / 10;
            assert!(
                near.contains(&mean),
                "{}: {mean}, not {expected}",
                BUCKETS[list].0
            );
        }
        for pair in days.windows(2) {
            let end_of = |day: &Day| day.afk.last().map(|(start, duration, _)| start + duration);
            assert!(end_of(&pair[0]) < pair[1].afk.first().map(|first| first.0));
        }
    }

    #[test]
    fn a_year_has_some_forty_thousand_titles() {
        let mut titles = HashSet::new();
        for date in END_DAY - 365..END_DAY {
            titles.extend(Day::of(date).window.into_iter().map(|(_, _, data)| data));
        }
        assert!((36_000..50_000).contains(&titles.len()), "{}", titles.len());
    }

    #[test]
    fn a_day_is_the_same_each_time() {
        assert_eq!(Day::of(END_DAY - 1).lists(), Day::of(END_DAY - 1).lists());
        assert_ne!(
            Day::of(END_DAY - 1).window.len(),
            Day::of(END_DAY - 2).window.len()
        );
    }
}
