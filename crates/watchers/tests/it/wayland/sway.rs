//! The sources with sway, as Debian has it, without a screen. Where it is not installed, the test says so and is skipped.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use tempfile::TempDir;
use timberline_test_support::poll;
use timberline_watchers::desktop::wayland::{ExtIdleNotify, KdeIdle, WlrForeignToplevel};
use timberline_watchers::desktop::{Activity, Session, Sighting};

use super::compositor::session_at;
use super::watched::{Watched, window};

/// sway refuses to run as root, so then it runs as this user.
const NOBODY: u32 = 65534;

const CONFIG: &str = "xwayland disable\noutput HEADLESS-1 resolution 1280x720\n";

/// sway, and the programs that run in it.
struct Sway {
    directory: TempDir,
    programs: Vec<Child>,
}

/// The programs that the test needs, or which one is missing.
fn missing() -> Option<&'static str> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let installed = |program: &str| std::env::split_paths(&path).any(|place| place.join(program).exists());
    let needed = ["sway", "swaymsg", "swaylock", "foot", "wtype", "setpriv"];
    needed.into_iter().find(|program| !installed(program))
}

impl Sway {
    fn start() -> Sway {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("config"), CONFIG).expect("a configuration");
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700))
            .expect("a private directory");
        if is_root() {
            chown(directory.path(), Some(NOBODY), Some(NOBODY)).expect("a directory for nobody");
        }
        let config = directory.path().join("config");
        let mut sway = Sway {
            directory,
            programs: Vec::new(),
        };
        sway.run(&["sway", "-c", &config.to_string_lossy()]);
        poll("sway", || {
            sway.file("wayland-1").exists().then(|| sway.control()).flatten()
        });
        sway
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn session(&self) -> Arc<Session> {
        session_at(self.file("wayland-1"))
    }

    /// The socket for `swaymsg`.
    fn control(&self) -> Option<PathBuf> {
        let files = fs::read_dir(self.directory.path()).ok()?.flatten();
        let mut files = files.map(|file| file.path());
        files.find(|file| file.to_string_lossy().contains("sway-ipc."))
    }

    fn command(&self, program: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        if is_root() {
            let nobody = NOBODY.to_string();
            command.args(["--reuid", &nobody, "--regid", &nobody, "--clear-groups"]);
            command.args(["--inh-caps=-all", "--bounding-set=-all"]);
        }
        command.args(program);
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).env("LC_ALL", "C.UTF-8");
        command.env("XDG_RUNTIME_DIR", self.directory.path());
        command.env("HOME", self.directory.path());
        command.env("WLR_BACKENDS", "headless");
        command.env("WLR_LIBINPUT_NO_DEVICES", "1");
        command.env("WLR_RENDERER", "pixman");
        if let Some(control) = self.control() {
            command.env("SWAYSOCK", control);
            command.env("WAYLAND_DISPLAY", "wayland-1");
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// Starts a program that goes on. Returns its number.
    fn run(&mut self, program: &[&str]) -> usize {
        let program = self.command(program).spawn().expect("the program starts");
        self.programs.push(program);
        self.programs.len() - 1
    }

    /// Runs a program to its end.
    fn finish(&self, program: &[&str]) {
        let status = self.command(program).status().expect("the program starts");
        assert!(status.success(), "{program:?}: {status}");
    }

    fn message(&self, message: &str) {
        self.finish(&["swaymsg", "--quiet", message]);
    }

    /// Opens a terminal whose title changes as soon as a file is there.
    fn terminal(&mut self, app: &str, title: &str, then: &str, when: &Path) {
        let script = format!(
            "while ! [ -e '{}' ]; do sleep 0.1; done; printf '\\033]0;{then}\\007'; exec sleep 600",
            when.display()
        );
        let (app, title) = (format!("--app-id={app}"), format!("--title={title}"));
        self.run(&["foot", &app, &title, "sh", "-c", &script]);
    }

    fn kill(&mut self, number: usize) {
        if let Some(program) = self.programs.get_mut(number) {
            let _ = program.kill();
            let _ = program.wait();
        }
    }
}

impl Drop for Sway {
    fn drop(&mut self) {
        for number in (0..self.programs.len()).rev() {
            self.kill(number);
        }
    }
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// The window in front, without the monitor: sway may tell later than the rest on which one a window is, and that it has left
/// it, so there may be reports in which only the monitor is new.
struct Front {
    watched: Watched<Option<Sighting>>,
    last: Option<Sighting>,
    monitors: Vec<String>,
}

impl Front {
    async fn watch(sway: &Sway) -> Front {
        let mut watched = Watched::start(WlrForeignToplevel::new(sway.session()));
        assert_eq!(watched.next().await.1, None, "an empty desktop");
        Front {
            watched,
            last: None,
            monitors: Vec::new(),
        }
    }

    async fn next(&mut self) -> Option<Sighting> {
        loop {
            let (_, mut report) = self.watched.next().await;
            let monitor = report.as_mut().and_then(|sighting| sighting.monitor.take());
            self.monitors.extend(monitor);
            if report != self.last {
                self.last.clone_from(&report);
                return report;
            }
        }
    }
}

#[tokio::test]
async fn windows_of_sway_are_reported_change_by_change() {
    if let Some(program) = missing() {
        println!("skipped: {program} is not installed (make desktop)");
        return;
    }
    let mut sway = Sway::start();
    let mut front = Front::watch(&sway).await;

    let go = sway.file("go");
    sway.terminal("editor", "notes.txt", "nötes.txt — 文字", &go);
    assert_eq!(front.next().await, window("editor", "notes.txt"));
    fs::write(&go, "").unwrap();
    assert_eq!(front.next().await, window("editor", "nötes.txt — 文字"));

    sway.message("workspace 2");
    assert_eq!(front.next().await, None, "an empty workspace");
    let never = sway.file("never");
    sway.terminal("mail", "Inbox", "", &never);
    assert_eq!(front.next().await, window("mail", "Inbox"));
    sway.message("workspace 1");
    assert_eq!(front.next().await, window("editor", "nötes.txt — 文字"));
    sway.message("[app_id=\"mail\"] focus");
    assert_eq!(front.next().await, window("mail", "Inbox"), "no gap between");

    sway.message("fullscreen enable");
    let mut expected = window("mail", "Inbox");
    expected.as_mut().unwrap().full_screen = Some(true);
    assert_eq!(front.next().await, expected);
    sway.message("fullscreen disable");
    assert_eq!(front.next().await, window("mail", "Inbox"));

    sway.run(&["swaylock"]);
    assert_eq!(front.next().await, None, "no window is active on the lock screen");

    sway.kill(0);
    assert!(front.monitors.iter().all(|monitor| monitor == "HEADLESS-1") && !front.monitors.is_empty());
    let lost = front.watched.end().await;
    assert_eq!(lost.to_string(), "the compositor has closed the connection");
}

#[tokio::test]
async fn pauses_in_sway_are_reported() {
    if let Some(program) = missing() {
        println!("skipped: {program} is not installed (make desktop)");
        return;
    }
    let sway = Sway::start();
    let mut watched = Watched::start(KdeIdle::new(sway.session()));
    // Unknown at the start, then active by what is typed. The pauses are five real seconds.
    for first in [Activity::Unknown, Activity::Active] {
        assert_eq!(watched.next().await.1, first);
        assert_eq!(watched.next().await.1, Activity::Idle);
        sway.finish(&["wtype", "-k", "Return"]);
    }
    assert_eq!(watched.next().await.1, Activity::Active);

    let lost = Watched::start(ExtIdleNotify::new(sway.session())).end().await;
    assert_eq!(
        lost.to_string(),
        "this compositor does not offer ext_idle_notifier_v1"
    );
}
