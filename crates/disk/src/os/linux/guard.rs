//! What keeps a mapping from ending the process: touching a page that the file no longer has (it was cut short), or that
//! the disk cannot read, is a SIGBUS. The handler puts an empty page there and marks the mapping as broken; whoever reads
//! or syncs it asks for that mark afterwards and does not believe what it read (`docs/decisions/012-a-guard-for-mappings.md`).
//!
//! Any SIGBUS elsewhere goes to whoever handled it before.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering};
use std::sync::{Mutex, Once, PoisonError};

use libc::{c_int, c_void, siginfo_t};

/// Mappings that can be guarded at a time. One beyond them works, but is not guarded.
const SLOTS: usize = 1 << 16;

static TABLE: [Slot; SLOTS] = [const { Slot::empty() }; SLOTS];
/// Slots from here on were never used.
static USED: AtomicUsize = AtomicUsize::new(0);
static FREE: Mutex<Vec<usize>> = Mutex::new(Vec::new());
static PAGE: AtomicUsize = AtomicUsize::new(4096);
static BEFORE: AtomicPtr<libc::sigaction> = AtomicPtr::new(std::ptr::null_mut());

/// A guarded mapping. Read by the signal handler, so everything is an atomic.
struct Slot {
    start: AtomicUsize,
    /// 0 when the slot is free.
    len: AtomicUsize,
    writable: AtomicBool,
    broken: AtomicBool,
}

impl Slot {
    const fn empty() -> Slot {
        Slot {
            start: AtomicUsize::new(0),
            len: AtomicUsize::new(0),
            writable: AtomicBool::new(false),
            broken: AtomicBool::new(false),
        }
    }
}

/// Guards a mapping for as long as it lives.
#[derive(Debug)]
pub(crate) struct Guard(Option<usize>);

impl Guard {
    /// Guards `len` bytes from an address on. They must stay mapped, by one mapping of a file, until the guard goes.
    pub(crate) fn of(start: *const u8, len: usize, writable: bool) -> Guard {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(install);
        let mut free = FREE.lock().unwrap_or_else(PoisonError::into_inner);
        let number = free.pop().or_else(|| {
            let next = USED.load(Ordering::Relaxed);
            (next < SLOTS).then(|| USED.store(next + 1, Ordering::Release))?;
            Some(next)
        });
        if let Some(slot) = number.and_then(|number| TABLE.get(number)) {
            slot.broken.store(false, Ordering::Relaxed);
            slot.writable.store(writable, Ordering::Relaxed);
            slot.start.store(start as usize, Ordering::Relaxed);
            slot.len.store(len, Ordering::Release);
        }
        Guard(number)
    }

    /// Whether no page of it was found missing.
    pub(crate) fn is_whole(&self) -> bool {
        let slot = self.0.and_then(|number| TABLE.get(number));
        slot.is_none_or(|slot| !slot.broken.load(Ordering::Acquire))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(number) = self.0
            && let Some(slot) = TABLE.get(number)
        {
            slot.len.store(0, Ordering::Release);
            FREE.lock().unwrap_or_else(PoisonError::into_inner).push(number);
        }
    }
}

fn install() {
    // SAFETY: both calls get memory of the right kind, and what they leave is read only if they succeed. The handler
    // does only what a signal handler may. `BEFORE` is set before the handler can run, and what it points to is never
    // freed.
    unsafe {
        if let Ok(page) = usize::try_from(libc::sysconf(libc::_SC_PAGESIZE)) {
            PAGE.store(page, Ordering::Relaxed);
        }
        let mut before = MaybeUninit::<libc::sigaction>::zeroed();
        if libc::sigaction(libc::SIGBUS, std::ptr::null(), before.as_mut_ptr()) != 0 {
            return;
        }
        BEFORE.store(Box::into_raw(Box::new(before.assume_init())), Ordering::Release);
        let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
        action.sa_sigaction = handle as extern "C" fn(c_int, *mut siginfo_t, *mut c_void) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        libc::sigaction(libc::SIGBUS, &action, std::ptr::null_mut());
    }
}

extern "C" fn handle(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel hands over a valid `info` for SIGBUS.
    let address = unsafe { (*info).si_addr() } as usize;
    if !put_a_page(address) {
        pass_on(signal, info, context);
    }
}

/// Puts an empty page at an address that lies in a guarded mapping. False if it does not.
fn put_a_page(address: usize) -> bool {
    let used = USED.load(Ordering::Acquire).min(SLOTS);
    let hit = TABLE.iter().take(used).find(|slot| {
        let len = slot.len.load(Ordering::Acquire);
        address
            .checked_sub(slot.start.load(Ordering::Relaxed))
            .is_some_and(|offset| offset < len)
    });
    let Some(slot) = hit else { return false };
    // Before the page is there, so that no thread reads it without finding the mark.
    slot.broken.store(true, Ordering::Release);
    let page = PAGE.load(Ordering::Relaxed);
    let protection = if slot.writable.load(Ordering::Relaxed) {
        libc::PROT_READ | libc::PROT_WRITE
    } else {
        libc::PROT_READ
    };
    // SAFETY: the page lies in a mapping of ours (mappings begin at pages), which stays mapped while somebody touches
    // it, and its old content cannot be had. `errno` is put back, for this may interrupt code between a call and its
    // look at it.
    unsafe {
        let errno = libc::__errno_location();
        let before = *errno;
        let put = libc::mmap(
            (address & !(page - 1)) as *mut c_void,
            page,
            protection,
            libc::MAP_FIXED | libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
            -1,
            0,
        );
        *errno = before;
        put != libc::MAP_FAILED
    }
}

/// Does what would have been done without us.
fn pass_on(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: `BEFORE` is null or points to an action that the system gave us and nobody frees. Its handler is called
    // as its flags say.
    unsafe {
        let before = BEFORE.load(Ordering::Acquire);
        let handler = if before.is_null() {
            libc::SIG_DFL
        } else {
            (*before).sa_sigaction
        };
        if handler == libc::SIG_DFL || handler == libc::SIG_IGN {
            // Touched again, the address ends the process as it should.
            let mut action: libc::sigaction = MaybeUninit::zeroed().assume_init();
            action.sa_sigaction = libc::SIG_DFL;
            libc::sigaction(signal, &action, std::ptr::null_mut());
        } else if (*before).sa_flags & libc::SA_SIGINFO != 0 {
            let handler: extern "C" fn(c_int, *mut siginfo_t, *mut c_void) = std::mem::transmute(handler);
            handler(signal, info, context);
        } else {
            let handler: extern "C" fn(c_int) = std::mem::transmute(handler);
            handler(signal);
        }
    }
}
