//! Collects events into batches. Databases mix the events of all buckets; storing is faster with many of one bucket at
//! a time.

use std::collections::VecDeque;
use std::mem;

use timberline_model::NewEvent;

use super::Batch;

/// Events in a full batch.
pub(super) const BATCH_EVENTS: usize = 4096;
/// Bytes of data in a full batch.
const BATCH_BYTES: usize = 4 << 20;
/// Bytes that all unfinished batches may take together.
const PENDING_BYTES: usize = 24 << 20;
/// What an event takes in addition to its data.
const EVENT_BYTES: usize = mem::size_of::<NewEvent<'_>>();

#[derive(Default)]
struct Pending {
    events: Vec<NewEvent<'static>>,
    bytes: usize,
}

/// Batches in the making, one for each bucket, and those that are full.
#[derive(Default)]
pub(super) struct Gather {
    pending: Vec<Pending>,
    bytes: usize,
    ready: VecDeque<Batch>,
}

impl Gather {
    pub(super) fn push(&mut self, bucket: usize, event: NewEvent<'static>) {
        if self.pending.len() <= bucket {
            self.pending.resize_with(bucket + 1, Pending::default);
        }
        let Some(pending) = self.pending.get_mut(bucket) else {
            debug_assert!(false, "the list was just made long enough");
            return;
        };
        let bytes = EVENT_BYTES + event.data.len();
        pending.bytes += bytes;
        self.bytes += bytes;
        pending.events.push(event);
        if pending.events.len() >= BATCH_EVENTS || pending.bytes >= BATCH_BYTES {
            self.complete(bucket);
        }
        while self.bytes > PENDING_BYTES {
            let sizes = self.pending.iter().map(|pending| pending.bytes).enumerate();
            let Some((largest, _)) = sizes.max_by_key(|(_, bytes)| *bytes) else {
                break;
            };
            self.complete(largest);
        }
    }

    /// Makes batches of all that is left.
    pub(super) fn complete_all(&mut self) {
        for bucket in 0..self.pending.len() {
            self.complete(bucket);
        }
    }

    /// Whether a batch is complete.
    #[cfg(feature = "sqlite")]
    pub(super) fn is_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn next(&mut self) -> Option<Batch> {
        self.ready.pop_front()
    }

    fn complete(&mut self, bucket: usize) {
        let Some(pending) = self.pending.get_mut(bucket).map(mem::take) else {
            return;
        };
        self.bytes -= pending.bytes;
        if !pending.events.is_empty() {
            self.ready.push_back(Batch {
                bucket,
                events: pending.events,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use timberline_model::{Duration, Timestamp};

    fn event(start: i64, data: String) -> NewEvent<'static> {
        NewEvent {
            id: None,
            start: Timestamp::from_nanos(start),
            duration: Duration::ZERO,
            data: data.into(),
        }
    }

    #[test]
    fn events_of_a_bucket_stay_in_order_and_none_is_lost() {
        let mut gather = Gather::default();
        let mut seen = vec![Vec::new(); 3];
        let mut drain = |gather: &mut Gather| {
            while let Some(batch) = gather.next() {
                assert!(batch.events.len() <= BATCH_EVENTS);
                seen[batch.bucket].extend(batch.events.iter().map(|event| event.start.nanos()));
            }
        };
        for at in 0..30_000 {
            gather.push(at as usize % 3, event(at, "{}".into()));
            drain(&mut gather);
        }
        gather.complete_all();
        drain(&mut gather);
        for (bucket, starts) in seen.iter().enumerate() {
            let expected: Vec<i64> = (0..30_000).filter(|at| *at as usize % 3 == bucket).collect();
            assert_eq!(*starts, expected);
        }
    }

    #[test]
    fn large_events_in_many_buckets_take_bounded_memory() {
        let mut gather = Gather::default();
        for bucket in 0..100 {
            gather.push(bucket, event(0, "x".repeat(1 << 20)));
            while gather.next().is_some() {}
            assert!(gather.bytes <= PENDING_BYTES);
        }
    }
}
