//! Many short byte strings, numbered, in memory that is given back as a whole.
//!
//! Distinct data come by the hundred thousand and go together: when a head becomes a view segment, when the query
//! engine's catalog is thrown away. An allocation for each of them costs as much as the text itself, and what goes
//! leaves holes between what stays, which the allocator cannot give back (`docs/decisions/013-allocator-and-memory-budget.md`).
//! So the strings of one list lie behind one another in pieces of memory of their own. A list of few strings, of
//! which there is one for each bucket, has no such piece.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use timberline_disk::AppendMemory;

/// Strings that are allocated one by one before there is a piece.
const FEW: usize = 64;
/// A longer string is allocated by itself.
const LONG: usize = 16 << 10;
/// Bytes of the first piece; each further piece is as large as all before it.
const FIRST: usize = 64 << 10;
const PIECES: usize = 16;
/// In the length of a string that is allocated by itself.
const ALONE: u32 = 1 << 31;

/// Byte strings to which more can be added and of which none ever changes. Many read while one adds.
#[derive(Debug, Default)]
pub struct ByteList {
    /// The first of them.
    few: boxcar::Vec<Box<[u8]>>,
    /// All others.
    many: OnceLock<Box<Many>>,
    /// Held while a string is added.
    adding: Mutex<()>,
}

#[derive(Debug, Default)]
struct Many {
    places: boxcar::Vec<Place>,
    alone: boxcar::Vec<Box<[u8]>>,
    pieces: [OnceLock<AppendMemory>; PIECES],
    /// The piece that is being filled.
    filling: AtomicUsize,
}

/// Where a string is: its first byte, counted through all pieces, and its length; or its number among those that are
/// allocated by themselves.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: u32,
    length: u32,
}

impl ByteList {
    /// About the bytes that a string takes in addition to itself: its place, in a list that has room.
    pub const OVERHEAD: usize = 16;

    /// Number of strings.
    pub fn len(&self) -> usize {
        let many = self.many.get().map_or(0, |many| many.places.count());
        self.few.count() + many
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds a string and gives back its number: the first has 0, the next 1.
    pub fn push(&self, bytes: &[u8]) -> u32 {
        let _adding = self.adding.lock();
        if self.few.count() < FEW {
            return self.few.push(bytes.into()) as u32;
        }
        (FEW + self.many.get_or_init(Box::default).push(bytes)) as u32
    }

    /// The string of this number.
    #[inline]
    pub fn get(&self, number: u32) -> Option<&[u8]> {
        match (number as usize).checked_sub(FEW) {
            None => self.few.get(number as usize).map(AsRef::as_ref),
            Some(number) => self.many.get()?.get(number),
        }
    }

    /// The same for strings that were added as text.
    #[inline]
    pub fn text(&self, number: u32) -> Option<&str> {
        std::str::from_utf8(self.get(number)?).ok()
    }
}

impl Many {
    /// Only one at a time.
    fn push(&self, bytes: &[u8]) -> usize {
        let in_piece = match bytes.len() <= LONG {
            true => self.push_into_piece(bytes),
            false => None,
        };
        self.places.push(in_piece.unwrap_or_else(|| Place {
            start: self.alone.push(bytes.into()) as u32,
            length: ALONE,
        }))
    }

    /// `None` when all pieces are full, or the system gives none.
    fn push_into_piece(&self, bytes: &[u8]) -> Option<Place> {
        loop {
            let number = self.filling.load(Ordering::Relaxed);
            let (before, room) = extent(number);
            let slot = self.pieces.get(number)?;
            let piece = match slot.get() {
                Some(piece) => piece,
                None => {
                    let new = AppendMemory::new(room).ok()?;
                    slot.get_or_init(|| new)
                }
            };
            if let Some(at) = piece.push(bytes) {
                return Some(Place {
                    start: (before + at) as u32,
                    length: bytes.len() as u32,
                });
            }
            self.filling.store(number + 1, Ordering::Relaxed);
        }
    }

    #[inline]
    fn get(&self, number: usize) -> Option<&[u8]> {
        let place = self.places.get(number)?;
        let start = place.start as usize;
        if place.length == ALONE {
            return self.alone.get(start).map(AsRef::as_ref);
        }
        let number = piece_of(start);
        let at = start - extent(number).0;
        let piece = self.pieces.get(number)?.get()?;
        Some(piece.read(at..at + place.length as usize))
    }
}

/// The bytes in all pieces before this one, and those in it.
fn extent(piece: usize) -> (usize, usize) {
    match piece.min(PIECES).checked_sub(1) {
        None => (0, FIRST),
        Some(doubled) => (FIRST << doubled, FIRST << doubled),
    }
}

/// The piece with this byte, counted through all pieces.
fn piece_of(byte: usize) -> usize {
    match byte < FIRST {
        true => 0,
        false => (byte / FIRST).ilog2() as usize + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_lies_in_the_piece_that_says_so() {
        for byte in [
            0,
            1,
            FIRST - 1,
            FIRST,
            2 * FIRST - 1,
            2 * FIRST,
            7 * FIRST,
            8 * FIRST,
        ] {
            let (before, room) = extent(piece_of(byte));
            assert!((before..before + room).contains(&byte), "{byte}");
        }
        // What the places can tell.
        let (before, room) = extent(PIECES - 1);
        assert!(before + room <= ALONE as usize);
    }

    #[test]
    fn strings_of_all_lengths_come_back_as_they_were() {
        let list = ByteList::default();
        let string = |i: usize| match i % 100 {
            0 => vec![],
            1 => vec![i as u8; LONG + i],
            2 => vec![i as u8; LONG],
            _ => format!("string {i}").into_bytes(),
        };
        for i in 0..2_000 {
            assert_eq!(list.push(&string(i)), i as u32);
        }
        for i in 0..2_000 {
            assert_eq!(list.get(i as u32), Some(string(i).as_slice()), "{i}");
        }
        assert_eq!((list.len(), list.get(2_000)), (2_000, None));
    }

    #[test]
    fn a_short_list_takes_no_piece() {
        let list = ByteList::default();
        for i in 0..FEW {
            list.push(i.to_string().as_bytes());
        }
        assert!(list.many.get().is_none());
        list.push(b"one more");
        assert!(list.many.get().unwrap().pieces[0].get().is_some());
        assert_eq!(list.text(FEW as u32), Some("one more"));
        assert_eq!(list.text(3), Some("3"));
    }

    #[test]
    fn when_all_pieces_are_full_strings_are_still_added() {
        let list = ByteList::default();
        list.many
            .get_or_init(Box::default)
            .filling
            .store(PIECES, Ordering::Relaxed);
        for i in 0..100u32 {
            assert_eq!(list.push(&i.to_le_bytes()), i);
        }
        assert_eq!(list.get(99), Some(99u32.to_le_bytes().as_slice()));
    }
}
