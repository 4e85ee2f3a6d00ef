//! The windows that each activity shows: one *shot* after the other.
//!
//! | file | what it shows |
//! |---|---|
//! | `code` | editors, terminals, reviews, documentation |
//! | `office` | mail, chat, documents, tickets, calls |
//! | `leisure` | everything else |

mod code;
mod leisure;
mod office;

use crate::activity::Activity;
use crate::day::{Day, Millis, SECOND};
use crate::plan::{Plan, Profile};
use crate::random::Random;
use crate::words::{self, Project};

/// A window that is in front for a while.
#[derive(Clone, Debug)]
pub(crate) struct Shot {
    pub(crate) app: &'static str,
    pub(crate) title: String,
    pub(crate) length: Millis,
    /// What the browser shows, if it is one.
    pub(crate) page: Option<Page>,
    /// What the editor has open, if it is one.
    pub(crate) source: Option<Source>,
    /// Whether one only looks at it.
    pub(crate) quiet: bool,
}

/// A page in a browser.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    pub(crate) title: String,
    pub(crate) url: String,
    pub(crate) audible: bool,
    pub(crate) incognito: bool,
    pub(crate) tabs: i64,
}

/// A file in an editor.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) file: String,
    pub(crate) project: &'static str,
    pub(crate) language: &'static str,
}

/// A device and its day, as far as windows show them.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    profile: Profile,
    device: u32,
    /// The project of the week, and the one beside it.
    main: Project,
    side: Project,
    /// The one that is being worked on.
    project: Project,
    tabs: i64,
}

impl Place {
    pub(crate) fn new(plan: &Plan, day: &Day, device: u32) -> Self {
        let projects = words::projects(plan.profile);
        let mut random = day.week_random();
        let (main, side) = (random.pick(projects), random.pick(projects));
        Self {
            profile: plan.profile,
            device,
            main,
            side,
            project: main,
            tabs: random.between(3, 30),
        }
    }

    pub(crate) fn profile(&self) -> Profile {
        self.profile
    }

    /// A new activity: which project is it about?
    pub(crate) fn begin(&mut self, random: &mut Random) {
        self.project = if random.chance(750) { self.main } else { self.side };
        self.tabs = (self.tabs + random.between(-3, 4)).clamp(1, 60);
    }

    /// The next window.
    pub(crate) fn shot(&self, random: &mut Random, activity: Activity) -> Shot {
        match activity {
            Activity::Coding => code::coding(self, random),
            Activity::Review => code::review(self, random),
            Activity::Reading => code::reading(self, random),
            Activity::Mail => office::mail(self, random),
            Activity::Chat => office::chat(self, random),
            Activity::Documents => office::documents(self, random),
            Activity::Slides => office::slides(random),
            Activity::Tables => office::tables(random),
            Activity::Tickets => office::tickets(self, random),
            Activity::Papers => office::papers(self, random),
            Activity::Drawing => leisure::drawing(random),
            Activity::News => leisure::news(self, random),
            Activity::Social => leisure::social(self, random),
            Activity::Video => leisure::video(self, random),
            Activity::Game => leisure::game(random),
            Activity::Shopping => leisure::shopping(self, random),
            Activity::Photos => leisure::photos(random),
        }
    }

    /// The window of a call.
    pub(crate) fn call(&self, random: &mut Random, title: &str) -> Shot {
        office::call(self, random, title)
    }

    /// A page in this device's browser, which puts its name behind the title.
    fn browse(&self, title: &str, url: &str, length: Millis) -> Shot {
        let (app, name) = match self.device {
            0 => ("Google-chrome", "Google Chrome"),
            _ => ("firefox", "Mozilla Firefox"),
        };
        let page = Page {
            title: title.to_owned(),
            url: url.to_owned(),
            audible: false,
            incognito: false,
            tabs: self.tabs,
        };
        Shot {
            page: Some(page),
            ..window(app, &format!("{title} - {name}"), length)
        }
    }
}

/// A window of a program that is no browser and no editor.
fn window(app: &'static str, title: &str, length: Millis) -> Shot {
    Shot {
        app,
        title: title.to_owned(),
        length,
        page: None,
        source: None,
        quiet: false,
    }
}

/// A few seconds, mostly; rarely up to `most`.
fn glance(random: &mut Random, most: i64) -> Millis {
    random.skewed(2 * SECOND, most * SECOND)
}

/// A text as a part of an address: `how-to-sort-a-list`.
fn slug(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.ends_with('-') && !out.is_empty() {
            out.push('-');
        }
    }
    out.truncate(out.trim_end_matches('-').len());
    out
}
