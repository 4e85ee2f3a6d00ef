//! `hyprland-lock`.

use timberline_watchers::afk::Fact;
use timberline_watchers::desktop::wayland::HyprlandLock;

use super::compositor::{Compositor, Offered};
use super::watched::Watched;

fn compositor() -> Compositor {
    Compositor::start(Offered {
        lock: true,
        ..Offered::default()
    })
}

#[tokio::test]
async fn locks_are_reported_with_their_time() {
    let compositor = compositor();
    let mut watched = Watched::start(HyprlandLock::new(compositor.session()));
    assert_eq!(watched.next().await, (0, Fact::Unlocked));
    watched.pass(1000);
    compositor.act(|desk| desk.lock(true));
    assert_eq!(watched.next().await, (1000, Fact::Locked));
    watched.pass(1000);
    compositor.act(|desk| desk.lock(false));
    assert_eq!(watched.next().await, (2000, Fact::Unlocked));
}

#[tokio::test]
async fn a_session_that_is_locked_already_is_reported_as_locked() {
    let compositor = compositor();
    compositor.act(|desk| desk.lock(true));
    let mut watched = Watched::start(HyprlandLock::new(compositor.session()));
    assert_eq!(watched.next().await, (0, Fact::Locked));
}
