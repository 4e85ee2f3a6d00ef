//! How sources end, and that they begin again.

use std::os::unix::net::UnixListener;
use std::sync::Arc;

use timberline_watchers::desktop::wayland::{ExtIdleNotify, WlrForeignToplevel, offers};
use timberline_watchers::desktop::{Lost, Session, Sighting};

use super::compositor::{Compositor, Offered, session_at};
use super::watched::{Watched, window};

fn offered() -> Offered {
    Offered {
        wlr: 3,
        ext_idle: 2,
        seats: 1,
        ..Offered::default()
    }
}

/// A source that has made its first report.
async fn working(compositor: &Compositor) -> Watched<Option<Sighting>> {
    let mut watched = Watched::start(WlrForeignToplevel::new(compositor.session()));
    assert_eq!(watched.next().await, (0, None));
    watched
}

#[tokio::test]
async fn the_source_ends_with_the_compositor_and_can_watch_the_next_one() {
    let mut compositor = Compositor::start(offered());
    let watched = working(&compositor).await;
    compositor.quit();
    let lost = watched.end().await;
    assert!(matches!(lost, Lost::Ended(_)), "{lost:?}");
    assert_eq!(lost.to_string(), "the compositor has closed the connection");

    let session = compositor.session();
    let lost = Watched::start(WlrForeignToplevel::new(session)).end().await;
    assert!(lost.to_string().contains("cannot be reached"), "{lost}");

    let compositor = compositor.restart(offered());
    let mut watched = working(&compositor).await;
    compositor.act(|desk| {
        let notes = desk.open("editor", "notes.txt");
        desk.focus(Some(notes));
    });
    assert_eq!(watched.next().await, (0, window("editor", "notes.txt")));
}

#[tokio::test]
async fn a_protocol_error_ends_the_source_with_its_text() {
    let compositor = Compositor::start(offered());
    let watched = working(&compositor).await;
    compositor.act(|desk| desk.blame("a rectangle is wrong"));
    let lost = watched.end().await;
    assert!(matches!(lost, Lost::Ended(_)), "{lost:?}");
    assert!(lost.to_string().contains("a rectangle is wrong"), "{lost}");
}

#[tokio::test]
async fn the_source_ends_when_the_compositor_finishes_the_list() {
    let compositor = Compositor::start(offered());
    let watched = working(&compositor).await;
    compositor.act(|desk| desk.finish());
    let lost = watched.end().await;
    let text = "the compositor no longer offers zwlr_foreign_toplevel_manager_v1";
    assert_eq!(lost.to_string(), text);
}

#[tokio::test]
async fn the_source_ends_when_the_compositor_withdraws_an_interface() {
    let compositor = Compositor::start(offered());
    let windows = working(&compositor).await;
    let mut idle = Watched::start(ExtIdleNotify::new(compositor.session()));
    idle.next().await;
    compositor.act(|desk| {
        desk.withdraw("zwlr_foreign_toplevel_manager_v1");
        desk.withdraw("ext_idle_notifier_v1");
    });
    for lost in [windows.end().await, idle.end().await] {
        assert!(matches!(lost, Lost::Ended(_)), "{lost:?}");
        assert!(lost.to_string().contains("no longer offers"), "{lost}");
    }
}

/// The clock of tokio jumps when there is nothing to do, which is so while the compositor does not answer.
#[tokio::test(start_paused = true)]
async fn a_compositor_that_never_answers_is_given_up() {
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("wayland-7");
    let _listener = UnixListener::bind(&socket).unwrap();
    let session = session_at(socket);
    let lost = Watched::start(WlrForeignToplevel::new(Arc::clone(&session)))
        .end()
        .await;
    assert!(matches!(lost, Lost::Ended(_)), "{lost:?}");
    assert_eq!(lost.to_string(), "the compositor does not answer");
    let lost = Watched::start(ExtIdleNotify::new(session)).end().await;
    assert_eq!(lost.to_string(), "the compositor does not answer");
}

#[tokio::test]
async fn the_error_names_what_is_missing() {
    let compositor = Compositor::start(Offered::default());
    let lost = Watched::start(WlrForeignToplevel::new(compositor.session()))
        .end()
        .await;
    assert!(matches!(lost, Lost::Missing(_)), "{lost:?}");
    assert_eq!(
        lost.to_string(),
        "this compositor does not offer zwlr_foreign_toplevel_manager_v1"
    );

    let nowhere = Session::from_environment(|_| None);
    let lost = Watched::start(WlrForeignToplevel::new(Arc::new(nowhere)))
        .end()
        .await;
    assert!(matches!(lost, Lost::Missing(_)), "{lost:?}");
    assert!(lost.to_string().contains("WAYLAND_DISPLAY is not set"), "{lost}");
}

#[tokio::test]
async fn what_a_compositor_offers_can_be_listed() {
    let compositor = Compositor::start(offered());
    let offers = offers(&compositor.session()).await.unwrap();
    let lines: Vec<String> = offers.iter().map(ToString::to_string).collect();
    assert!(
        lines.contains(&"ext_idle_notifier_v1 version 2 (idle time)".to_owned()),
        "{lines:?}"
    );
    let missing =
        "zcosmic_toplevel_info_v1 is not offered (the window in front, with ext_foreign_toplevel_list_v1)";
    assert!(lines.contains(&missing.to_owned()), "{lines:?}");
}
