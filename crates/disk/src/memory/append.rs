//! Memory that is filled from its begin to its end, by one after the other, while others read what is there.

use std::io;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::mapping::Mapping;

/// Bytes in memory, to which more can be added and of which none ever changes.
///
/// The memory comes from the system, not from the allocator, and goes back to the system as a whole when this is
/// dropped: nothing else lies between its bytes. Pages that were never written to take no memory.
#[derive(Debug)]
pub struct AppendMemory {
    mapping: Mapping,
    /// Bytes that are there and whole.
    used: AtomicUsize,
    /// Held while bytes are appended.
    adding: Mutex<()>,
}

impl AppendMemory {
    /// Room for so many bytes.
    ///
    /// # Errors
    /// When the system gives no memory, or the process has too many mappings.
    pub fn new(room: usize) -> io::Result<AppendMemory> {
        Ok(AppendMemory {
            mapping: Mapping::anonymous(room.max(1))?,
            used: AtomicUsize::new(0),
            adding: Mutex::new(()),
        })
    }

    /// Adds bytes behind the others and says where they begin; `None` if there is no room for all of them.
    pub fn push(&self, bytes: &[u8]) -> Option<usize> {
        // A panic of another thread changed nothing: `used` is stored last.
        let _adding = self.adding.lock().unwrap_or_else(|error| error.into_inner());
        let start = self.used.load(Ordering::Relaxed);
        let end = start.checked_add(bytes.len())?;
        if end > self.mapping.len() {
            return None;
        }
        // SAFETY: nobody reads beyond `used`, and nobody else adds.
        unsafe { self.mapping.fill(start, bytes) };
        self.used.store(end, Ordering::Release);
        Some(start)
    }

    /// The part of a range that is there.
    pub fn read(&self, range: Range<usize>) -> &[u8] {
        let end = range.end.min(self.used.load(Ordering::Acquire));
        // SAFETY: bytes up to `used` never change.
        unsafe { self.mapping.slice(range.start.min(end)..end) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_read_and_nothing_else() {
        let memory = AppendMemory::new(10).unwrap();
        assert_eq!(memory.push(b"abc"), Some(0));
        assert_eq!(memory.push(b""), Some(3));
        assert_eq!(memory.push(b"defgh"), Some(3));
        // Too much is not begun.
        assert_eq!(memory.push(b"ijk"), None);
        assert_eq!(memory.push(b"ij"), Some(8));
        assert_eq!(memory.push(b"k"), None);
        assert_eq!(memory.read(3..8), b"defgh");
        assert_eq!(memory.read(8..1000), b"ij");
        assert_eq!(memory.read(20..30), b"");
    }

    #[test]
    fn bytes_that_are_not_there_yet_are_not_read() {
        let memory = AppendMemory::new(100).unwrap();
        memory.push(b"ab");
        assert_eq!(memory.read(0..50), b"ab");
    }

    #[test]
    fn readers_beside_a_writer_see_whole_bytes() {
        let memory = AppendMemory::new(1 << 20).unwrap();
        let (send, receive) = std::sync::mpsc::channel::<(usize, u8)>();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for (at, byte) in receive {
                    assert!(memory.read(at..at + 100).iter().all(|b| *b == byte));
                }
            });
            for i in 0..10_000 {
                let byte = i as u8;
                let at = memory.push(&[byte; 100]).unwrap();
                send.send((at, byte)).unwrap();
            }
            drop(send);
        });
    }
}
