//! How much memory something takes at once: an allocator that counts, for the thread that asks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes held since the measurement began, the most there were, and whether one is under way.
    static HELD: Cell<(isize, isize, bool)> = const { Cell::new((0, 0, false)) };
}

/// The system's allocator, with a meter. To be the `#[global_allocator]` of a target.
#[derive(Debug)]
pub struct Meter;

/// Runs `work` and gives back with its result the most bytes that it held at once.
pub fn most_held<T>(work: impl FnOnce() -> T) -> (T, usize) {
    HELD.set((0, 0, true));
    let result = work();
    let (_, most, _) = HELD.replace((0, 0, false));
    (result, most.unsigned_abs())
}

fn count(bytes: isize) {
    // A thread that is ending has no meter any more, and needs none.
    let _ = HELD.try_with(|cell| {
        let (held, most, on) = cell.get();
        if on {
            let held = held + bytes;
            cell.set((held, most.max(held), on));
        }
    });
}

// SAFETY: everything is passed on to the system's allocator; the meter neither allocates nor changes anything of it.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size.cast_signed() - layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.realloc(old, layout, size) }
    }

    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as above.
        unsafe { System.dealloc(old, layout) }
    }
}
