//! The window in front.

use std::process::Command;
use std::sync::Arc;

use timberline_watchers::desktop::x11::X11;
use timberline_watchers::desktop::{Lost, Session, Sighting};
use timberline_watchers::window::Front;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};

use super::screen::{Screen, is_installed};
use crate::watched::Watched;

type Reported = Option<Sighting>;

/// What is reported of a window of this process.
fn window(app: &str, title: &str) -> Reported {
    window_of(std::process::id(), app, title)
}

fn window_of(pid: u32, app: &str, title: &str) -> Reported {
    Some(Sighting {
        front: Front {
            app: app.to_owned(),
            title: title.to_owned(),
        },
        pid: Some(pid),
        full_screen: Some(false),
        monitor: Some("screen".to_owned()),
        ..Sighting::default()
    })
}

/// The same on another monitor.
fn on(monitor: &str, reported: Reported) -> Reported {
    let monitor = Some(monitor.to_owned());
    reported.map(|sighting| Sighting { monitor, ..sighting })
}

async fn watch(screen: &Screen) -> Watched<Reported> {
    let mut watched = Watched::start(X11::new(screen.session()));
    assert_eq!(watched.next().await, None, "there is no window yet");
    watched
}

#[tokio::test]
async fn windows_and_their_titles_are_reported_as_they_change() {
    if !is_installed() {
        return;
    }
    let screen = Screen::with_window_manager();
    let mut watched = watch(&screen).await;
    let editor = screen.open(Some(b"editor\0Editor\0"), Some("notes.txt"));
    watched.until(&window("Editor", "notes.txt")).await;
    screen.set_title(editor, "Entwürfe – 草稿");
    assert_eq!(watched.next().await, window("Editor", "Entwürfe – 草稿"));
    screen.open(Some(b"navigator\0Browser\0"), Some("News"));
    assert_eq!(watched.next().await, window("Browser", "News"));
    screen.xdotool(&["windowactivate", "--sync", &editor.to_string()]);
    assert_eq!(watched.next().await, window("Editor", "Entwürfe – 草稿"));
    assert_eq!(watched.unread(), []);
}

#[tokio::test]
async fn a_window_that_is_there_already_is_reported_at_once() {
    if !is_installed() {
        return;
    }
    let screen = Screen::with_window_manager();
    let mut first = watch(&screen).await;
    screen.open(Some(b"editor\0Editor\0"), Some("notes.txt"));
    first.until(&window("Editor", "notes.txt")).await;
    let mut second = Watched::start(X11::new(screen.session()));
    assert_eq!(second.next().await, window("Editor", "notes.txt"));
}

#[tokio::test]
async fn changes_of_a_window_behind_are_not_reported() {
    if !is_installed() {
        return;
    }
    let screen = Screen::with_window_manager();
    let mut watched = watch(&screen).await;
    let behind = screen.open(Some(b"editor\0Editor\0"), Some("notes.txt"));
    watched.until(&window("Editor", "notes.txt")).await;
    let front = screen.open(Some(b"navigator\0Browser\0"), Some("News"));
    assert_eq!(watched.next().await, window("Browser", "News"));
    screen.set_title(behind, "secret.txt");
    screen.set_title(front, "Weather");
    assert_eq!(watched.next().await, window("Browser", "Weather"));
}

#[tokio::test]
async fn after_a_window_the_next_one_is_reported_and_after_the_last_one_none() {
    if !is_installed() {
        return;
    }
    let screen = Screen::with_window_manager();
    let mut watched = watch(&screen).await;
    let editor = screen.open(Some(b"editor\0Editor\0"), Some("notes.txt"));
    watched.until(&window("Editor", "notes.txt")).await;
    let browser = screen.open(Some(b"navigator\0Browser\0"), Some("News"));
    watched.until(&window("Browser", "News")).await;
    screen.connection.destroy_window(browser).unwrap();
    screen.connection.flush().unwrap();
    watched.until(&window("Editor", "notes.txt")).await;
    screen.xdotool(&["windowminimize", &editor.to_string()]);
    assert_eq!(watched.next().await, None);
    screen.xdotool(&["windowactivate", "--sync", &editor.to_string()]);
    watched.until(&window("Editor", "notes.txt")).await;
    // The desktop itself is no window.
    screen.xdotool(&["mousemove", "700", "500", "click", "1"]);
    assert_eq!(watched.next().await, None);
    assert_eq!(watched.unread(), []);
}

#[tokio::test]
async fn a_program_may_name_itself_and_its_titles_in_old_ways_or_not_at_all() {
    if !is_installed() {
        return;
    }
    let screen = Screen::with_window_manager();
    let mut watched = watch(&screen).await;
    let nameless = screen.open(None, None);
    watched.until(&window("unknown", "unknown")).await;
    let (name, class) = (AtomEnum::WM_NAME.into(), AtomEnum::WM_CLASS.into());
    screen.set_text(nameless, name, AtomEnum::STRING.into(), b"Caf\xe9");
    assert_eq!(watched.next().await, window("unknown", "Café"));
    screen.set_text(nameless, class, AtomEnum::STRING.into(), b"only-one-part");
    screen.set_text(nameless, name, AtomEnum::STRING.into(), b"");
    watched.until(&window("unknown", "")).await;
    screen.set_text(nameless, class, AtomEnum::STRING.into(), b"caf\xe9\0Caf\xe9\0");
    assert_eq!(watched.next().await, window("Café", ""));
}

#[tokio::test]
async fn a_window_without_a_class_has_that_of_the_window_that_it_is_in() {
    if !is_installed() {
        return;
    }
    // Without a window manager, so that the test itself says which window is in front.
    let screen = Screen::start();
    screen.set_numbers(screen.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[0]);
    let mut watched = watch(&screen).await;
    let outer = screen.open(Some(b"editor\0Editor\0"), Some("outer"));
    let inner = screen.create(screen.create(outer));
    screen.set_title(inner, "inner");
    screen.set_numbers(screen.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[inner]);
    assert_eq!(watched.next().await, window("Editor", "inner"));
}

#[tokio::test]
async fn a_destroyed_window_is_no_longer_in_front() {
    if !is_installed() {
        return;
    }
    let screen = Screen::start();
    screen.set_numbers(screen.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[0]);
    let mut watched = watch(&screen).await;
    let editor = screen.open(Some(b"editor\0Editor\0"), Some("notes.txt"));
    screen.set_numbers(screen.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[editor]);
    assert_eq!(watched.next().await, window("Editor", "notes.txt"));
    screen.connection.destroy_window(editor).unwrap();
    screen.connection.flush().unwrap();
    assert_eq!(watched.next().await, None);
    // A number that never was a window.
    screen.set_numbers(screen.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[0x7ff_ffff]);
    let browser = screen.open(Some(b"navigator\0Browser\0"), Some("News"));
    screen.set_numbers(screen.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[browser]);
    assert_eq!(watched.next().await, window("Browser", "News"));
}

#[tokio::test]
async fn full_screen_is_reported() {
    if !is_installed() {
        return;
    }
    let screen = Screen::with_window_manager();
    let mut watched = watch(&screen).await;
    let player = screen.open(Some(b"player\0Player\0"), Some("A film"));
    watched.until(&window("Player", "A film")).await;
    screen.set_full_screen(player, true);
    let mut full = window("Player", "A film");
    full.as_mut().unwrap().full_screen = Some(true);
    watched.until(&full).await;
    screen.set_full_screen(player, false);
    watched.until(&window("Player", "A film")).await;
}

#[tokio::test]
async fn the_monitor_is_the_one_that_has_most_of_the_window() {
    if !is_installed() {
        return;
    }
    let screen = Screen::with_window_manager();
    screen.divide_into_monitors("left", "right");
    let mut watched = watch(&screen).await;
    let editor = screen.open(Some(b"editor\0Editor\0"), Some("notes.txt"));
    let id = editor.to_string();
    screen.xdotool(&["windowmove", &id, "20", "50"]);
    let reported = || window("Editor", "notes.txt");
    watched.until(&on("left", reported())).await;
    screen.xdotool(&["windowmove", &id, "300", "50"]);
    assert_eq!(watched.next().await, on("right", reported()));
    // It stays there, and nothing is reported.
    screen.xdotool(&["windowmove", &id, "310", "90"]);
    screen.xdotool(&["windowmove", &id, "20", "90"]);
    assert_eq!(watched.next().await, on("left", reported()));
}

#[tokio::test]
async fn a_real_terminal_is_reported_with_its_process() {
    if !is_installed() {
        return;
    }
    let mut screen = Screen::with_window_manager();
    let mut watched = watch(&screen).await;
    let title = r#"printf '\033]0;notes.txt\007'; exec sleep 600"#;
    let mut terminal = Command::new("xterm");
    terminal.args(["-class", "Editor", "-name", "editor", "-e", "sh", "-c", title]);
    let pid = screen.start_program(&mut terminal);
    watched.until(&window_of(pid, "Editor", "notes.txt")).await;
    screen.kill_last_program();
    watched.until(&None).await;
}

#[tokio::test]
async fn a_window_manager_may_come_later_and_nothing_is_reported_before() {
    if !is_installed() {
        return;
    }
    let mut screen = Screen::start();
    let mut watched = Watched::start(X11::new(screen.session()));
    screen.start_window_manager();
    screen.open(Some(b"editor\0Editor\0"), Some("notes.txt"));
    watched.until(&window("Editor", "notes.txt")).await;
}

#[tokio::test]
async fn the_source_is_missing_when_the_window_manager_names_no_active_window() {
    if !is_installed() {
        return;
    }
    let screen = Screen::start();
    let other = screen.atom("_NET_WM_NAME");
    screen.set_numbers(screen.root, "_NET_SUPPORTED", AtomEnum::ATOM, &[other]);
    let lost = Watched::start(X11::new(screen.session())).lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("_NET_ACTIVE_WINDOW")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn the_source_ends_with_the_x_server_and_can_watch_the_next_one() {
    if !is_installed() {
        return;
    }
    let mut screen = Screen::with_window_manager();
    let watched = watch(&screen).await;
    screen.kill();
    let lost = watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains(&screen.display)),
        "{lost:?}"
    );
    let lost = Watched::start(X11::new(screen.session())).lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("cannot be reached")),
        "{lost:?}"
    );
    let mut screen = Screen::restart(&screen.display.clone());
    screen.start_window_manager();
    watch(&screen).await;
}

#[tokio::test]
async fn in_a_wayland_session_x11_is_not_used() {
    for (variables, expected) in [
        ([("WAYLAND_DISPLAY", "wayland-0"), ("DISPLAY", ":0")], "Wayland"),
        (
            [("XDG_SESSION_TYPE", "x11"), ("DISPLAY", "")],
            "DISPLAY is not set",
        ),
    ] {
        let session = Session::from_environment(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| value.into())
        });
        let lost = Watched::start(X11::new(Arc::new(session))).lost().await;
        assert!(
            matches!(&lost, Lost::Missing(why) if why.contains(expected)),
            "{lost:?}"
        );
    }
}
