//! A notification for each alarm: of a watcher, and of the queue.

use std::collections::BTreeSet;

use super::service::{self, Notification};
use crate::supervisor::{Handle, WatcherStatus};

/// Shows alarms, each once while it lasts. Never ends; without a bus it waits.
pub async fn silence(bus: Option<String>, handle: Handle) {
    let Some(bus) = bus else {
        return std::future::pending().await;
    };
    let mut shown = Shown::default();
    let mut news = handle.news();
    loop {
        news.borrow_and_update();
        for notification in shown.new_alarms(&handle.list(), handle.queue_alarm()) {
            service::show(&bus, &notification).await;
        }
        if news.changed().await.is_err() {
            return;
        }
    }
}

/// The titles of the alarms that were shown.
#[derive(Debug, Default)]
struct Shown(BTreeSet<String>);

impl Shown {
    fn new_alarms(&mut self, watchers: &[WatcherStatus], queue: Option<String>) -> Vec<Notification> {
        let of_watcher = |watcher: &WatcherStatus| {
            let title = format!("Timberline: the watcher {} is silent", watcher.name);
            (title, watcher.alarm.clone())
        };
        let of_queue = ("Timberline: what is recorded is not stored".to_owned(), queue);
        let alarms = watchers.iter().map(of_watcher).chain([of_queue]);
        alarms
            .filter_map(|(title, alarm)| self.if_new(title, alarm))
            .collect()
    }

    fn if_new(&mut self, title: String, alarm: Option<String>) -> Option<Notification> {
        let Some(alarm) = alarm else {
            self.0.remove(&title);
            return None;
        };
        let is_new = self.0.insert(title.clone());
        is_new.then(|| Notification {
            stays: true,
            ..Notification::new(title, &alarm)
        })
    }
}
