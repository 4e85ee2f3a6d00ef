//! Our extension in the real GNOME Shell, and its idle monitor, without a screen.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use timberline_test_support::{PATIENCE, poll};
use timberline_watchers::desktop::gnome::{GnomeExtension, MutterIdle, ShellVersion, UUID, install};
use timberline_watchers::desktop::{Activity, Lost};
use zbus::{Connection, OwnedObjectPath};

use super::window::Window;
use super::{Program, named, next, until, window};
use crate::dbus::bus::Bus;
use crate::watched::Watched;

const SOCKET: &str = "wayland-g";
const START: &str = r#"
gsettings set org.gnome.shell disable-user-extensions false
gsettings set org.gnome.shell enabled-extensions "[\"$EXTENSION\"]"
gsettings set org.gnome.shell welcome-dialog-last-shown-version 99
exec gnome-shell --headless --wayland --no-x11 --unsafe-mode --virtual-monitor 1280x720 --wayland-display wayland-g
"#;

/// GNOME Shell does not start without a logind.
fn logind(system: &Bus) -> Program {
    let mut mock = Command::new("/usr/bin/python3");
    mock.args(["-m", "dbusmock", "--system", "--template", "logind"]);
    mock.env("DBUS_SYSTEM_BUS_ADDRESS", &system.address);
    Program::start(&mut mock).expect("python3-dbusmock is installed (make desktops)")
}

fn start(bus: &Bus, system: &Bus) -> Program {
    let folder = bus.folder.path();
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).unwrap();
    let version = ShellVersion::installed().expect("GNOME Shell is installed (make desktops)");
    install(folder, version).unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-c", START]).env("EXTENSION", UUID);
    shell.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY");
    for (name, value) in [
        ("DBUS_SESSION_BUS_ADDRESS", bus.address.as_str()),
        ("DBUS_SYSTEM_BUS_ADDRESS", system.address.as_str()),
        ("GSETTINGS_BACKEND", "keyfile"),
        ("LANG", "C.UTF-8"),
        ("LIBGL_ALWAYS_SOFTWARE", "1"),
        ("XDG_CURRENT_DESKTOP", "GNOME"),
        ("XDG_SESSION_TYPE", "wayland"),
    ] {
        shell.env(name, value);
    }
    shell.env("HOME", folder).env("XDG_RUNTIME_DIR", folder);
    Program::start_with_log(&mut shell, folder.join("shell.log")).unwrap()
}

/// Runs a program in GNOME Shell until its value is true.
async fn shell_does(bus: &Connection, program: &str) {
    let shell = Some("org.gnome.Shell");
    let wait = async {
        loop {
            let done = bus
                .call_method(shell, "/org/gnome/Shell", shell, "Eval", &program)
                .await
                .unwrap();
            if done.body().deserialize::<(bool, String)>().unwrap() == (true, "true".to_owned()) {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, wait).await.expect(program);
}

/// GNOME Shell does not give the focus to a window that opens behind a person's back.
async fn activate(bus: &Connection, app: &str) {
    let program = format!(
        "global.get_window_actors().map(a => a.meta_window).filter(w => w.get_wm_class() === '{app}')\
         .map(w => Main.activateWindow(w)).length === 1"
    );
    shell_does(bus, &program).await;
}

/// The overview, with which a session begins, has the focus for itself. While the session begins it cannot be left: it would come
/// back.
const LEAVE: &str = "(() => {
    if (Main.layoutManager._startingUp) return false;
    if (Main.overview.visible) Main.overview.hide();
    return !Main.overview.visible;
})()";

async fn leave_the_overview(bus: &Connection) {
    shell_does(bus, LEAVE).await;
}

/// A key, pressed and released, by the interface for remote desktops.
async fn press_a_key(bus: &Connection) {
    let service = Some("org.gnome.Mutter.RemoteDesktop");
    let path = "/org/gnome/Mutter/RemoteDesktop";
    let session = bus
        .call_method(service, path, service, "CreateSession", &())
        .await
        .unwrap();
    let session: OwnedObjectPath = session.body().deserialize().unwrap();
    let interface = Some("org.gnome.Mutter.RemoteDesktop.Session");
    let path = session.as_str();
    bus.call_method(service, path, interface, "Start", &())
        .await
        .unwrap();
    for pressed in [true, false] {
        let key = (30_u32, pressed);
        bus.call_method(service, path, interface, "NotifyKeyboardKeycode", &key)
            .await
            .unwrap();
    }
    bus.call_method(service, path, interface, "Stop", &())
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
#[ignore = "needs GNOME Shell: make desktops"]
async fn windows_and_input_of_the_real_gnome_shell_are_reported() {
    let (bus, system) = (Bus::start().unwrap(), Bus::start().unwrap());
    let _logind = logind(&system);
    drop(named(&system, "org.freedesktop.login1").await);
    let shell = start(&bus, &system);
    let socket = bus.folder.path().join(SOCKET);
    poll("GNOME Shell's socket", || socket.exists().then_some(()));
    let connection = named(&bus, "io.timberline.GnomeWindow").await;
    let mut watched = Watched::start(GnomeExtension::new(bus.session()));
    assert_eq!(next(&mut watched).await, None, "there is no window yet");
    leave_the_overview(&connection).await;
    let editor = Window::open(&socket, "editor", "notes.txt");
    activate(&connection, "editor").await;
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
    activate(&connection, "browser").await;
    until(&mut watched, window("browser", "News", false)).await;
    editor.title("behind");
    browser.title("Weather");
    assert_eq!(next(&mut watched).await, window("browser", "Weather", false));
    drop(browser);
    until(&mut watched, window("editor", "behind", false)).await;

    let mut input = Watched::start(MutterIdle::new(bus.session()));
    if input.next().await == Activity::Active {
        assert_eq!(input.next().await, Activity::Idle);
    }
    press_a_key(&connection).await;
    assert_eq!(input.next().await, Activity::Active);
    assert_eq!(input.next().await, Activity::Idle);

    drop(editor);
    until(&mut watched, None).await;
    drop(shell);
    assert!(matches!(watched.lost().await, Lost::Ended(_)));
    assert!(matches!(input.lost().await, Lost::Ended(_)));
}
