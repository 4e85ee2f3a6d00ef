//! Random histories on a simulated disk that loses power: after recovery the state is the fold of a prefix of what
//! was written, and of a prefix that has everything that was reported durable.
//!
//! `TIMBERLINE_CASES=10000 cargo test -p timberline-views --test crash` for a long run.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::plain::{Command, Plain, command, data_text, same, tell};
use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use timberline_cancel::Cancel;
use timberline_disk::{Cipher, SimDisk};
use timberline_log::Seq;
use timberline_views::erasure::Selection;
use timberline_views::tools::{Replica, check, differences};
use timberline_views::{Rebuild, Store, StoreOptions, TimeRange, WriteError};

#[derive(Clone, Debug)]
enum Step {
    Do(Command),
    /// A setting of some kilobytes, so that segments fill up and roll.
    Fill(u8),
    Sync,
    Seal,
    Compact,
    Checkpoint,
    /// What was deleted is erased, and all that is sealed is squashed.
    Maintain,
    /// Everything with this data goes for good.
    Purge(u8),
    /// The power goes now, or at one of the next disk operations.
    Crash {
        seed: u64,
        after: u64,
    },
    /// The process is killed: the disk keeps everything.
    Kill,
    /// No space for another segment, or space again.
    Full(bool),
    /// One of the next syncs fails.
    SyncFails(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        40 => command().prop_map(Step::Do),
        6 => any::<u8>().prop_map(Step::Fill),
        8 => Just(Step::Sync),
        3 => Just(Step::Seal),
        1 => Just(Step::Compact),
        3 => Just(Step::Checkpoint),
        3 => Just(Step::Maintain),
        2 => (0u8..5).prop_map(Step::Purge),
        4 => (any::<u64>(), 0u64..12).prop_map(|(seed, after)| Step::Crash { seed, after }),
        1 => Just(Step::Kill),
        2 => any::<bool>().prop_map(Step::Full),
        1 => (0u64..4).prop_map(Step::SyncFails),
    ]
}

const KEY: [u8; 32] = [7; 32];

/// A bug that the harness must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PlantedBug {
    /// Records are reported durable that are not on the platter.
    ReportsTooEarly,
    /// Readers see records that are not in the log.
    PublishesRefused,
}

/// A store on a disk, and what it must show after each of its records.
struct Trial {
    disk: SimDisk,
    store: Option<Store>,
    plain: Plain,
    /// The model after each record.
    after: BTreeMap<u64, Plain>,
    bug: Option<PlantedBug>,
    /// Half of all histories are.
    encrypted: bool,
    /// A crash that has been set off for a later disk operation.
    armed: Option<u64>,
    /// The newest record that was ever reported durable.
    durable: u64,
}

impl Trial {
    fn new(seed: u64, bug: Option<PlantedBug>) -> Trial {
        let plain = Plain::new();
        let after = BTreeMap::from([(0, plain.clone())]);
        let mut trial = Trial {
            disk: SimDisk::new(seed),
            store: None,
            plain,
            after,
            bug,
            encrypted: seed % 2 == 1,
            armed: None,
            durable: 0,
        };
        if bug == Some(PlantedBug::ReportsTooEarly) {
            trial.disk.ignore_syncs();
        }
        trial.store = Some(trial.open().expect("an empty disk opens"));
        trial
    }

    fn open(&self) -> Result<Store, TestCaseError> {
        let options = StoreOptions {
            background: false,
            manual_sync: true,
            segment_bytes: 16 << 10,
            history: Duration::ZERO,
            erase_after: Duration::ZERO,
            cipher: self.encrypted.then(|| Arc::new(Cipher::taken_into_use(&KEY))),
            ..StoreOptions::default()
        };
        let opened = Store::open_on(
            self.disk.dir("log"),
            self.disk.dir("views"),
            options,
            Rebuild::No,
            &mut |_, _| {},
        );
        let (store, report) = opened.map_err(|e| TestCaseError::fail(format!("does not open: {e}")))?;
        if self.bug == Some(PlantedBug::PublishesRefused) {
            store.publish_refused();
        }
        prop_assert!(
            report.damage.is_empty(),
            "a crash was taken for damage: {:?}",
            report.damage
        );
        prop_assert!(
            report.unfolded.is_empty(),
            "records do not fold: {:?}",
            report.unfolded
        );
        prop_assert!(
            report.checkpoint_unusable.is_none(),
            "{:?}",
            report.checkpoint_unusable
        );
        Ok(store)
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("open between steps")
    }

    /// Does one step; a crash that was set off happens when the disk has come to it.
    fn take(&mut self, step: &Step, from: i64) -> Result<(), TestCaseError> {
        match step {
            Step::Do(command) => self.write(command)?,
            Step::Fill(n) => {
                // Noise does not compress, and is the same for the same number.
                let noise: String = (0..150u64)
                    .map(|i| format!("{:016x}", (i + u64::from(*n)).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
                    .collect();
                let before = self.plain.clone();
                self.plain.settings.insert("filler".into(), noise.clone());
                let told = self.store().set_setting("filler", &noise).map(drop);
                self.settle(told, before)?;
            }
            Step::Sync => drop(self.store().sync_now()),
            Step::Seal => drop(self.store().flush(1)),
            Step::Compact => drop(self.store().compact()),
            Step::Checkpoint => drop(self.store().checkpoint()),
            Step::Maintain => {
                let before = self.store().snapshot().seq().0;
                drop(self.store().maintain());
                self.changed_since(before);
            }
            Step::Purge(data) => self.purge(&data_text(*data)),
            Step::Crash { seed, after } => {
                self.armed = Some(*seed);
                self.disk.crash_at(self.disk.operations() + after);
            }
            Step::Kill => {
                self.durable = self.durable.max(self.store().durable_seq().0);
                self.store = None;
                // A sync that fails while opening is refused, and the next start succeeds.
                match (self.open().or_else(|_| self.open()), self.armed) {
                    (Ok(store), _) => self.store = Some(store),
                    // The power went while it was starting.
                    (Err(_), Some(seed)) if self.disk.has_crashed() => return self.lose_power(seed),
                    (Err(e), _) => return Err(e),
                }
            }
            Step::Full(full) => {
                self.disk
                    .set_capacity(if *full { self.disk.used() + 4096 } else { u64::MAX })
            }
            Step::SyncFails(after) => self.disk.fail_one_sync_after(*after),
        }
        match self.armed {
            Some(seed) if self.disk.has_crashed() || from % 3 == 0 => self.lose_power(seed),
            _ => same(&self.store().snapshot(), &self.plain, 0, 5_000_000_000),
        }
    }

    /// Records were written after this one that the model does not know of.
    fn changed_since(&mut self, seq: u64) {
        for later in seq + 1..=self.store().snapshot().seq().0 {
            self.after.insert(later, self.plain.clone());
        }
    }

    fn purge(&mut self, text: &str) {
        let matches = |data: &str| data == text;
        let selection = Selection {
            buckets: Vec::new(),
            ids: None,
            range: TimeRange::ALL,
            data: &matches,
        };
        let Ok(selected) = self.store().select(&selection, 0, &Cancel::new()) else {
            return;
        };
        let before = self.store().snapshot().seq().0;
        drop(self.store().purge(selected.purges()));
        if self.store().snapshot().seq().0 == before {
            return;
        }
        // Once it is ordered nobody sees them any more, however far the erasing has come.
        if !selected.is_empty() {
            for bucket in self.plain.buckets.values_mut() {
                bucket.events.retain(|event| event.3 != text);
                if !bucket.events.iter().any(|event| Some(event.0) == bucket.last) {
                    bucket.last = bucket.newest();
                }
            }
        }
        self.changed_since(before);
    }

    fn write(&mut self, command: &Command) -> Result<(), TestCaseError> {
        let before = self.plain.clone();
        self.plain.apply(command);
        let told = tell(self.store(), &before, command);
        self.settle(told, before)
    }

    /// A write that was refused has changed nothing.
    fn settle(&mut self, told: Result<(), WriteError>, before: Plain) -> Result<(), TestCaseError> {
        match told {
            Ok(()) => {
                self.after
                    .insert(self.store().snapshot().seq().0, self.plain.clone());
                Ok(())
            }
            Err(WriteError::NoSpace(_) | WriteError::Unavailable(_) | WriteError::Failed(_)) => {
                self.plain = before;
                same(&self.store().snapshot(), &self.plain, 0, 5_000_000_000)
            }
            Err(e) => Err(TestCaseError::fail(format!("refused: {e}"))),
        }
    }

    fn lose_power(&mut self, seed: u64) -> Result<(), TestCaseError> {
        let durable = self
            .durable
            .max(self.store.as_ref().map_or(0, |s| s.durable_seq().0));
        self.durable = durable;
        let survived = self.disk.crash(seed);
        self.store = None;
        self.disk = survived;
        self.armed = None;
        self.disk.set_capacity(u64::MAX);
        let store = self.open().or_else(|_| self.open())?;
        let seq = store.snapshot().seq().0;
        prop_assert!(
            seq >= durable,
            "record {durable} was reported durable, and the log ends at {seq}"
        );
        let Some(plain) = self.after.get(&seq) else {
            return Err(TestCaseError::fail(format!(
                "recovered to record {seq}, which ends no write"
            )));
        };
        self.plain = plain.clone();
        self.after.retain(|s, _| *s <= seq);
        same(&store.snapshot(), &self.plain, 0, 5_000_000_000)?;
        let wrong = check(&store.snapshot());
        prop_assert!(wrong.is_empty(), "{wrong:?}");
        // However far squashing and erasing have come, the log alone folds to the same.
        let mut replica = Replica::new(self.disk.dir("replica"));
        let mut records = store
            .log()
            .expect("is there")
            .read_from(Seq::FIRST)
            .expect("is read");
        while let Some(record) = records.next() {
            let folded = replica.apply(&record.expect("is whole"));
            prop_assert!(folded.is_ok(), "{:?}", folded);
        }
        let different = differences(&store.snapshot(), &replica.snapshot());
        prop_assert!(different.is_empty(), "{:?}", different);
        self.store = Some(store);
        Ok(())
    }
}

fn history(steps: &[(Step, i64)], seed: u64, bug: Option<PlantedBug>) -> Result<(), TestCaseError> {
    let mut trial = Trial::new(seed, bug);
    for (step, from) in steps {
        trial.take(step, *from)?;
    }
    trial.lose_power(seed)
}

fn steps() -> impl Strategy<Value = (Vec<(Step, i64)>, u64)> {
    (prop::collection::vec((step(), 0i64..100), 1..100), any::<u64>())
}

/// So many cases, unless `TIMBERLINE_CASES` says another number.
pub(crate) fn config(default: u32) -> ProptestConfig {
    let cases = std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|c| c.parse().ok())
        .unwrap_or(default);
    ProptestConfig {
        cases,
        max_shrink_iters: 5000,
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[test]
fn recovery_gives_a_prefix_with_everything_durable() {
    let result = TestRunner::new(config(400)).run(&steps(), |(steps, seed)| history(&steps, seed, None));
    if let Err(e) = result {
        panic!("{e}");
    }
}

/// A harness that cannot fail proves nothing.
fn is_caught(bug: PlantedBug) {
    let config = ProptestConfig {
        cases: 2000,
        max_shrink_iters: 0,
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let result = TestRunner::new(config).run(&steps(), |(steps, seed)| history(&steps, seed, Some(bug)));
    assert!(
        matches!(result, Err(TestError::Fail(..))),
        "{bug:?} was not caught"
    );
}

#[test]
fn reporting_durable_what_is_not_synced_is_caught() {
    is_caught(PlantedBug::ReportsTooEarly);
}

#[test]
fn publishing_what_the_log_has_refused_is_caught() {
    is_caught(PlantedBug::PublishesRefused);
}
