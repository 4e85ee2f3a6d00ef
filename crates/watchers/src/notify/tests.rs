//! Notifications, as the desktop's service on a private bus gets them.

use std::collections::HashMap;

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use zbus::OwnedVariant;

use super::silence;
use crate::supervisor::tests::{Bench, Puppet, Way};
use crate::tray::tests::PrivateBus;

/// Shows notifications to the test.
struct Desktop(UnboundedSender<(String, String, u8)>);

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Desktop {
    #[allow(clippy::too_many_arguments, reason = "the specification has so many")]
    fn notify(
        &self,
        program: String,
        _replaces: u32,
        _icon: String,
        title: String,
        text: String,
        _actions: Vec<String>,
        hints: HashMap<String, OwnedVariant>,
        _expires: i32,
    ) -> u32 {
        assert_eq!(program, "Timberline");
        let urgency = hints
            .get("urgency")
            .and_then(|urgency| u8::try_from(urgency).ok());
        let _ = self.0.send((title, text, urgency.expect("an urgency")));
        1
    }
}

#[tokio::test]
async fn an_alarm_is_shown_once_while_it_lasts() {
    let bus = PrivateBus::start();
    let (show, mut shown) = unbounded_channel();
    let _desktop = zbus::connection::Builder::address(bus.address.as_str())
        .serve_at("/org/freedesktop/Notifications", Desktop(show))
        .name("org.freedesktop.Notifications")
        .build()
        .await
        .expect("a service");
    let puppet = Puppet::new("camera", Way::Error);
    let bench = Bench::start(&[&puppet]);
    tokio::spawn(silence(Some(bus.address.clone()), bench.handle.clone()));
    bench.alarm("camera", Some("nothing for <10> minutes"));
    let first = shown.recv().await.expect("a notification");
    let title = "Timberline: the watcher camera is silent".to_owned();
    assert_eq!(first, (title, "nothing for &lt;10&gt; minutes".to_owned(), 2));
    bench.alarm("camera", Some("nothing for 11 minutes"));
    bench
        .handle
        .disable(crate::supervisor::Which::One("camera"))
        .expect("done");
    bench.alarm("camera", None);
    // What is shown next is the next alarm.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    bench.alarm("camera", Some("again"));
    assert_eq!(shown.recv().await.expect("a notification").1, "again");
}
