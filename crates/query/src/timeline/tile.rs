//! Computes a tile: the next few dozen spans of a bucket on a grid.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use timberline_model::{Duration, EventId, Timestamp};
use timberline_views::columns::{DataDictionary, Piece, Sweep};
use timberline_views::{BucketView, TimeRange};

use super::fold::{Fold, Rows, Same, Sum, Thing};
use super::grid::Grid;
use super::span::Span;
use crate::error::{ErrorKind, QueryError};
use crate::limits::{Charge, Guard};

/// A span, and which one of the grid it is.
#[derive(Clone, Debug)]
pub(super) struct TileSpan {
    pub(super) number: i64,
    pub(super) span: Span,
}

/// The spans of a tile in which there are events.
pub(super) fn compute(
    view: &BucketView,
    grid: Grid,
    tile: i64,
    guard: &Guard,
) -> Result<Vec<TileSpan>, QueryError> {
    let (first, after) = grid.spans_of(tile);
    let range = TimeRange {
        start: Some(Timestamp::from_nanos(grid.begin(first))),
        end: Some(Timestamp::from_nanos(grid.begin(after) - 1)),
    };
    let mut sweep = view.sweep(range)?;
    let mut fold = Fold::new(grid, tile);
    let mut lists = Lists::new(guard)?;
    while let Some(piece) = sweep.next_piece()? {
        guard.check()?;
        add(&piece, &mut fold, &mut lists)?;
    }
    let sums = fold.finish(&mut lists);
    let spans = sums.iter().map(|sum| finished(grid, sum, &mut sweep, &mut lists));
    let spans = spans.collect::<Result<_, _>>()?;
    sweep.finish()?;
    Ok(spans)
}

fn add<'a>(piece: &Piece<'_, 'a>, fold: &mut Fold, lists: &mut Lists<'a>) -> Result<(), QueryError> {
    let list = lists.number_of(&piece.dictionary)?;
    fold.expect(list, piece.dictionary.objects());
    let rows = Rows {
        list,
        starts: piece.starts,
        durations: piece.durations,
        things: piece.data,
        place: (piece.source, piece.place),
    };
    if fold.add(&rows, lists) {
        return Ok(());
    }
    let message = "a view segment has an event with data that its dictionary does not have; \
                   rebuild the views with `timberline log rebuild`";
    Err(QueryError::new(ErrorKind::Storage, message))
}

fn finished(
    grid: Grid,
    sum: &Sum,
    sweep: &mut Sweep<'_>,
    lists: &mut Lists<'_>,
) -> Result<TileSpan, QueryError> {
    let alone = sum.events == 1;
    let (source, place) = sum.last.place;
    let id = alone.then(|| sweep.id(source, place)).transpose()?;
    // Of one event it is known where in the span it lies.
    let (start, end) = match alone {
        true => (sum.last.start, sum.last.end),
        false => (grid.begin(sum.span), grid.begin(sum.span + 1)),
    };
    Ok(TileSpan {
        number: sum.span,
        span: Span {
            start: Timestamp::from_nanos(start),
            end: Timestamp::from_nanos(end),
            covered: Duration::from_nanos(sum.covered),
            events: Some(sum.events),
            id: id.filter(|id| *id != EventId::NONE),
            data: lists.text(sum.what),
            time: Duration::from_nanos(sum.time),
        },
    })
}

/// The dictionaries of the sources: the lists of things that the fold knows by number.
struct Lists<'a> {
    dictionaries: Vec<DataDictionary<'a>>,
    /// Texts that were needed.
    texts: FxHashMap<Thing, Arc<str>>,
    numbers: FxHashMap<Arc<str>, u32>,
    scratch: Vec<u8>,
    charge: Charge,
}

impl<'a> Lists<'a> {
    fn new(guard: &Guard) -> Result<Lists<'a>, QueryError> {
        Ok(Lists {
            dictionaries: Vec::new(),
            texts: FxHashMap::default(),
            numbers: FxHashMap::default(),
            scratch: Vec::new(),
            charge: guard.charge(0)?,
        })
    }

    /// The runs of a head share a dictionary.
    fn number_of(&mut self, dictionary: &DataDictionary<'a>) -> Result<u32, QueryError> {
        let known = self.dictionaries.iter_mut().enumerate();
        for (number, known) in known {
            if known.number() == dictionary.number() {
                *known = *dictionary;
                return Ok(number as u32);
            }
        }
        self.charge.grow(dictionary.objects() * size_of::<i64>())?;
        self.dictionaries.push(*dictionary);
        Ok(self.dictionaries.len() as u32 - 1)
    }

    fn text(&mut self, thing: Thing) -> Arc<str> {
        if let Some(text) = self.texts.get(&thing) {
            return Arc::clone(text);
        }
        self.scratch.clear();
        if let Some(dictionary) = self.dictionaries.get(thing.0 as usize) {
            dictionary.write_text(thing.1, &mut self.scratch);
        }
        let text: Arc<str> = String::from_utf8_lossy(&self.scratch).into();
        self.texts.insert(thing, Arc::clone(&text));
        text
    }
}

impl Same for Lists<'_> {
    fn number(&mut self, thing: Thing) -> u32 {
        let text = self.text(thing);
        let next = self.numbers.len() as u32;
        *self.numbers.entry(text).or_insert(next)
    }
}
