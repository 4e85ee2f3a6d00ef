//! Scripts of what happens on a desktop.

use std::sync::atomic::Ordering;

use timberline_model::{Duration, Timestamp};

use super::desk::{Desk, Hands, pass};
use crate::afk::Fact;
use crate::clock::Clock;
use crate::desktop::{Activity, Sighting};
use crate::window::Front;

const DAY: i64 = 24 * 3600 * 1_000_000_000;

/// Lets a script happen. A line is a time of day and what happens:
///
/// | what | meaning |
/// |---|---|
/// | `front APP TITLE`, `full APP TITLE`, `none` | the window in front; one that fills the screen; none |
/// | `active`, `idle SECONDS` | input begins; the last one was so long ago |
/// | `unknown` | the source of input has only begun to look |
/// | `inhibit`, `release` | a program keeps the desktop from becoming idle, or no longer does |
/// | `lock`, `unlock`, `away`, `back`, `sleep`, `wake` | what logind says |
/// | `suspend SECONDS`, `clock SECONDS` | the machine sleeps, the wall clock is set |
/// | `gone`, `there` | the source of input ends, and works again |
/// | `blind` | the source of windows ends |
/// | `end` | the script ends |
pub(super) async fn play(desk: &Desk, hands: &Hands, script: &str) {
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (time, what) = line.split_once(' ').expect("a time and what happens");
        wait_until(desk, time).await;
        act(desk, hands, what.trim());
        settle().await;
    }
}

/// Lets all tasks take in what has happened.
pub(super) async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn wait_until(desk: &Desk, time: &str) {
    let at = Timestamp::parse(&format!("2026-03-01T{time}Z")).expect("a time of day");
    let wait = at.since(desk.clock.read().wall).nanos().rem_euclid(DAY);
    if wait > 0 {
        pass(Duration::from_nanos(wait).as_secs_f64()).await;
    }
}

fn act(desk: &Desk, hands: &Hands, what: &str) {
    let (verb, rest) = what.split_once(' ').unwrap_or((what, ""));
    let seconds = || rest.parse().expect("seconds");
    let window = |full_screen| {
        let (app, title) = rest.split_once(' ').expect("an app and a title");
        let front = Front {
            app: app.to_owned(),
            title: title.to_owned(),
        };
        hands.window.report(Some(Sighting {
            front,
            full_screen: Some(full_screen),
            ..Sighting::default()
        }));
    };
    match verb {
        "front" => window(false),
        "full" => window(true),
        "none" => hands.window.report(None),
        "active" => hands.activity.report(Activity::Active),
        "unknown" => hands.activity.report(Activity::Unknown),
        "idle" => hands.activity.report_ago(seconds(), Activity::Idle),
        "inhibit" => hands.activity.report(Activity::Inhibited(true)),
        "release" => hands.activity.report(Activity::Inhibited(false)),
        "lock" => hands.facts.report(Fact::Locked),
        "unlock" => hands.facts.report(Fact::Unlocked),
        "away" => hands.facts.report(Fact::SwitchedAway),
        "back" => hands.facts.report(Fact::SwitchedBack),
        "sleep" => hands.facts.report(Fact::SleepBegan),
        "wake" => hands.facts.report(Fact::SleepEnded),
        "suspend" => desk.clock.suspend(seconds()),
        "clock" => desk.clock.step(seconds()),
        "gone" => {
            hands.activity.works.store(false, Ordering::Relaxed);
            hands.activity.end();
        }
        "there" => hands.activity.works.store(true, Ordering::Relaxed),
        "blind" => {
            hands.window.works.store(false, Ordering::Relaxed);
            hands.window.end();
        }
        "end" => {}
        _ => panic!("unknown: {what}"),
    }
}
