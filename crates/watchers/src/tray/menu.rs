//! What is in the menu, and what each entry does.

use timberline_model::Timestamp;

use crate::away::Absence;
use crate::modules::State;
use crate::supervisor::{Condition, Pause, WatcherStatus};

/// An entry of the menu.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Its number, which stays the same while the menu changes.
    pub(super) id: i32,
    pub(super) face: Face,
}

/// How an entry looks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Face {
    /// A line between others.
    Separator,
    /// Something to choose.
    Command(String),
    /// Something that is on or off.
    Switch { label: String, on: bool },
    /// A menu of its own.
    Menu { label: String, entries: Vec<Entry> },
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    OpenDashboard,
    /// Lets the person say what an absence was.
    Explain(Absence),
    Pause(Length),
    Resume,
    /// Switches a watcher on or off.
    Switch(String, bool),
    Quit,
}

/// How long a pause lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Minutes(i64),
    Tomorrow,
    UntilResumed,
}

const DASHBOARD: i32 = 1;
const PAUSE: i32 = 2;
const RESUME: i32 = 3;
const QUIT: i32 = 4;
const SEPARATORS: [i32; 2] = [5, 6];
const EXPLAIN: i32 = 7;
const LENGTHS: [(i32, &str, Length); 4] = [
    (11, "For 15 minutes", Length::Minutes(15)),
    (12, "For 1 hour", Length::Minutes(60)),
    (13, "Until tomorrow", Length::Tomorrow),
    (14, "Until resumed", Length::UntilResumed),
];
/// Watchers have the numbers from here on, each its own.
const WATCHERS: i32 = 100;

fn id(watcher: &WatcherStatus) -> Option<i32> {
    i32::try_from(watcher.number).ok()?.checked_add(WATCHERS)
}

/// The menu of these watchers. Programs of others are in it while they are on.
pub(super) fn menu(
    watchers: &[WatcherStatus],
    unexplained: Option<Absence>,
    local_time: impl Fn(Timestamp) -> String,
) -> Vec<Entry> {
    let entry = |id, face| Entry { id, face };
    let lengths = LENGTHS.map(|(id, label, _)| entry(id, Face::Command(label.to_owned())));
    let mut entries = vec![entry(DASHBOARD, Face::Command("Open dashboard".to_owned()))];
    if let Some(absence) = unexplained {
        entries.push(entry(EXPLAIN, Face::Command(absence.question(&local_time))));
    }
    let pause = Face::Menu {
        label: "Pause".to_owned(),
        entries: lengths.to_vec(),
    };
    entries.extend([entry(SEPARATORS[0], Face::Separator), entry(PAUSE, pause)]);
    if let Some(pause) = longest_pause(watchers) {
        let label = match pause.until {
            Some(until) => format!("Resume (paused until {})", local_time(until)),
            None => "Resume (paused)".to_owned(),
        };
        entries.push(entry(RESUME, Face::Command(label)));
    }
    for watcher in watchers.iter().filter(|watcher| is_shown(watcher)) {
        if let Some(id) = id(watcher) {
            let (label, on) = (label(watcher), watcher.enabled);
            entries.push(entry(id, Face::Switch { label, on }));
        }
    }
    entries.push(entry(SEPARATORS[1], Face::Separator));
    entries.push(entry(QUIT, Face::Command("Quit".to_owned())));
    entries
}

/// What an entry of this menu does when it is chosen.
pub(super) fn action(id: i32, watchers: &[WatcherStatus], unexplained: Option<Absence>) -> Option<Action> {
    match id {
        EXPLAIN => unexplained.map(Action::Explain),
        DASHBOARD => Some(Action::OpenDashboard),
        RESUME => Some(Action::Resume),
        QUIT => Some(Action::Quit),
        _ => {
            if let Some((_, _, length)) = LENGTHS.iter().find(|(known, _, _)| *known == id) {
                return Some(Action::Pause(*length));
            }
            let watcher = watchers.iter().find(|watcher| self::id(watcher) == Some(id))?;
            Some(Action::Switch(watcher.name.clone(), !watcher.enabled))
        }
    }
}

/// What is wrong, if something is: the icon asks for attention then.
pub(super) fn alarms(watchers: &[WatcherStatus]) -> Vec<String> {
    let alarm = |watcher: &WatcherStatus| Some(format!("{}: {}", watcher.name, watcher.alarm.as_ref()?));
    watchers.iter().filter_map(alarm).collect()
}

fn is_shown(watcher: &WatcherStatus) -> bool {
    watcher.kind == crate::supervisor::Kind::BuiltIn || watcher.enabled
}

fn longest_pause(watchers: &[WatcherStatus]) -> Option<Pause> {
    let pauses = watchers.iter().filter_map(|watcher| watcher.paused);
    pauses.max_by_key(|pause| (pause.until.is_none(), pause.until))
}

fn label(watcher: &WatcherStatus) -> String {
    let what = match &watcher.condition {
        _ if !watcher.enabled => "",
        _ if watcher.paused.is_some() => " (paused)",
        Condition::Waiting(_) | Condition::Module(State::Waiting(_)) => " (waiting)",
        Condition::StandingBack(_) | Condition::Module(State::StandingBack(_)) => " (standing back)",
        Condition::Restarting { .. } => " (restarting)",
        _ => "",
    };
    format!("{}{what}", watcher.name)
}
