//! A bucket with a retention rule: events that are too old for the rule may be erased, recent ones must stay, and what
//! was erased must never come back.

use std::collections::BTreeSet;
use std::io;

use timberline_model::Timestamp;

use crate::client::Client;
use crate::ledger::{Event, Events};

/// The rule, as a section of the configuration. `AGES` are made for it.
pub(crate) const RULE: &str = "\n[[retention]]\nbucket = \"soak-kept-*\"\nkeep = \"1 hour\"\n";
const MINUTE: i64 = 60_000_000_000;
/// How long ago the events of one insert began, in minutes. One of five is too old for the rule: a rule that would erase
/// more than half of a bucket at once is held until somebody confirms it.
const AGES: [i64; 5] = [1, 2, 120, 3, 4];
/// Events in the bucket before it stops growing.
const MAX_EVENTS: usize = 5_000;

/// What one client knows of its bucket.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    recent: Events,
    old: Events,
    erased: BTreeSet<u64>,
    /// An insert that was sent and not answered.
    pending: Vec<Event>,
    made: bool,
}

fn is_old(event: &Event, now: i64) -> bool {
    now - event.end() > 60 * MINUTE
}

/// Inserts some events of all ages.
pub(crate) fn insert(client: &mut Client<'_>, kept: &mut Kept) -> io::Result<()> {
    let bucket = format!("soak-kept-{}", client.number());
    if !kept.made {
        let body = r#"{"client":"soak","type":"soak","hostname":"soak"}"#;
        let answer = client.request("POST", &format!("/api/0/buckets/{bucket}"), Some(body))?;
        kept.made = answer.is_success() || answer.status == 304;
    }
    if kept.recent.len() > MAX_EVENTS {
        return Ok(());
    }
    let now = Timestamp::now().nanos();
    let events: Vec<Event> = AGES
        .iter()
        .map(|age| Event {
            start: now - age * MINUTE,
            duration: 1_000_000_000,
            data: format!(r#"{{"age":{age}}}"#),
        })
        .collect();
    let texts: Vec<String> = events.iter().map(|event| event.body(None)).collect();
    kept.pending.clone_from(&events);
    let target = format!("/api/0/buckets/{bucket}/events");
    let answer = client.request("POST", &target, Some(&format!("[{}]", texts.join(","))))?;
    kept.pending.clear();
    if !answer.is_success() {
        client
            .ledger
            .complain(format!("POST {target}: {}", answer.excerpt()));
        return Ok(());
    }
    client.ledger.acknowledged += 1;
    for (id, event) in Event::read_all(&answer.json()).unwrap_or_default() {
        kept.take_in(id, event, now);
    }
    Ok(())
}

/// Compares with what the server shows.
pub(crate) fn compare(client: &mut Client<'_>, kept: &mut Kept) -> io::Result<()> {
    if !kept.made {
        return Ok(());
    }
    let bucket = format!("soak-kept-{}", client.number());
    let shown = client.shown(&bucket)?.unwrap_or_default();
    let now = Timestamp::now().nanos();
    let (mut lost, mut wrong) = (Vec::new(), Vec::new());
    for (id, event) in &kept.recent {
        if shown.get(id) != Some(event) {
            lost.push(format!(
                "{bucket}: recent event {id} {event:?} is {:?}",
                shown.get(id)
            ));
        }
    }
    let gone: Vec<u64> = kept
        .old
        .keys()
        .copied()
        .filter(|id| !shown.contains_key(id))
        .collect();
    for id in gone {
        kept.old.remove(&id);
        kept.erased.insert(id);
    }
    let pending = std::mem::take(&mut kept.pending);
    for (id, event) in shown.clone() {
        if kept.erased.contains(&id) {
            wrong.push(format!(
                "{bucket}: event {id} was erased and is there again: {event:?}"
            ));
        } else if kept.recent.contains_key(&id) || kept.old.get(&id) == Some(&event) {
        } else if pending.contains(&event) {
            kept.take_in(id, event, now);
        } else {
            wrong.push(format!("{bucket}: event {id} was never sent: {event:?}"));
        }
    }
    // Counted once.
    kept.recent.retain(|id, event| shown.get(id) == Some(event));
    client.ledger.lost += lost.len() as u64;
    wrong.into_iter().for_each(|words| client.ledger.complain(words));
    lost.into_iter().for_each(|words| client.ledger.say(words));
    Ok(())
}

impl Kept {
    fn take_in(&mut self, id: u64, event: Event, now: i64) {
        let into = if is_old(&event, now) {
            &mut self.old
        } else {
            &mut self.recent
        };
        into.insert(id, event);
    }

    /// Old events that retention has erased.
    pub(crate) fn erased(&self) -> usize {
        self.erased.len()
    }
}
