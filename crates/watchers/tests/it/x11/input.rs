//! How much keyboard and pointer are used.

use timberline_watchers::desktop::Counts;
use timberline_watchers::desktop::x11::XInput;

use super::screen::{Screen, is_installed};
use crate::watched::Watched;

#[tokio::test]
async fn keys_buttons_wheels_and_movement_are_counted() {
    if !is_installed() {
        return;
    }
    let screen = Screen::start();
    let mut watched = Watched::start(XInput::new(screen.session()));
    assert_eq!(watched.next().await, Counts::default());
    screen.xdotool(&["key", "a", "b"]);
    for button in ["1", "3", "4", "6", "6"] {
        screen.xdotool(&["click", button]);
    }
    screen.xdotool(&["mousemove_relative", "--", "30", "-10"]);
    screen.xdotool(&["mousemove_relative", "--", "-5", "0"]);
    let all = Counts {
        presses: 2,
        clicks: 2,
        delta_x: 35,
        delta_y: 10,
        scroll_x: 2,
        scroll_y: 1,
    };
    let before = watched.until(&all).await;
    assert!(
        before.iter().all(|counts| counts.since(all) == Counts::default()),
        "{before:?}"
    );
}
