//! What a client of the soak knows, and its requests: who it is, its connection, and its ledger, in which each write is
//! entered.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use timberline_benches::http::{Answer, Connection};

use crate::ledger::{Event, Events, Ledger, Pending};
use crate::random::Random;

/// What all clients of a server count together.
#[derive(Debug, Default)]
pub(crate) struct Stats {
    pub(crate) requests: AtomicU64,
    /// Nanoseconds of the slowest heartbeat since somebody looked.
    pub(crate) slowest_beat: AtomicU64,
}

/// One client of a server.
#[derive(Debug)]
pub(crate) struct Client<'a> {
    number: u64,
    pub(crate) random: Random,
    port: u16,
    connection: Option<Connection>,
    pub(crate) ledger: Ledger,
    pub(crate) stats: &'a Stats,
    /// How often its buckets were replaced by new ones.
    pub(crate) generation: u64,
}

impl<'a> Client<'a> {
    pub(crate) fn new(number: u64, seed: u64, port: u16, stats: &'a Stats) -> Client<'a> {
        Client {
            number,
            random: Random::new(seed, number),
            port,
            connection: None,
            ledger: Ledger::default(),
            stats,
            generation: 0,
        }
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn disconnect(&mut self) {
        self.connection = None;
    }

    pub(crate) fn beats(&self) -> String {
        format!("soak-beats-{}-{}", self.number, self.generation)
    }

    pub(crate) fn batch(&self) -> String {
        format!("soak-batch-{}-{}", self.number, self.generation)
    }

    pub(crate) fn request(&mut self, method: &str, target: &str, body: Option<&str>) -> io::Result<Answer> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(self.port)?),
        };
        let answer = connection.exchange(method, target, body.map(str::as_bytes));
        if answer.is_err() {
            self.connection = None;
        }
        let answer = answer?;
        self.stats.requests.fetch_add(1, Ordering::Relaxed);
        Ok(answer)
    }

    /// Sends a write. `None`, and a complaint, if it is refused.
    pub(crate) fn write(
        &mut self,
        pending: Pending,
        method: &str,
        target: &str,
        body: Option<&str>,
    ) -> io::Result<Option<Answer>> {
        self.ledger.pending = Some(pending);
        let answer = self.request(method, target, body)?;
        self.ledger.pending = None;
        if answer.is_success() {
            self.ledger.acknowledged += 1;
            return Ok(Some(answer));
        }
        self.ledger
            .complain(format!("{method} {target}: {}", answer.excerpt()));
        Ok(None)
    }

    /// Sends a read and complains if it fails.
    pub(crate) fn get(&mut self, target: &str) -> io::Result<Option<Answer>> {
        let answer = self.request("GET", target, None)?;
        if answer.is_success() {
            return Ok(Some(answer));
        }
        self.ledger
            .complain(format!("GET {target}: {}", answer.excerpt()));
        Ok(None)
    }

    pub(crate) fn create(&mut self, bucket: &str) -> io::Result<()> {
        let pending = Pending::Create {
            bucket: bucket.to_owned(),
        };
        let body = r#"{"client":"soak","type":"soak","hostname":"soak"}"#;
        if self
            .write(pending, "POST", &format!("/api/0/buckets/{bucket}"), Some(body))?
            .is_some()
        {
            self.ledger.events_mut(bucket);
        }
        Ok(())
    }

    pub(crate) fn drop_bucket(&mut self, bucket: &str) -> io::Result<()> {
        let pending = Pending::Drop {
            bucket: bucket.to_owned(),
        };
        let target = format!("/api/0/buckets/{bucket}?force=1");
        if self.write(pending, "DELETE", &target, None)?.is_some() {
            self.ledger.buckets.insert(bucket.to_owned(), None);
            self.ledger.deleted.remove(bucket);
        }
        Ok(())
    }

    pub(crate) fn delete_event(&mut self, bucket: &str, id: u64) -> io::Result<()> {
        let pending = Pending::Delete {
            bucket: bucket.to_owned(),
            id,
        };
        let target = format!("/api/0/buckets/{bucket}/events/{id}");
        if self.write(pending, "DELETE", &target, None)?.is_some() {
            self.ledger.delete(bucket, id);
        }
        Ok(())
    }

    /// What the server shows of a bucket; `None` for no such bucket.
    pub(crate) fn shown(&mut self, bucket: &str) -> io::Result<Option<Events>> {
        let answer = self.request("GET", &format!("/api/0/buckets/{bucket}/events"), None)?;
        if answer.status == 404 {
            return Ok(None);
        }
        let list: Value = answer.json();
        let events = Event::read_all(&list);
        if events.is_none() {
            self.ledger
                .complain(format!("the events of {bucket}: {}", answer.excerpt()));
        }
        Ok(events.map(|events| events.into_iter().collect()))
    }
}
