//! One client: requests by chance, one after the other, each entered in its ledger when it is answered.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use timberline_model::Timestamp;

use crate::client::{Client, Stats};
use crate::extras::{self, Extras, Own};
use crate::kept;
use crate::ledger::{Event, Events, Pending, covers};
use crate::secrets;

const SECOND: i64 = 1_000_000_000;
/// 2024-03-01T00:00:00Z: where the made-up history begins.
const BEGIN: i64 = 1_709_251_200 * SECOND;
/// When the bucket of its batches has more events than this, it and that of its heartbeats are deleted and made again:
/// deleting is part of the mix, and with a store that stays of one size, memory should too. Enough for the compactor
/// to have something to do, which seals 32,768 events at a time.
const MAX_EVENTS: usize = 75_000;
const PULSETIME: i64 = 60 * SECOND;

/// One client.
#[derive(Debug)]
pub(crate) struct Worker<'a> {
    pub(crate) client: Client<'a>,
    extras: &'a Extras,
    pub(crate) own: Own,
    /// The time of its watchers.
    now: i64,
    /// How many distinct data it has sent.
    title: u64,
    /// Of a thousand requests so many more are extras than in a soak.
    pub(crate) more_extras: u64,
}

impl<'a> Worker<'a> {
    pub(crate) fn new(number: u64, seed: u64, port: u16, stats: &'a Stats, extras: &'a Extras) -> Worker<'a> {
        Worker {
            client: Client::new(number, seed, port, stats),
            extras,
            own: Own::default(),
            now: BEGIN,
            title: 0,
            more_extras: 0,
        }
    }

    /// Sends requests until told to stop, or until the connection is lost.
    pub(crate) fn run(&mut self, stop: &AtomicBool, rate: u32) -> io::Result<()> {
        let pause = Duration::from_secs(1) / rate;
        let mut next = Instant::now();
        while !stop.load(Ordering::Relaxed) {
            self.step()?;
            next = (next + pause).max(Instant::now() - Duration::from_secs(1));
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
        }
        Ok(())
    }

    fn step(&mut self) -> io::Result<()> {
        self.see_to_buckets()?;
        if self.client.random.below(1_000) < self.more_extras {
            return extras::one(&mut self.client, &mut self.own, self.extras);
        }
        match self.client.random.below(1_000) {
            0..400 => self.beat(false),
            400..550 => self.beat(true),
            550..600 => self.insert(1, false),
            600..640 => {
                let count = 2 + self.client.random.below(250);
                self.insert(count, false)
            }
            640..655 => self.insert(3, true),
            655..730 => self.delete(),
            730..790 => self.count(),
            790..850 => self.one_event(),
            850..890 => self.newest(),
            890..920 => self.query(),
            920..935 => self.read(&format!("/api/0/buckets/{}/export", self.client.batch())),
            935..937 => self.read("/api/0/export"),
            937..950 => self.read("/api/0/buckets/"),
            950..975 => self.set_setting(),
            975..980 => self.unset_setting(),
            980..985 => self.read("/metrics"),
            985..990 => self.bucket_for_a_moment(),
            _ => extras::one(&mut self.client, &mut self.own, self.extras),
        }
    }

    /// Makes its buckets if they are not there, and makes them again when they are full.
    fn see_to_buckets(&mut self) -> io::Result<()> {
        let buckets = [self.client.beats(), self.client.batch()];
        if self
            .client
            .ledger
            .events(&self.client.batch())
            .is_some_and(|events| events.len() > MAX_EVENTS)
        {
            // Of those that are there: a kill may have come between the two.
            for bucket in buckets {
                if self.client.ledger.events(&bucket).is_some() {
                    self.client.drop_bucket(&bucket)?;
                }
            }
            self.client.generation += 1;
            self.own.moment = None;
        }
        for bucket in [self.client.beats(), self.client.batch()] {
            if self.client.ledger.events(&bucket).is_none() {
                self.client.create(&bucket)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, target: &str) -> io::Result<()> {
        self.client.get(target).map(|_| ())
    }

    fn bucket_for_a_moment(&mut self) -> io::Result<()> {
        self.title += 1;
        let bucket = format!("soak-moment-{}-{}", self.client.number(), self.title);
        self.client.create(&bucket)?;
        self.insert_into(&bucket, 5, false)?;
        self.client.drop_bucket(&bucket)?;
        // It was seen to go; remembering all of them for ever would be this program's own leak.
        match self
            .client
            .request("GET", &format!("/api/0/buckets/{bucket}"), None)?
            .status
        {
            404 => drop(self.client.ledger.buckets.remove(&bucket)),
            status => self
                .client
                .ledger
                .complain(format!("{bucket} was deleted and still answers {status}")),
        }
        Ok(())
    }

    /// Made-up data; every number gives data of its own.
    fn data(&self, number: u64) -> String {
        format!(
            r#"{{"app":"app-{}","title":"document {number} of {} - editor"}}"#,
            number % 17,
            self.client.number()
        )
    }

    fn beat(&mut self, new: bool) -> io::Result<()> {
        let bucket = self.client.beats();
        self.title += u64::from(new);
        self.now += SECOND / 4 + i64::try_from(self.client.random.below(1_000)).unwrap_or(0) * 1_000_000;
        let event = Event {
            start: self.now,
            duration: 0,
            data: self.data(self.title),
        };
        let pending = Pending::Beat {
            bucket: bucket.clone(),
            event: event.clone(),
        };
        let target = format!(
            "/api/0/buckets/{bucket}/heartbeat?pulsetime={}",
            PULSETIME / SECOND
        );
        let begun = Instant::now();
        let answer = self
            .client
            .write(pending, "POST", &target, Some(&event.body(None)))?;
        let taken = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.client.stats.slowest_beat.fetch_max(taken, Ordering::Relaxed);
        let Some(answer) = answer else { return Ok(()) };
        match Event::read(&answer.json()) {
            Some((id, shown)) if covers(&shown, &event) => {
                let old = self.client.ledger.events_mut(&bucket).insert(id, shown.clone());
                if old.is_some_and(|old| old.start != shown.start || old.duration > shown.duration) {
                    self.client
                        .ledger
                        .complain(format!("{bucket}: event {id} became shorter"));
                }
            }
            _ => {
                let words = format!("{bucket}: {event:?} was answered {}", answer.excerpt());
                self.client.ledger.complain(words);
            }
        }
        Ok(())
    }

    fn insert(&mut self, count: u64, replacing: bool) -> io::Result<()> {
        let bucket = self.client.batch();
        self.insert_into(&bucket, count, replacing)
    }

    fn insert_into(&mut self, bucket: &str, count: u64, replacing: bool) -> io::Result<()> {
        let mut events: Vec<(Option<u64>, Event)> = Vec::new();
        for _ in 0..count {
            self.title += 1;
            let known = self.client.ledger.events(bucket).map(Events::keys);
            let id = known
                .filter(|_| replacing)
                .and_then(|known| self.client.random.pick(known.copied()));
            if events.iter().any(|(other, _)| id.is_some() && *other == id) {
                continue;
            }
            let event = Event {
                // Out of order, now and then far back.
                start: self.now + i64::try_from(self.client.random.below(3_600_000)).unwrap_or(0) * 1_000_000,
                duration: i64::try_from(self.client.random.below(60_000)).unwrap_or(0) * 1_000_000,
                data: self.data(self.title),
            };
            events.push((id, event));
        }
        let texts: Vec<String> = events.iter().map(|(id, event)| event.body(*id)).collect();
        let pending = Pending::Insert {
            bucket: bucket.to_owned(),
            events: events.clone(),
        };
        let target = format!("/api/0/buckets/{bucket}/events");
        let body = format!("[{}]", texts.join(","));
        let Some(answer) = self.client.write(pending, "POST", &target, Some(&body))? else {
            return Ok(());
        };
        let stored = Event::read_all(&answer.json()).unwrap_or_default();
        if !stored
            .iter()
            .map(|(_, event)| event)
            .eq(events.iter().map(|(_, event)| event))
        {
            let words = format!("{bucket}: an insert of {count} was answered {}", answer.excerpt());
            self.client.ledger.complain(words);
        }
        self.client.ledger.events_mut(bucket).extend(stored);
        Ok(())
    }

    /// An event of its, by chance; mostly of those that came in batches.
    fn any_event(&mut self) -> Option<(String, u64)> {
        let bucket = if self.client.random.below(4) == 0 {
            self.client.beats()
        } else {
            self.client.batch()
        };
        let events = self.client.ledger.events(&bucket)?;
        let id = self.client.random.pick(events.keys().copied())?;
        Some((bucket, id))
    }

    fn delete(&mut self) -> io::Result<()> {
        match self.any_event() {
            Some((bucket, id)) => self.client.delete_event(&bucket, id),
            None => Ok(()),
        }
    }

    fn count(&mut self) -> io::Result<()> {
        let bucket = self.client.batch();
        let Some(answer) = self
            .client
            .get(&format!("/api/0/buckets/{bucket}/events/count"))?
        else {
            return Ok(());
        };
        let expected = self.client.ledger.events(&bucket).map_or(0, Events::len) as u64;
        if answer.json().as_u64() != Some(expected) {
            self.client.ledger.complain(format!(
                "{bucket}: {expected} events, counted {}",
                answer.excerpt()
            ));
        }
        Ok(())
    }

    fn one_event(&mut self) -> io::Result<()> {
        let Some((bucket, id)) = self.any_event() else {
            return Ok(());
        };
        let Some(answer) = self.client.get(&format!("/api/0/buckets/{bucket}/events/{id}"))? else {
            return Ok(());
        };
        let shown = Event::read(&answer.json());
        let expected = self
            .client
            .ledger
            .events(&bucket)
            .and_then(|events| events.get(&id))
            .cloned();
        if shown != expected.clone().map(|event| (id, event)) {
            self.client
                .ledger
                .complain(format!("{bucket}: event {id} is {expected:?}, shown {shown:?}"));
        }
        Ok(())
    }

    fn newest(&mut self) -> io::Result<()> {
        let bucket = self.client.beats();
        let Some(answer) = self
            .client
            .get(&format!("/api/0/buckets/{bucket}/events?limit=5"))?
        else {
            return Ok(());
        };
        let shown = Event::read_all(&answer.json()).unwrap_or_default();
        let events = self.client.ledger.events(&bucket);
        let mut expected: Vec<(u64, Event)> = events
            .map(|e| e.clone().into_iter().collect())
            .unwrap_or_default();
        expected.sort_by_key(|(_, event)| std::cmp::Reverse(event.start));
        expected.truncate(5);
        if shown != expected {
            self.client
                .ledger
                .complain(format!("{bucket}: the newest are {expected:?}, shown {shown:?}"));
        }
        Ok(())
    }

    fn query(&mut self) -> io::Result<()> {
        let (from, to) = (BEGIN, self.now + 2 * 3_600 * SECOND);
        let period = format!("{}/{}", Timestamp::from_nanos(from), Timestamp::from_nanos(to));
        let program = format!(
            "events = query_bucket(\"{}\"); RETURN = sort_by_duration(merge_events_by_keys(flood(events), [\"app\"]));",
            self.client.beats()
        );
        let body = serde_json::json!({"query": [program], "timeperiods": [period]}).to_string();
        let answer = self.client.request("POST", "/api/0/query/", Some(&body))?;
        if !answer.is_success() || !answer.json()[0].is_array() {
            self.client
                .ledger
                .complain(format!("a query: {}", answer.excerpt()));
        }
        Ok(())
    }

    fn setting(&mut self) -> String {
        format!("soak-{}-{}", self.client.number(), self.client.random.below(8))
    }

    fn set_setting(&mut self) -> io::Result<()> {
        let key = self.setting();
        let value = serde_json::json!({"value": self.client.random.below(1 << 40)}).to_string();
        let pending = Pending::Set {
            key: key.clone(),
            value: Some(value.clone()),
        };
        let target = format!("/api/0/settings/{key}");
        if self
            .client
            .write(pending, "POST", &target, Some(&value))?
            .is_some()
        {
            self.client.ledger.settings.insert(key.clone(), Some(value));
        }
        self.check_setting(&key)
    }

    fn unset_setting(&mut self) -> io::Result<()> {
        let key = self.setting();
        let pending = Pending::Set {
            key: key.clone(),
            value: None,
        };
        if self
            .client
            .write(pending, "DELETE", &format!("/api/0/settings/{key}"), None)?
            .is_some()
        {
            self.client.ledger.settings.insert(key.clone(), None);
        }
        self.check_setting(&key)
    }

    fn check_setting(&mut self, key: &str) -> io::Result<()> {
        if let Some(answer) = self.client.get(&format!("/api/0/settings/{key}"))? {
            let shown = answer.json();
            self.client
                .ledger
                .compare_setting(key, (!shown.is_null()).then(|| shown.to_string()));
        }
        Ok(())
    }

    /// Compares everything with the server, and settles what became of a write that was not answered.
    pub(crate) fn compare(&mut self) -> io::Result<()> {
        self.client.disconnect();
        let mut buckets: Vec<String> = self.client.ledger.buckets.keys().cloned().collect();
        // One that was being made is not in the ledger yet.
        if let Some(Pending::Create { bucket }) = &self.client.ledger.pending {
            buckets.push(bucket.clone());
        }
        for bucket in buckets {
            let shown = self.client.shown(&bucket)?;
            self.client.ledger.compare_bucket(&bucket, shown);
        }
        let mut settings: Vec<String> = self.client.ledger.settings.keys().cloned().collect();
        if let Some(Pending::Set { key, .. }) = &self.client.ledger.pending {
            settings.push(key.clone());
        }
        for key in settings {
            self.check_setting(&key)?;
        }
        self.client.ledger.pending = None;
        kept::compare(&mut self.client, &mut self.own.kept)?;
        secrets::compare(&mut self.client, &mut self.own.secrets)
    }
}
