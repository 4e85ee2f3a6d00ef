//! Whether there is a desktop to record.

use timberline_watchers::desktop::{Session, SessionKind};

/// The reason not to start watchers here, if there is one.
pub(super) fn missing(session: &Session) -> Option<&'static str> {
    if std::process::id() == 1 {
        // Watchers of ActivityWatch take this for the end of their parent.
        return Some("this is the first process of a container");
    }
    let has_display = session.kind != SessionKind::Unknown || session.x11_display.is_some();
    (!has_display).then_some("there is no desktop: neither WAYLAND_DISPLAY nor DISPLAY is set")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_display_is_needed() {
        let session = |variables: &[(&str, &str)]| {
            Session::from_environment(|name| {
                let found = variables.iter().find(|(key, _)| *key == name);
                found.map(|(_, value)| value.into())
            })
        };
        assert!(missing(&session(&[])).is_some());
        assert!(missing(&session(&[("XDG_SESSION_TYPE", "tty")])).is_some());
        assert_eq!(missing(&session(&[("DISPLAY", ":0")])), None);
        assert_eq!(missing(&session(&[("WAYLAND_DISPLAY", "wayland-0")])), None);
    }
}
