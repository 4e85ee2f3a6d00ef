//! What else is recorded of windows, and what is not.

use std::sync::atomic::Ordering;

use timberline_model::{Duration, Timestamp};

use super::desk::{Desk, Hands, pass};
use super::script::settle;
use crate::afk::Fact;
use crate::desktop::Sighting;
use crate::modules::board::Board;
use crate::modules::options::Options;
use crate::modules::status::{BackendState, State};
use crate::modules::window::WindowModule;
use crate::window::Front;

/// What is held back for merging would otherwise be sent only after the sleep.
#[tokio::test(start_paused = true)]
async fn what_was_recorded_is_sent_before_the_machine_sleeps() {
    let hour = std::time::Duration::from_secs(3600);
    let desk = Desk::with("2026-03-01T09:00:00Z", |options| options.commit_interval(hour));
    let hands = Hands::on(&desk);
    let run = desk.run(&WindowModule {
        options: Options::default().window,
        sources: hands.sources(),
        board: Board::new(),
    });
    settle().await;
    hands.window.report(Some(sighting("vim", "a")));
    pass(30.0).await;
    assert_eq!(
        desk.recorded("aw-watcher-window_desk"),
        [""; 0],
        "it is held back"
    );
    hands.facts.report(Fact::SleepBegan);
    settle().await;
    // The client's thread goes by real time.
    let expected = [r#"09:00:00 09:00:30 {"app":"vim","title":"a"}"#];
    let is_sent = || desk.recorded("aw-watcher-window_desk") == expected;
    let patience = timberline_test_support::PATIENCE;
    let often = std::time::Duration::from_millis(5);
    let mut waited = std::time::Duration::ZERO;
    while !is_sent() && waited < patience {
        std::thread::sleep(often);
        waited += often;
    }
    assert!(is_sent(), "{:?}", desk.recorded("aw-watcher-window_desk"));
    run.stop().await;
}

fn sighting(app: &str, title: &str) -> Sighting {
    Sighting {
        front: Front {
            app: app.to_owned(),
            title: title.to_owned(),
        },
        pid: Some(4711),
        full_screen: Some(false),
        monitor: Some("DP-1".to_owned()),
        sandbox: None,
    }
}

#[tokio::test(start_paused = true)]
async fn facts_of_a_window_last_while_it_is_in_front_and_dropped_windows_leave_no_facts() {
    let desk = Desk::at("2026-03-01T09:00:00Z");
    let hands = Hands::on(&desk);
    let options = Options::from_toml("[[window.rules]]\napp = 'keepass'\ndrop = true").expect("good");
    let module = WindowModule {
        options: options.window,
        sources: hands.sources(),
        board: Board::new(),
    };
    let run = desk.run(&module);
    settle().await;
    assert_eq!(run.status.borrow().state, State::Starting);
    for (app, title) in [("vim", "a"), ("vim", "b"), ("keepass", "secret"), ("vim", "c")] {
        hands.window.report(Some(sighting(app, title)));
        pass(30.0).await;
    }
    let status = run.status.borrow().clone();
    assert_eq!(status.state, State::Recording);
    assert_eq!(status.backends[0].state, BackendState::Chosen);
    assert_eq!(status.bucket.as_deref(), Some("aw-watcher-window_desk"));
    assert!(status.last_recorded.is_some());
    run.stop().await;
    desk.finish();
    let facts = r#"{"backend":"windows","fullscreen":false,"monitor":"DP-1","pid":4711}"#;
    assert_eq!(
        desk.recorded("timberline-window-facts_desk"),
        [
            format!("09:00:00 09:01:00 {facts}"),
            format!("09:01:30 09:02:00 {facts}")
        ]
    );
    assert_eq!(
        desk.recorded("aw-watcher-window_desk"),
        [
            r#"09:00:00 09:00:30 {"app":"vim","title":"a"}"#,
            r#"09:00:30 09:01:00 {"app":"vim","title":"b"}"#,
            r#"09:01:30 09:02:00 {"app":"vim","title":"c"}"#,
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_because_something_is_still_missing() {
    let desk = Desk::at("2026-03-01T09:00:07Z");
    let hands = Hands::on(&desk);
    hands.facts.works.store(false, Ordering::Relaxed);
    let module = WindowModule {
        options: Options::default().window,
        sources: hands.sources(),
        board: Board::new(),
    };
    let run = desk.run(&module);
    settle().await;
    hands.window.report(Some(sighting("vim", "a")));
    pass(600.5).await;
    // The source of locks was tried again half a second ago.
    assert_eq!(hands.facts.tries.load(Ordering::Relaxed), 11);
    let last = run.status.borrow().last_recorded.expect("a record");
    let due = Timestamp::parse("2026-03-01T09:10:00Z").expect("a time");
    assert!(last.since(due) < Duration::from_secs(1), "{last}");
    run.stop().await;
    desk.finish();
}
