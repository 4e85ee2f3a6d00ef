//! Large columns that are used again.
//!
//! The first access to a page costs more than filling it, and a query about a year makes a dozen lists of a million
//! events, one after the other. So large columns that are no longer needed are kept for the next list, up to a bound.
//! Others are returned to the system ([`timberline_views::columns::column`]).

use parking_lot::Mutex;
use timberline_views::columns::{Columns, column};

/// Columns of fewer bytes come from the allocator.
const MIN_BYTES: usize = 1 << 20;
/// A column is not used for a list that needs less than the MAX_WASTE-th part of its touched memory.
const MAX_WASTE: usize = 4;

/// Columns that are not in use.
#[derive(Debug)]
pub(crate) struct Spare {
    /// About how many bytes are kept. Enough for the lists that follow one another in a query.
    max_bytes: usize,
    signed: Mutex<Vec<Vec<i64>>>,
    unsigned: Mutex<Vec<Vec<u64>>>,
    short: Mutex<Vec<Vec<u32>>>,
}

/// The element type of a column.
pub(crate) trait Element: Copy + Default {
    /// Bytes of one event in all columns of this type.
    const EVENT_BYTES: usize;

    /// The spare columns of this type, each as long as at its last use.
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
    pub(crate) fn new(max_bytes: usize) -> Spare {
        Spare {
            max_bytes,
            signed: Mutex::default(),
            unsigned: Mutex::default(),
            short: Mutex::default(),
        }
    }

    /// Returns all memory to the system.
    pub(crate) fn clear(&self) {
        self.signed.lock().clear();
        self.unsigned.lock().clear();
        self.short.lock().clear();
    }

    /// An empty column with room for `n`.
    pub(crate) fn take<T: Element>(&self, n: usize) -> Vec<T> {
        if n * size_of::<T>() < MIN_BYTES {
            return column(n);
        }
        let columns = &mut *T::spare(self).lock();
        let fits = |c: &Vec<T>| c.capacity() >= n && c.len() <= n.saturating_mul(MAX_WASTE);
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

    /// Keeps a column that is no longer needed, if it is large and there is room.
    pub(crate) fn give<T: Element>(&self, column: Vec<T>) {
        let bytes = |column: &Vec<T>| column.len() * size_of::<T>();
        if bytes(&column) < MIN_BYTES {
            return;
        }
        let columns = &mut *T::spare(self).lock();
        let share = self.max_bytes / Columns::EVENT_BYTES * T::EVENT_BYTES;
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
        let n = MIN_BYTES / 8;
        let mut column: Vec<i64> = spare.take(n);
        column.resize(n, 7);
        let at = column.as_ptr();
        spare.give(column);
        spare.give(vec![1i64; 10]);
        // The list is too small for so large a column.
        assert!(spare.take::<i64>(10).capacity() < n);
        let again: Vec<i64> = spare.take(n);
        assert!(again.is_empty());
        assert_eq!(again.as_ptr(), at);
        let another: Vec<i64> = spare.take(n);
        assert_ne!(another.as_ptr(), at);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        const MAX_BYTES: usize = 48 << 20;
        let spare = Spare::new(MAX_BYTES);
        for _ in 0..100 {
            spare.give(vec![1i64; 1 << 20]);
        }
        let kept: usize = spare.signed.lock().iter().map(|c| c.len() * 8).sum();
        assert!(kept <= MAX_BYTES && kept > 0, "{kept}");
        spare.clear();
        assert!(spare.signed.lock().is_empty());
    }
}
