//! What scripts in a desktop tell of the window in front: JSON.

use serde::Deserialize;

use super::{Reports, Sighting, sandbox};
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

/// Reports what is told, each state once.
#[derive(Debug)]
pub(super) struct Told<'a> {
    reports: &'a Reports<Option<Sighting>>,
    last: Option<Option<Sighting>>,
}

impl<'a> Told<'a> {
    pub(super) fn new(reports: &'a Reports<Option<Sighting>>) -> Told<'a> {
        Told { reports, last: None }
    }

    /// Reports this text. False if it is none of ours.
    pub(super) fn tell(&mut self, text: &str) -> bool {
        let window = serde_json::from_str::<Option<ToldWindow>>(text);
        let is_ours = window.is_ok();
        if let Ok(window) = window {
            self.report(window.map(Sighting::from));
        }
        is_ours
    }

    /// Reports this.
    pub(super) fn report(&mut self, sighting: Option<Sighting>) {
        if self.last.as_ref() != Some(&sighting) {
            self.reports.send(sighting.clone());
            self.last = Some(sighting);
        }
    }
}
