//! The examples of `docs/history.md`, in their order, against a server.

use crate::harness::page::Page;
use serde_json::Value;

const PAGE: Page = Page {
    text: include_str!("../../../../docs/history.md"),
    varying: &[
        "time",
        "token",
        "expires",
        "completed",
        "deleted_at",
        "erased_at",
        "log_segments",
        "records",
        "view_segments",
        "created",
    ],
};

#[test]
fn every_example_is_answered_as_shown() {
    PAGE.check(12);
}

#[test]
fn a_difference_is_noticed() {
    let json = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
    let shown = json(r#"{"seq": 1, "time": "t", "records": [{"seq": 2}]}"#);
    assert!(PAGE.is_as_shown(
        &shown,
        &json(r#"{"seq": 1, "time": "u", "records": [{"seq": 2}]}"#)
    ));
    for other in [
        r#"{"seq": 2, "time": "t", "records": [{"seq": 2}]}"#,
        r#"{"seq": 1, "time": null, "records": [{"seq": 2}]}"#,
        r#"{"seq": 1, "time": "t", "records": [{"seq": 3}]}"#,
        r#"{"seq": 1, "time": "t", "records": []}"#,
        r#"{"seq": 1, "time": "t", "records": [{"seq": 2}], "more": 1}"#,
        r#"{"seq": 1, "records": [{"seq": 2}]}"#,
    ] {
        assert!(!PAGE.is_as_shown(&shown, &json(other)), "{other}");
    }
}
