//! Large columns that are used again.
//!
//! The first touch of a page costs more than filling it, and a year's query makes a dozen lists of a million events, one
//! after the other. So a large column that is done with is kept for the next, up to a bound; beyond it, it goes back to
//! the system ([`timberline_views::column`]).

use parking_lot::Mutex;
use timberline_views::{Columns, column};

use crate::events::EVENT_BYTES;

/// Columns of fewer bytes are left to the allocator.
const LARGE: usize = 1 << 20;
/// A column is not used for a list that needs so much less than it has touched.
const MOST_WASTE: usize = 4;

/// Columns that nobody uses at the moment.
#[derive(Debug)]
pub(crate) struct Spare {
    /// Bytes that are kept, about. As many as the lists have that follow one another in a query is enough.
    most_bytes: usize,
    signed: Mutex<Vec<Vec<i64>>>,
    unsigned: Mutex<Vec<Vec<u64>>>,
    short: Mutex<Vec<Vec<u32>>>,
}

/// A type that columns are made of.
pub(crate) trait Element: Copy + Default {
    /// Bytes that one event has in columns of it.
    const EVENT_BYTES: usize;

    /// Where spare columns of it are, each as long as it was when it was last used.
    fn spare(spare: &Spare) -> &Mutex<Vec<Vec<Self>>>;
}

impl Element for i64 {
    const EVENT_BYTES: usize = 16;

    fn spare(spare: &Spare) -> &Mutex<Vec<Vec<i64>>> {
        &spare.signed
    }
}

impl Element for u64 {
    const EVENT_BYTES: usize = 8;

    fn spare(spare: &Spare) -> &Mutex<Vec<Vec<u64>>> {
        &spare.unsigned
    }
}

impl Element for u32 {
    const EVENT_BYTES: usize = 4;

    fn spare(spare: &Spare) -> &Mutex<Vec<Vec<u32>>> {
        &spare.short
    }
}

impl Spare {
    pub(crate) fn new(most_bytes: usize) -> Spare {
        Spare {
            most_bytes,
            signed: Mutex::default(),
            unsigned: Mutex::default(),
            short: Mutex::default(),
        }
    }

    /// Gives everything back to the system.
    pub(crate) fn clear(&self) {
        self.signed.lock().clear();
        self.unsigned.lock().clear();
        self.short.lock().clear();
    }

    /// An empty column with room for `n`.
    pub(crate) fn take<T: Element>(&self, n: usize) -> Vec<T> {
        if n * size_of::<T>() < LARGE {
            return column(n);
        }
        let columns = &mut *T::spare(self).lock();
        let fits = |c: &Vec<T>| c.capacity() >= n && c.len() <= n.saturating_mul(MOST_WASTE);
        let fitting = columns.iter().enumerate().filter(|(_, c)| fits(c));
        let Some((best, _)) = fitting.max_by_key(|(_, c)| c.len()) else {
            return column(n);
        };
        let mut column = columns.swap_remove(best);
        column.clear();
        column
    }

    /// Empty columns with room for `n` events each.
    pub(crate) fn take_columns(&self, n: usize) -> Columns {
        Columns {
            starts: self.take(n),
            durations: self.take(n),
            ids: self.take(n),
            data: self.take(n),
        }
    }

    /// Keeps a column that is done with, if it is worth it.
    pub(crate) fn give<T: Element>(&self, column: Vec<T>) {
        let bytes = |column: &Vec<T>| column.len() * size_of::<T>();
        if bytes(&column) < LARGE {
            return;
        }
        let columns = &mut *T::spare(self).lock();
        let share = self.most_bytes / EVENT_BYTES * T::EVENT_BYTES;
        let kept: usize = columns.iter().map(bytes).sum();
        if kept + bytes(&column) <= share {
            columns.push(column);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_column_is_used_again_and_a_small_one_is_not_kept() {
        let spare = Spare::new(48 << 20);
        let n = LARGE / 8;
        let mut column: Vec<i64> = spare.take(n);
        column.resize(n, 7);
        let at = column.as_ptr();
        spare.give(column);
        spare.give(vec![1i64; 10]);
        // Too small a list for so large a column.
        assert!(spare.take::<i64>(10).capacity() < n);
        let again: Vec<i64> = spare.take(n);
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), at);
        let another: Vec<i64> = spare.take(n);
        assert_ne!(another.as_ptr(), at);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        const MOST_BYTES: usize = 48 << 20;
        let spare = Spare::new(MOST_BYTES);
        for _ in 0..100 {
            spare.give(vec![1i64; 1 << 20]);
        }
        let kept: usize = spare.signed.lock().iter().map(|c| c.len() * 8).sum();
        assert!(kept <= MOST_BYTES && kept > 0, "{kept}");
        spare.clear();
        assert!(spare.signed.lock().is_empty());
    }
}
