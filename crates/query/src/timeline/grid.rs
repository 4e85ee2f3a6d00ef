//! Where spans begin and end when there are more events than fit on the screen.
//!
//! Spans of one width lie side by side, at multiples of that width since 1970. Their number is given, not their width, so
//! the width is the least of a series at which no more than that number is needed. Every request at about the same zoom
//! gets the same spans, wherever it begins: that is what makes them worth keeping.

/// The series of widths within a power of ten, in hundredths: one more is at most 28 % wider (Renard's R10).
const STEPS: [i64; 10] = [100, 125, 160, 200, 250, 320, 400, 500, 640, 800];
/// Spans that are computed and kept together.
pub(super) const TILE_SPANS: i64 = 64;

/// Spans of one width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Grid {
    /// In nanoseconds.
    width: i64,
}

impl Grid {
    /// The finest grid of which at most so many spans touch the time from `start` to `end`. There must be two at least:
    /// where spans meet does not depend on what is asked for.
    pub(super) fn finest(start: i64, end: i64, most: usize) -> Grid {
        debug_assert!(start < end && most >= 2);
        let widths = (0..17u32).flat_map(|power| STEPS.map(|step| step.checked_mul(10_i64.pow(power))));
        let grids = widths.flatten().map(|width| Grid { width });
        let fits = |grid: &Grid| {
            let spans = i128::from(grid.span_at(end - 1)) - i128::from(grid.span_at(start)) + 1;
            spans <= most as i128
        };
        grids.into_iter().find(fits).unwrap_or(Grid { width: i64::MAX })
    }

    pub(super) fn width(self) -> i64 {
        self.width
    }

    /// The span that an instant lies in.
    pub(super) fn span_at(self, instant: i64) -> i64 {
        instant.div_euclid(self.width)
    }

    /// When a span begins. The first and the last that there can be are cut at the ends of time.
    pub(super) fn begin(self, span: i64) -> i64 {
        span.saturating_mul(self.width)
    }

    /// The tile that an instant lies in.
    pub(super) fn tile_at(self, instant: i64) -> i64 {
        self.span_at(instant).div_euclid(TILE_SPANS)
    }

    /// The spans of a tile: the first, and the one after the last.
    pub(super) fn spans_of(self, tile: i64) -> (i64, i64) {
        let first = tile.saturating_mul(TILE_SPANS);
        (first, first.saturating_add(TILE_SPANS))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_more_spans_than_asked_for_and_not_many_fewer(start in any::<i64>(), length in 1i64.., most in 2usize..10_000) {
            let end = start.saturating_add(length);
            prop_assume!(start < end);
            let grid = Grid::finest(start, end, most);
            let spans = i128::from(grid.span_at(end - 1)) - i128::from(grid.span_at(start)) + 1;
            prop_assert!(spans <= most as i128);
            // A width is chosen because the next finer one does not do, which is at most 28 % finer.
            let finest = grid.width == 100 || i128::from(grid.width) * most as i128 <= (i128::from(end) - i128::from(start)) * 13 / 10 + i128::from(grid.width) * 2;
            prop_assert!(finest, "{} spans of {}", spans, grid.width);
        }

        #[test]
        fn every_instant_lies_in_its_span_and_tile(instant in any::<i64>(), step in 0usize..10, power in 0u32..17) {
            let Some(width) = STEPS[step].checked_mul(10_i64.pow(power)) else { return Ok(()) };
            let grid = Grid { width };
            let span = grid.span_at(instant);
            prop_assert!(grid.begin(span) <= instant);
            prop_assert!(instant < grid.begin(span + 1) || grid.begin(span + 1) == i64::MAX);
            let (first, after) = grid.spans_of(grid.tile_at(instant));
            prop_assert!((first..after).contains(&span));
        }
    }
}
