//! The fold against what it stands for: every ten nanoseconds looked at.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::grid::{Grid, TILE_SPANS};
use super::*;

/// Spans have a hundred nanoseconds; times are multiples of ten.
const TICK: i64 = 10;

/// Things of two lists with the same number are the same.
struct Alike;

impl Same for Alike {
    fn number(&mut self, thing: Thing) -> u32 {
        thing.1
    }
}

fn grid() -> Grid {
    let grid = Grid::finest(0, 100, 2);
    assert_eq!(grid.width(), 100);
    grid
}

fn items() -> impl Strategy<Value = Vec<Item>> {
    let item = (
        -80i64..720,
        prop_oneof![Just(0), -3i64..6, 0i64..200],
        0u32..2,
        0u32..4,
    );
    let item = item.prop_map(|(start, length, list, number)| Item {
        start: start * TICK,
        end: (start + length) * TICK,
        what: (list, number),
        place: (0, 0),
    });
    prop::collection::vec(item, 0..60).prop_map(|mut items| {
        items.sort_by_key(|item| item.start);
        for (at, item) in items.iter_mut().enumerate() {
            item.place = (0, at);
        }
        items
    })
}

/// Adds one event. That several at once are the same is tested with whole buckets.
fn add(fold: &mut Fold, item: &Item) -> bool {
    let rows = Rows {
        list: item.what.0,
        starts: &[item.start],
        durations: &[item.end - item.start],
        things: &[i64::from(item.what.1)],
        place: item.place,
    };
    fold.add(&rows, &mut Alike)
}

/// What lies in a span: those that begin in it, and those that reach into it.
fn lies_in(item: &Item, begin: i64, end: i64) -> bool {
    item.end >= item.start && item.start < end && (item.start >= begin || item.end > begin)
}

proptest! {
    #[test]
    fn sums_are_those_of_a_plain_count(items in items(), tile in -1i64..2) {
        let grid = grid();
        let mut fold = Fold::new(grid, tile);
        fold.expect(0, 4);
        fold.expect(1, 4);
        for item in &items {
            prop_assert!(add(&mut fold, item));
        }
        let mut sums = fold.finish(&mut Alike).into_iter().peekable();
        for span in tile * TILE_SPANS..(tile + 1) * TILE_SPANS {
            let (begin, end) = (grid.begin(span), grid.begin(span + 1));
            let inside: Vec<&Item> = items.iter().filter(|item| lies_in(item, begin, end)).collect();
            let ticks = (begin..end).step_by(TICK as usize);
            let covers = |tick: &i64| inside.iter().any(|item| item.start <= *tick && *tick < item.end);
            let covered = ticks.filter(covers).count() as i64 * TICK;
            let mut times: BTreeMap<u32, i64> = BTreeMap::new();
            for item in &inside {
                *times.entry(item.what.1).or_default() += item.end.min(end) - item.start.max(begin);
            }
            let Some(sum) = sums.next_if(|sum| sum.span == span) else {
                prop_assert!(inside.is_empty());
                continue;
            };
            prop_assert_eq!(sum.covered, covered);
            prop_assert_eq!(sum.events, inside.len() as u64);
            prop_assert_eq!(Some(&sum.time), times.values().max());
            prop_assert_eq!(times.get(&sum.what.1), Some(&sum.time));
            if inside.len() == 1 {
                prop_assert_eq!(sum.last.place, inside[0].place);
                prop_assert_eq!(sum.last.start, inside[0].start.max(begin));
                prop_assert_eq!(sum.last.end, inside[0].end.min(end));
            }
        }
        prop_assert!(sums.next().is_none());
    }
}

#[test]
fn a_thing_that_its_list_does_not_have_is_reported() {
    let mut fold = Fold::new(grid(), 0);
    fold.expect(0, 4);
    let item = Item {
        start: 0,
        end: 10,
        what: (0, 4),
        place: (0, 0),
    };
    assert!(!add(&mut fold, &item));
}

/// Of equal times the first one counts, whichever list it is of.
#[test]
fn of_equal_times_the_first_counts() {
    let mut fold = Fold::new(grid(), 0);
    fold.expect(0, 4);
    fold.expect(1, 4);
    for (at, (start, what)) in [(0, (1, 2)), (10, (0, 1)), (20, (0, 2)), (30, (1, 1))]
        .into_iter()
        .enumerate()
    {
        let item = Item {
            start,
            end: start + 10,
            what,
            place: (0, at),
        };
        assert!(add(&mut fold, &item));
    }
    let sums = fold.finish(&mut Alike);
    assert_eq!((sums[0].what, sums[0].time), ((1, 2), 20));
}
