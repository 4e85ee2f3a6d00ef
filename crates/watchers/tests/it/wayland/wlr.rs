//! `wlr-foreign-toplevel`.

use timberline_watchers::desktop::Sighting;
use timberline_watchers::desktop::wayland::WlrForeignToplevel;

use super::compositor::{Compositor, Offered};
use super::watched::{Watched, until, window};

fn compositor() -> Compositor {
    Compositor::start(Offered {
        wlr: 3,
        monitors: vec!["DP-1", "HDMI-A-1"],
        ..Offered::default()
    })
}

fn watch(compositor: &Compositor) -> Watched<Option<Sighting>> {
    Watched::start(WlrForeignToplevel::new(compositor.session()))
}

#[tokio::test]
async fn a_day_of_windows_is_reported_change_by_change() {
    let compositor = compositor();
    let mut watched = watch(&compositor);
    assert_eq!(
        watched.next().await,
        (0, None),
        "an empty desktop is reported too"
    );

    watched.pass(1000);
    let notes = compositor.act(|desk| {
        let notes = desk.open("editor", "notes.txt");
        desk.focus(Some(notes));
        notes
    });
    assert_eq!(watched.next().await, (1000, window("editor", "notes.txt")));

    watched.pass(1000);
    compositor.act(move |desk| desk.title(notes, "nötes.txt — 文字"));
    assert_eq!(watched.next().await, (2000, window("editor", "nötes.txt — 文字")));

    watched.pass(1000);
    let mail = compositor.act(|desk| {
        let mail = desk.open("mail", "Inbox");
        desk.title(mail, "Inbox (1)");
        desk.focus(Some(mail));
        mail
    });
    assert_eq!(
        watched.next().await,
        (3000, window("mail", "Inbox (1)")),
        "what the window in the background did is no report"
    );

    watched.pass(1000);
    compositor.act(|desk| desk.focus(None));
    assert_eq!(watched.next().await, (4000, None), "an empty workspace");

    watched.pass(1000);
    compositor.act(move |desk| desk.focus(Some(mail)));
    assert_eq!(watched.next().await, (5000, window("mail", "Inbox (1)")));

    watched.pass(1000);
    compositor.act(move |desk| {
        desk.close(mail);
        desk.focus(Some(notes));
    });
    assert_eq!(watched.next().await, (6000, window("editor", "nötes.txt — 文字")));

    watched.pass(1000);
    compositor.act(move |desk| desk.close(notes));
    assert_eq!(watched.next().await, (7000, None));
}

#[tokio::test]
async fn windows_that_are_already_open_are_reported_first() {
    let compositor = compositor();
    compositor.act(|desk| {
        desk.open("mail", "Inbox");
        let notes = desk.open("editor", "notes.txt");
        desk.focus(Some(notes));
    });
    let mut watched = watch(&compositor);
    assert_eq!(watched.next().await, (0, window("editor", "notes.txt")));
}

#[tokio::test]
async fn a_switch_in_two_steps_is_one_report() {
    let compositor = compositor();
    let (notes, mail) = compositor.act(|desk| {
        let windows = (desk.open("editor", "notes.txt"), desk.open("mail", "Inbox"));
        desk.focus(Some(windows.0));
        windows
    });
    let mut watched = watch(&compositor);
    assert_eq!(watched.next().await, (0, window("editor", "notes.txt")));
    for (time, id, expected) in [
        (1000, mail, window("mail", "Inbox")),
        (2000, notes, window("editor", "notes.txt")),
    ] {
        watched.pass(1000);
        compositor.act(move |desk| desk.focus(Some(id)));
        assert_eq!(watched.next().await, (time, expected), "no gap between");
    }
}

#[tokio::test]
async fn a_window_that_gets_its_name_after_the_focus_is_reported_with_its_name() {
    let compositor = compositor();
    let mut watched = watch(&compositor);
    assert_eq!(watched.next().await, (0, None));
    compositor.act(|desk| {
        let new = desk.open_unnamed();
        desk.focus(Some(new));
        desk.name(new, "mail", "Inbox");
    });
    assert_eq!(watched.next().await, (0, window("mail", "Inbox")));
}

#[tokio::test]
async fn a_window_that_never_gets_a_name_is_reported_without_one() {
    let compositor = compositor();
    let mut watched = watch(&compositor);
    assert_eq!(watched.next().await, (0, None));
    watched.pass(1000);
    compositor.act(|desk| {
        let new = desk.open_unnamed();
        desk.focus(Some(new));
    });
    assert_eq!(watched.next().await, (1000, window("", "")));
}

#[tokio::test]
async fn full_screen_and_the_monitor_belong_to_the_report() {
    let compositor = compositor();
    let film = compositor.act(|desk| {
        let film = desk.open("mpv", "film.mkv");
        desk.put(film, Some("DP-1"));
        desk.focus(Some(film));
        film
    });
    let mut watched = watch(&compositor);
    let expected = |full_screen, monitor: &str| {
        let mut sighting = window("mpv", "film.mkv").unwrap();
        sighting.full_screen = Some(full_screen);
        sighting.monitor = Some(monitor.to_owned());
        (0, Some(sighting))
    };
    assert_eq!(watched.next().await, expected(false, "DP-1"));
    compositor.act(move |desk| desk.full_screen(film, true));
    assert_eq!(watched.next().await, expected(true, "DP-1"));
    compositor.act(move |desk| desk.put(film, Some("HDMI-A-1")));
    assert_eq!(watched.next().await, expected(true, "HDMI-A-1"));
    compositor.act(move |desk| desk.full_screen(film, false));
    assert_eq!(watched.next().await, expected(false, "HDMI-A-1"));
}

#[tokio::test]
async fn monitors_that_do_not_say_their_name_are_asked_by_another_protocol() {
    let compositor = Compositor::start(Offered {
        wlr: 3,
        monitors: vec!["DP-1", "HDMI-A-1"],
        old_monitors: true,
        ..Offered::default()
    });
    compositor.act(|desk| {
        let film = desk.open("mpv", "film.mkv");
        desk.put(film, Some("HDMI-A-1"));
        desk.focus(Some(film));
    });
    let (_, report) = watch(&compositor).next().await;
    assert_eq!(report.unwrap().monitor.as_deref(), Some("HDMI-A-1"));
}

#[tokio::test]
async fn version_1_does_not_know_full_screen() {
    let compositor = Compositor::start(Offered {
        wlr: 1,
        ..Offered::default()
    });
    compositor.act(|desk| {
        let film = desk.open("mpv", "film.mkv");
        desk.focus(Some(film));
    });
    let (_, report) = watch(&compositor).next().await;
    assert_eq!(report.unwrap().full_screen, None);
}

#[tokio::test]
async fn handles_of_closed_windows_are_destroyed_and_a_dropped_source_leaves_none() {
    let compositor = compositor();
    let mut watched = watch(&compositor);
    assert_eq!(watched.next().await, (0, None));
    compositor.act(|desk| {
        for number in 0..100 {
            let new = desk.open("editor", &number.to_string());
            desk.close(new);
        }
        let last = desk.open("mail", "Inbox");
        desk.focus(Some(last));
    });
    assert_eq!(watched.next().await, (0, window("mail", "Inbox")));
    let handles = |expected| compositor.act(move |desk| desk.handles == expected);
    until("the handles of closed windows are destroyed", || handles(1)).await;
    drop(watched);
    until("no handle is left", || handles(0)).await;
}
