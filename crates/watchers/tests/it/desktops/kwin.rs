//! Our script in the real KWin, without a screen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use timberline_test_support::poll;
use timberline_watchers::desktop::kwin::KWinScript;
use timberline_watchers::desktop::{Lost, Sighting};

use super::window::Window;
use super::{Program, named, next, until, window};
use crate::dbus::bus::Bus;
use crate::watched::Watched;

const SOCKET: &str = "wayland-k";

fn start(bus: &Bus) -> Program {
    let folder = bus.folder.path();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    // Debian's has capabilities that a container does not give. A copy has none.
    let program = folder.join("kwin_wayland");
    fs::copy("/usr/bin/kwin_wayland", &program).expect("KWin is installed (make desktops)");
    let mut kwin = Command::new(program);
    kwin.args([
        "--virtual",
        "--width",
        "1280",
        "--height",
        "720",
        "--no-lockscreen",
    ]);
    kwin.args(["--no-global-shortcuts", "--socket", SOCKET]);
    kwin.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    for (name, value) in [
        ("DBUS_SESSION_BUS_ADDRESS", bus.address.as_str()),
        ("KDE_SESSION_VERSION", "5"),
        ("KWIN_COMPOSE", "Q"),
        ("LANG", "C.UTF-8"),
        ("XDG_CURRENT_DESKTOP", "KDE"),
        ("XDG_SESSION_TYPE", "wayland"),
    ] {
        kwin.env(name, value);
    }
    kwin.env("HOME", folder).env("XDG_RUNTIME_DIR", folder);
    Program::start_with_log(&mut kwin, folder.join("kwin.log")).unwrap()
}

/// A source and its first report. KWin may not be ready for scripts yet, or the script of the source before is being unloaded.
async fn watch(bus: &Bus) -> (Watched<Option<Sighting>>, Option<Sighting>) {
    loop {
        let mut watched = Watched::start(KWinScript::new(bus.session()));
        match watched.next_or_lost().await {
            Ok(first) => return (watched, first),
            Err(lost) => println!("{lost}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "needs KWin: make desktops"]
async fn windows_of_the_real_kwin_are_reported() {
    let bus = Bus::start().unwrap();
    let kwin = start(&bus);
    let socket = bus.folder.path().join(SOCKET);
    poll("KWin's socket", || socket.exists().then_some(()));
    drop(named(&bus, "org.kde.KWin").await);
    let (mut watched, first) = watch(&bus).await;
    assert_eq!(first, None, "there is no window yet");
    let editor = Window::open(&socket, "editor", "notes.txt");
    until(&mut watched, window("editor", "notes.txt", false)).await;
    editor.title("Entwürfe – 草稿");
    assert_eq!(
        next(&mut watched).await,
        window("editor", "Entwürfe – 草稿", false)
    );
    editor.full_screen(true);
    until(&mut watched, window("editor", "Entwürfe – 草稿", true)).await;
    editor.full_screen(false);
    until(&mut watched, window("editor", "Entwürfe – 草稿", false)).await;
    let browser = Window::open(&socket, "browser", "News");
    until(&mut watched, window("browser", "News", false)).await;
    editor.title("behind");
    browser.title("Weather");
    assert_eq!(next(&mut watched).await, window("browser", "Weather", false));
    drop(browser);
    until(&mut watched, window("editor", "behind", false)).await;
    drop(editor);
    until(&mut watched, None).await;
    // The window in front is reported at once to whoever comes later.
    drop(watched);
    let _film = Window::open(&socket, "player", "A film");
    let (mut watched, first) = watch(&bus).await;
    if first.is_none_or(|sighting| sighting.front.app != "player") {
        until(&mut watched, window("player", "A film", false)).await;
    }
    drop(kwin);
    assert!(matches!(watched.lost().await, Lost::Ended(_)));
}
