//! The examples of `docs/activity.md`, on a real server.

use crate::harness::page::Page;

const PAGE: Page = Page {
    text: include_str!("../../../../docs/activity.md"),
    varying: &[],
};

#[test]
fn every_example_is_answered_as_shown() {
    PAGE.check(3);
}
