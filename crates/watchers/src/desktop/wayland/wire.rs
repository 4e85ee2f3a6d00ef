//! Reading what the compositor sends.

use std::io;
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UnixStream;
use wayland_client::backend::WaylandError;
use wayland_client::{Connection, DispatchError, EventQueue};

use super::connection::connect;
use super::registry::Listener;
use crate::desktop::{Lost, Session};

/// A compositor that does not answer the first questions within this time hangs.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection whose events a source takes.
pub(super) struct Wire<S> {
    connection: Connection,
    queue: EventQueue<S>,
    /// The connection's socket, to wait for. The connection itself reads and writes.
    socket: UnixStream,
}

impl<S: Listener> Wire<S> {
    /// Connects, and lets `state` see all globals.
    pub(super) async fn open(session: &Session, state: &mut S) -> Result<Wire<S>, Lost> {
        let (connection, socket) = connect(session).await?;
        let mut wire = Wire {
            queue: connection.new_event_queue(),
            connection,
            socket,
        };
        wire.connection.display().get_registry(&wire.queue.handle(), ());
        wire.answered(state).await?;
        Ok(wire)
    }

    /// Waits until the compositor has answered everything so far.
    pub(super) async fn answered(&mut self, state: &mut S) -> Result<(), Lost> {
        let before = state.registry().answers();
        self.connection.display().sync(&self.queue.handle(), ());
        while state.registry().answers() == before {
            self.next(state).await?;
        }
        Ok(())
    }

    /// Waits for events, and lets `state` take all that are there. May be dropped at any time: no event is lost.
    pub(super) async fn next(&mut self, state: &mut S) -> Result<(), Lost> {
        loop {
            let taken = self.queue.dispatch_pending(state);
            if taken.map_err(|error| lost(&error))? > 0 {
                return Ok(());
            }
            self.send().await.map_err(|error| broken(&error))?;
            self.read().await.map_err(|error| broken(&error))?;
        }
    }

    /// Sends the requests that were made.
    async fn send(&self) -> io::Result<()> {
        while !self.attempt(Interest::WRITABLE, || self.queue.flush())? {
            self.socket.writable().await?;
        }
        Ok(())
    }

    /// Waits until there is something to read, and reads it.
    async fn read(&self) -> io::Result<()> {
        self.socket.readable().await?;
        // `None`: there are events that wait to be dispatched.
        if let Some(reading) = self.queue.prepare_read() {
            self.attempt(Interest::READABLE, || reading.read())?;
        }
        Ok(())
    }

    /// Reads or writes. `false`: that is not possible now.
    fn attempt<T>(
        &self,
        interest: Interest,
        action: impl FnOnce() -> Result<T, WaylandError>,
    ) -> io::Result<bool> {
        let done = self.socket.try_io(interest, || {
            action().map_err(|error| match error {
                WaylandError::Io(error) => error,
                error @ WaylandError::Protocol(_) => io::Error::other(error),
            })
        });
        match done {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The result of `first`, in which the compositor answers the first questions: it fails if that takes too long.
pub(super) async fn in_time<T>(first: impl Future<Output = Result<T, Lost>>) -> Result<T, Lost> {
    tokio::time::timeout(PATIENCE, first)
        .await
        .unwrap_or_else(|_| Err(Lost::Ended("the compositor does not answer".to_owned())))
}

fn lost(error: &DispatchError) -> Lost {
    match error {
        DispatchError::Backend(WaylandError::Io(error)) => broken(error),
        error => failed(error),
    }
}

fn broken(error: &io::Error) -> Lost {
    match error.kind() {
        // A closed socket is reported as a broken pipe, or as a reset if there was something unread in it.
        io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            Lost::Ended("the compositor has closed the connection".to_owned())
        }
        _ => failed(error),
    }
}

fn failed(error: &dyn std::fmt::Display) -> Lost {
    Lost::Ended(format!("the connection to the compositor failed: {error}"))
}
