//! Many heartbeats in one request: who may send which, what the privacy filters make of them, and what became of each.

use std::collections::HashMap;

use timberline_model::json::AddressedHeartbeat;
use timberline_model::{Heartbeat, ParseError};
use timberline_views::{BatchDigest, Beat, Refusal, Sent, Snapshot};

use crate::access::Granted;
use crate::service::privacy::{Filters, Verdict};

/// A heartbeat as it was sent, or why it cannot be read.
pub(crate) type Read<'a> = Result<AddressedHeartbeat<'a>, ParseError>;

/// Heartbeats of one request, judged.
pub(crate) struct Judged<'a> {
    read: &'a [Read<'a>],
    buckets: Vec<Target<'a>>,
    judgements: Vec<Judgement>,
    /// Of all heartbeats as they were sent.
    pub(crate) digest: u32,
}

/// One of the buckets that the heartbeats are for.
struct Target<'a> {
    id: &'a str,
    allowed: bool,
    filtered: bool,
}

/// What is to become of a heartbeat.
enum Judgement {
    Store {
        bucket: u32,
    },
    /// A privacy filter gives it other data.
    Change {
        bucket: u32,
        data: String,
    },
    Refuse(Refusal),
}

impl<'a> Judged<'a> {
    /// Judges each heartbeat by the sender's token and by the privacy filters.
    pub(crate) fn new(
        read: &'a [Read<'a>],
        granted: Option<&Granted>,
        filters: &Filters,
        snapshot: &Snapshot,
    ) -> Self {
        let mut judged = Judged {
            read,
            buckets: Vec::new(),
            judgements: Vec::with_capacity(read.len()),
            digest: 0,
        };
        let mut digest = BatchDigest::default();
        let mut known: HashMap<&'a str, u32> = HashMap::new();
        let mut last = None;
        for sent in read {
            let judgement = match sent {
                Err(_) => {
                    digest.add_unreadable();
                    Judgement::Refuse(Refusal::Unreadable)
                }
                Ok(sent) => {
                    digest.add(&sent.bucket, &sent.heartbeat, sent.pulsetime);
                    // Mostly it is the bucket of the one before.
                    let bucket = match last {
                        Some((id, number)) if id == &*sent.bucket => number,
                        _ => *known.entry(&sent.bucket).or_insert_with(|| {
                            let target = Target::of(&sent.bucket, granted, filters, snapshot);
                            judged.buckets.push(target);
                            judged.buckets.len() as u32 - 1
                        }),
                    };
                    last = Some((&*sent.bucket, bucket));
                    let target = judged.buckets.get(bucket as usize);
                    target.map_or(Judgement::Refuse(Refusal::NoSuchBucket), |target| {
                        target.judge(bucket, &sent.heartbeat, filters, snapshot)
                    })
                }
            };
            judged.judgements.push(judgement);
        }
        judged.digest = digest.finish();
        judged
    }

    /// The ids of the buckets, each once.
    pub(crate) fn buckets(&self) -> Vec<&str> {
        self.buckets.iter().map(|target| target.id).collect()
    }

    /// The heartbeats as they are stored.
    pub(crate) fn sent(&self) -> Vec<Sent<'_>> {
        let both = self.read.iter().zip(&self.judgements);
        both.map(|(read, judgement)| judgement.of(read)).collect()
    }
}

impl Judgement {
    /// A heartbeat as it is stored.
    fn of<'a>(&'a self, read: &'a Read<'_>) -> Sent<'a> {
        let (bucket, changed) = match self {
            Judgement::Store { bucket } => (*bucket, None),
            Judgement::Change { bucket, data } => (*bucket, Some(data)),
            Judgement::Refuse(refusal) => return Sent::Refused(*refusal),
        };
        let Ok(read) = read else {
            return Sent::Refused(Refusal::Unreadable);
        };
        Sent::Beat(Beat {
            bucket,
            pulsetime: read.pulsetime,
            start: read.heartbeat.start,
            duration: read.heartbeat.duration,
            data: changed.map_or(&*read.heartbeat.data, String::as_str),
        })
    }
}

impl<'a> Target<'a> {
    fn of(id: &'a str, granted: Option<&Granted>, filters: &Filters, snapshot: &Snapshot) -> Self {
        Target {
            id,
            allowed: granted.is_none_or(|granted| granted.covers(id)),
            filtered: filters.concern_sent(snapshot, id),
        }
    }

    fn judge(
        &self,
        bucket: u32,
        heartbeat: &Heartbeat<'_>,
        filters: &Filters,
        snapshot: &Snapshot,
    ) -> Judgement {
        if !self.allowed {
            return Judgement::Refuse(Refusal::NotAllowed);
        }
        if !self.filtered {
            return Judgement::Store { bucket };
        }
        match filters.judge_sent(snapshot, self.id, &heartbeat.data) {
            Verdict::Keep => Judgement::Store { bucket },
            Verdict::Drop => Judgement::Refuse(Refusal::Filtered),
            Verdict::Change(data) => Judgement::Change { bucket, data },
        }
    }
}
