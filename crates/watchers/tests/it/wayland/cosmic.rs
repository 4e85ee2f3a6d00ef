//! `cosmic-toplevel`.

use timberline_watchers::desktop::Sighting;
use timberline_watchers::desktop::wayland::CosmicToplevel;

use super::compositor::{Compositor, Offered};
use super::watched::{Watched, until, window};

fn compositor() -> Compositor {
    Compositor::start(Offered {
        cosmic: 2,
        monitors: vec!["eDP-1"],
        ..Offered::default()
    })
}

fn watch(compositor: &Compositor) -> Watched<Option<Sighting>> {
    Watched::start(CosmicToplevel::new(compositor.session()))
}

/// COSMIC sends the states of new windows, which were asked for.
async fn states_of_new_windows(compositor: &Compositor, windows: usize) {
    until("the states are asked for", || {
        compositor.act(move |desk| desk.states_owed() == windows)
    })
    .await;
    compositor.act(|desk| desk.send_states());
}

#[tokio::test]
async fn an_empty_desktop_is_reported_at_once() {
    assert_eq!(watch(&compositor()).next().await, (0, None));
}

#[tokio::test]
async fn the_first_report_waits_for_the_states_of_all_windows() {
    let compositor = compositor();
    compositor.act(|desk| {
        desk.open("mail", "Inbox");
        let notes = desk.open("editor", "notes.txt");
        desk.put(notes, Some("eDP-1"));
        desk.focus(Some(notes));
    });
    let mut watched = watch(&compositor);
    states_of_new_windows(&compositor, 2).await;
    let mut expected = window("editor", "notes.txt").unwrap();
    expected.monitor = Some("eDP-1".to_owned());
    assert_eq!(watched.next().await, (0, Some(expected)));
}

#[tokio::test]
async fn windows_are_reported_change_by_change() {
    let compositor = compositor();
    let mut watched = watch(&compositor);
    assert_eq!(watched.next().await, (0, None));

    watched.pass(1000);
    let (notes, mail) = compositor.act(|desk| {
        let windows = (desk.open("editor", "notes.txt"), desk.open("mail", "Inbox"));
        desk.focus(Some(windows.0));
        windows
    });
    states_of_new_windows(&compositor, 2).await;
    assert_eq!(watched.next().await, (1000, window("editor", "notes.txt")));

    watched.pass(1000);
    compositor.act(move |desk| desk.title(notes, "nötes.txt"));
    assert_eq!(watched.next().await, (2000, window("editor", "nötes.txt")));

    watched.pass(1000);
    compositor.act(move |desk| desk.focus(Some(mail)));
    assert_eq!(watched.next().await, (3000, window("mail", "Inbox")));

    watched.pass(1000);
    compositor.act(move |desk| desk.full_screen(mail, true));
    let mut expected = window("mail", "Inbox").unwrap();
    expected.full_screen = Some(true);
    assert_eq!(watched.next().await, (4000, Some(expected)));

    watched.pass(1000);
    compositor.act(move |desk| desk.close(mail));
    assert_eq!(watched.next().await, (5000, None));

    watched.pass(1000);
    compositor.act(move |desk| desk.focus(Some(notes)));
    assert_eq!(watched.next().await, (6000, window("editor", "nötes.txt")));
    until("the handles of the closed window are destroyed", || {
        compositor.act(|desk| desk.handles == 2)
    })
    .await;
}

#[tokio::test]
async fn version_1_is_too_old() {
    let compositor = Compositor::start(Offered {
        cosmic: 1,
        ..Offered::default()
    });
    let lost = watch(&compositor).end().await;
    let text = "this compositor offers zcosmic_toplevel_info_v1 in version 1, and version 2 is needed";
    assert_eq!(lost.to_string(), text);
}
