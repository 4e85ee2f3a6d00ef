//! Edits of events, and their undo, on a disk that loses power in the middle: each is there whole or not at all, and what
//! is left can be taken back. Half of the logs are squashed before the edits, and half are encrypted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::crash::config;
use crate::edits::{Change, change, edit};
use crate::plain::{Command, Plain, command, list, same, tell};
use proptest::prelude::*;
use timberline_cancel::Cancel;
use timberline_disk::{Cipher, SimDisk};
use timberline_log::Seq;
use timberline_views::history::Undoing;
use timberline_views::tools::check;
use timberline_views::{Rebuild, Snapshot, Store, StoreOptions, TimeRange};

const SECOND: i64 = 1_000_000_000;
const DAY: Duration = Duration::from_secs(86_400);

/// All events that a store shows.
type Shown = BTreeMap<String, Vec<crate::plain::Event>>;

fn shown(snapshot: &Snapshot) -> Shown {
    let buckets = snapshot.buckets();
    buckets
        .map(|view| (view.bucket().id.clone(), list(view, TimeRange::ALL)))
        .collect()
}

fn open(disk: &SimDisk, seed: u64, history: Duration) -> Store {
    let options = StoreOptions {
        background: false,
        manual_sync: true,
        segment_bytes: 16 << 10,
        history,
        erase_after: history,
        cipher: (seed % 2 == 1).then(|| Arc::new(Cipher::taken_into_use(&[7; 32]))),
        ..StoreOptions::default()
    };
    let opened = Store::open_on(
        disk.dir("log"),
        disk.dir("views"),
        options,
        Rebuild::No,
        &mut |_, _| {},
    );
    opened.expect("opens").0
}

/// A store with some history, all of it durable. If it is to be squashed, only the outcome of its log is left.
fn filled(disk: &SimDisk, commands: &[Command], squashed: bool, seed: u64) -> (Store, Plain) {
    let history = if squashed { Duration::ZERO } else { DAY };
    let (store, mut plain) = (open(disk, seed, history), Plain::new());
    for command in commands {
        tell(&store, &plain, command).expect("is stored");
        plain.apply(command);
    }
    // Enough for the segments with all of that to be full. Noise does not compress.
    for n in 0..12u64 {
        let noise: String = (0..150u64)
            .map(|i| format!("{:016x}", (i + n).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
            .collect();
        store.set_setting("filler", &noise).expect("is stored");
        plain.settings.insert("filler".to_owned(), noise);
        store.sync_now().expect("is synced");
    }
    if squashed {
        store.flush(1).expect("is flushed");
        store.checkpoint().expect("is written");
        store.maintain().expect("is squashed");
        let segments = store.log().expect("is there").segments().expect("is read");
        assert!(segments.iter().any(|segment| segment.squashed), "{segments:?}");
    }
    store.sync_now().expect("is synced");
    drop(store);
    (open(disk, seed, DAY), plain)
}

/// What a store shows after each record that ends a write.
struct Trial {
    disk: SimDisk,
    seed: u64,
    after: BTreeMap<Seq, Shown>,
}

impl Trial {
    fn note(&mut self, store: &Store) {
        let snapshot = store.snapshot();
        self.after.insert(snapshot.seq(), shown(&snapshot));
    }

    /// The power has gone, or goes now: what is left is a state that a write has left, with everything durable.
    fn recover(&mut self, store: Store) -> Result<Store, TestCaseError> {
        let durable = store.durable_seq();
        let survived = self.disk.crash(self.seed);
        drop(store);
        self.disk = survived;
        let store = open(&self.disk, self.seed, DAY);
        let snapshot = store.snapshot();
        prop_assert!(snapshot.seq() >= durable, "{} < {durable}", snapshot.seq());
        let expected = self.after.get(&snapshot.seq());
        prop_assert_eq!(
            Some(&shown(&snapshot)),
            expected,
            "recovered to record {}",
            snapshot.seq()
        );
        let wrong = check(&snapshot);
        prop_assert!(wrong.is_empty(), "{wrong:?}");
        Ok(store)
    }
}

type Edits = Vec<(Change, prop::sample::Index, Vec<prop::sample::Index>)>;

fn one_trial(
    commands: &[Command],
    squashed: bool,
    edits: &Edits,
    (in_edits, in_undo): (u64, u64),
    seed: u64,
) -> Result<(), TestCaseError> {
    let disk = SimDisk::new(seed);
    let (mut store, plain) = filled(&disk, commands, squashed, seed);
    let mut trial = Trial {
        disk,
        seed,
        after: BTreeMap::new(),
    };
    trial.note(&store);
    let mut done = Vec::new();
    trial.disk.crash_at(trial.disk.operations() + in_edits);
    for (number, (change, bucket, which)) in edits.iter().enumerate() {
        if trial.disk.has_crashed() {
            break;
        }
        // If the power goes meanwhile, it is refused or lost.
        let Ok(records) = edit(&store, change, *bucket, which) else {
            break;
        };
        trial.note(&store);
        done.extend(records);
        if number % 2 == 1 {
            let _ = store.sync_now();
        }
    }
    store = trial.recover(store)?;
    let newest = store.snapshot().seq();
    done.retain(|(_, to)| *to <= newest);
    // The power goes once more while they are taken back.
    trial.disk.crash_at(trial.disk.operations() + in_undo);
    let mut taken_back = Vec::new();
    for (from, to) in done.iter().rev().copied() {
        if store.undo(from, to, Undoing::All, &Cancel::new()).is_err() {
            break;
        }
        trial.note(&store);
        taken_back.push((to, store.snapshot().seq()));
        let _ = store.sync_now();
    }
    store = trial.recover(store)?;
    let newest = store.snapshot().seq();
    let stayed = |to: Seq| {
        taken_back
            .iter()
            .any(|(edit, undo)| *edit == to && *undo <= newest)
    };
    for (from, to) in done.into_iter().rev().filter(|(_, to)| !stayed(*to)) {
        let (undone, _) = store
            .undo(from, to, Undoing::All, &Cancel::new())
            .map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert!(undone.conflicts.is_empty(), "{undone:?}");
    }
    same(&store.snapshot(), &plain, 0, 40 * SECOND)
}

proptest! {
    #![proptest_config(config(60))]
    #[test]
    fn each_edit_and_each_undo_is_whole_or_not_there(
        commands in prop::collection::vec(command(), 1..30),
        squashed in any::<bool>(),
        edits in prop::collection::vec(change(), 1..6),
        crashes in (0u64..12, 0u64..12),
        seed in any::<u64>(),
    ) {
        one_trial(&commands, squashed, &edits, crashes, seed)?;
    }
}
