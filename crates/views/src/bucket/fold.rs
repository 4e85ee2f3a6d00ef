//! How records change a bucket. Pure: the same records give the same state, live and in recovery.

use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use timberline_model::Bucket;

use super::changes::Changes;
use super::view::{BucketView, LastEvent, OpenEvent, Place, Sealed};
use crate::head::{Interner, Run, push_run};
use crate::record::{BucketKey, EventBlock, EventsChanged, Last};
use crate::row::Row;
use crate::segment::{BLOCK_ROWS, Block, SegmentError, ViewSegment};
use crate::state::FoldError;

/// So many removals at once are cheaper in one pass over everything than one by one.
const MANY: usize = 32;
/// Rows in a head that make it worth a segment.
pub(crate) const SEAL_ROWS: usize = 32 * 1024;
/// Bytes of text in a head that do.
const SEAL_BYTES: usize = 16 << 20;
/// Bytes that a row of a head takes beside the text of its data, about: the row itself, in runs that have room, and a
/// place in the dictionary and in its index.
const ROW_BYTES: usize = 128;
/// Below this a head is not sealed just because all heads together take too much.
const SIZABLE_BYTES: usize = 256 << 10;

/// A bucket as the fold holds it: the view that is published, and what finds texts in its dictionary.
#[derive(Debug)]
pub(crate) struct BucketState {
    pub(crate) view: BucketView,
    interner: Interner,
    /// The earliest instant that the record which is being folded in has changed so far.
    changed: Option<i64>,
    /// No start of an event is greater.
    greatest_start: i64,
    /// No other event has the start of the open one, as far as is known, so extending it changes no order.
    open_is_alone: bool,
    /// An event at the edge of the extent went, so the extent is to be measured anew.
    edge_went: bool,
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
                touched: 0,
                changes: Changes::since(0),
            },
            interner: Interner::default(),
            changed: None,
            greatest_start: i64::MIN,
            open_is_alone: false,
            edge_went: false,
        }
    }

    /// Takes up a bucket from a checkpoint: `rows` were in its head.
    pub(crate) fn restore(
        view: BucketView,
        head: &EventBlock<'_>,
        ids: &[u64],
        open: Option<(Row, &str)>,
    ) -> BucketState {
        let sealed = view.segments.iter().map(|s| s.segment.header().greatest_start);
        let starts = sealed.chain(head.starts.iter().copied());
        let mut state = BucketState {
            greatest_start: starts
                .chain(open.map(|(row, _)| row.start))
                .max()
                .unwrap_or(i64::MIN),
            view,
            interner: Interner::default(),
            changed: None,
            open_is_alone: false,
            edge_went: false,
        };
        let rows = state.rows(head, ids.iter().copied());
        state.push_rows(rows);
        state.view.open = open.map(|(row, text)| state.opened(row, text));
        state
    }

    /// Goes on from a picture: what it has in memory is set apart, under the dictionary it has.
    pub(crate) fn of(view: &BucketView) -> BucketState {
        let sealed = view.segments.iter().map(|s| s.segment.header().greatest_start);
        let in_memory = view.memory_runs().filter_map(|run| run.rows().last());
        let open = view.open.iter().map(|open| open.row.start);
        let starts = sealed.chain(in_memory.map(|row| row.start)).chain(open);
        let mut state = BucketState {
            greatest_start: starts.max().unwrap_or(i64::MIN),
            view: BucketView {
                frozen: Arc::new(view.memory_runs().cloned().collect()),
                runs: Arc::default(),
                ..view.clone()
            },
            interner: Interner::default(),
            changed: None,
            open_is_alone: false,
            edge_went: false,
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
        self.view.head_rows() >= SEAL_ROWS || self.head_bytes() >= SEAL_BYTES
    }

    /// Everything of record `seq` is folded in.
    pub(crate) fn touch(&mut self, seq: u64) {
        self.view.touched = self.view.touched.max(seq);
        if let Some(from) = self.changed.take() {
            self.view.changes.record(seq, from);
        }
    }

    /// A heartbeat became a new event.
    pub(crate) fn create(&mut self, id: u64, start: i64, duration: i64, text: &str) {
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
    pub(crate) fn extend(&mut self, id: u64, duration: i64) -> Result<bool, SegmentError> {
        if self.view.open.as_ref().is_none_or(|o| o.row.id != id) {
            let Some(place) = self.view.find(id)? else {
                return Ok(false);
            };
            let Some((row, text)) = self.view.read(place)? else {
                return Ok(false);
            };
            self.take_out(place);
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
            // What lay before its end is as it was; but of equal starts, ends make the order.
            let from = if self.open_is_alone {
                end
            } else {
                end.min(row.start)
            };
            self.change(from.min(row.end()));
        }
        Ok(true)
    }

    /// Events came in with fresh ids.
    pub(crate) fn insert(&mut self, events: &EventBlock<'_>, ids: impl Iterator<Item = u64>) {
        let rows = self.rows(events, ids);
        self.view.len += rows.len() as u64;
        for row in &rows {
            self.add_time(row);
        }
        self.push_rows(rows);
        self.view.last = self.view.newest().as_ref().map(LastEvent::from);
    }

    /// Events came in with ids that may be taken; of equal ids in one request the last counts.
    pub(crate) fn put(&mut self, events: &EventBlock<'_>, ids: &[u64]) -> Result<(), SegmentError> {
        let removed = self.remove_rows(ids);
        self.add_rows(events, ids);
        self.view.last = self.view.newest().as_ref().map(LastEvent::from);
        self.measure();
        removed
    }

    /// Events went. Those that are not there are passed over.
    pub(crate) fn delete(&mut self, ids: &[u64]) -> Result<(), SegmentError> {
        let removed = self.remove_rows(ids);
        if self.view.last.is_some_and(|l| ids.contains(&l.id)) {
            self.compare_with_newest();
        }
        self.measure();
        removed
    }

    /// Many changes at once. What cannot be carried out is told, and the rest done.
    pub(crate) fn change_events(&mut self, r: &EventsChanged<'_>) -> Result<(), FoldError> {
        let mut result = self.remove_rows(&r.removed).map_err(FoldError::from);
        result = result.and(self.remove_rows(&r.ids).map_err(FoldError::from));
        for (id, duration) in &r.extended {
            result = result.and(self.set_duration(*id, *duration));
        }
        self.add_rows(&r.events, &r.ids);
        result = result.and(self.set_last(r.last));
        self.measure();
        result
    }

    fn set_duration(&mut self, id: u64, duration: i64) -> Result<(), FoldError> {
        let place = self.view.find(id)?;
        let Some((row, text)) = place.map(|place| self.view.read(place)).transpose()?.flatten() else {
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

    fn set_last(&mut self, last: Last) -> Result<(), FoldError> {
        let id = match last {
            Last::Newest => None,
            Last::Event(id) => Some(id),
            Last::Unchanged => self.view.last.map(|l| l.id),
        };
        let place = id.map(|id| self.view.find(id)).transpose()?.flatten();
        match place.map(|place| self.view.row_at(place)).transpose()?.flatten() {
            Some(row) => self.view.last = Some(LastEvent::from(&row)),
            None => self.compare_with_newest(),
        }
        match last {
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

    /// Rows of a block come in under these ids, of equal ones the last.
    fn add_rows(&mut self, events: &EventBlock<'_>, ids: &[u64]) {
        let rows = self.rows(events, ids.iter().copied());
        let latest: FxHashMap<u64, Row> = rows.into_iter().map(|r| (r.id, r)).collect();
        let rows: Vec<Row> = latest.into_values().collect();
        self.view.len += rows.len() as u64;
        for row in &rows {
            self.add_time(row);
        }
        self.push_rows(rows);
    }

    /// Sets the rows of the head apart to be sealed; new rows go to a new head.
    pub(crate) fn freeze(&mut self) {
        debug_assert!(self.view.frozen.is_empty());
        self.view.frozen = std::mem::take(&mut self.view.runs);
        self.interner = Interner::default();
        if let Some(open) = self.view.open.take() {
            let text = open.text().to_owned();
            self.view.open = Some(self.opened(open.row, &text));
        }
    }

    /// Puts the segment made of the frozen runs in their place. Rows that went in the meantime are hidden in it.
    pub(crate) fn install_sealed(
        &mut self,
        segment: ViewSegment,
        made_of: &Arc<Vec<Arc<Run>>>,
    ) -> Result<(), SegmentError> {
        let mut hidden = Vec::new();
        if !Arc::ptr_eq(&self.view.frozen, made_of) {
            let left: FxHashSet<u64> = self
                .view
                .frozen
                .iter()
                .flat_map(|r| r.rows())
                .map(|r| r.id)
                .collect();
            hidden = positions(&segment, |id| !left.contains(&id))?;
        }
        self.view.frozen = Arc::default();
        self.add_segment(Sealed {
            segment: Arc::new(segment),
            hidden: Arc::new(hidden),
        });
        Ok(())
    }

    /// Puts one segment in the place of those it was merged from. What was hidden in them since is hidden in it.
    pub(crate) fn install_merged(
        &mut self,
        segment: Option<ViewSegment>,
        made_of: &[Sealed],
    ) -> Result<(), SegmentError> {
        let mut gone = FxHashSet::default();
        for then in made_of {
            let now = self
                .view
                .segments
                .iter()
                .find(|s| Arc::ptr_eq(&s.segment, &then.segment));
            for position in now.map(|s| s.hidden.as_slice()).unwrap_or_default() {
                if then.hidden.binary_search(position).is_err()
                    && !then.segment.is_missing(*position)
                    && let Some(row) = then.segment.row(*position)?
                {
                    gone.insert(row.id);
                }
            }
        }
        let lost = self.lost(made_of);
        let merged = |s: &Sealed| made_of.iter().any(|m| Arc::ptr_eq(&m.segment, &s.segment));
        Arc::make_mut(&mut self.view.segments).retain(|s| !merged(s));
        if let Some(segment) = segment {
            let hidden = if gone.is_empty() {
                Vec::new()
            } else {
                positions(&segment, |id| gone.contains(&id))?
            };
            self.add_segment(Sealed {
                segment: Arc::new(segment),
                hidden: Arc::new(hidden),
            });
        }
        self.lose(lost);
        Ok(())
    }

    /// Events of these segments that are shown and cannot be had any more.
    fn lost(&self, made_of: &[Sealed]) -> u64 {
        let segments = self.view.segments.iter();
        let now = segments.filter(|s| made_of.iter().any(|m| Arc::ptr_eq(&m.segment, &s.segment)));
        let missing = |s: &Sealed| {
            let shown = |p: &&u32| s.hidden.binary_search(p).is_err();
            s.segment.missing().iter().filter(shown).count() as u64
        };
        now.map(missing).sum()
    }

    /// So many events went with a damaged segment.
    fn lose(&mut self, events: u64) {
        if events == 0 {
            return;
        }
        self.view.len = self.view.len.saturating_sub(events);
        self.view.extent = self.view.measured();
        let last = self.view.last.map(|last| self.view.find(last.id));
        if !matches!(last, None | Some(Ok(Some(_)))) {
            self.compare_with_newest();
        }
    }

    fn add_segment(&mut self, sealed: Sealed) {
        let segments = Arc::make_mut(&mut self.view.segments);
        segments.push(sealed);
        segments.sort_by_key(|s| s.segment.header().least_start);
    }

    fn opened(&mut self, row: Row, text: &str) -> OpenEvent {
        let data = self.interner.intern(text);
        OpenEvent {
            row: Row { data, ..row },
            dictionary: self.interner.dictionary().clone(),
        }
    }

    /// Rows of a block, over the dictionary of the head.
    fn rows(&mut self, events: &EventBlock<'_>, ids: impl Iterator<Item = u64>) -> Vec<Row> {
        self.interner.reserve(events.texts.len());
        let data: Vec<u32> = events.texts.iter().map(|t| self.interner.intern(t)).collect();
        let columns = events
            .starts
            .iter()
            .zip(&events.durations)
            .zip(&events.data)
            .zip(ids);
        columns
            .filter_map(|(((start, duration), text), id)| {
                let data = *data.get(*text as usize)?;
                Some(Row {
                    start: *start,
                    duration: *duration,
                    id,
                    data,
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

    fn change(&mut self, from: i64) {
        self.changed = Some(self.changed.map_or(from, |before| before.min(from)));
    }

    /// An event came in.
    fn add_time(&mut self, row: &Row) {
        self.widen(row);
        self.greatest_start = self.greatest_start.max(row.start);
        if self.view.open.as_ref().is_some_and(|o| o.row.start == row.start) {
            self.open_is_alone = false;
        }
        self.change(row.start.min(row.end()));
    }

    fn widen(&mut self, row: &Row) {
        let (start, end) = self.view.extent.unwrap_or((row.start, row.end()));
        self.view.extent = Some((start.min(row.start), end.max(row.end())));
    }

    /// Removes all it can; tells of what could not be read.
    fn remove_rows(&mut self, ids: &[u64]) -> Result<(), SegmentError> {
        if ids.len() >= MANY {
            return self.remove_many(&ids.iter().copied().collect());
        }
        let mut result = Ok(());
        for id in ids {
            result = result.and(self.remove_row(*id));
        }
        result
    }

    fn remove_row(&mut self, id: u64) -> Result<(), SegmentError> {
        if let Some(place) = self.view.find(id)? {
            let row = self.view.row_at(place)?;
            self.take_out(place);
            self.went(row);
        }
        Ok(())
    }

    /// The same in one pass over the memory and over those blocks that may hold one of the ids.
    fn remove_many(&mut self, ids: &FxHashSet<u64>) -> Result<(), SegmentError> {
        let mut gone: Vec<Row> = Vec::new();
        if let Some(open) = self.view.open.take_if(|open| ids.contains(&open.row.id)) {
            gone.push(open.row);
        }
        for runs in [&mut self.view.runs, &mut self.view.frozen] {
            let hit = |run: &Arc<Run>| run.rows().iter().any(|row| ids.contains(&row.id));
            if runs.iter().any(hit) {
                let left = runs.iter().map(|run| run.without_these(ids, &mut gone));
                *runs = Arc::new(left.filter(|run| run.len() > 0).collect());
            }
        }
        let mut result = Ok(());
        if !self.view.segments.is_empty() {
            let mut sorted: Vec<u64> = ids.iter().copied().collect();
            sorted.sort_unstable();
            for sealed in Arc::make_mut(&mut self.view.segments) {
                result = result.and(hide(sealed, &sorted, &mut gone));
            }
        }
        for row in gone {
            self.went(Some(row));
        }
        result
    }

    /// An event went; its row, if it could be read.
    fn went(&mut self, row: Option<Row>) {
        self.view.len = self.view.len.saturating_sub(1);
        self.change(row.map_or(i64::MIN, |r| r.start.min(r.end())));
        let at_edge = |(start, end)| row.is_none_or(|r| r.start <= start || r.end() >= end);
        self.edge_went |= self.view.extent.is_some_and(at_edge);
    }

    /// Measures the extent anew, if that may have changed.
    fn measure(&mut self) {
        if std::mem::take(&mut self.edge_went) {
            self.view.extent = self.view.measured();
        }
    }

    fn take_out(&mut self, place: Place) {
        match place {
            Place::Open => self.view.open = None,
            Place::Run(run, position) => take_from(&mut self.view.runs, run, position),
            Place::Frozen(run, position) => take_from(&mut self.view.frozen, run, position),
            Place::Segment(segment, position) => {
                if let Some(sealed) = Arc::make_mut(&mut self.view.segments).get_mut(segment) {
                    let hidden = Arc::make_mut(&mut sealed.hidden);
                    if let Err(at) = hidden.binary_search(&position) {
                        hidden.insert(at, position);
                    }
                }
            }
        }
    }
}

fn take_from(runs: &mut Arc<Vec<Arc<Run>>>, run: usize, position: usize) {
    let runs = Arc::make_mut(runs);
    if let Some(slot) = runs.get_mut(run) {
        *slot = Arc::new(slot.without(position));
    }
    runs.retain(|r| r.len() > 0);
}

/// Hides the events with these ids, which are sorted; their rows are added to `gone`.
fn hide(sealed: &mut Sealed, ids: &[u64], gone: &mut Vec<Row>) -> Result<(), SegmentError> {
    let found = sealed.positions_of(ids)?;
    if !found.is_empty() {
        let hidden = Arc::make_mut(&mut sealed.hidden);
        hidden.extend(found.iter().map(|(position, _)| *position));
        hidden.sort_unstable();
        gone.extend(found.iter().map(|(_, row)| *row));
    }
    Ok(())
}

/// Positions of the events whose id is wanted.
fn positions(segment: &ViewSegment, wanted: impl Fn(u64) -> bool) -> Result<Vec<u32>, SegmentError> {
    let mut found = Vec::new();
    let mut block = Block::default();
    for b in 0..segment.blocks() {
        segment.read_block(b, &mut block)?;
        for i in 0..block.len() {
            if block.row(i).is_some_and(|r| wanted(r.id)) {
                found.push((b * BLOCK_ROWS + i) as u32);
            }
        }
    }
    Ok(found)
}
