//! Listening sockets: opened here, or handed over by the process that started us (systemd).
//!
//! A socket that systemd holds (`LISTEN_FDS`, see sd_listen_fds(3)) outlives the server: while one
//! instance makes way for the next, clients wait in its queue and none is refused.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;

use crate::settings::Settings;

/// Connections that may wait in the kernel to be accepted.
const BACKLOG: i32 = 4096;
/// The first descriptor that the protocol hands over.
const FIRST_FD: i32 = 3;

/// Why there is no socket to serve on.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody else has the port.
    #[error("port {port} on {host} is in use: another server is running there")]
    InUse {
        /// The address.
        host: String,
        /// The port.
        port: u16,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {host}:{port}: {source}")]
    Refused {
        /// The address.
        host: String,
        /// The port.
        port: u16,
        /// What the system said.
        source: std::io::Error,
    },
    /// The environment's list of sockets is broken.
    #[error("cannot use the sockets that were handed over (LISTEN_FDS): {0}")]
    HandedOver(String),
    /// The environment hands sockets over, but not this one.
    #[error(
        "descriptor {fd} is not among the {count} sockets that were handed over (LISTEN_FDS), which begin at {FIRST_FD}"
    )]
    NotHandedOver {
        /// The descriptor.
        fd: i32,
        /// How many were handed over.
        count: usize,
    },
    /// The descriptor is no TCP socket that listens.
    #[error("descriptor {fd} is not an inherited listening TCP socket: {source}")]
    NotASocket {
        /// The descriptor.
        fd: i32,
        /// What the system said.
        source: std::io::Error,
    },
}

/// The sockets to serve on.
#[derive(Debug)]
pub(crate) struct Listeners {
    sockets: Vec<TcpListener>,
    port: u16,
    handed_over: bool,
}

impl Listeners {
    /// Takes the sockets that were handed over, or else opens the one that `settings` name.
    ///
    /// # Errors
    /// [`ListenError`], with what to do about it.
    pub(crate) fn open(settings: &Settings, fd: Option<i32>) -> Result<Self, ListenError> {
        let inherited = sd_listen_fds::get()
            .map_err(|error| ListenError::HandedOver(error.to_string()))?
            .into_iter()
            .map(|(_name, socket)| socket.into_std())
            .collect();
        let taken = match fd {
            Some(fd) => vec![pick(fd, inherited)?],
            None => inherited,
        };
        let handed_over = !taken.is_empty();
        let sockets = if handed_over {
            let fd = fd.unwrap_or(FIRST_FD);
            taken
                .into_iter()
                .map(|socket| listening(socket, fd))
                .collect::<Result<Vec<_>, _>>()?
        } else {
            vec![bind(settings)?]
        };
        let port = sockets
            .first()
            .and_then(|socket| socket.local_addr().ok())
            .map_or(settings.network.port, |address| address.port());
        Ok(Self {
            sockets,
            port,
            handed_over,
        })
    }

    /// The port that clients reach us on.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The addresses, for the log.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.sockets
            .iter()
            .filter_map(|socket| socket.local_addr().ok())
            .collect()
    }

    /// Whether another process keeps the sockets open after this one has ended.
    pub(crate) fn handed_over(&self) -> bool {
        self.handed_over
    }

    pub(crate) fn into_sockets(self) -> Vec<TcpListener> {
        self.sockets
    }
}

fn bind(settings: &Settings) -> Result<TcpListener, ListenError> {
    // A resolver may put ::1 first for "localhost", where no ActivityWatch client looks.
    let host = match settings.network.host.trim_matches(['[', ']']) {
        "localhost" => "127.0.0.1",
        host => host,
    };
    let port = settings.network.port;
    let refused = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::AddrInUse => ListenError::InUse {
            host: host.to_owned(),
            port,
        },
        _ => ListenError::Refused {
            host: host.to_owned(),
            port,
            source: error,
        },
    };
    let socket = TcpListener::bind((host, port)).map_err(refused)?;
    // The standard library asks for a queue of 128; listening again only makes it longer.
    rustix::net::listen(&socket, BACKLOG).map_err(|error| refused(error.into()))?;
    Ok(socket)
}

/// The inherited descriptor `fd`: one of systemd's if it handed some over, else any.
fn pick(fd: i32, inherited: Vec<OwnedFd>) -> Result<OwnedFd, ListenError> {
    if inherited.is_empty() {
        return duplicate(fd).map_err(|source| ListenError::NotASocket { fd, source });
    }
    let count = inherited.len();
    usize::try_from(fd - FIRST_FD)
        .ok()
        .and_then(|index| inherited.into_iter().nth(index))
        .ok_or(ListenError::NotHandedOver { fd, count })
}

/// A descriptor of our own for what `fd` refers to. Claiming a bare number would be `unsafe` (nobody
/// can know who else owns it); asking the kernel for a second descriptor to it is not.
#[cfg(target_os = "linux")]
fn duplicate(fd: i32) -> std::io::Result<OwnedFd> {
    use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
    let this_process = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(this_process, fd, PidfdGetfdFlags::empty())?)
}

#[cfg(not(target_os = "linux"))]
fn duplicate(_fd: i32) -> std::io::Result<OwnedFd> {
    Err(std::io::Error::new(
        std::io::ErrorKind::Unsupported,
        "only sockets named by LISTEN_FDS can be used on this system",
    ))
}

fn listening(socket: OwnedFd, fd: i32) -> Result<TcpListener, ListenError> {
    let not_a_socket = |source| ListenError::NotASocket { fd, source };
    let accepts =
        rustix::net::sockopt::socket_acceptconn(&socket).map_err(|error| not_a_socket(error.into()))?;
    if !accepts {
        return Err(not_a_socket(std::io::Error::new(
            std::io::ErrorKind::InvalidInput,
            "it does not listen",
        )));
    }
    let socket = TcpListener::from(socket);
    socket.local_addr().map_err(not_a_socket)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;

    fn settings(port: u16) -> Settings {
        let mut settings = crate::settings::test_settings();
        settings.network.port = port;
        settings
    }

    #[test]
    fn a_port_in_use_is_named_in_one_line() {
        let first = Listeners::open(&settings(0), None).unwrap();
        let error = Listeners::open(&settings(first.port()), None).unwrap_err();
        let text = error.to_string();
        assert!(matches!(error, ListenError::InUse { .. }), "{text}");
        assert!(text.contains(&first.port().to_string()), "{text}");
    }

    #[test]
    fn an_inherited_socket_is_served_on() {
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = Listeners::open(&settings(1), Some(socket.as_raw_fd())).unwrap();
        assert_eq!(taken.port(), socket.local_addr().unwrap().port());
        assert!(taken.handed_over());
    }

    #[test]
    fn a_descriptor_that_is_no_listening_socket_is_refused() {
        let file = tempfile::tempfile().unwrap();
        let error = Listeners::open(&settings(1), Some(file.as_raw_fd())).unwrap_err();
        assert!(matches!(error, ListenError::NotASocket { .. }), "{error}");
    }
}
