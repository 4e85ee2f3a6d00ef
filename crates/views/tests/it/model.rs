//! Random commands against the store and the plain model, with sealing, merging, checkpoints and restarts at random
//! points: equal after every step, and no snapshot ever changes.

use std::sync::Arc;

use crate::plain::{Command, Plain, columns, command, same, tell};
use proptest::prelude::*;
use timberline_disk::{Cipher, SimDisk};
use timberline_model::Timestamp;
use timberline_views::Rebuild;
use timberline_views::{Snapshot, Store, StoreOptions, TimeRange};

#[derive(Clone, Debug)]
enum Step {
    Do(Command),
    Seal,
    Compact,
    Checkpoint,
    /// Closed properly, or dropped as a killed process would.
    Restart {
        close: bool,
    },
    /// Everything made again from the log.
    Rebuild,
    /// A reader that keeps its picture to the end.
    Keep,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        30 => command().prop_map(Step::Do),
        3 => Just(Step::Seal),
        1 => Just(Step::Compact),
        1 => Just(Step::Checkpoint),
        1 => any::<bool>().prop_map(|close| Step::Restart { close }),
        1 => Just(Step::Rebuild),
        2 => Just(Step::Keep),
    ]
}

/// Half of all histories are encrypted.
fn cipher(seed: u64) -> Option<Arc<Cipher>> {
    (seed % 2 == 1).then(|| Arc::new(Cipher::taken_into_use(&[7; 32])))
}

fn open(disk: &SimDisk, cipher: Option<Arc<Cipher>>, anew: bool) -> Store {
    let options = StoreOptions {
        background: false,
        segment_bytes: 64 << 10,
        cipher,
        ..StoreOptions::default()
    };
    let (store, report) = Store::open_on(
        disk.dir("log"),
        disk.dir("views"),
        options,
        if anew { Rebuild::Yes } else { Rebuild::No },
        &mut |_, _| {},
    )
    .expect("opens");
    assert!(
        report.damage.is_empty() && report.unfolded.is_empty() && report.checkpoint_unusable.is_none(),
        "{report:?}"
    );
    store
}

fn cases(default: u32) -> ProptestConfig {
    let cases = std::env::var("TIMBERLINE_CASES")
        .ok()
        .and_then(|c| c.parse().ok())
        .unwrap_or(default);
    ProptestConfig {
        cases,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    }
}

/// A cache keeps what was read of a bucket from one picture for as long as `touched_until` of a later one is not
/// newer: then the same must come of it.
fn past_results_hold_as_long_as_it_says(
    before: &Snapshot,
    after: &Snapshot,
    from: i64,
    to: i64,
) -> Result<(), TestCaseError> {
    let range = TimeRange {
        start: Some(Timestamp::from_nanos(from)),
        end: Some(Timestamp::from_nanos(to)),
    };
    let ids = |s: &Snapshot| {
        s.buckets()
            .map(|b| (b.key(), b.bucket().clone()))
            .collect::<Vec<_>>()
    };
    if after.buckets_touched() <= before.seq() {
        prop_assert_eq!(ids(before), ids(after));
    }
    for then in before.buckets() {
        let Some(now) = after.bucket_of(then.key()) else {
            continue;
        };
        if now.touched_until(Timestamp::from_nanos(to)) <= before.seq() {
            prop_assert_eq!(columns(then, range), columns(now, range));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(300))]
    #[test]
    fn the_store_equals_the_plain_model_after_every_step(
        steps in prop::collection::vec((step(), -2i64..24, 0i64..24), 1..120),
        seed in any::<u64>(),
    ) {
        let disk = SimDisk::new(seed);
        let mut store = open(&disk, cipher(seed), false);
        let mut plain = Plain::new();
        let mut kept: Vec<(Arc<Snapshot>, Plain)> = Vec::new();
        for (step, from, length) in steps {
            let before = store.snapshot();
            let restarts = matches!(step, Step::Restart { .. } | Step::Rebuild);
            match step {
                Step::Do(command) => {
                    tell(&store, &plain, &command).expect("is stored");
                    plain.apply(&command);
                }
                Step::Seal => store.flush(1).expect("seals"),
                Step::Compact => drop(store.compact().expect("compacts")),
                Step::Checkpoint => store.checkpoint().expect("is written"),
                Step::Restart { close } => {
                    if close {
                        store.close().expect("closes");
                    } else {
                        drop(store);
                    }
                    store = open(&disk, cipher(seed), false);
                }
                Step::Rebuild => {
                    drop(store);
                    store = open(&disk, cipher(seed), true);
                    store.checkpoint().expect("is written");
                }
                Step::Keep => kept.push((store.snapshot(), plain.clone())),
            }
            let (from, to) = (from * 1_000_000_000, (from + length) * 1_000_000_000);
            same(&store.snapshot(), &plain, from, to)?;
            if !restarts {
                past_results_hold_as_long_as_it_says(&before, &store.snapshot(), from, to)?;
            }
        }
        for (snapshot, plain) in &kept {
            same(snapshot, plain, 0, 10_000_000_000)?;
        }
    }
}

/// Of equal starts the earlier end is listed first, so a heartbeat may change the order of what lies before the old end.
#[test]
fn a_heartbeat_that_changes_the_order_of_equal_starts_touches_their_start() {
    let disk = SimDisk::new(0);
    let (store, mut plain) = (open(&disk, None, false), Plain::new());
    let mut before = store.snapshot();
    let beat = |start, duration| Command::Heartbeat {
        bucket: 0,
        start,
        duration,
        pulsetime: 0,
        data: 0,
    };
    for command in [
        Command::Create(0),
        beat(4_000_000_000, 1_000_000_000),
        beat(12_500_000_000, 0),
        beat(4_000_000_000, 250_000_000),
        beat(4_000_000_000, 1_000_000_000),
    ] {
        before = store.snapshot();
        tell(&store, &plain, &command).expect("is stored");
        plain.apply(&command);
    }
    let range = TimeRange {
        start: None,
        end: Some(Timestamp::from_nanos(4_000_000_000)),
    };
    let after = store.snapshot();
    let listed = |s: &Snapshot| s.buckets().map(|b| columns(b, range)).collect::<Vec<_>>();
    assert_ne!(listed(&before), listed(&after), "the order has changed");
    past_results_hold_as_long_as_it_says(&before, &after, 0, 4_000_000_000).expect("it tells");
}
