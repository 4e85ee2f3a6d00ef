//! Heartbeats: the open event is created or extended.

use timberline_model::{Duration, EventId, Timestamp};

use crate::fold::FoldError;
use crate::record::{EventChanges, Put};
use crate::row::Row;
use crate::segment::SegmentError;
use crate::view::{LastEvent, OpenEvent};

use super::BucketState;

impl BucketState {
    /// Heartbeats make or extend an event, which the next heartbeat probably extends: it is kept open. Several may have
    /// made others before it.
    pub(super) fn heartbeat(&mut self, changes: &EventChanges<'_>) -> Result<(), FoldError> {
        let mut result = Ok(());
        for (event, duration) in changes.extended.iter() {
            let bucket = self.view.key.0;
            match self.extend(event, duration) {
                Ok(true) => {}
                Ok(false) => result = Err(FoldError::NoSuchEvent { bucket, event }),
                // What else the record says is done all the same.
                Err(error) => result = Err(error.into()),
            }
        }
        match &changes.put {
            Some(put) if put.len() > 1 => self.create_all(put),
            Some(put) => {
                for (id, start, duration, text) in put.iter() {
                    self.create(id, start, duration, text);
                }
            }
            None => {}
        }
        result
    }

    /// Heartbeats became new events; only the last of these can still be extended.
    fn create_all(&mut self, put: &Put<'_>) {
        self.close_open();
        let mut rows = self.rows(put);
        let Some(newest) = rows.pop() else { return };
        self.view.len += rows.len() as u64;
        for row in &rows {
            self.add_time(row);
        }
        self.push_rows(rows);
        self.keep_open(OpenEvent {
            row: newest,
            dictionary: self.interner.dictionary().clone(),
        });
    }

    /// A heartbeat became a new event.
    fn create(&mut self, id: EventId, start: Timestamp, duration: Duration, text: &str) {
        self.close_open();
        let open = self.opened(
            Row {
                start,
                duration,
                id,
                data: 0,
            },
            text,
        );
        self.keep_open(open);
    }

    /// A new event is the one that the next heartbeat may extend.
    fn keep_open(&mut self, open: OpenEvent) {
        self.view.last = Some(LastEvent::from(&open.row));
        self.open_is_alone = open.row.start > self.greatest_start;
        self.add_time(&open.row);
        self.view.open = Some(open);
        self.view.len += 1;
    }

    /// A heartbeat extended an event, which is from now on the open one. False when there is no such event.
    fn extend(&mut self, id: EventId, duration: Duration) -> Result<bool, SegmentError> {
        if self.view.open.as_ref().is_none_or(|o| o.row.id != id) {
            let Some(place) = self.find(id)? else {
                return Ok(false);
            };
            let Some((row, text)) = self.read(place)? else {
                return Ok(false);
            };
            self.take_out(place)?;
            self.close_open();
            self.view.open = Some(self.opened(row, &text));
            self.open_is_alone = false;
        }
        if let Some(open) = &mut self.view.open {
            let end = open.row.end();
            open.row.duration = duration;
            let row = open.row;
            self.view.last = Some(LastEvent::from(&row));
            self.widen(&row);
            if row.end() < end {
                self.end_went |= self.view.extent.is_some_and(|(_, greatest)| end >= greatest);
                self.measure();
            }
            // What lay before its end is as it was; but of equal starts, ends make the order.
            let from = if self.open_is_alone {
                end
            } else {
                end.min(row.start)
            };
            self.note_change(from.min(row.end()));
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use timberline_model::{Bucket, Data};

    use super::*;
    use crate::record::BucketKey;

    #[test]
    fn an_event_that_is_cut_short_by_a_heartbeat_narrows_the_extent() {
        let bucket = Bucket {
            id: "window".to_owned(),
            type_: "currentwindow".to_owned(),
            client: "tests".to_owned(),
            hostname: "here".to_owned(),
            created: Timestamp::from_nanos(0),
            data: Data::default(),
            last_updated: None,
        };
        let mut state = BucketState::new(BucketKey(1), bucket);
        let time = Timestamp::from_nanos;
        let lasting = Duration::from_nanos;
        state.create(EventId(1), time(100), lasting(50), "{}");
        state.create(EventId(2), time(120), lasting(80), "{}");
        assert_eq!(state.view.extent, Some((time(100), time(200))));
        assert!(state.extend(EventId(2), lasting(10)).unwrap());
        assert_eq!(state.view.extent, Some((time(100), time(150))));
        assert!(state.extend(EventId(1), lasting(5)).unwrap());
        assert_eq!(state.view.extent, Some((time(100), time(130))));
        assert!(state.extend(EventId(1), lasting(70)).unwrap());
        assert_eq!(state.view.extent, Some((time(100), time(170))));
    }
}
