//! What the person has chosen: which watchers are on, and which are paused. Kept in a file, so that it survives a restart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use timberline_model::Timestamp;

/// A pause of one watcher, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// When it began.
    #[serde(with = "text_of_time")]
    pub since: Timestamp,
    /// When it ends by itself; `None`: when the person says so.
    #[serde(with = "text_of_time::optional", default)]
    pub until: Option<Timestamp>,
}

impl Pause {
    fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// The one of both that ends later.
    fn later(self, other: Pause) -> Pause {
        match (self.until, other.until) {
            (None, _) => self,
            (_, None) => other,
            (Some(one), Some(another)) if one >= another => self,
            _ => other,
        }
    }
}

/// What the person has chosen. A watcher that is not named is as the configuration says, and not paused.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Choices {
    /// Watchers that were switched on or off.
    switched: BTreeMap<String, bool>,
    /// Pauses of single watchers.
    paused: BTreeMap<String, Pause>,
    /// A pause of all watchers, also of those that come later.
    all_paused: Option<Pause>,
    /// The event that says which watchers are paused now.
    pub(super) pause_event: Option<PauseEvent>,
}

/// An event of a pause: exactly these watchers are paused since then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PauseEvent {
    #[serde(with = "text_of_time")]
    pub(super) since: Timestamp,
    pub(super) watchers: Vec<String>,
}

impl Choices {
    /// Whether a watcher was switched on or off.
    pub(super) fn switched(&self, name: &str) -> Option<bool> {
        self.switched.get(name).copied()
    }

    /// Switches a watcher on or off.
    pub(super) fn switch(&mut self, name: &str, on: bool) {
        self.switched.insert(name.to_owned(), on);
    }

    /// Switches every watcher on or off as the configuration says.
    pub(super) fn as_configured(&mut self) {
        self.switched.clear();
    }

    /// The pause of a watcher, if it is paused.
    pub(super) fn pause_of(&self, name: &str, now: Timestamp) -> Option<Pause> {
        let own = self.paused.get(name).copied();
        match (own.filter(|own| own.holds(now)), self.all_pause(now)) {
            (Some(own), Some(all)) => Some(own.later(all)),
            (own, all) => own.or(all),
        }
    }

    fn all_pause(&self, now: Timestamp) -> Option<Pause> {
        self.all_paused.filter(|pause| pause.holds(now))
    }

    /// Pauses a watcher. A pause that it is in already ends at the new time, and began when it began.
    pub(super) fn pause(&mut self, name: &str, until: Option<Timestamp>, now: Timestamp) {
        let since = self.pause_of(name, now).map_or(now, |pause| pause.since);
        self.paused.insert(name.to_owned(), Pause { since, until });
    }

    /// Pauses all watchers. Those whose own pause ends later stay paused until then.
    pub(super) fn pause_all(&mut self, until: Option<Timestamp>, now: Timestamp) {
        let since = self.all_pause(now).map_or(now, |pause| pause.since);
        self.all_paused = Some(Pause { since, until });
    }

    /// Ends the pause of a watcher. If all are paused, the others stay so: `known` are the names of all watchers.
    pub(super) fn resume<'a>(
        &mut self,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
        now: Timestamp,
    ) {
        if let Some(all) = self.all_pause(now) {
            for other in known {
                let pause = self.pause_of(other, now).unwrap_or(all);
                self.paused.insert(other.to_owned(), pause);
            }
        }
        self.all_paused = None;
        self.paused.remove(name);
    }

    /// Ends all pauses.
    pub(super) fn resume_all(&mut self) {
        self.all_paused = None;
        self.paused.clear();
    }

    /// Forgets pauses that are over.
    pub(super) fn forget_ended(&mut self, now: Timestamp) {
        self.paused.retain(|_, pause| pause.holds(now));
        self.all_paused = self.all_pause(now);
    }
}

/// Times as RFC 3339 texts.
pub(super) mod text_of_time {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};
    use timberline_model::Timestamp;

    pub(crate) fn serialize<S: Serializer>(time: &Timestamp, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(time)
    }

    pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Timestamp, D::Error> {
        Timestamp::parse(&String::deserialize(from)?).map_err(D::Error::custom)
    }

    pub(crate) mod optional {
        use serde::{Deserialize, Deserializer, Serializer, de::Error};
        use timberline_model::Timestamp;

        pub(crate) fn serialize<S: Serializer>(time: &Option<Timestamp>, to: S) -> Result<S::Ok, S::Error> {
            match time {
                Some(time) => to.collect_str(time),
                None => to.serialize_none(),
            }
        }

        pub(crate) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Option<Timestamp>, D::Error> {
            let text = Option::<String>::deserialize(from)?;
            text.map(|text| Timestamp::parse(&text).map_err(D::Error::custom))
                .transpose()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn until(choices: &Choices, name: &str, now: i64) -> Option<Option<Timestamp>> {
        choices.pause_of(name, at(now)).map(|pause| pause.until)
    }

    #[test]
    fn a_pause_ends_by_itself() {
        let mut choices = Choices::default();
        choices.pause("window", Some(at(10)), at(0));
        assert_eq!(until(&choices, "window", 9), Some(Some(at(10))));
        assert_eq!(until(&choices, "window", 10), None);
        assert_eq!(until(&choices, "afk", 9), None);
    }

    #[test]
    fn changing_a_pause_keeps_its_start() {
        let mut choices = Choices::default();
        choices.pause("window", None, at(0));
        choices.pause("window", Some(at(20)), at(5));
        let pause = choices.pause_of("window", at(6)).expect("a pause");
        assert_eq!((pause.since, pause.until), (at(0), Some(at(20))));
    }

    #[test]
    fn a_pause_of_all_does_not_shorten_a_pause_of_one() {
        let mut choices = Choices::default();
        choices.pause("window", Some(at(60)), at(0));
        choices.pause_all(Some(at(15)), at(0));
        assert_eq!(until(&choices, "window", 20), Some(Some(at(60))));
        assert_eq!(until(&choices, "afk", 14), Some(Some(at(15))));
        assert_eq!(until(&choices, "afk", 15), None);
    }

    #[test]
    fn resuming_one_watcher_leaves_the_others_paused() {
        let mut choices = Choices::default();
        choices.pause_all(Some(at(60)), at(0));
        choices.resume("window", ["afk", "window"], at(1));
        assert_eq!(until(&choices, "window", 1), None);
        assert_eq!(until(&choices, "afk", 1), Some(Some(at(60))));
    }

    #[test]
    fn the_file_reads_as_it_was_written() {
        let mut choices = Choices::default();
        choices.switch("input", true);
        choices.pause("window", Some(at(60)), at(0));
        choices.pause_all(None, at(1));
        choices.pause_event = Some(PauseEvent {
            since: at(1),
            watchers: vec!["window".to_owned()],
        });
        let text = serde_json::to_string(&choices).expect("JSON");
        assert_eq!(serde_json::from_str::<Choices>(&text).expect("choices"), choices);
        assert_eq!(
            serde_json::from_str::<Choices>("{}").expect("choices"),
            Choices::default()
        );
    }
}
