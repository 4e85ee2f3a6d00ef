//! Connecting to the compositor.

use std::io;
use std::path::{Path, PathBuf};

use tokio::net::UnixStream;
use wayland_client::Connection;

use crate::desktop::{Lost, Session};

/// A connection to the compositor of a session, and its socket, to wait for.
pub(super) async fn connect(session: &Session) -> Result<(Connection, UnixStream), Lost> {
    let path = socket(session)?;
    let connected = async {
        let socket = UnixStream::connect(&path).await?.into_std()?;
        let connection = Connection::from_socket(socket.try_clone()?);
        Ok((
            connection.map_err(io::Error::other)?,
            UnixStream::from_std(socket)?,
        ))
    };
    connected.await.map_err(|error: io::Error| {
        Lost::Ended(format!(
            "the Wayland compositor cannot be reached at {}: {error}",
            path.display()
        ))
    })
}

/// Where the compositor listens.
fn socket(session: &Session) -> Result<PathBuf, Lost> {
    let missing = |text: &str| Lost::Missing(text.to_owned());
    let display = session
        .wayland_display
        .as_deref()
        .map(Path::new)
        .ok_or_else(|| missing("there is no Wayland compositor: WAYLAND_DISPLAY is not set"))?;
    if display.is_absolute() {
        return Ok(display.to_owned());
    }
    let directory = session
        .runtime_dir
        .as_deref()
        .ok_or_else(|| missing("the compositor's socket cannot be found: XDG_RUNTIME_DIR is not set"))?;
    Ok(directory.join(display))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(display: Option<&str>, directory: Option<&str>) -> Session {
        let mut session = Session::from_environment(|_| None);
        session.wayland_display = display.map(Into::into);
        session.runtime_dir = directory.map(Into::into);
        session
    }

    #[test]
    fn a_socket_name_is_looked_for_in_the_runtime_directory_and_a_path_is_used_as_it_is() {
        let found = |display, directory| socket(&session(Some(display), directory)).unwrap();
        assert_eq!(
            found("wayland-1", Some("/run/user/7")),
            Path::new("/run/user/7/wayland-1")
        );
        assert_eq!(
            found("/tmp/wayland", Some("/run/user/7")),
            Path::new("/tmp/wayland")
        );
        assert_eq!(found("/tmp/wayland", None), Path::new("/tmp/wayland"));
    }

    #[test]
    fn a_missing_variable_is_named() {
        let text = |display, directory| socket(&session(display, directory)).unwrap_err().to_string();
        assert!(text(None, Some("/run/user/7")).contains("WAYLAND_DISPLAY"));
        assert!(text(Some("wayland-1"), None).contains("XDG_RUNTIME_DIR"));
    }
}
