//! What scripts in a desktop report about the window in front: JSON.

use std::time::Duration;

use serde::Deserialize;

use super::changes::{COALESCE, Changes};
use super::{At, Reports, Sighting, sandbox};
use crate::window::Front;

/// What our script in KWin and our extension of GNOME Shell say, or `null` if no window is in front.
#[derive(Debug, Deserialize)]
struct ToldWindow {
    app: String,
    title: String,
    pid: Option<u32>,
    full_screen: Option<bool>,
    monitor: Option<String>,
    sandbox: Option<String>,
}

impl From<ToldWindow> for Sighting {
    fn from(window: ToldWindow) -> Sighting {
        let ToldWindow { app, title, pid, .. } = window;
        Sighting {
            front: Front { app, title },
            pid,
            full_screen: window.full_screen,
            monitor: window.monitor,
            sandbox: window.sandbox.or_else(|| sandbox::of_process(pid?)),
        }
    }
}

/// Passes on each state that the script reports, once.
#[derive(Debug)]
pub(super) struct Told<'a> {
    reports: &'a Reports<Option<Sighting>>,
    now: Option<Sighting>,
    changes: Changes,
}

impl<'a> Told<'a> {
    pub(super) fn new(reports: &'a Reports<Option<Sighting>>) -> Told<'a> {
        Told {
            reports,
            now: None,
            changes: Changes::default(),
        }
    }

    /// Takes a text. False if our script did not write it.
    pub(super) fn tell(&mut self, text: &str) -> bool {
        let window = serde_json::from_str::<Option<ToldWindow>>(text);
        let is_ours = window.is_ok();
        if let Ok(window) = window {
            self.take(window.map(Sighting::from));
        }
        is_ours
    }

    /// Takes what is in front now.
    pub(super) fn take(&mut self, sighting: Option<Sighting>) {
        self.now = sighting;
        self.report(false);
    }

    /// How long to wait for the next text, if not for ever. Then call [`Told::waited`].
    pub(super) fn patience(&self) -> Option<Duration> {
        self.changes.is_waiting().then_some(COALESCE)
    }

    /// No other text has arrived: the last state holds.
    pub(super) fn waited(&mut self) {
        self.report(true);
    }

    fn report(&mut self, waited: bool) {
        let now = self.reports.clock().read().wall;
        if let Some(At { time, report }) = self.changes.observe(now, self.now.clone(), waited) {
            self.reports.send_at(time, report);
        }
    }
}
