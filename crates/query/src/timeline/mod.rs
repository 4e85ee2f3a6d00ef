//! A timeline: for each lane no more spans than fit on the screen, however long the time, chosen so that what is drawn is
//! right.
//!
//! If a lane has few events, each is a span. Otherwise spans of one width lie side by side, at most as many as were asked
//! for; each says how much of it is covered, and by what mostly. All of it is exact: it is added up from the rows
//! themselves. What was added up is kept in tiles, until the events change ([`tiles`]).
//!
//! | file | what |
//! |---|---|
//! | `categories` | a timeline of what a person did, a lane for each category |
//! | `grid` | where spans begin and end |
//! | `fold` | adds up events into spans |
//! | `tile` | reads a bucket for some dozen spans |
//! | `tiles` | the tiles that are kept |
//! | `span` | spans as they are answered |
//! | `json` | the answer as text |

mod categories;
mod fold;
mod grid;
mod json;
mod span;
mod tile;
mod tiles;

use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use timberline_cancel::Cancel;
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::{BucketView, Snapshot, TimeRange};

pub use self::categories::CategoriesQuery;
use self::grid::Grid;
use self::span::Joined;
pub use self::span::Span;
use self::tile::TileSpan;
use self::tiles::Key;
pub(crate) use self::tiles::Tiles;
use crate::engine::Engine;
use crate::error::QueryError;
use crate::limits::Guard;

/// What is asked of a timeline.
#[derive(Clone, Debug)]
pub struct TimelineQuery {
    /// The buckets, one lane each. Those that are not there are left out.
    pub buckets: Vec<String>,
    /// Where it begins; by default with the first event.
    pub start: Option<Timestamp>,
    /// Where it ends; by default with the last event.
    pub end: Option<Timestamp>,
    /// The most spans of a lane; at least [`TimelineQuery::LEAST_WIDTH`].
    pub width: usize,
    /// Whether it is about a past snapshot. What was computed for others is not used then.
    pub past: bool,
}

impl TimelineQuery {
    /// The least width that can be asked for.
    pub const LEAST_WIDTH: usize = 2;
    /// The greatest width that can be asked for.
    pub const GREATEST_WIDTH: usize = 20_000;
}

/// What is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Timeline {
    /// Where it begins.
    pub start: Timestamp,
    /// Where it ends.
    pub end: Timestamp,
    /// Its lanes, in the order of the request.
    pub lanes: Vec<Lane>,
}

/// What a lane shows.
#[derive(Clone, Debug, PartialEq)]
pub enum LaneName {
    /// The events of the bucket with this id.
    Bucket(String),
    /// The activity of a category, which is JSON text; none for what has no category.
    Category(Option<String>),
}

/// One lane of a timeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Lane {
    /// What it shows.
    pub name: LaneName,
    /// How long each span is, if the lane has more events than fit; otherwise each event is a span.
    pub resolution: Option<Duration>,
    /// Oldest first.
    pub spans: Vec<Span>,
}

impl Engine {
    /// Computes a timeline.
    ///
    /// # Errors
    /// When a view segment cannot be read, or a limit is reached.
    pub fn timeline(
        &self,
        snapshot: &Snapshot,
        query: &TimelineQuery,
        cancel: &Cancel,
    ) -> Result<Timeline, QueryError> {
        let views: Vec<&BucketView> = query
            .buckets
            .iter()
            .filter_map(|id| snapshot.bucket(id))
            .collect();
        let (start, end) = bounds(&views, query);
        let guard = self.guard(cancel);
        let job = Job {
            engine: self,
            snapshot,
            query,
            guard: &guard,
            start,
            end,
        };
        let lanes = || {
            views
                .par_iter()
                .map(|view| job.lane(view))
                .collect::<Result<_, _>>()
        };
        let lanes = self.install(lanes)?;
        Ok(Timeline { start, end, lanes })
    }
}

/// The time that is asked for: at least a nanosecond.
fn bounds(views: &[&BucketView], query: &TimelineQuery) -> (Timestamp, Timestamp) {
    let first = || views.iter().filter_map(|view| view.start()).min();
    let last = || views.iter().filter_map(|view| view.end()).max();
    let start = query.start.or_else(first).unwrap_or(Timestamp::EPOCH);
    let start = start.min(Timestamp::from_nanos(i64::MAX - 1));
    let end = query.end.or_else(last).unwrap_or(start);
    (start, end.max(Timestamp::from_nanos(start.nanos() + 1)))
}

/// One timeline, while it is computed.
struct Job<'a> {
    engine: &'a Engine,
    snapshot: &'a Snapshot,
    query: &'a TimelineQuery,
    guard: &'a Guard,
    start: Timestamp,
    end: Timestamp,
}

impl Job<'_> {
    fn lane(&self, view: &BucketView) -> Result<Lane, QueryError> {
        let width = self.query.width.max(TimelineQuery::LEAST_WIDTH);
        let range = TimeRange {
            start: Some(self.start),
            end: Some(self.end),
        };
        let (resolution, spans) = if view.has_more_than(range, width as u64)? {
            let grid = Grid::finest(self.start.nanos(), self.end.nanos(), width);
            (
                Some(Duration::from_nanos(grid.width())),
                self.on_grid(view, grid)?,
            )
        } else {
            (None, self.one_by_one(view, range)?)
        };
        Ok(Lane {
            name: LaneName::Bucket(view.bucket().id.clone()),
            resolution,
            spans,
        })
    }

    /// Each event as a span.
    fn one_by_one(&self, view: &BucketView, range: TimeRange) -> Result<Vec<Span>, QueryError> {
        let mut texts: FxHashMap<Vec<u8>, Arc<str>> = FxHashMap::default();
        let mut spans = Vec::new();
        for (step, event) in view.events(range)?.enumerate() {
            self.guard.check_at(step)?;
            let event = event?;
            let (start, duration) = (event.start(), event.duration());
            let end = start.saturating_add(duration);
            // As on a grid: what ends before it starts has no place in time, and what only touches the start or the end
            // does not lie in between.
            let before = start < self.start && end <= self.start;
            if duration.is_negative() || start >= self.end || before {
                continue;
            }
            let mut text = Vec::new();
            event.write_data(&mut text);
            let data = texts
                .entry(text)
                .or_insert_with_key(|text| String::from_utf8_lossy(text).into());
            spans.push(Span {
                start,
                end,
                covered: duration,
                events: Some(1),
                id: Some(event.id()).filter(|id| *id != EventId::NONE),
                data: Arc::clone(data),
                time: duration,
            });
        }
        spans.reverse();
        Ok(spans)
    }

    fn on_grid(&self, view: &BucketView, grid: Grid) -> Result<Vec<Span>, QueryError> {
        let (start, last) = (self.start.nanos(), self.end.nanos() - 1);
        let tiles: Vec<i64> = (grid.tile_at(start)..=grid.tile_at(last)).collect();
        let tiles: Vec<Arc<[TileSpan]>> = tiles
            .par_iter()
            .map(|tile| self.tile(view, grid, *tile))
            .collect::<Result<_, _>>()?;
        let asked = grid.span_at(start)..=grid.span_at(last);
        let mut joined = Joined::default();
        for span in tiles.iter().flat_map(|tile| tile.iter()) {
            if asked.contains(&span.number) {
                joined.push(span);
            }
        }
        Ok(joined.finish())
    }

    fn tile(&self, view: &BucketView, grid: Grid, tile: i64) -> Result<Arc<[TileSpan]>, QueryError> {
        let key = Key {
            bucket: view.key(),
            grid,
            tile,
        };
        let seq = self.snapshot.seq();
        let kept = &self.engine.tiles;
        if !self.query.past
            && let Some(spans) = kept.get(&key, view, seq)
        {
            return Ok(spans);
        }
        let spans: Arc<[TileSpan]> = tile::compute(view, grid, tile, self.guard)?.into();
        if !self.query.past {
            kept.put(key, &spans, seq);
        }
        Ok(spans)
    }
}
