//! Locks by xscreensaver. It is not installed here; the test sets the property that it sets.

use timberline_watchers::afk::Fact;
use timberline_watchers::desktop::x11::XScreenSaver;
use x11rb::protocol::xproto::AtomEnum;

use super::screen::{Screen, is_installed};
use crate::watched::Watched;

#[tokio::test]
async fn a_locked_screen_is_reported_and_a_blank_one_is_not() {
    if !is_installed() {
        return;
    }
    let screen = Screen::start();
    let set = |status| {
        screen.set_numbers(
            screen.root,
            "_SCREENSAVER_STATUS",
            AtomEnum::INTEGER,
            &[status, 1, 1],
        )
    };
    let (blank, lock) = (screen.atom("BLANK"), screen.atom("LOCK"));
    set(lock);
    let mut watched = Watched::start(XScreenSaver::new(screen.session()));
    assert_eq!(watched.next().await, Fact::Locked, "it is locked already");
    set(0);
    assert_eq!(watched.next().await, Fact::Unlocked);
    set(blank);
    set(lock);
    assert_eq!(watched.next().await, Fact::Locked);
    set(blank);
    assert_eq!(watched.next().await, Fact::Unlocked);
    assert_eq!(watched.unread(), []);
}
