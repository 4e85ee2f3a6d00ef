//! Where the desktop is.

use std::ffi::OsString;
use std::path::PathBuf;

/// The kind of a session, as `XDG_SESSION_TYPE` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    /// A Wayland compositor. X11 is only its Xwayland then, which knows little of what is in front.
    Wayland,
    /// An X server.
    X11,
    /// A console, or unknown.
    Unknown,
}

/// Where the desktop is: read once from the environment, and passed to everything that connects. Tests name their own.
#[derive(Clone, Debug)]
pub struct Session {
    /// What it is.
    pub kind: SessionKind,
    /// Its id at logind, as `XDG_SESSION_ID`.
    pub id: Option<String>,
    /// The socket of the Wayland compositor, as `WAYLAND_DISPLAY`: a path, or a name in `runtime_dir`.
    pub wayland_display: Option<OsString>,
    /// The X server, as `DISPLAY`.
    pub x11_display: Option<String>,
    /// The directory for sockets of the person, as `XDG_RUNTIME_DIR`.
    pub runtime_dir: Option<PathBuf>,
    /// The address of the session bus. `None`: there is none.
    pub session_bus: Option<String>,
    /// The address of the system bus. `None`: there is none.
    pub system_bus: Option<String>,
    /// The desktop's names, as `XDG_CURRENT_DESKTOP` (`GNOME`, `KDE`, ...), in lower case.
    pub desktop: Vec<String>,
}

/// Where the system bus is unless `DBUS_SYSTEM_BUS_ADDRESS` says otherwise, by the D-Bus specification.
const SYSTEM_BUS: &str = "/var/run/dbus/system_bus_socket";

impl Session {
    /// What the environment of this process says.
    #[must_use]
    pub fn of_this_process() -> Session {
        Session::from_environment(|name| std::env::var_os(name))
    }

    /// What an environment says.
    pub fn from_environment(get: impl Fn(&str) -> Option<OsString>) -> Session {
        let text = |name: &str| {
            get(name)
                .and_then(|value| value.into_string().ok())
                .filter(|value| !value.is_empty())
        };
        let runtime_dir = get("XDG_RUNTIME_DIR")
            .filter(|dir| !dir.is_empty())
            .map(PathBuf::from);
        // It may not be there yet: what needs a bus tries it again.
        let socket = |path: PathBuf| format!("unix:path={}", path.display());
        let wayland_display = get("WAYLAND_DISPLAY").filter(|name| !name.is_empty());
        Session {
            kind: match text("XDG_SESSION_TYPE").as_deref() {
                Some("wayland") => SessionKind::Wayland,
                Some("x11") => SessionKind::X11,
                _ if wayland_display.is_some() => SessionKind::Wayland,
                _ => SessionKind::Unknown,
            },
            id: text("XDG_SESSION_ID"),
            wayland_display,
            x11_display: text("DISPLAY"),
            session_bus: text("DBUS_SESSION_BUS_ADDRESS")
                .or_else(|| Some(socket(runtime_dir.as_ref()?.join("bus")))),
            system_bus: text("DBUS_SYSTEM_BUS_ADDRESS").or_else(|| Some(socket(PathBuf::from(SYSTEM_BUS)))),
            runtime_dir,
            desktop: text("XDG_CURRENT_DESKTOP")
                .map(|names| names.split(':').map(str::to_lowercase).collect())
                .unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(variables: &[(&str, &str)]) -> Session {
        Session::from_environment(|name| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| OsString::from(value))
        })
    }

    #[test]
    fn a_display_of_wayland_makes_a_wayland_session_unless_the_session_says_otherwise() {
        let wayland = ("WAYLAND_DISPLAY", "wayland-0");
        assert_eq!(session(&[wayland]).kind, SessionKind::Wayland);
        assert_eq!(
            session(&[wayland, ("XDG_SESSION_TYPE", "x11")]).kind,
            SessionKind::X11
        );
        assert_eq!(session(&[("DISPLAY", ":0")]).kind, SessionKind::Unknown);
    }

    #[test]
    fn a_bus_may_come_later_than_this_process() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().to_str().expect("text");
        let session = session(&[("XDG_RUNTIME_DIR", path)]);
        assert_eq!(session.session_bus, Some(format!("unix:path={path}/bus")));
    }

    #[test]
    fn empty_variables_count_as_missing() {
        let session = session(&[("WAYLAND_DISPLAY", ""), ("DISPLAY", ""), ("XDG_RUNTIME_DIR", "")]);
        assert_eq!(session.wayland_display, None);
        assert_eq!(session.x11_display, None);
        assert_eq!(session.runtime_dir, None);
    }

    #[test]
    fn the_names_of_the_desktop_are_in_lower_case() {
        let session = session(&[("XDG_CURRENT_DESKTOP", "ubuntu:GNOME")]);
        assert_eq!(session.desktop, ["ubuntu", "gnome"]);
    }
}
