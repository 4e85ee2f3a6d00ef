//! The cache of parsed programs.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lru::LruCache;
use parking_lot::Mutex;
use rustc_hash::FxBuildHasher;

use crate::error::QueryError;
use crate::evaluate::LastUses;
use crate::limits::Limits;
use crate::syntax::{Program, parse_within};

/// The most bytes of text whose programs are kept. A tree takes up to forty times the bytes of its text.
const MAX_TEXT_BYTES: usize = 1 << 20;

/// A parsed program.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// Unique in this process.
    pub(crate) number: u64,
    pub(crate) text: Arc<str>,
    pub(crate) program: Program,
    pub(crate) last_uses: LastUses,
}

/// The programs that were used last.
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

    /// A program that is in the cache.
    pub(crate) fn known(&self, text: &str) -> Option<Arc<Prepared>> {
        self.kept.lock().by_text.get(text).map(Arc::clone)
    }

    /// Parses a program, unless it is in the cache.
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
        while kept.bytes > MAX_TEXT_BYTES
            && let Some((oldest, _)) = kept.by_text.pop_lru()
        {
            kept.bytes -= oldest.len();
        }
        Ok(prepared)
    }
}
