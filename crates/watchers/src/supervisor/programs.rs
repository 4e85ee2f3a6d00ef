//! Programs of others: which there are, and which are on unless the person has chosen otherwise.

use super::board::ByDefault;
use super::program::{Autostart, Places, Program, is_watcher};
use super::rival;

/// What is known of programs of others before they run.
pub(super) struct Programs {
    /// The modules that are on unless the person has chosen otherwise.
    pub(super) modules: Vec<&'static str>,
    pub(super) places: Places,
    /// Those that are on, if the configuration says so.
    pub(super) on: Option<Vec<String>>,
    pub(super) autostart: Autostart,
}

impl Programs {
    /// The programs that are there. Says which ones somebody may miss.
    pub(super) fn find(&self) -> Vec<Program> {
        let found = self.places.find();
        self.tell_missing(&found);
        found
    }

    /// What a program is passed besides the server's address.
    pub(super) fn arguments(&self, name: &str) -> Vec<String> {
        self.autostart.arguments.get(name).cloned().unwrap_or_default()
    }

    /// Whether a program is on unless the person has chosen otherwise.
    pub(super) fn by_default(&self, name: &str) -> ByDefault {
        let replacing = self.replacing(name);
        if !replacing.is_empty() {
            let why = format!("replaced by {}", replacing.join(" and "));
            return ByDefault {
                on: false,
                why: Some(why),
            };
        }
        match &self.on {
            Some(names) => ByDefault {
                on: names.iter().any(|on| on == name),
                why: None,
            },
            None => {
                let by = self.autostart.started_by.get(name);
                ByDefault {
                    on: by.is_some(),
                    why: by.map(|by| format!("on because {by} starts it")),
                }
            }
        }
    }

    /// The modules that record what a program records.
    fn replacing(&self, program: &str) -> Vec<&'static str> {
        let mut modules = rival::replacing(program);
        modules.retain(|module| self.modules.contains(module));
        modules
    }

    fn tell_missing(&self, found: &[Program]) {
        if self.on.is_some() {
            return;
        }
        for (name, by) in &self.autostart.started_by {
            let is_needed = is_watcher(name) && self.replacing(name).is_empty();
            if is_needed && !found.iter().any(|program| program.name == *name) {
                tracing::info!(
                    program = name,
                    "{by} starts a program that is not found: it is not started"
                );
            }
        }
    }
}
