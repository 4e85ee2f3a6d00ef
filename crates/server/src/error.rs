//! Why the server cannot start, or did not stop in an orderly way.

use std::io;
use std::net::SocketAddr;

use timberline_log::SyncFailed;
use timberline_views::{CompactError, OpenError};

use crate::access::TokenError;
use crate::http::ListenError;
use crate::http::tls::TlsError;
use crate::identity::IdentityError;
use crate::settings::SettingError;

/// Why the server cannot start, or did not stop in an orderly way.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A setting cannot be used.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// There is no socket to serve on.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Everyone who reaches the address could do everything.
    #[error(
        "refusing to listen on {address} without authentication: everyone who can reach it could read, change and delete all \
         data"
    )]
    NoAuthentication {
        /// The address.
        address: SocketAddr,
    },
    /// There is no usable certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The tokens cannot be read: without them it is not known who may do what.
    #[error(transparent)]
    Tokens(#[from] TokenError),
    /// The device id cannot be established, or the data directory cannot be made.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The store cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The system refuses a thread, a socket or a signal handler.
    #[error("cannot {op}")]
    System {
        /// What was to be done.
        op: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The store cannot be closed.
    #[error("cannot close the store in an orderly way")]
    Close(#[source] CompactError),
    /// The log cannot be synced.
    #[error("cannot sync the log")]
    Sync(#[source] SyncFailed),
}

impl ServeError {
    pub(crate) fn system(op: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { op, source }
    }
}
