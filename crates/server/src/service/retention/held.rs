//! A retention rule that would erase most of a bucket at once is held until a person confirms it.
//!
//! A rule with a typing error (`keep = "2 days"` for years), or one for the wrong buckets, would permanently erase events
//! by mistake. Steady retention erases a little every day. So a rule that would newly erase much is held until somebody
//! confirms it. `retention.json` in the data directory says for each bucket up to which time rules were applied, and what
//! is held.
//! `timberline doctor --confirm-retention BUCKET` puts the confirmation next to it, for the server to take.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use timberline_backup::BackupError;
use timberline_disk::{DataDir, IoError};
use timberline_model::Timestamp;

/// Rules are applied once a day. Events that have come of age within this time are what steady retention erases.
const STEADY: i64 = 2 * 86_400 * 1_000_000_000;

/// What is known about retention in a data directory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Holds {
    buckets: BTreeMap<String, BucketHold>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct BucketHold {
    /// Rules were applied to events that ended before this, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    applied: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held: Option<HeldRule>,
}

/// What a rule would erase, and does not until it is confirmed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRule {
    /// How long the rule keeps events, as in the configuration.
    pub keep: String,
    /// So many events would go.
    pub events: u64,
    /// Of so many.
    pub of: u64,
}

/// Confirmed rules: the bucket, and how long events are kept.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Confirmations {
    buckets: BTreeMap<String, String>,
}

/// What a rule comes to in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Due {
    /// Events that ended before this go.
    pub(crate) before: Timestamp,
    /// Events that go.
    pub(crate) events: u64,
    /// Those of them that had ended before the time up to which rules were applied last.
    pub(crate) overdue: u64,
    /// Events of the bucket.
    pub(crate) of: u64,
}

impl Holds {
    /// What is known; nothing if the file is not there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(data_dir: &Path) -> Result<Holds, BackupError> {
        read(data_dir, DataDir::RETENTION)
    }

    /// Writes it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, data_dir: &Path) -> Result<(), BackupError> {
        write(data_dir, DataDir::RETENTION, self)
    }

    /// Up to which time rules were applied to a bucket.
    pub(crate) fn applied(&self, bucket: &str) -> Option<Timestamp> {
        Timestamp::parse(self.buckets.get(bucket)?.applied.as_ref()?).ok()
    }

    /// Whether what is due would be most of the bucket, and comes as a surprise.
    pub(crate) fn surprises(&self, bucket: &str, due: Due) -> bool {
        let steady = self.applied(bucket).is_some_and(|applied| {
            let passed = due.before.nanos().saturating_sub(applied.nanos());
            (0..=STEADY).contains(&passed)
        });
        let new = if steady { due.overdue } else { due.events };
        new > due.of / 2
    }

    /// A rule was applied.
    pub(crate) fn note_applied(&mut self, bucket: &str, before: Timestamp) {
        let applied = BucketHold {
            applied: Some(before.to_string()),
            held: None,
        };
        self.buckets.insert(bucket.to_owned(), applied);
    }

    /// A rule is held.
    pub(crate) fn note_held(&mut self, bucket: &str, held: HeldRule) {
        self.buckets.entry(bucket.to_owned()).or_default().held = Some(held);
    }

    /// Leaves only the buckets for which `known` says so.
    pub(crate) fn retain(&mut self, known: impl Fn(&str) -> bool) {
        self.buckets.retain(|bucket, _| known(bucket));
    }

    /// What is held, by bucket.
    pub fn held(&self) -> impl Iterator<Item = (&str, &HeldRule)> {
        let all = self.buckets.iter();
        all.filter_map(|(bucket, hold)| Some((bucket.as_str(), hold.held.as_ref()?)))
    }
}

impl HeldRule {
    /// What is held and what to do, in one line.
    pub fn explain(&self, bucket: &str) -> String {
        format!(
            "retention of {bucket} is held: keep = \"{}\" would erase {} of its {} events at once. If that is wanted, confirm it: the doctor says how; if not, correct the rule",
            self.keep, self.events, self.of
        )
    }
}

/// Confirms what is held in a bucket. The server takes note within seconds, or when it starts.
///
/// # Errors
/// When the file cannot be written.
pub fn confirm(data_dir: &Path, bucket: &str, held: &HeldRule) -> Result<(), BackupError> {
    let mut confirmations: Confirmations = read(data_dir, DataDir::RETENTION_CONFIRMATIONS)?;
    confirmations.buckets.insert(bucket.to_owned(), held.keep.clone());
    write(data_dir, DataDir::RETENTION_CONFIRMATIONS, &confirmations)
}

/// Whether a confirmation waits for a server to take it.
pub fn is_waiting(data_dir: &Path) -> bool {
    data_dir.join(DataDir::RETENTION_CONFIRMATIONS).exists()
}

/// Confirmations that were given: the rule's `keep` for each bucket.
pub(crate) struct Confirmed(BTreeMap<String, String>);

impl Confirmed {
    /// Those that wait, if there are any. They stay until [`Confirmed::done`].
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn waiting(data_dir: &Path) -> Result<Option<Confirmed>, BackupError> {
        let confirmations: Confirmations = read(data_dir, DataDir::RETENTION_CONFIRMATIONS)?;
        Ok((!confirmations.buckets.is_empty()).then_some(Confirmed(confirmations.buckets)))
    }

    /// Whether this was confirmed. A rule that was changed since is another one.
    pub(crate) fn has(&self, bucket: &str, keep: &str) -> bool {
        self.0.get(bucket).is_some_and(|confirmed| confirmed == keep)
    }

    /// They were taken note of.
    ///
    /// # Errors
    /// When the file cannot be removed.
    pub(crate) fn done(data_dir: &Path) -> Result<(), BackupError> {
        let path: PathBuf = data_dir.join(DataDir::RETENTION_CONFIRMATIONS);
        std::fs::remove_file(&path).map_err(IoError::at("remove", &path))?;
        Ok(())
    }
}

fn read<T: Default + for<'a> Deserialize<'a>>(data_dir: &Path, file: &str) -> Result<T, BackupError> {
    let Some(bytes) = DataDir::at(data_dir).read(file)? else {
        return Ok(T::default());
    };
    serde_json::from_slice(&bytes).map_err(|error| BackupError::Manifest {
        path: data_dir.join(file),
        reason: format!("this cannot be read ({error}); remove the file, then retention asks again"),
    })
}

fn write(data_dir: &Path, file: &str, value: &impl Serialize) -> Result<(), BackupError> {
    let mut bytes = serde_json::to_vec_pretty(value).map_err(|error| BackupError::Manifest {
        path: data_dir.join(file),
        reason: error.to_string(),
    })?;
    bytes.push(b'\n');
    Ok(DataDir::at(data_dir).write_atomically(file, &bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: i64) -> Timestamp {
        Timestamp::from_nanos(day * 86_400_000_000_000)
    }

    fn due(before: i64, events: u64, overdue: u64, of: u64) -> Due {
        Due {
            before: day(before),
            events,
            overdue,
            of,
        }
    }

    fn applied(at: i64) -> Holds {
        let mut holds = Holds::default();
        holds.note_applied("b", day(at));
        holds
    }

    #[test]
    fn a_new_rule_that_erases_most_of_a_bucket_is_held() {
        let holds = Holds::default();
        assert!(holds.surprises("b", due(10, 51, 51, 100)));
        assert!(!holds.surprises("b", due(10, 50, 50, 100)));
        assert!(holds.surprises("b", due(10, 1, 1, 1)));
        assert!(!holds.surprises("b", due(10, 0, 0, 0)));
    }

    #[test]
    fn steady_retention_goes_on_to_the_last_event_of_a_bucket_that_gets_no_more() {
        assert!(!applied(9).surprises("b", due(10, 100, 0, 100)));
        assert!(!applied(8).surprises("b", due(10, 1, 0, 1)));
    }

    #[test]
    fn a_rule_that_was_shortened_or_not_applied_for_long_is_new() {
        assert!(applied(9).surprises("b", due(30, 60, 0, 100)));
        assert!(!applied(9).surprises("b", due(30, 10, 0, 100)));
    }

    #[test]
    fn old_events_that_came_in_since_are_new_to_the_rule() {
        assert!(applied(9).surprises("b", due(10, 80, 79, 100)));
        assert!(!applied(9).surprises("b", due(10, 60, 40, 100)));
    }

    #[test]
    fn what_is_held_is_confirmed_for_its_rule_and_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let held = HeldRule {
            keep: "30days".to_owned(),
            events: 9,
            of: 10,
        };
        let mut holds = Holds::read(dir.path()).unwrap();
        holds.note_held("b", held.clone());
        holds.write(dir.path()).unwrap();
        assert_eq!(Holds::read(dir.path()).unwrap(), holds);
        assert_eq!(holds.held().collect::<Vec<_>>(), [("b", &held)]);

        assert!(Confirmed::waiting(dir.path()).unwrap().is_none());
        confirm(dir.path(), "b", &held).unwrap();
        let confirmed = Confirmed::waiting(dir.path()).unwrap().unwrap();
        assert!(confirmed.has("b", "30days"));
        assert!(!confirmed.has("b", "3days") && !confirmed.has("c", "30days"));
        Confirmed::done(dir.path()).unwrap();
        assert!(Confirmed::waiting(dir.path()).unwrap().is_none());

        holds.note_applied("b", day(3));
        assert_eq!(holds.held().count(), 0);
        assert_eq!(holds.applied("b"), Some(day(3)));
    }
}
