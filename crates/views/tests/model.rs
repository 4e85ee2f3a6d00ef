//! Random commands against the store and the plain model, with sealing, merging, checkpoints and restarts at random
//! points: equal after every step, and no snapshot ever changes.

#![allow(clippy::expect_used)]

mod plain;

use std::sync::Arc;

use plain::{Command, Plain, command, same, tell};
use proptest::prelude::*;
use timberline_log::SimDisk;
use timberline_views::{Snapshot, Store, StoreOptions};

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
    /// Everything made anew from the log.
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

fn open(disk: &SimDisk, anew: bool) -> Store {
    let options = StoreOptions {
        background: false,
        segment_bytes: 64 << 10,
        ..StoreOptions::default()
    };
    let (store, report) =
        Store::open_on(disk.dir("log"), disk.dir("views"), options, anew, &mut |_, _| {}).expect("opens");
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

proptest! {
    #![proptest_config(cases(300))]
    #[test]
    fn the_store_equals_the_plain_model_after_every_step(
        steps in prop::collection::vec((step(), -2i64..24, 0i64..24), 1..120),
        seed in any::<u64>(),
    ) {
        let disk = SimDisk::new(seed);
        let mut store = open(&disk, false);
        let mut plain = Plain::new();
        let mut kept: Vec<(Arc<Snapshot>, Plain)> = Vec::new();
        for (step, from, length) in steps {
            match step {
                Step::Do(command) => {
                    tell(&store, &plain, &command).expect("is stored");
                    plain.apply(&command);
                }
                Step::Seal => store.seal(1).expect("seals"),
                Step::Compact => drop(store.compact().expect("compacts")),
                Step::Checkpoint => store.checkpoint().expect("is written"),
                Step::Restart { close } => {
                    if close {
                        store.close().expect("closes");
                    } else {
                        drop(store);
                    }
                    store = open(&disk, false);
                }
                Step::Rebuild => {
                    drop(store);
                    store = open(&disk, true);
                    store.checkpoint().expect("is written");
                }
                Step::Keep => kept.push((store.snapshot(), plain.clone())),
            }
            same(&store.snapshot(), &plain, from * 1_000_000_000, (from + length) * 1_000_000_000)?;
        }
        for (snapshot, plain) in &kept {
            same(snapshot, plain, 0, 10_000_000_000)?;
        }
    }
}
