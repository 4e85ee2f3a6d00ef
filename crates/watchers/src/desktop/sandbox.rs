//! The sandbox that a process runs in.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

/// The most bytes that are read of either file. A valid one is smaller.
const MAX_FILE: u64 = 64 * 1024;

/// The name of the Flatpak (`org.mozilla.firefox`) or Snap (`firefox`) that the process belongs to.
///
/// `None` for a process outside of a sandbox, and where it cannot be known because the process has ended or is another person's.
#[must_use]
pub fn of_process(pid: u32) -> Option<String> {
    of_folder(&Path::new("/proc").join(pid.to_string()))
}

fn of_folder(process: &Path) -> Option<String> {
    let named_by_control_group = || {
        let groups = read(&process.join("cgroup"))?;
        groups.lines().find_map(of_control_group)
    };
    // Flatpak puts this file into the root of each of its sandboxes.
    let named_by_flatpak = || flatpak_name(&read(&process.join("root/.flatpak-info"))?);
    named_by_control_group().or_else(named_by_flatpak)
}

/// The text of a regular file. Programs choose their root directory, so anything may be at such a path. A pipe would block the thread,
/// and a symbolic link leads to a file outside of the sandbox.
fn read(path: &Path) -> Option<String> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path).ok()?;
    if !file.metadata().ok()?.is_file() {
        return None;
    }
    let mut text = String::new();
    file.take(MAX_FILE).read_to_string(&mut text).ok()?;
    Some(text)
}

/// The name in a line such as `0::/user.slice/.../app-flatpak-org.mozilla.firefox-3812.scope`.
fn of_control_group(line: &str) -> Option<String> {
    let unit = line.rsplit('/').next()?.strip_suffix(".scope")?;
    if let Some(rest) = unit.strip_prefix("app-flatpak-") {
        let (name, _process) = rest.rsplit_once('-')?;
        return Some(unescape(name));
    }
    // snap.NAME.PROGRAM-UUID, or with a dot before the UUID.
    let (name, _program) = unit.strip_prefix("snap.")?.split_once('.')?;
    Some(unescape(name))
}

/// systemd writes a minus sign within a name as `\x2d`.
fn unescape(name: &str) -> String {
    name.replace("\\x2d", "-")
}

fn flatpak_name(info: &str) -> Option<String> {
    let mut lines = info.lines().map(str::trim);
    lines.find(|line| *line == "[Application]")?;
    lines
        .take_while(|line| !line.starts_with('['))
        .find_map(|line| line.strip_prefix("name="))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::sync::mpsc;
    use std::time::Duration;

    use rustix::fs::{CWD, Mode, mkfifoat};

    use super::*;

    fn group(unit: &str) -> Option<String> {
        of_control_group(&format!(
            "0::/user.slice/user-1000.slice/user@1000.service/app.slice/{unit}"
        ))
    }

    #[test]
    fn control_groups_name_flatpaks_and_snaps() {
        let name = |text: &str| Some(text.to_owned());
        assert_eq!(
            group("app-flatpak-org.mozilla.firefox-3812.scope"),
            name("org.mozilla.firefox")
        );
        assert_eq!(
            group(r"app-flatpak-io.github.a\x2db-7.scope"),
            name("io.github.a-b")
        );
        assert_eq!(
            group("snap.firefox.firefox-0ab1c2d3-1111-2222-3333-444455556666.scope"),
            name("firefox")
        );
        assert_eq!(group("snap.code.code.0ab1c2d3.scope"), name("code"));
    }

    #[test]
    fn other_control_groups_are_no_sandbox() {
        for unit in [
            "app-gnome-firefox-3812.scope",
            "session-2.scope",
            "snapd.service",
            "snap.scope",
            "",
        ] {
            assert_eq!(group(unit), None, "{unit}");
        }
    }

    #[test]
    fn the_file_of_flatpak_is_used_where_the_control_group_says_nothing() {
        let process = tempfile::tempdir().unwrap();
        fs::write(process.path().join("cgroup"), "0::/user.slice/session-2.scope\n").unwrap();
        assert_eq!(of_folder(process.path()), None);
        fs::create_dir(process.path().join("root")).unwrap();
        let info = "[Instance]\nname=wrong\n\n[Application]\nruntime=r\nname=org.gnome.Maps\n";
        fs::write(process.path().join("root/.flatpak-info"), info).unwrap();
        assert_eq!(of_folder(process.path()), Some("org.gnome.Maps".to_owned()));
    }

    #[test]
    fn only_a_regular_file_is_read() {
        let process = tempfile::tempdir().unwrap();
        let info = process.path().join("root/.flatpak-info");
        fs::create_dir(process.path().join("root")).unwrap();
        mkfifoat(CWD, &info, Mode::RUSR | Mode::WUSR).unwrap();
        // Not in this thread: nobody ever writes into the pipe.
        let (send, answer) = mpsc::channel();
        let folder = process.path().to_owned();
        std::thread::spawn(move || send.send(of_folder(&folder)));
        assert_eq!(answer.recv_timeout(Duration::from_secs(60)), Ok(None));

        fs::remove_file(&info).unwrap();
        let outside = process.path().join("outside");
        fs::write(&outside, "[Application]\nname=org.example.Other\n").unwrap();
        std::os::unix::fs::symlink(&outside, &info).unwrap();
        assert_eq!(of_folder(process.path()), None);
    }

    #[test]
    fn a_process_that_is_not_there_has_no_sandbox() {
        assert_eq!(of_process(u32::MAX), None);
        assert_eq!(
            flatpak_name("[Application]\nruntime=r\n[Context]\nname=wrong"),
            None
        );
    }
}
