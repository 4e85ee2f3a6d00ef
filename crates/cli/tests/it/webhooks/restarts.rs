//! What of a webhook survives a kill of the server: the table of `docs/webhooks.md`.

use serde_json::{Value, json};

use super::receiver::{Manner, Receiver};
use super::{ask, beat, expect_records, get, make, make_bucket};
use crate::harness::poll;
use crate::harness::server::{Installation, Server};

fn attempts(server: &Server, id: &str) -> Vec<Value> {
    let (status, answer) = ask(server, "GET", &format!("/api/1/webhooks/{id}/deliveries"), None);
    assert_eq!(status, 200, "{answer}");
    answer["deliveries"].as_array().expect("a list").clone()
}

#[test]
fn the_pending_delivery_keeps_its_id_and_is_tried_at_once_after_a_kill() {
    let installation = Installation::new();
    let receiver = Receiver::start(Manner::Status(200));
    let server = installation.start();
    make_bucket(&server, "b");
    let trigger = json!({ "on": "records", "kinds": ["heartbeat"] });
    let (id, _) = make(&server, &json!({ "url": receiver.url(), "trigger": trigger }));
    beat(&server, "b", 0);
    expect_records(&receiver, &[2]);
    receiver.set_manner(Manner::Status(503));
    beat(&server, "b", 1);
    poll("two failures", || {
        (get(&server, &id)["failed"].as_u64() >= Some(2)).then_some(())
    });
    let before = get(&server, &id);
    let pending = before["pending"].as_str().expect("an id").to_owned();
    assert!(attempts(&server, &id).len() >= 3);
    server.kill();

    let server = installation.start();
    // It has failed again before anything else could be seen, or not.
    let after = get(&server, &id);
    assert_eq!(after["pending"], json!(pending));
    assert_eq!(
        (&after["position"], &after["paused"]),
        (&before["position"], &Value::Null)
    );
    let of_this_start = attempts(&server, &id);
    assert!(
        of_this_start
            .iter()
            .all(|attempt| attempt["delivery"] == json!(pending))
    );
    // What comes meanwhile waits for its turn.
    beat(&server, "b", 2);
    receiver.set_manner(Manner::Status(200));
    expect_records(&receiver, &[2, 3, 4]);
    let accepted = receiver.received();
    let mut accepted = accepted.iter().filter(|received| received.is_accepted);
    assert!(accepted.any(|received| received.delivery() == pending));
    server.stop();
}
