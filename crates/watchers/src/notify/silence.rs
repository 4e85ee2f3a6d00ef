//! A notification for each alarm of a watcher.

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
        for notification in shown.new_alarms(&handle.list()) {
            service::show(&bus, &notification).await;
        }
        if news.changed().await.is_err() {
            return;
        }
    }
}

/// The watchers whose alarm was shown.
#[derive(Debug, Default)]
struct Shown(BTreeSet<String>);

impl Shown {
    fn new_alarms(&mut self, watchers: &[WatcherStatus]) -> Vec<Notification> {
        let mut new = Vec::new();
        for watcher in watchers {
            match &watcher.alarm {
                None => {
                    self.0.remove(&watcher.name);
                }
                Some(alarm) => {
                    if self.0.insert(watcher.name.clone()) {
                        let title = format!("Timberline: the watcher {} is silent", watcher.name);
                        new.push(Notification {
                            stays: true,
                            ..Notification::new(title, alarm)
                        });
                    }
                }
            }
        }
        new
    }
}
