//! The accept loop, and the orderly end: stop accepting, finish what is in flight, return.

mod entrance;

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sd_notify::NotifyState;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use self::entrance::Entrance;
use crate::api;
use crate::app::App;
use crate::error::ServeError;
use crate::http::Listeners;
use crate::http::connection::Connection;
use crate::http::connections::{Connections, Slot};
use crate::http::socket::Socket;
use crate::open_files::connections_allowed;
use crate::settings::{Compression, Limits};

/// How long to wait when no connection can be accepted, as when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often the log says so.
const ACCEPT_WARNING_EVERY: Duration = Duration::from_secs(60);
/// Longest head of a request. More than any client sends, and little enough for every connection to hold one.
const HEAD_BYTES: usize = 64 << 10;
/// What a connection may hold of a body or an answer that is on its way.
const BUFFER_BYTES: usize = 128 << 10;

/// Serves on `listeners` until SIGTERM or SIGINT, then finishes the requests in flight.
///
/// # Errors
/// When the sockets or signals cannot be used.
pub(crate) async fn serve(listeners: Listeners, app: Arc<App>) -> Result<(), ServeError> {
    let mut stop_signals = StopSignals::new()?;
    let limits = Limits {
        connections: connections_allowed(app.settings.limits.connections),
        ..app.settings.limits.clone()
    };
    // Streams stay for hours. They must leave places for those who come and go.
    let streams = limits.streams.min(limits.connections / 2).max(1);
    app.live.add_places(streams);
    app.webhooks.start(&app);
    let connections = Connections::new(&limits, app.bodies.waits());
    let entrance = Arc::new(Entrance {
        router: api::router(&app),
        connections: Arc::clone(&connections),
        app: Arc::clone(&app),
    });
    let addresses = listeners.addresses();
    let handed_over = listeners.handed_over();
    let (stop, stopped) = watch::channel(false);
    let mut accepting = tokio::task::JoinSet::new();
    for socket in listeners.into_sockets() {
        let unusable = ServeError::system;
        socket
            .set_nonblocking(true)
            .map_err(unusable("use the listening socket"))?;
        let socket = TcpListener::from_std(socket).map_err(unusable("use the listening socket"))?;
        accepting.spawn(accept(
            socket,
            handed_over,
            Arc::clone(&entrance),
            stopped.clone(),
        ));
    }
    let sweeping = tokio::spawn(Arc::clone(&connections).sweep());
    let renewing = match app.tls {
        Some(_) => {
            let hangup = signal(SignalKind::hangup()).map_err(ServeError::system("wait for SIGHUP"))?;
            Some(tokio::spawn(renew_certificate(Arc::clone(&app), hangup)))
        }
        None => None,
    };
    announce_ready(&app, &addresses);

    stop_signals.next().await;
    tracing::info!("stopping: finishing the requests in flight");
    notify_manager(&[NotifyState::Stopping]);
    // While the server still answers: what they send now is stored.
    tokio::select! {
        () = stop_watchers(&app) => {}
        () = stop_signals.next() => tracing::warn!("received a second stop signal: not waiting for the watchers any longer"),
    }
    stop.send_replace(true);
    app.hold.stop();
    app.live.stop();
    let drain_time = Duration::from_secs(app.settings.limits.drain_seconds);
    tokio::select! {
        () = async {
            // Clients in the queue get their turn, but connections that are busy for ever do not hold up the end.
            let emptying = async { while accepting.join_next().await.is_some() {} };
            let _ = tokio::time::timeout(drain_time, emptying).await;
            connections.drain().await;
        } => {}
        () = stop_signals.next() => tracing::warn!("received a second stop signal: not waiting for the requests in flight any longer"),
    }
    sweeping.abort();
    if let Some(renewing) = renewing {
        renewing.abort();
    }
    Ok(())
}

fn announce_ready(app: &App, addresses: &[SocketAddr]) {
    for address in addresses {
        tracing::info!(%address, data = %app.settings.data_dir.display(), "serving");
    }
    if let Some(tls) = &app.tls {
        tracing::info!(fingerprint = tls.fingerprint(), "speaking TLS only (https)");
    }
    notify_manager(&[NotifyState::Ready]);
}

/// Ends the watchers that run beside the server.
async fn stop_watchers(app: &App) {
    if let Some(watchers) = app.watchers.clone() {
        let _ = tokio::task::spawn_blocking(move || watchers.stop()).await;
    }
}

/// Notifies systemd, if it started us.
fn notify_manager(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "cannot notify the service manager");
    }
}

/// Accepts connections until the server stops. When all places are taken, one makes way for each client that comes.
async fn accept(
    socket: TcpListener,
    handed_over: bool,
    entrance: Arc<Entrance>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut failures = Failures::default();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = until_stopped(&mut stopped) => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let slot = entrance.connections.slot().await;
                start(&entrance, slot, stream, peer);
            }
            Err(error) => failures.handle(&error, &entrance.connections).await,
        }
    }
    // The kernel has accepted the connections in the queue; their clients would see them reset. If the
    // socket lives on elsewhere, so does its queue.
    if !handed_over {
        empty_queue(socket, &entrance).await;
    }
}

/// What to do when a connection cannot be accepted.
#[derive(Default)]
struct Failures {
    warned: Option<Instant>,
}

impl Failures {
    async fn handle(&mut self, error: &std::io::Error, connections: &Connections) {
        use std::io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
        // The client has gone while it waited. The next one does not suffer from it.
        if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            return;
        }
        if self.warned.is_none_or(|at| at.elapsed() >= ACCEPT_WARNING_EVERY) {
            self.warned = Some(timberline_clock::monotonic());
            tracing::warn!(
                %error,
                "cannot accept connections for now; if descriptors are short, raise the limit of open files or lower limits.connections"
            );
        }
        // What an idle connection gives back may be what is short.
        connections.make_room();
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}

async fn until_stopped(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone: stop as well.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn empty_queue(socket: TcpListener, entrance: &Arc<Entrance>) {
    while let Ok(Ok((stream, peer))) = tokio::time::timeout(Duration::from_millis(1), socket.accept()).await {
        let slot = entrance.connections.slot().await;
        start(entrance, slot, stream, peer);
    }
}

fn start(entrance: &Arc<Entrance>, slot: Slot, stream: TcpStream, peer: SocketAddr) {
    // Answers are small and complete: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let plain = match entrance.app.settings.network.compression {
        Compression::Always => false,
        Compression::Remote => peer.ip().to_canonical().is_loopback(),
        Compression::Never => true,
    };
    let entrance = Arc::clone(entrance);
    let client = peer.ip().to_canonical();
    let connections = Arc::clone(&entrance.connections);
    connections.spawn(slot, move |connection| async move {
        let socket = Socket::new(stream, Arc::clone(&connection));
        let app = Arc::clone(&entrance.app);
        let Some(tls) = &app.tls else {
            return converse(socket, entrance, connection, plain, client).await;
        };
        let handshake = tls.accept(socket, Arc::clone(&connection));
        match until_done(&connection, handshake).await {
            Ok(secured) => converse(secured, entrance, connection, plain, client).await,
            Err(error) => {
                tracing::debug!(%peer, %error, "no handshake");
                // A client that comes and goes without a word has not tried.
                if connection.sighting().bytes > 0 {
                    app.refusals.note_handshake(client, &error);
                }
            }
        }
    });
}

/// Answers the requests on a connection.
async fn converse<S>(
    stream: S,
    entrance: Arc<Entrance>,
    connection: Arc<Connection>,
    plain: bool,
    client: IpAddr,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let app = Arc::clone(&entrance.app);
    let state = Arc::clone(&connection);
    let service = service_fn(move |request| {
        Arc::clone(&entrance).answer(Arc::clone(&connection), plain, client, request)
    });
    let served = http1::Builder::new()
        // `Connections` keeps the time, for less.
        .header_read_timeout(None)
        .max_header_size(HEAD_BYTES)
        .max_buf_size(BUFFER_BYTES)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = until_done(&state, served).await {
        tracing::debug!(%client, %error, "connection ended");
        if error.is_parse() {
            app.refusals.note_unreadable(client, &error);
        }
    }
}

/// Runs a connection to its end. When the connection is asked to leave, the loop polls it again at once, so that its socket notices.
async fn until_done<F: Future>(connection: &Connection, what: F) -> F::Output {
    let mut what = pin!(what);
    loop {
        tokio::select! {
            biased;
            done = &mut what => return done,
            () = connection.until_asked_to_leave() => {}
        }
    }
}

/// Reads the certificate again at each SIGHUP. One that cannot be used changes nothing.
async fn renew_certificate(app: Arc<App>, mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        let app = Arc::clone(&app);
        let reading = move || {
            let Some(tls) = &app.tls else { return };
            match tls.reload() {
                Ok(()) => tracing::info!(fingerprint = tls.fingerprint(), "the certificate was read again"),
                Err(error) => {
                    let reason = std::error::Error::source(&error).map(ToString::to_string);
                    let fingerprint = tls.fingerprint();
                    tracing::error!(%error, reason, fingerprint, "the certificate cannot be read again; the one before stays");
                }
            }
        };
        let _ = tokio::task::spawn_blocking(reading).await;
    }
}

/// SIGTERM (service managers) and SIGINT (Ctrl-C).
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> Result<Self, ServeError> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(ServeError::system("wait for SIGTERM"))?,
            interrupt: signal(SignalKind::interrupt()).map_err(ServeError::system("wait for SIGINT"))?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
