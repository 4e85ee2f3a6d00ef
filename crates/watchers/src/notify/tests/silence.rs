//! Alarms of watchers.

use std::time::Duration;

use timberline_test_support::PrivateBus;

use super::desktop::Desktop;
use crate::notify::silence;
use crate::supervisor::Which;
use crate::supervisor::tests::{Bench, Puppet, Way};

#[tokio::test]
async fn an_alarm_is_shown_once_while_it_lasts() {
    let bus = PrivateBus::start();
    let mut desktop = Desktop::on(&bus, &[]).await;
    let puppet = Puppet::new("camera", Way::Error);
    let bench = Bench::start(&[&puppet]);
    tokio::spawn(silence(Some(bus.address.clone()), bench.handle.clone()));
    bench.alarm("camera", Some("nothing for <10> minutes"));
    let first = desktop.shown().await;
    assert_eq!(first.title, "Timberline: the watcher camera is silent");
    assert_eq!(first.text, "nothing for &lt;10&gt; minutes");
    assert_eq!(first.urgency, 2);
    bench.alarm("camera", Some("nothing for 11 minutes"));
    bench.handle.disable(Which::One("camera")).expect("done");
    // What is shown next is the next alarm. It ends and begins until somebody has looked in between.
    let again = tokio::select! {
        again = desktop.shown() => again,
        () = async {
            loop {
                bench.alarm("camera", None);
                tokio::time::sleep(Duration::from_millis(10)).await;
                bench.alarm("camera", Some("again"));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        } => unreachable!(),
    };
    assert_eq!(again.text, "again");
}

#[tokio::test]
async fn an_alarm_of_the_queue_is_shown() {
    let bus = PrivateBus::start();
    let mut desktop = Desktop::on(&bus, &[]).await;
    let puppet = Puppet::new("camera", Way::Error);
    let bench = Bench::start(&[&puppet]);
    tokio::spawn(silence(Some(bus.address.clone()), bench.handle.clone()));
    bench.queue_alarm(Some("12 heartbeats wait"));
    let shown = desktop.shown().await;
    assert_eq!(shown.title, "Timberline: what is recorded is not stored");
    assert_eq!(shown.text, "12 heartbeats wait");
}
