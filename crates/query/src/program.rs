//! Programs that were read, so that one which comes again is not read again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;

use crate::error::QueryError;
use crate::evaluate::LastUses;
use crate::limits::Limits;
use crate::syntax::{Program, parse_within};

/// Bytes of text whose programs are kept; a tree takes up to some forty times the bytes of its text.
const MOST_TEXT: usize = 1 << 20;

/// A program and what is known of it.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// No other program of this process has it.
    pub(crate) number: u64,
    pub(crate) text: Arc<str>,
    pub(crate) program: Program,
    pub(crate) last_uses: LastUses,
}

/// The programs that came last.
#[derive(Debug)]
pub(crate) struct Programs {
    next: AtomicU64,
    kept: Mutex<Kept>,
}

#[derive(Debug)]
struct Kept {
    by_text: LruCache<Arc<str>, Arc<Prepared>, FxBuildHasher>,
    bytes: usize,
}

impl Programs {
    pub(crate) fn new() -> Programs {
        Programs {
            next: AtomicU64::new(0),
            kept: Mutex::new(Kept {
                by_text: LruCache::unbounded_with_hasher(FxBuildHasher),
                bytes: 0,
            }),
        }
    }

    /// A program that was read before.
    pub(crate) fn known(&self, text: &str) -> Option<Arc<Prepared>> {
        self.kept.lock().by_text.get(text).map(Arc::clone)
    }

    /// Reads a program, or finds that it was read before.
    ///
    /// # Errors
    /// What is wrong with its text.
    pub(crate) fn prepare(&self, text: &str, limits: &Limits) -> Result<Arc<Prepared>, QueryError> {
        if let Some(known) = self.known(text) {
            return Ok(known);
        }
        let program = parse_within(text, limits.depth).map_err(|e| QueryError::syntax(e, text))?;
        let text: Arc<str> = text.into();
        let prepared = Arc::new(Prepared {
            number: self.next.fetch_add(1, Ordering::Relaxed),
            last_uses: LastUses::of(&program),
            text: Arc::clone(&text),
            program,
        });
        let kept = &mut *self.kept.lock();
        kept.bytes += text.len();
        if let Some((replaced, _)) = kept.by_text.push(text, Arc::clone(&prepared)) {
            kept.bytes -= replaced.len();
        }
        while kept.bytes > MOST_TEXT
            && let Some((oldest, _)) = kept.by_text.pop_lru()
        {
            kept.bytes -= oldest.len();
        }
        Ok(prepared)
    }
}
