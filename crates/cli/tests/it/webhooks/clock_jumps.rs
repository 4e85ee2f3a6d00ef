//! Webhooks of a server whose clock jumps.

use serde_json::json;

use super::receiver::{Manner, Receiver};
use super::{beat, expect_records, get, make, make_bucket, openssl_hmac};
use crate::harness::clock::{JUMPS, SetClock};
use crate::harness::poll;
use crate::harness::server::Installation;

/// Whatever the clock does: records arrive in order and once, also those whose first attempt failed; nothing counts as
/// silent; and each attempt is signed with the time that the clock shows then.
#[test]
fn records_arrive_in_order_and_nothing_is_silent_while_the_clock_jumps() {
    let installation = Installation::new();
    let clock = SetClock::new(installation.root());
    let mut command = installation.command();
    clock.apply(&mut command);
    let server = installation.start_as(command);
    let receiver = Receiver::start(Manner::Status(200));
    let silence = Receiver::start(Manner::Status(200));
    make_bucket(&server, "b");
    let trigger = json!({ "on": "records", "kinds": ["heartbeat"] });
    let (id, secret) = make(&server, &json!({ "url": receiver.url(), "trigger": trigger }));
    let trigger = json!({ "on": "silence", "buckets": ["b"], "seconds": 3_600 });
    make(&server, &json!({ "url": silence.url(), "trigger": trigger }));
    let mut second = 0;
    for (round, jump) in JUMPS.into_iter().chain([0]).enumerate() {
        let fails = round % 2 == 1;
        receiver.set_manner(Manner::Status(if fails { 503 } else { 200 }));
        let before = receiver.received().len();
        beat(&server, "b", second);
        second += 1;
        poll("an attempt", || {
            (receiver.received().len() > before).then_some(())
        });
        clock.shift_by(jump);
        receiver.set_manner(Manner::Status(200));
        expect_records(&receiver, &(2..=second + 1).collect::<Vec<u64>>());
    }
    let mut times: Vec<i64> = Vec::new();
    for received in receiver.received() {
        let time = received.header("x-timberline-timestamp");
        let signed = openssl_hmac(&secret, &format!("{time}.{}", received.text));
        assert_eq!(
            received.header("x-timberline-signature"),
            format!("sha256={signed}")
        );
        times.push(time.parse().expect("a number"));
    }
    let last_and_first = (times.iter().max(), times.iter().min());
    let years = |(last, first): (Option<&i64>, Option<&i64>)| Some((last? - first?) / (365 * 86_400));
    assert!(years(last_and_first) >= Some(10), "{times:?}");
    assert_eq!(silence.received().len(), 0, "{:?}", silence.received());
    assert!(get(&server, &id)["paused"].is_null());
    server.stop();
}
