//! The records of the queue's log. Payloads are JSON, so that a person can read what waits.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use timberline_model::{Data, Duration, Pulsetime, Timestamp};

use super::heartbeat::{Bucket, Waiting};

/// A change of the queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Record {
    /// The heartbeat is held back: later ones may extend it. It replaces what was held back for its bucket.
    Held(Waiting),
    /// The heartbeat is to be sent. It is not held back any more.
    Queued(Waiting),
    /// These heartbeats are being sent. Written before they are.
    Attempt(Attempt),
    /// These need not be sent any more.
    Done(Done),
    /// The state of the queue up to here is complete. A log without one is left over from a rewrite that was not finished.
    Complete(Complete),
}

/// Heartbeats that are sent together, under a name that tells the server whether it has carried them out already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attempt {
    pub(crate) id: String,
    pub(crate) numbers: Vec<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Done {
    pub(crate) numbers: Vec<u64>,
    /// Whether the attempt is over: what is left of it begins anew, under another name.
    pub(crate) over: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Complete {
    /// Of two complete logs, the one with the higher generation counts.
    pub(crate) generation: u64,
    /// The number of the next heartbeat.
    pub(crate) next: u64,
}

/// A heartbeat as it is written. Times are nanoseconds.
#[derive(Serialize, Deserialize)]
struct Written<'a> {
    number: u64,
    bucket: String,
    r#type: String,
    client: String,
    hostname: String,
    pulsetime: i64,
    start: i64,
    duration: i64,
    #[serde(borrow)]
    data: &'a RawValue,
}

const HELD: u8 = 1;
const QUEUED: u8 = 2;
const ATTEMPT: u8 = 3;
const DONE: u8 = 4;
const COMPLETE: u8 = 5;

impl Record {
    /// Its kind and its payload in the log.
    pub(crate) fn encode(&self) -> (u8, Vec<u8>) {
        let (kind, payload) = match self {
            Record::Held(waiting) => (HELD, encode_heartbeat(waiting)),
            Record::Queued(waiting) => (QUEUED, encode_heartbeat(waiting)),
            Record::Attempt(attempt) => (ATTEMPT, serde_json::to_vec(attempt)),
            Record::Done(done) => (DONE, serde_json::to_vec(done)),
            Record::Complete(complete) => (COMPLETE, serde_json::to_vec(complete)),
        };
        // Structures of strings and numbers: writing them cannot fail.
        (kind, payload.unwrap_or_default())
    }

    /// Reads a record; `None` if this program does not know its kind.
    pub(crate) fn decode(kind: u8, payload: &[u8]) -> Option<Record> {
        match kind {
            HELD => decode_heartbeat(payload).map(Record::Held),
            QUEUED => decode_heartbeat(payload).map(Record::Queued),
            ATTEMPT => serde_json::from_slice(payload).ok().map(Record::Attempt),
            DONE => serde_json::from_slice(payload).ok().map(Record::Done),
            COMPLETE => serde_json::from_slice(payload).ok().map(Record::Complete),
            _ => None,
        }
    }
}

fn encode_heartbeat(waiting: &Waiting) -> serde_json::Result<Vec<u8>> {
    let data: &RawValue = serde_json::from_str(waiting.data.as_str())?;
    serde_json::to_vec(&Written {
        number: waiting.number,
        bucket: waiting.bucket.id.clone(),
        r#type: waiting.bucket.type_.clone(),
        client: waiting.bucket.client.clone(),
        hostname: waiting.bucket.hostname.clone(),
        pulsetime: waiting.pulsetime.nanos(),
        start: waiting.start.nanos(),
        duration: waiting.duration.nanos(),
        data,
    })
}

fn decode_heartbeat(payload: &[u8]) -> Option<Waiting> {
    let written: Written<'_> = serde_json::from_slice(payload).ok()?;
    Some(Waiting {
        number: written.number,
        bucket: Arc::new(Bucket {
            id: written.bucket,
            type_: written.r#type,
            client: written.client,
            hostname: written.hostname,
        }),
        pulsetime: Pulsetime::from_nanos(written.pulsetime),
        start: Timestamp::from_nanos(written.start),
        duration: Duration::from_nanos(written.duration),
        data: Data::parse(written.data.get()).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn records_are_read_as_they_were_written() {
        proptest!(|(number: u64, text in "\\PC{0,20}", times: [i64; 3], numbers: Vec<u64>, over: bool)| {
            let waiting = Waiting {
                number,
                bucket: Arc::new(Bucket {
                    id: text.clone(),
                    type_: text.clone(),
                    client: text.clone(),
                    hostname: text.clone(),
                }),
                pulsetime: Pulsetime::from_nanos(times[0]),
                start: Timestamp::from_nanos(times[1]),
                duration: Duration::from_nanos(times[2]),
                data: Data::parse(&serde_json::json!({ "title": text }).to_string()).unwrap(),
            };
            for record in [
                Record::Held(waiting.clone()),
                Record::Queued(waiting.clone()),
                Record::Attempt(Attempt { id: text.clone(), numbers: numbers.clone() }),
                Record::Done(Done { numbers: numbers.clone(), over }),
                Record::Complete(Complete { generation: number, next: number }),
            ] {
                let (kind, payload) = record.encode();
                prop_assert_eq!(Record::decode(kind, &payload), Some(record));
            }
        });
    }

    /// Records of version 1 must stay readable for ever. Do not change these texts.
    #[test]
    fn records_of_version_1_are_read() {
        let heartbeat = r#"{"number":7,"bucket":"b","type":"t","client":"c","hostname":"h","pulsetime":60000000000,"start":1772359200000000000,"duration":1500000000,"data":{"app":"vim"}}"#;
        let waiting = Waiting {
            number: 7,
            bucket: Arc::new(Bucket {
                id: "b".to_owned(),
                type_: "t".to_owned(),
                client: "c".to_owned(),
                hostname: "h".to_owned(),
            }),
            pulsetime: Pulsetime::from_nanos(60_000_000_000),
            start: Timestamp::parse("2026-03-01T10:00:00Z").unwrap(),
            duration: Duration::from_nanos(1_500_000_000),
            data: Data::parse(r#"{"app":"vim"}"#).unwrap(),
        };
        let numbers = vec![7, 8];
        for (kind, text, record) in [
            (1, heartbeat, Record::Held(waiting.clone())),
            (2, heartbeat, Record::Queued(waiting)),
            (
                3,
                r#"{"id":"x","numbers":[7,8]}"#,
                Record::Attempt(Attempt {
                    id: "x".to_owned(),
                    numbers: numbers.clone(),
                }),
            ),
            (
                4,
                r#"{"numbers":[7,8],"over":true}"#,
                Record::Done(Done { numbers, over: true }),
            ),
            (
                5,
                r#"{"generation":2,"next":9}"#,
                Record::Complete(Complete {
                    generation: 2,
                    next: 9,
                }),
            ),
        ] {
            assert_eq!(record.encode(), (kind, text.as_bytes().to_vec()));
            assert_eq!(Record::decode(kind, text.as_bytes()), Some(record));
        }
    }

    #[test]
    fn an_unknown_record_is_none() {
        assert_eq!(Record::decode(9, b"{}"), None);
        proptest!(|(kind in 0u8..7, payload: Vec<u8>)| {
            prop_assert_eq!(Record::decode(kind, &payload), None);
        });
    }
}
