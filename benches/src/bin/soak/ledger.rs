//! What the server has acknowledged to one client, to the event, and what the client sent without an answer.
//!
//! Every bucket has one writer, so what it must hold is known exactly. A write that a kill has cut off may have
//! happened or not: it is kept as [`Pending`], and what the server shows afterwards decides, if it is one of the two.

use std::collections::BTreeMap;

use serde_json::Value;
use timberline_model::{Duration, Timestamp};

/// Differences that are described; the others are counted.
const MAX_WORDS: usize = 20;

/// An event without its id: nanoseconds, and canonical JSON.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) start: i64,
    pub(crate) duration: i64,
    pub(crate) data: String,
}

pub(crate) type Events = BTreeMap<u64, Event>;

impl Event {
    /// Reads an event of an answer, with its id.
    pub(crate) fn read(value: &Value) -> Option<(u64, Event)> {
        let start = Timestamp::parse(value["timestamp"].as_str()?).ok()?;
        let duration = Duration::parse(&value["duration"].to_string()).ok()?;
        let event = Event {
            start: start.nanos(),
            duration: duration.nanos(),
            data: value["data"].to_string(),
        };
        Some((value["id"].as_u64()?, event))
    }

    /// Reads a list of events; `None` if something in it is none.
    pub(crate) fn read_all(list: &Value) -> Option<Vec<(u64, Event)>> {
        list.as_array()?.iter().map(Event::read).collect()
    }

    pub(crate) fn end(&self) -> i64 {
        self.start + self.duration
    }

    pub(crate) fn body(&self, id: Option<u64>) -> String {
        let id = id.map_or(String::new(), |id| format!("\"id\":{id},"));
        let (start, duration) = (
            Timestamp::from_nanos(self.start),
            Duration::from_nanos(self.duration),
        );
        format!(
            "{{{id}\"timestamp\":\"{start}\",\"duration\":{duration},\"data\":{}}}",
            self.data
        )
    }
}

/// A write that was sent and not answered.
#[derive(Clone, Debug)]
pub(crate) enum Pending {
    Beat {
        bucket: String,
        event: Event,
    },
    Insert {
        bucket: String,
        events: Vec<(Option<u64>, Event)>,
    },
    Delete {
        bucket: String,
        id: u64,
    },
    Create {
        bucket: String,
    },
    Drop {
        bucket: String,
    },
    Set {
        key: String,
        value: Option<String>,
    },
    /// Something came back from the trash: any of what was deleted before.
    Restore {
        bucket: String,
    },
}

/// What must be there.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Buckets, and `None` for those that went.
    pub(crate) buckets: BTreeMap<String, Option<Events>>,
    pub(crate) settings: BTreeMap<String, Option<String>>,
    pub(crate) pending: Option<Pending>,
    /// Events that were deleted lately, by bucket: what a restore may bring back.
    pub(crate) deleted: BTreeMap<String, Events>,
    /// Writes that were acknowledged.
    pub(crate) acknowledged: u64,
    /// What was acknowledged and is not there.
    pub(crate) lost: u64,
    /// Everything else that is not as it should be.
    pub(crate) wrong: u64,
    pub(crate) words: Vec<String>,
}

impl Ledger {
    pub(crate) fn events(&self, bucket: &str) -> Option<&Events> {
        self.buckets.get(bucket)?.as_ref()
    }

    pub(crate) fn events_mut(&mut self, bucket: &str) -> &mut Events {
        self.buckets
            .entry(bucket.to_owned())
            .or_default()
            .get_or_insert_default()
    }

    pub(crate) fn complain(&mut self, words: String) {
        self.wrong += 1;
        self.say(words);
    }

    pub(crate) fn say(&mut self, words: String) {
        if self.words.len() < MAX_WORDS {
            eprintln!("soak: {words}");
            self.words.push(words);
        }
    }

    /// Takes in an acknowledged deletion.
    pub(crate) fn delete(&mut self, bucket: &str, id: u64) {
        if let Some(event) = self.events_mut(bucket).remove(&id) {
            self.deleted
                .entry(bucket.to_owned())
                .or_default()
                .insert(id, event);
        }
    }

    /// Compares a bucket with what the server shows of it, `None` for no such bucket.
    pub(crate) fn compare_bucket(&mut self, bucket: &str, shown: Option<Events>) {
        let expected = self.buckets.get(bucket).cloned().flatten();
        if shown == expected {
            return;
        }
        if self.may_be(bucket, expected.as_ref(), shown.as_ref()) {
            if let Some(Pending::Delete { id, .. }) = self.pending {
                // It happened, so a restore may bring it back.
                self.delete(bucket, id);
            }
            self.buckets.insert(bucket.to_owned(), shown);
            return;
        }
        let (expected, shown) = (expected.unwrap_or_default(), shown.unwrap_or_default());
        for (id, event) in &expected {
            if shown.get(id) != Some(event) {
                self.lost += 1;
                let pending = &self.pending;
                let words = format!(
                    "{bucket}: event {id} was acknowledged as {event:?}, is {:?} ({pending:?})",
                    shown.get(id)
                );
                self.say(words);
            }
        }
        for (id, event) in shown.iter().filter(|(id, _)| !expected.contains_key(id)) {
            self.complain(format!(
                "{bucket}: event {id} should not be there: {event:?} ({:?})",
                self.pending
            ));
        }
        if expected.is_empty() && shown.is_empty() {
            self.lost += 1;
            self.say(format!(
                "{bucket}: is there and should not, or the other way round ({:?})",
                self.pending
            ));
        }
    }

    /// Whether the write that was not answered makes what is expected what is shown.
    fn may_be(&self, bucket: &str, expected: Option<&Events>, shown: Option<&Events>) -> bool {
        match (&self.pending, expected, shown) {
            (Some(Pending::Create { bucket: made }), None, Some(shown)) => made == bucket && shown.is_empty(),
            (Some(Pending::Drop { bucket: gone }), Some(_), None) => gone == bucket,
            (Some(Pending::Delete { bucket: of, id }), Some(expected), Some(shown)) if of == bucket => {
                let mut after = expected.clone();
                after.remove(id);
                after == *shown
            }
            (Some(Pending::Beat { bucket: of, event }), Some(expected), Some(shown)) if of == bucket => {
                is_after_beat(expected, shown, event)
            }
            (Some(Pending::Insert { bucket: of, events }), Some(expected), Some(shown)) if of == bucket => {
                is_after_insert(expected, shown, events)
            }
            (Some(Pending::Restore { bucket: of }), Some(_), Some(shown)) if of == bucket => {
                self.is_after_restore(bucket, shown)
            }
            _ => false,
        }
    }

    /// Whether a bucket holds everything that it should, and beyond it only what was deleted before.
    pub(crate) fn is_after_restore(&self, bucket: &str, shown: &Events) -> bool {
        let none = Events::new();
        let expected = self.events(bucket).unwrap_or(&none);
        let deleted = self.deleted.get(bucket).unwrap_or(&none);
        expected.iter().all(|(id, event)| shown.get(id) == Some(event))
            && shown
                .iter()
                .all(|(id, event)| expected.contains_key(id) || deleted.get(id) == Some(event))
    }

    /// Compares a setting with what the server shows.
    pub(crate) fn compare_setting(&mut self, key: &str, shown: Option<String>) {
        let expected = self.settings.get(key).cloned().flatten();
        if shown == expected {
            return;
        }
        let pending =
            matches!(&self.pending, Some(Pending::Set { key: of, value }) if of == key && *value == shown);
        if pending {
            self.settings.insert(key.to_owned(), shown);
        } else {
            self.lost += 1;
            self.say(format!(
                "setting {key} was acknowledged as {expected:?}, is {shown:?}"
            ));
        }
    }
}

/// What is in `shown` and was not, or not so, before; `None` if anything else changed.
fn changed<'a>(before: &Events, shown: &'a Events) -> Option<Vec<(u64, &'a Event)>> {
    let kept = before.keys().all(|id| shown.contains_key(id));
    let new = shown.iter().filter(|(id, event)| before.get(id) != Some(event));
    kept.then(|| new.map(|(id, event)| (*id, event)).collect())
}

/// A heartbeat makes one new event, or one longer.
fn is_after_beat(before: &Events, shown: &Events, beat: &Event) -> bool {
    let Some(changed) = changed(before, shown) else {
        return false;
    };
    let [(id, event)] = changed[..] else { return false };
    covers(event, beat)
        && before
            .get(&id)
            .is_none_or(|old| old.start == event.start && old.duration <= event.duration)
}

/// Whether an event holds a heartbeat that it was answered to, or may have been.
pub(crate) fn covers(event: &Event, beat: &Event) -> bool {
    event.data == beat.data && event.start <= beat.start && event.end() >= beat.end()
}

/// An insert is there wholly, under new ids or those that it named.
fn is_after_insert(before: &Events, shown: &Events, sent: &[(Option<u64>, Event)]) -> bool {
    let Some(changed) = changed(before, shown) else {
        return false;
    };
    let mut came: Vec<&Event> = changed.iter().map(|(_, event)| *event).collect();
    let mut sent: Vec<&Event> = sent.iter().map(|(_, event)| event).collect();
    came.sort();
    sent.sort();
    came == sent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(start: i64, duration: i64) -> Event {
        Event {
            start,
            duration,
            data: "{}".to_owned(),
        }
    }

    fn ledger(pending: Option<Pending>) -> Ledger {
        let mut ledger = Ledger {
            pending,
            ..Ledger::default()
        };
        ledger.events_mut("b").insert(1, event(0, 5));
        ledger
    }

    fn counts(mut ledger: Ledger, shown: &[(u64, Event)]) -> (u64, u64) {
        ledger.compare_bucket("b", Some(shown.iter().cloned().collect()));
        (ledger.lost, ledger.wrong)
    }

    #[test]
    fn what_was_acknowledged_and_is_not_there_is_lost() {
        assert_eq!(counts(ledger(None), &[(1, event(0, 5))]), (0, 0));
        assert_eq!(counts(ledger(None), &[]), (1, 0));
        assert_eq!(counts(ledger(None), &[(1, event(0, 4))]), (1, 0));
    }

    #[test]
    fn what_was_never_sent_is_wrong() {
        let shown = [(1, event(0, 5)), (2, event(9, 0))];
        assert_eq!(counts(ledger(None), &shown), (0, 1));
    }

    #[test]
    fn a_heartbeat_without_an_answer_may_have_happened_but_nothing_else() {
        let beat = || {
            let bucket = "b".to_owned();
            let event = event(8, 0);
            ledger(Some(Pending::Beat { bucket, event }))
        };
        assert_eq!(counts(beat(), &[(1, event(0, 5))]), (0, 0));
        assert_eq!(counts(beat(), &[(1, event(0, 8))]), (0, 0));
        assert_eq!(counts(beat(), &[(1, event(0, 5)), (2, event(8, 0))]), (0, 0));
        assert_eq!(counts(beat(), &[(1, event(0, 7))]), (1, 0));
        assert_eq!(counts(beat(), &[(2, event(8, 0))]), (1, 1));
    }

    #[test]
    fn an_insert_without_an_answer_is_there_wholly_or_not_at_all() {
        let insert = || {
            let bucket = "b".to_owned();
            let events = vec![(None, event(10, 1)), (None, event(20, 1))];
            ledger(Some(Pending::Insert { bucket, events }))
        };
        let old = (1, event(0, 5));
        assert_eq!(counts(insert(), std::slice::from_ref(&old)), (0, 0));
        assert_eq!(
            counts(insert(), &[old.clone(), (2, event(10, 1)), (3, event(20, 1))]),
            (0, 0)
        );
        assert_eq!(counts(insert(), &[old, (2, event(10, 1))]), (0, 1));
    }
}
