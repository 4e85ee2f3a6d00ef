//! A connection to an X server.

use std::io::{Error, ErrorKind};
use std::os::fd::AsFd;

use tokio::io::Interest;
use tokio::net::UnixStream;
use x11rb::connection::Connection;
use x11rb::errors::{ConnectError, ConnectionError, DisplayParsingError, ReplyError, ReplyOrIdError};
use x11rb::protocol::Event;
use x11rb::protocol::xproto::{ChangeWindowAttributesAux, ConnectionExt, EventMask, Window};
use x11rb::reexports::x11rb_protocol::parse_display::parse_display;
use x11rb::reexports::x11rb_protocol::xauth::get_auth;
use x11rb::rust_connection::{DefaultStream, RustConnection};

use super::patient_stream::PatientStream;
use crate::desktop::{Lost, Session, SessionKind};

/// A connection, and the part of tokio that wakes us when the server has sent something.
pub(super) struct Display {
    name: String,
    /// The connection's socket a second time, only to wait until there is something to read.
    socket: UnixStream,
    pub(super) connection: RustConnection<PatientStream>,
    pub(super) root: Window,
}

impl Display {
    /// Connects to the X server of the session, unless the session is not one of X11: an Xwayland knows only of the windows
    /// that use it, and of the input that they get.
    pub(super) fn open(session: &Session) -> Result<Display, Lost> {
        if session.kind == SessionKind::Wayland {
            return Err(Lost::Missing(
                "in a Wayland session, X11 sees only some of the windows, and only their input".to_owned(),
            ));
        }
        let name = session.x11_display.clone().ok_or_else(|| {
            Lost::Missing("there is no X server: the variable DISPLAY is not set".to_owned())
        })?;
        Display::connect(&name)
            .map_err(|error| Lost::Ended(format!("the X server {name} cannot be reached: {error}")))
    }

    fn connect(name: &str) -> Result<Display, ConnectError> {
        let parsed = parse_display(Some(name))?;
        let number = usize::from(parsed.screen);
        let mut last = ConnectError::DisplayParsingError(DisplayParsingError::Unknown);
        for address in parsed.connect_instruction() {
            let (stream, (family, peer)) = match DefaultStream::connect(&address) {
                Ok(connected) => connected,
                Err(error) => {
                    last = error.into();
                    continue;
                }
            };
            // Without the person's file of cookies the server decides whether it lets us in.
            let (method, cookie) = get_auth(family, &peer, parsed.display)
                .ok()
                .flatten()
                .unwrap_or_default();
            // It may be a TCP socket as well: waiting is the same for all.
            let socket = std::os::unix::net::UnixStream::from(stream.as_fd().try_clone_to_owned()?);
            let stream = PatientStream(stream);
            let connection =
                RustConnection::connect_to_stream_with_auth_info(stream, number, method, cookie)?;
            let screen = connection.setup().roots.get(number);
            let root = screen.ok_or(ConnectError::InvalidScreen)?.root;
            return Ok(Display {
                name: name.to_owned(),
                socket: UnixStream::from_std(socket)?,
                connection,
                root,
            });
        }
        Err(last)
    }

    /// Waits for the next event.
    pub(super) async fn next(&self) -> Result<Event, Lost> {
        loop {
            if let Some(event) = self.pending()? {
                return Ok(event);
            }
            self.connection.flush().map_err(|error| self.lost(error))?;
            let readable = self.socket.readable().await;
            readable.map_err(|error| self.lost(ConnectionError::from(error)))?;
            if let Some(event) = self.read()? {
                return Ok(event);
            }
        }
    }

    /// Reads what has arrived. If that is no event (an answer to a request of ours, or nothing at all), the next wait is for more.
    fn read(&self) -> Result<Option<Event>, Lost> {
        let mut pending = Ok(None);
        let read = || {
            pending = self.pending();
            match pending {
                Ok(None) => Err(Error::from(ErrorKind::WouldBlock)),
                _ => Ok(()),
            }
        };
        // Its only error is the one above, which is how tokio learns that everything was read.
        let _ = self.socket.try_io(Interest::READABLE, read);
        pending
    }

    /// The next event, if the server has sent one.
    pub(super) fn pending(&self) -> Result<Option<Event>, Lost> {
        self.connection.poll_for_event().map_err(|error| self.lost(error))
    }

    /// From now on the server reports when properties of the window change, or it is destroyed.
    pub(super) fn observe(&self, window: Window) -> Result<(), ReplyError> {
        self.select(window, EventMask::PROPERTY_CHANGE | EventMask::STRUCTURE_NOTIFY)
    }

    /// From now on the server no longer reports it.
    pub(super) fn ignore(&self, window: Window) -> Result<(), ReplyError> {
        self.select(window, EventMask::NO_EVENT)
    }

    fn select(&self, window: Window, events: EventMask) -> Result<(), ReplyError> {
        let attributes = ChangeWindowAttributesAux::new().event_mask(events);
        self.connection
            .change_window_attributes(window, &attributes)?
            .check()
    }

    /// The end of the connection, with a text for the user.
    pub(super) fn lost(&self, error: impl Into<ReplyOrIdError>) -> Lost {
        let error = error.into();
        Lost::Ended(format!(
            "the X server {} has exited or failed: {error}",
            self.name
        ))
    }
}
