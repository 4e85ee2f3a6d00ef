//! One attempt: connects to an address that was checked, sends, and reads the status.
//!
//! Redirects are not followed: they could lead where the webhook may not send.

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use timberline_model::Timestamp;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use super::definition::Webhook;
use super::target::{Target, TargetError};
use crate::http::tls_roots;
use crate::settings::AllowedTarget;

/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why an attempt has failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    #[error(transparent)]
    Target(#[from] TargetError),
    #[error("cannot connect to {address}")]
    Connect { address: SocketAddr, source: io::Error },
    #[error("cannot speak TLS with {host}")]
    Tls { host: String, source: io::Error },
    #[error("no certificate can be checked")]
    Roots(#[from] tls_roots::RootsError),
    #[error("the connection ended without an answer")]
    Http(#[from] hyper::Error),
    #[error("the request cannot be written")]
    Request(#[from] http::Error),
    #[error("no answer within {} seconds", PATIENCE.as_secs())]
    Late,
    #[error("the answer was {0}; redirects are not followed")]
    Redirect(StatusCode),
    #[error("the answer was {0}")]
    Refused(StatusCode),
}

impl SendError {
    /// The status of the answer, if there was one.
    pub(crate) fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Redirect(status) | Self::Refused(status) => Some(*status),
            _ => None,
        }
    }
}

/// Where requests may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    pub(super) allowed: &'a [AllowedTarget],
    /// Where this server listens.
    pub(super) own: &'a [SocketAddr],
    pub(super) tls: &'a TlsSetup,
}

/// The certificate authorities of the system. Reading them takes a moment.
#[derive(Default)]
pub(super) struct TlsSetup(OnceCell<TlsConnector>);

impl std::fmt::Debug for TlsSetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TlsSetup")
    }
}

impl TlsSetup {
    async fn connector(&self) -> Result<&TlsConnector, SendError> {
        let read = || async {
            let config = tokio::task::spawn_blocking(tls_roots::client_config).await;
            // It breaks off only if the server does.
            let config = config.map_err(|_| SendError::Late)??;
            Ok(TlsConnector::from(Arc::new(config)))
        };
        self.0.get_or_try_init(read).await
    }
}

/// What is sent.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) id: String,
    pub(super) body: Bytes,
}

/// Sends a delivery once, signed with the time of this attempt.
///
/// # Errors
/// When the receiver did not answer with 2xx.
pub(super) async fn send(
    hook: &Webhook,
    delivery: &Delivery,
    now: Timestamp,
    reach: Reach<'_>,
) -> Result<StatusCode, SendError> {
    let attempt = attempt(hook, delivery, now, reach);
    let status = tokio::time::timeout(PATIENCE, attempt)
        .await
        .map_err(|_| SendError::Late)??;
    match status {
        status if status.is_success() => Ok(status),
        status if status.is_redirection() => Err(SendError::Redirect(status)),
        status => Err(SendError::Refused(status)),
    }
}

async fn attempt(
    hook: &Webhook,
    delivery: &Delivery,
    now: Timestamp,
    reach: Reach<'_>,
) -> Result<StatusCode, SendError> {
    let target = Target::parse(&hook.definition.url)?;
    let request = request(hook, &target, delivery, now)?;
    let stream = connect(&target, reach).await?;
    if !target.is_https {
        return exchange(stream, request).await;
    }
    let failed = |source| SendError::Tls {
        host: target.host.clone(),
        source,
    };
    let name = ServerName::try_from(target.host.clone()).map_err(|error| failed(io::Error::other(error)))?;
    let connector = reach.tls.connector().await?;
    let secured = connector.connect(name, stream).await.map_err(failed)?;
    exchange(secured, request).await
}

fn request(
    hook: &Webhook,
    target: &Target,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<Request<Body>, http::Error> {
    let signature = hook.secret.sign(now, &delivery.body);
    Request::post(target.path.clone())
        .header(header::HOST, target.authority.as_str())
        .header(
            header::USER_AGENT,
            concat!("timberline/", env!("CARGO_PKG_VERSION")),
        )
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::CONNECTION, "close")
        .header("x-timberline-webhook", &hook.id)
        .header("x-timberline-delivery", &delivery.id)
        .header("x-timberline-timestamp", signature.seconds)
        .header("x-timberline-signature", format!("sha256={}", signature.hex))
        .body(Body::from(delivery.body.clone()))
}

/// Connects to the first address that answers.
async fn connect(target: &Target, reach: Reach<'_>) -> Result<TcpStream, SendError> {
    let mut failed = None;
    for address in target.resolve(reach.allowed, reach.own).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(source) => failed = Some(SendError::Connect { address, source }),
        }
    }
    // Resolving gives one address at least.
    Err(failed.unwrap_or(SendError::Late))
}

/// Sends the request and waits for the head of the answer. Its body is of no interest.
async fn exchange<S>(stream: S, request: Request<Body>) -> Result<StatusCode, SendError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut connection = pin!(connection);
    let mut answer = pin!(sender.send_request(request));
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return Ok(answer?.status()),
            _ = &mut connection, if is_open => is_open = false,
        }
    }
}
