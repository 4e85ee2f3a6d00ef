//! Answers by number: an array that grows by itself and is read and filled without locks.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::Catalog;

/// Answers in the first piece; each further piece is as large as all before it.
const FIRST: usize = 1 << 10;
const PIECES: usize = 22;

/// For each number an answer, or none yet. Two threads may find the same answer at the same time; it is the same.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pieces: [OnceLock<Box<[AtomicU32]>>; PIECES],
}

impl Table {
    /// The answer for a number.
    #[inline]
    pub(crate) fn get(&self, number: u32) -> Option<u32> {
        let (piece, at) = place(number);
        let slot = self.pieces.get(piece)?.get()?.get(at)?;
        // Whatever an answer refers to was published before it, and is looked up by acquiring reads of its own.
        slot.load(Ordering::Acquire).checked_sub(1)
    }

    /// Keeps an answer, which must be less than `u32::MAX`.
    pub(crate) fn set(&self, catalog: &Catalog, number: u32, answer: u32) {
        let (piece, at) = place(number);
        let Some(lock) = self.pieces.get(piece) else {
            return;
        };
        let slots = lock.get_or_init(|| {
            let length = if piece == 0 { FIRST } else { FIRST << (piece - 1) };
            catalog.grown(length * size_of::<AtomicU32>());
            (0..length).map(|_| AtomicU32::new(0)).collect()
        });
        if let Some(slot) = slots.get(at) {
            slot.store(answer.saturating_add(1), Ordering::Release);
        }
    }

    /// The answer for a number, found by `find` if there is none yet.
    ///
    /// # Errors
    /// Those of `find`.
    #[inline]
    pub(crate) fn get_or<E>(
        &self,
        catalog: &Catalog,
        number: u32,
        find: impl FnOnce() -> Result<u32, E>,
    ) -> Result<u32, E> {
        if let Some(answer) = self.get(number) {
            return Ok(answer);
        }
        let answer = find()?;
        self.set(catalog, number, answer);
        Ok(answer)
    }
}

/// The piece of a number, and its place there.
#[inline]
fn place(number: u32) -> (usize, usize) {
    let number = number as usize;
    if number < FIRST {
        return (0, number);
    }
    let piece = (number / FIRST).ilog2() as usize + 1;
    (piece, number - (FIRST << (piece - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_a_place_of_its_own() {
        let (catalog, table) = (Catalog::new(), Table::default());
        let numbers = || {
            [
                0,
                1,
                1023,
                1024,
                1025,
                2047,
                2048,
                4095,
                4096,
                1 << 20,
                (1 << 20) + 1,
            ]
        };
        for number in numbers() {
            assert_eq!(table.get(number), None);
            table.set(&catalog, number, number + 7);
        }
        for number in numbers() {
            assert_eq!(table.get(number), Some(number + 7));
        }
        assert_eq!(table.get(5), None);
        assert_eq!(table.get(u32::MAX), None);
    }
}
