//! The tokens that a running server accepts: as the file was a moment ago.
//!
//! A request looks whether the file has changed, if that was last done some time ago. So a revoked token is refused from
//! [`LOOK_AFTER`] on, and a server that nobody asks does nothing.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use parking_lot::Mutex;
use timberline_disk::{DataDir, FileId, os};
use timberline_model::Timestamp;

use super::digest::Digest;
use super::token_file::{FILE, Token, TokenError, Tokens};

/// How old a look at the file may be when a request is checked.
pub const LOOK_AFTER: Duration = Duration::from_millis(200);
/// How often the last uses are written.
const NOTE_EVERY: Duration = Duration::from_secs(60);
/// The file with the last uses, by name of the token.
const USES: &str = DataDir::TOKEN_USES;
/// No use is known.
const NEVER: i64 = i64::MIN;

/// A token, and when it was last used.
#[derive(Debug)]
pub(crate) struct Known {
    pub(super) token: Token,
    used: AtomicI64,
}

/// What identifies a version of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    file: FileId,
    modified: i128,
    size: u64,
}

/// The tokens, kept up to date.
#[derive(Debug)]
pub(super) struct KnownTokens {
    data_dir: PathBuf,
    opened: Instant,
    current: ArcSwap<Vec<Arc<Known>>>,
    /// When the file was last looked at, in milliseconds after `opened`.
    looked: AtomicU64,
    read: Mutex<Read>,
}

/// What was read and written; the lock makes one request at a time do it.
#[derive(Debug)]
struct Read {
    stamp: Option<Stamp>,
    noted: Instant,
    written: BTreeMap<String, String>,
}

impl KnownTokens {
    /// The tokens of a data directory; `None` if it never had any.
    ///
    /// # Errors
    /// When the file cannot be read. A start must not go on without it.
    pub(super) fn read(data_dir: &Path, now: Instant) -> Result<Option<Self>, TokenError> {
        let stamp = stamp(data_dir);
        let Some(tokens) = Tokens::read(data_dir)? else {
            return Ok(None);
        };
        let uses = last_uses(data_dir);
        let known = tokens.iter().map(|token| {
            let used = uses.get(&token.name).and_then(|text| Timestamp::parse(text).ok());
            let used = used.map_or(NEVER, Timestamp::nanos);
            Arc::new(Known {
                token: token.clone(),
                used: AtomicI64::new(used),
            })
        });
        Ok(Some(Self {
            data_dir: data_dir.to_owned(),
            opened: now,
            current: ArcSwap::from_pointee(known.collect()),
            looked: AtomicU64::new(0),
            read: Mutex::new(Read {
                stamp,
                noted: now,
                written: uses,
            }),
        }))
    }

    /// The token of this digest, if it is accepted now, at `time` by the wall clock. It counts as used.
    pub(super) fn find(&self, given: &Digest, time: Timestamp, now: Instant) -> Option<Arc<Known>> {
        self.look(now);
        let current = self.current.load();
        let known = current.iter().find(|known| known.token.is(given))?;
        if known.token.has_expired(time) {
            return None;
        }
        known.used.store(time.nanos(), Ordering::Relaxed);
        Some(Arc::clone(known))
    }

    /// All tokens, each with its last use.
    pub(super) fn list(&self, now: Instant) -> Vec<(Token, Option<Timestamp>)> {
        self.look(now);
        let used = |known: &Known| Some(known.used.load(Ordering::Relaxed)).filter(|used| *used != NEVER);
        let current = self.current.load();
        let list = current.iter();
        list.map(|known| (known.token.clone(), used(known).map(Timestamp::from_nanos)))
            .collect()
    }

    /// Looks at the file, if the last look is too old.
    fn look(&self, now: Instant) {
        let since = now.saturating_duration_since(self.opened);
        let since = u64::try_from(since.as_millis()).unwrap_or(u64::MAX);
        let limit = u64::try_from(LOOK_AFTER.as_millis()).unwrap_or(u64::MAX);
        let is_recent = || since.saturating_sub(self.looked.load(Ordering::Acquire)) < limit;
        if is_recent() {
            return;
        }
        let mut read = self.read.lock();
        // Requests that waited for the lock need not look again.
        if is_recent() {
            return;
        }
        let stamp = stamp(&self.data_dir);
        if stamp != read.stamp {
            read.stamp = stamp;
            self.reload();
        }
        self.looked.store(since, Ordering::Release);
        if now.saturating_duration_since(read.noted) >= NOTE_EVERY {
            read.noted = now;
            if let Some(uses) = self.uses(&mut read) {
                let data_dir = self.data_dir.clone();
                if let Ok(runtime) = tokio::runtime::Handle::try_current() {
                    runtime.spawn_blocking(move || note(&data_dir, &uses));
                }
            }
        }
    }

    /// Takes over a changed file. One that cannot be read opens nothing.
    fn reload(&self) {
        let tokens = Tokens::read(&self.data_dir).unwrap_or_else(|error| {
            tracing::error!(%error, "no token is accepted until this is mended");
            None
        });
        let before = self.current.load();
        let known = tokens.iter().flat_map(Tokens::iter).map(|token| {
            let same = before.iter().find(|known| known.token.is_same(token));
            let used = same.map_or(NEVER, |known| known.used.load(Ordering::Relaxed));
            Arc::new(Known {
                token: token.clone(),
                used: AtomicI64::new(used),
            })
        });
        let known: Vec<Arc<Known>> = known.collect();
        tracing::info!(tokens = known.len(), "the tokens have changed");
        self.current.store(Arc::new(known));
    }

    /// The last uses, if they have changed since they were last written.
    fn uses(&self, read: &mut Read) -> Option<BTreeMap<String, String>> {
        let mut uses = BTreeMap::new();
        for known in self.current.load().iter() {
            let used = known.used.load(Ordering::Relaxed);
            if used != NEVER {
                uses.insert(known.token.name.clone(), Timestamp::from_nanos(used).to_string());
            }
        }
        if uses == read.written {
            return None;
        }
        read.written.clone_from(&uses);
        Some(uses)
    }

    /// Writes the last uses: the server stops.
    pub(super) fn close(&self) {
        let uses = self.uses(&mut self.read.lock());
        if let Some(uses) = uses {
            note(&self.data_dir, &uses);
        }
    }
}

/// When each token was last used, by name; as a server last wrote it, at most a minute late.
pub fn last_uses(data_dir: &Path) -> BTreeMap<String, String> {
    // The times are for people to look at: without them everything works.
    let bytes = DataDir::at(data_dir).read(USES).ok().flatten();
    bytes
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default()
}

fn note(data_dir: &Path, uses: &BTreeMap<String, String>) {
    let written = serde_json::to_vec_pretty(uses)
        .map_err(|error| error.to_string())
        .and_then(|bytes| {
            let written = DataDir::at(data_dir).write_atomically(USES, &bytes);
            written.map_err(|error| error.to_string())
        });
    if let Err(error) = written {
        tracing::warn!(error, "when tokens were last used cannot be written down");
    }
}

fn stamp(data_dir: &Path) -> Option<Stamp> {
    let metadata = std::fs::metadata(data_dir.join(FILE)).ok()?;
    Some(Stamp {
        file: FileId::of(&metadata),
        modified: os::modified_nanos(&metadata),
        size: metadata.len(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::scope::Scope;
    use super::super::token_file::{NewToken, TokenForm};
    use super::*;

    const NOW: Timestamp = Timestamp::from_nanos(1_000);

    fn create(dir: &Path, name: &str, expires: Option<Timestamp>) -> Digest {
        let new = NewToken {
            form: TokenForm::default(),
            name: name.to_owned(),
            scope: Scope::Read,
            buckets: Vec::new(),
            now: Timestamp::from_nanos(0),
            expires,
        };
        Digest::of(Tokens::create(dir, new).unwrap().as_bytes())
    }

    #[test]
    fn changes_of_the_file_are_followed_and_uses_are_noted() {
        let dir = tempfile::tempdir().unwrap();
        let mut now = timberline_clock::monotonic();
        assert!(KnownTokens::read(dir.path(), now).unwrap().is_none());
        let first = create(dir.path(), "first", None);
        let known = KnownTokens::read(dir.path(), now).unwrap().unwrap();
        let finds = |digest: &Digest, now| known.find(digest, NOW, now).is_some();
        assert!(finds(&first, now));
        let second = create(dir.path(), "second", Some(NOW));
        let third = create(dir.path(), "third", None);
        now += LOOK_AFTER;
        assert!(finds(&first, now) && finds(&third, now));
        assert!(!finds(&second, now), "it has expired");
        Tokens::revoke(dir.path(), "first").unwrap();
        now += LOOK_AFTER;
        assert!(!finds(&first, now) && finds(&third, now));
        let listed = known
            .list(now)
            .into_iter()
            .map(|(token, used)| (token.name, used));
        assert_eq!(
            listed.collect::<Vec<_>>(),
            [("second".to_owned(), None), ("third".to_owned(), Some(NOW))]
        );
        known.close();
        let uses = last_uses(dir.path());
        assert_eq!(uses.keys().collect::<Vec<_>>(), ["third"]);
        std::fs::write(dir.path().join(FILE), "{").unwrap();
        now += LOOK_AFTER;
        assert!(!finds(&third, now), "a damaged file opens nothing");
        std::fs::remove_file(dir.path().join(FILE)).unwrap();
        now += LOOK_AFTER;
        assert!(!finds(&third, now), "and neither does a missing one");
    }
}
