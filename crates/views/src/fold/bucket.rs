//! How records change a bucket. Pure: the same records give the same state, live and in recovery.

use std::borrow::Cow;
use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_log::Seq;
use timberline_model::{Bucket, Duration, EventId, Timestamp};

use crate::fold::FoldError;
use crate::head::{Interner, Run, push_run};
use crate::record::{BucketKey, EventChanges, Last, Put};
use crate::row::Row;
use crate::segment::SegmentError;
use crate::view::{
    BucketView, Changes, EventLocation, LastEvent, Located, Loss, MaskedSegment, OpenEvent, RemovedEvents,
    Replacement,
};

/// So many removals at once are cheaper in one pass over everything than one by one.
const MANY: usize = 32;
/// Rows in a head that make it worth a segment.
pub(crate) const FLUSH_ROWS: usize = 32 * 1024;
/// Bytes of text in a head that do.
const SEAL_BYTES: usize = 16 << 20;
/// Bytes that a row of a head takes beside the text of its data, about: the row itself (32), in runs of which one is at
/// times copied, and a place in the dictionary (16) and in its index (10).
const ROW_BYTES: usize = 80;
/// Below this a head is not flushed just because all heads together take too much.
const SIZABLE_BYTES: usize = 256 << 10;

/// A bucket as the fold holds it: the view that is published, and what finds texts in its dictionary.
#[derive(Debug)]
pub(crate) struct BucketState {
    pub(crate) view: BucketView,
    interner: Interner,
    /// The earliest instant that the record which is being folded in has changed so far.
    changed: Option<Timestamp>,
    /// No start of an event is greater.
    greatest_start: Timestamp,
    /// No other event has the start of the open one, as far as is known, so extending it changes no order.
    open_is_alone: bool,
    /// An event at one end of the extent was removed, so the extent must be measured again.
    begin_went: bool,
    end_went: bool,
    /// Where the events lie that the record names which is being folded in, if that was found before the lock.
    located: Option<Arc<Located>>,
}

impl BucketState {
    pub(crate) fn new(key: BucketKey, bucket: Bucket) -> BucketState {
        BucketState {
            view: BucketView {
                key,
                bucket: Arc::new(bucket),
                segments: Arc::default(),
                frozen: Arc::default(),
                runs: Arc::default(),
                open: None,
                last: None,
                extent: None,
                len: 0,
                touched: Seq::NONE,
                changes: Changes::since(Seq::NONE),
            },
            interner: Interner::default(),
            changed: None,
            greatest_start: Timestamp::MIN,
            open_is_alone: false,
            begin_went: false,
            end_went: false,
            located: None,
        }
    }

    /// Takes up a bucket from a checkpoint: `rows` were in its head.
    pub(crate) fn restore(view: BucketView, head: &Put<'_>, open: Option<(Row, &str)>) -> BucketState {
        let sealed = view.segments.iter().map(|s| s.segment.header().greatest_start);
        let starts = sealed.chain(head.rows().map(|(start, ..)| start));
        let mut state = BucketState {
            greatest_start: starts
                .chain(open.map(|(row, _)| row.start))
                .max()
                .unwrap_or(Timestamp::MIN),
            view,
            interner: Interner::default(),
            changed: None,
            open_is_alone: false,
            begin_went: false,
            end_went: false,
            located: None,
        };
        let rows = state.rows(head);
        state.push_rows(rows);
        state.view.open = open.map(|(row, text)| state.opened(row, text));
        state
    }

    /// Goes on from a view: what it has in memory is frozen, under the dictionary it has.
    pub(crate) fn of(view: &BucketView) -> BucketState {
        let sealed = view.segments.iter().map(|s| s.segment.header().greatest_start);
        let in_memory = view.memory_runs().filter_map(|run| run.rows().last());
        let open = view.open.iter().map(|open| open.row.start);
        let starts = sealed.chain(in_memory.map(|row| row.start)).chain(open);
        let mut state = BucketState {
            greatest_start: starts.max().unwrap_or(Timestamp::MIN),
            view: BucketView {
                frozen: Arc::new(view.memory_runs().cloned().collect()),
                runs: Arc::default(),
                ..view.clone()
            },
            interner: Interner::default(),
            changed: None,
            open_is_alone: false,
            begin_went: false,
            end_went: false,
            located: None,
        };
        if let Some(open) = &view.open {
            state.view.open = Some(state.opened(open.row, open.text()));
        }
        state
    }

    /// Bytes of text in the dictionary of the head.
    pub(crate) fn head_bytes(&self) -> usize {
        self.interner.bytes()
    }

    /// Bytes that the head takes, about.
    pub(crate) fn head_weight(&self) -> usize {
        self.head_bytes() + self.view.head_rows() * ROW_BYTES
    }

    /// Whether a segment of the head would be of use where heads together take too much: not of a handful of events.
    pub(crate) fn is_sizable(&self) -> bool {
        self.head_weight() >= SIZABLE_BYTES
    }

    /// Whether the head is worth a segment: by its events, or by the bytes of their data.
    pub(crate) fn is_full(&self) -> bool {
        self.view.head_rows() >= FLUSH_ROWS || self.head_bytes() >= SEAL_BYTES
    }

    /// Says where the events lie that the next record names.
    pub(crate) fn expect(&mut self, located: Option<Arc<Located>>) {
        self.located = located;
    }

    /// Where an event lies.
    pub(crate) fn find(&self, id: EventId) -> Result<Option<EventLocation>, SegmentError> {
        if let Some(place) = self.view.find_in_memory(id) {
            return Ok(Some(place));
        }
        for (i, sealed) in self.view.segments.iter().enumerate().rev() {
            let located = self.located.as_ref();
            let position = match located.and_then(|located| located.position(&sealed.segment, id)) {
                Some(known) => known,
                None => sealed.segment.find(id)?,
            };
            if let Some(position) = position.filter(|position| sealed.shows(*position)) {
                return Ok(Some(EventLocation::Segment(i, position)));
            }
        }
        Ok(None)
    }

    /// The row at a place.
    fn row_at(&self, place: EventLocation) -> Result<Option<Row>, SegmentError> {
        if let (Some(located), EventLocation::Segment(segment, position)) = (&self.located, place)
            && let Some(sealed) = self.view.segments.get(segment)
            && let Some(row) = located.row(&sealed.segment, position)
        {
            return Ok(Some(row));
        }
        self.view.row_at(place)
    }

    /// The row at a place, and its data.
    pub(crate) fn read(&self, place: EventLocation) -> Result<Option<(Row, String)>, SegmentError> {
        if let (Some(located), Some(row)) = (&self.located, self.row_at(place)?)
            && matches!(place, EventLocation::Segment(..))
            && let Some(text) = located.text(row.id)
        {
            return Ok(Some((row, text.to_owned())));
        }
        self.view.read(place)
    }

    /// Everything of record `seq` is folded in.
    pub(crate) fn touch(&mut self, seq: Seq) {
        self.view.touched = self.view.touched.max(seq);
        if let Some(from) = self.changed.take() {
            self.view.changes.record(seq, from);
        }
    }

    /// Changes events as a record says, in the record's order. What cannot be carried out is reported, and the rest is done.
    pub(crate) fn change(&mut self, changes: &EventChanges<'_>) -> Result<(), FoldError> {
        if changes.by_heartbeat {
            return self.heartbeat(changes);
        }
        let mut result = self.remove_rows(changes.removed).map_err(FoldError::from);
        if let Some(ids) = changes.put.and_then(|put| put.given()) {
            result = result.and(self.remove_rows(ids).map_err(FoldError::from));
        }
        for (id, duration) in changes.extended.iter() {
            result = result.and(self.set_duration(id, duration));
        }
        if let Some(put) = &changes.put {
            self.add_rows(put);
        }
        result = result.and(self.set_last(changes));
        self.measure();
        result
    }

    /// A heartbeat makes or extends one event, which the next heartbeat probably extends: it is kept open.
    fn heartbeat(&mut self, changes: &EventChanges<'_>) -> Result<(), FoldError> {
        for (id, start, duration, text) in changes.put.iter().flat_map(|put| put.iter()) {
            self.create(id, start, duration, text);
        }
        for (event, duration) in changes.extended.iter() {
            if !self.extend(event, duration)? {
                let bucket = self.view.key.0;
                return Err(FoldError::NoSuchEvent { bucket, event });
            }
        }
        Ok(())
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
        self.view.last = Some(LastEvent::from(&open.row));
        self.open_is_alone = start > self.greatest_start;
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

    /// Events are deleted. Those that are not there are passed over.
    pub(crate) fn delete(&mut self, ids: &[EventId]) -> Result<(), SegmentError> {
        let removed = self.remove_rows(ids);
        if self.view.last.is_some_and(|l| ids.contains(&l.id)) {
            self.compare_with_newest();
        }
        self.measure();
        removed
    }

    fn set_duration(&mut self, id: EventId, duration: Duration) -> Result<(), FoldError> {
        let place = self.find(id)?;
        let Some((row, text)) = place.map(|place| self.read(place)).transpose()?.flatten() else {
            let bucket = self.view.key.0;
            return Err(FoldError::NoSuchEvent { bucket, event: id });
        };
        self.remove_row(id)?;
        let data = self.interner.intern(&text);
        let row = Row {
            duration,
            data,
            ..row
        };
        self.view.len += 1;
        self.add_time(&row);
        self.push_rows(vec![row]);
        Ok(())
    }

    /// Decides what the next heartbeat is compared with.
    fn set_last(&mut self, changes: &EventChanges<'_>) -> Result<(), FoldError> {
        let id = match (changes.last, self.view.last) {
            (Last::Event(id), _) => id,
            (Last::Unchanged, Some(last)) if changes.names(last.id) => last.id,
            (Last::Unchanged, Some(_)) => return Ok(()),
            (Last::Newest, _) | (Last::Unchanged, None) => {
                self.compare_with_newest();
                return Ok(());
            }
        };
        let place = self.find(id)?;
        match place.map(|place| self.row_at(place)).transpose()?.flatten() {
            Some(row) => self.view.last = Some(LastEvent::from(&row)),
            None => self.compare_with_newest(),
        }
        match changes.last {
            Last::Event(event) if place.is_none() => Err(FoldError::NoSuchEvent {
                bucket: self.view.key.0,
                event,
            }),
            _ => Ok(()),
        }
    }

    /// What the next heartbeat is compared with is the newest event from now on.
    pub(crate) fn compare_with_newest(&mut self) {
        self.view.last = self.view.newest().as_ref().map(LastEvent::from);
    }

    /// Adds events, of equal ids the last.
    fn add_rows(&mut self, put: &Put<'_>) {
        let mut rows = self.rows(put);
        if put.given().is_some_and(has_twice) {
            let latest: FxHashMap<EventId, Row> = rows.into_iter().map(|r| (r.id, r)).collect();
            rows = latest.into_values().collect();
        }
        self.view.len += rows.len() as u64;
        for row in &rows {
            self.add_time(row);
        }
        self.push_rows(rows);
    }

    /// Freezes the rows of the head to flush them; new rows go to a new head.
    pub(crate) fn freeze(&mut self) {
        debug_assert!(self.view.frozen.is_empty());
        self.view.frozen = std::mem::take(&mut self.view.runs);
        self.interner = Interner::default();
        if let Some(open) = self.view.open.take() {
            let text = open.text().to_owned();
            self.view.open = Some(self.opened(open.row, &text));
        }
    }

    /// Puts a new view segment in the place of what it was made of. What was removed in the meantime is hidden in it.
    pub(crate) fn install(&mut self, mut new: Replacement) -> Result<(), SegmentError> {
        new.catch_up(&self.view)?;
        let lost = new.take_place(&mut self.view);
        self.lose(&lost);
        Ok(())
    }

    /// Counts events out that a damaged segment had and its replacement has not. Reads nothing: it was looked up before.
    fn lose(&mut self, lost: &Loss) {
        if lost.events == 0 {
            return;
        }
        self.view.len = self.view.len.saturating_sub(lost.events);
        self.view.extent = self.view.measured();
        // What a heartbeat made or extended since it was looked up is in memory.
        let is_there = |id| lost.last == Some(id) || self.view.find_in_memory(id).is_some();
        if self.view.last.is_some_and(|last| !is_there(last.id)) {
            self.compare_with_newest();
        }
    }

    fn opened(&mut self, row: Row, text: &str) -> OpenEvent {
        let data = self.interner.intern(text);
        OpenEvent {
            row: Row { data, ..row },
            dictionary: self.interner.dictionary().clone(),
        }
    }

    /// The rows of events, over the dictionary of the head.
    fn rows(&mut self, put: &Put<'_>) -> Vec<Row> {
        self.interner.reserve(put.texts().count());
        let data: Vec<u32> = put.texts().map(|text| self.interner.intern(text)).collect();
        let rows = put.ids().zip(put.rows());
        rows.filter_map(|(id, (start, duration, text))| {
            Some(Row {
                start,
                duration,
                id,
                data: *data.get(text as usize)?,
            })
        })
        .collect()
    }

    fn push_rows(&mut self, mut rows: Vec<Row>) {
        rows.sort_unstable_by(Row::cmp);
        let run = Run::from_sorted(rows, self.interner.dictionary().clone());
        push_run(Arc::make_mut(&mut self.view.runs), run);
    }

    fn close_open(&mut self) {
        if let Some(open) = self.view.open.take() {
            self.push_rows(vec![open.row]);
        }
    }

    fn note_change(&mut self, from: Timestamp) {
        self.changed = Some(self.changed.map_or(from, |before| before.min(from)));
    }

    /// An event came in.
    fn add_time(&mut self, row: &Row) {
        // The new event reaches as far as the removed one did: nothing need be measured.
        let reaches =
            |extent: fn(&(Timestamp, Timestamp)) -> Timestamp| self.view.extent.as_ref().map(extent);
        self.begin_went &= reaches(|e| e.0).is_some_and(|start| row.start > start);
        self.end_went &= reaches(|e| e.1).is_some_and(|end| row.end() < end);
        self.widen(row);
        self.greatest_start = self.greatest_start.max(row.start);
        if self.view.open.as_ref().is_some_and(|o| o.row.start == row.start) {
            self.open_is_alone = false;
        }
        self.note_change(row.start.min(row.end()));
    }

    fn widen(&mut self, row: &Row) {
        let (start, end) = self.view.extent.unwrap_or((row.start, row.end()));
        self.view.extent = Some((start.min(row.start), end.max(row.end())));
    }

    /// Removes all it can; reports what could not be read.
    fn remove_rows(&mut self, ids: &[EventId]) -> Result<(), SegmentError> {
        if ids.len() >= MANY || self.located.is_some() {
            let mut sorted = Cow::Borrowed(ids);
            if !ids.is_sorted_by(|a, b| a < b) {
                let sorted = sorted.to_mut();
                sorted.sort_unstable();
                sorted.dedup();
            }
            return self.remove_many(&sorted);
        }
        let mut result = Ok(());
        for id in ids {
            result = result.and(self.remove_row(*id));
        }
        result
    }

    fn remove_row(&mut self, id: EventId) -> Result<(), SegmentError> {
        if let Some(place) = self.find(id)? {
            let row = self.row_at(place)?;
            self.take_out(place)?;
            let mut gone = RemovedEvents::default();
            if let Some(row) = row {
                gone.add(&row);
            }
            self.removed(gone);
        }
        Ok(())
    }

    /// The same for ids that are sorted, in one pass over the memory and over those blocks that may hold one of them.
    fn remove_many(&mut self, ids: &[EventId]) -> Result<(), SegmentError> {
        let mut in_memory: Vec<Row> = Vec::new();
        if let Some(open) = self
            .view
            .open
            .take_if(|open| ids.binary_search(&open.row.id).is_ok())
        {
            in_memory.push(open.row);
        }
        let located = self.located.as_deref();
        for runs in [&mut self.view.runs, &mut self.view.frozen] {
            let is_meant = |row: &Row| ids.binary_search(&row.id).is_ok();
            let may_hold = |run: &Arc<Run>| {
                run.may_hold(ids) && located.is_none_or(|located| located.may_be_in(run, ids))
            };
            let hit = |run: &Arc<Run>| may_hold(run) && run.rows().iter().any(is_meant);
            if runs.iter().any(hit) {
                let left = runs.iter().map(|run| run.without_these(ids, &mut in_memory));
                *runs = Arc::new(left.filter(|run| run.len() > 0).collect());
            }
        }
        let mut gone = RemovedEvents::default();
        in_memory.iter().for_each(|row| gone.add(row));
        self.removed(gone);
        if in_memory.is_empty() {
            return self.hide(ids);
        }
        // An event lies in one place.
        let mut found: Vec<EventId> = in_memory.iter().map(|row| row.id).collect();
        found.sort_unstable();
        let left = ids.iter().filter(|id| found.binary_search(id).is_err());
        let left: Vec<EventId> = left.copied().collect();
        self.hide(&left)
    }

    /// Hides events, whose ids are sorted, in the view segments.
    fn hide(&mut self, ids: &[EventId]) -> Result<(), SegmentError> {
        let mut result = Ok(());
        if ids.is_empty() || self.view.segments.is_empty() {
            return result;
        }
        let mut all = Vec::new();
        for sealed in Arc::make_mut(&mut self.view.segments) {
            match hide(sealed, ids, self.located.as_deref()) {
                Ok(gone) => all.push(gone),
                Err(error) => result = result.and(Err(error)),
            }
        }
        all.into_iter().for_each(|gone| self.removed(gone));
        result
    }

    /// Events were removed.
    fn removed(&mut self, gone: RemovedEvents) {
        if gone.events == 0 {
            return;
        }
        self.view.len = self.view.len.saturating_sub(gone.events);
        self.note_change(gone.from);
        if let Some((start, end)) = self.view.extent {
            self.begin_went |= gone.least_start <= start;
            self.end_went |= gone.greatest_end >= end;
        }
    }

    /// Measures the extent again if it may have changed.
    fn measure(&mut self) {
        if std::mem::take(&mut self.begin_went) | std::mem::take(&mut self.end_went) {
            self.view.extent = self.view.measured();
        }
    }

    fn take_out(&mut self, place: EventLocation) -> Result<(), SegmentError> {
        match place {
            EventLocation::Open => self.view.open = None,
            EventLocation::Run(run, position) => take_from(&mut self.view.runs, run, position),
            EventLocation::Frozen(run, position) => take_from(&mut self.view.frozen, run, position),
            EventLocation::Segment(segment, position) => {
                let row = self.row_at(place)?;
                if let Some(sealed) = Arc::make_mut(&mut self.view.segments).get_mut(segment) {
                    sealed.hide(row.map(|row| (position, row)).into_iter().collect());
                }
            }
        }
        Ok(())
    }
}

/// Whether an id is there twice: so it may be in records of old.
fn has_twice(ids: &[EventId]) -> bool {
    if ids.is_sorted_by(|a, b| a < b) {
        return false;
    }
    let mut sorted = ids.to_vec();
    sorted.sort_unstable();
    sorted.windows(2).any(|pair| matches!(pair, [a, b] if a == b))
}

fn take_from(runs: &mut Arc<Vec<Arc<Run>>>, run: usize, position: usize) {
    let runs = Arc::make_mut(runs);
    if let Some(slot) = runs.get_mut(run) {
        *slot = Arc::new(slot.without(position));
    }
    runs.retain(|r| r.len() > 0);
}

/// Hides the events with these ids, which are sorted, in a view segment.
fn hide(
    sealed: &mut MaskedSegment,
    ids: &[EventId],
    located: Option<&Located>,
) -> Result<RemovedEvents, SegmentError> {
    if let Some(gone) = located.and_then(|located| located.hide(sealed, ids)) {
        return Ok(gone);
    }
    let found = sealed.positions_of(ids)?;
    Ok(sealed.hide(found))
}

#[cfg(test)]
mod tests {
    use timberline_model::Data;

    use super::*;

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
