//! Whether there is input.

use timberline_model::Duration;
use timberline_test_support::poll;
use timberline_watchers::clock::{Clock as _, SystemClock};
use timberline_watchers::desktop::x11::XSync;
use timberline_watchers::desktop::{Activity, Lost};

use super::screen::{Screen, is_installed};
use crate::watched::Watched;

fn watch(screen: &Screen, ignored: &[&str]) -> Watched<Activity> {
    let ignored = ignored.iter().map(|name| (*name).to_owned()).collect();
    Watched::start(XSync::new(screen.session(), ignored))
}

#[tokio::test]
async fn the_last_input_and_the_next_one_are_reported_with_their_times() {
    if !is_installed() {
        return;
    }
    let screen = Screen::start();
    let mut watched = watch(&screen, &[]);
    assert_eq!(
        watched.next().await,
        Activity::Active,
        "the start of the server counts"
    );
    let before = SystemClock::new().read().wall;
    screen.xdotool(&["key", "a"]);
    let after = SystemClock::new().read().wall;
    let idle = watched.next_at().await;
    assert_eq!(idle.report, Activity::Idle);
    // The X server counts in milliseconds, and its answer takes a moment.
    let tolerance = Duration::from_secs(1);
    assert!(
        idle.time >= before.saturating_sub(tolerance),
        "{before:?} {idle:?}"
    );
    assert!(idle.time <= after.saturating_add(tolerance), "{after:?} {idle:?}");
    screen.xdotool(&["mousemove_relative", "5", "5"]);
    let active = watched.next_at().await;
    assert_eq!(active.report, Activity::Active);
    assert!(active.time > idle.time);
    assert_eq!(watched.next().await, Activity::Idle);
    screen.xdotool(&["click", "1"]);
    assert_eq!(watched.next().await, Activity::Active);
}

// The test itself waits on one thread while the source works on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn devices_that_are_ignored_do_not_count() {
    if !is_installed() {
        return;
    }
    let screen = Screen::start();
    let mut watched = watch(&screen, &["xtest POINTER"]);
    assert_eq!(watched.next().await, Activity::Active);
    assert_eq!(watched.next().await, Activity::Idle);
    screen.xdotool(&["mousemove_relative", "5", "5"]);
    screen.xdotool(&["key", "a"]);
    let active = watched.next_at().await;
    assert_eq!(active.report, Activity::Active, "the keyboard counts");
    // Nothing but the pointer moves, until the keyboard has been quiet for long enough.
    let mut unread = Vec::new();
    poll("idle in spite of the pointer", || {
        screen.xdotool(&["mousemove_relative", "5", "5"]);
        unread.extend(watched.unread());
        (!unread.is_empty()).then_some(())
    });
    assert_eq!(unread, [Activity::Idle]);
}

#[tokio::test]
async fn the_source_is_missing_when_all_devices_are_ignored() {
    if !is_installed() {
        return;
    }
    let screen = Screen::start();
    let lost = watch(&screen, &[""]).lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("ignored")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn the_source_ends_when_the_x_server_exits() {
    if !is_installed() {
        return;
    }
    let mut screen = Screen::start();
    let mut watched = watch(&screen, &[]);
    watched.next().await;
    screen.kill();
    let lost = watched.lost().await;
    assert!(matches!(lost, Lost::Ended(_)), "{lost:?}");
}
