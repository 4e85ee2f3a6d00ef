//! The log survives every crash that the simulated disk can think of.
//!
//! `TIMBERLINE_CASES=20000 cargo test -p timberline-log --release --test crash` looks harder.

mod harness;

use harness::{any_history, cases, run};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use timberline_log::PlantedBug;

proptest! {
    #![proptest_config(Config { cases: cases(300), failure_persistence: None, ..Config::default() })]

    /// After a crash the log is a prefix of what was appended, with everything that was reported durable, each batch
    /// wholly or not at all; nothing is taken for damage; and it goes on.
    #[test]
    fn a_crash_leaves_a_prefix_with_all_that_was_durable(
        seed in any::<u64>(), actions in any_history()
    ) {
        if let Err(violation) = run(seed, &actions, None) {
            prop_assert!(false, "{violation}");
        }
    }
}

/// The first of some random histories in which the harness finds a violation.
fn found(bug: Option<PlantedBug>) -> Option<String> {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    (0..100).find_map(|seed| {
        let actions = any_history().new_tree(&mut runner).ok()?.current();
        run(seed, &actions, bug).err()
    })
}

#[test]
fn the_harness_finds_a_log_that_reports_durable_before_it_syncs() {
    let violation = found(Some(PlantedBug::AckBeforeSync)).unwrap();
    assert!(violation.contains("durable"), "{violation}");
}

#[test]
fn the_harness_finds_a_log_whose_checksum_leaves_out_the_length() {
    let violation = found(Some(PlantedBug::NoLengthChecksum)).unwrap();
    assert!(
        violation.contains("not what was appended") || violation.contains("durable"),
        "{violation}"
    );
}

#[test]
fn the_same_histories_without_a_bug_are_fine() {
    assert_eq!(found(None), None);
}
