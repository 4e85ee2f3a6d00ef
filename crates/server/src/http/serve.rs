//! The accept loop, and the orderly end: stop accepting, finish what is in flight, return.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use sd_notify::NotifyState;
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use super::connections::{Connections, Slot};
use super::entrance::Entrance;
use super::listen::Listeners;
use crate::app::App;
use crate::config::Compression;
use crate::routes;

/// How long to wait when no connection can be accepted, as when descriptors run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves on `listeners` until SIGTERM or SIGINT, then finishes the requests in flight.
///
/// # Errors
/// When the sockets or signals cannot be used.
pub async fn serve(listeners: Listeners, app: Arc<App>) -> anyhow::Result<()> {
    let mut stop_signals = StopSignals::new()?;
    let connections = Connections::new(&app.settings.limits);
    let entrance = Arc::new(Entrance {
        router: routes::router(&app),
        connections: Arc::clone(&connections),
        app: Arc::clone(&app),
    });
    let addresses = listeners.addresses();
    let handed_over = listeners.handed_over();
    let (stop, stopped) = watch::channel(false);
    let mut accepting = tokio::task::JoinSet::new();
    for socket in listeners.into_sockets() {
        socket.set_nonblocking(true)?;
        let socket = TcpListener::from_std(socket).context("cannot use the listening socket")?;
        accepting.spawn(accept(
            socket,
            handed_over,
            Arc::clone(&entrance),
            stopped.clone(),
        ));
    }
    let sweeping = tokio::spawn(Arc::clone(&connections).sweep());
    tell_ready(&app, &addresses);

    stop_signals.next().await;
    tracing::info!("stopping: finishing the requests in flight");
    tell_manager(&[NotifyState::Stopping]);
    stop.send_replace(true);
    app.hold.stop();
    tokio::select! {
        () = async {
            while accepting.join_next().await.is_some() {}
            connections.drain().await;
        } => {}
        () = stop_signals.next() => tracing::warn!("told to stop twice: not waiting any longer"),
    }
    sweeping.abort();
    Ok(())
}

fn tell_ready(app: &App, addresses: &[SocketAddr]) {
    for address in addresses {
        tracing::info!(%address, data = %app.settings.data_dir.display(), "serving");
    }
    tell_manager(&[NotifyState::Ready]);
}

/// Tells systemd, if it started us.
fn tell_manager(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "cannot notify the service manager");
    }
}

/// Accepts connections until told to stop. A full house makes clients wait in the socket's queue.
async fn accept(
    socket: TcpListener,
    handed_over: bool,
    entrance: Arc<Entrance>,
    mut stopped: watch::Receiver<bool>,
) {
    loop {
        let next = async {
            let slot = entrance.connections.slot().await;
            (slot, socket.accept().await)
        };
        tokio::select! {
            (slot, accepted) = next => match accepted {
                Ok((stream, peer)) => start(&entrance, slot, stream, peer),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = told_to_stop(&mut stopped) => break,
        }
    }
    // Whoever is in the queue was promised a connection by the kernel and would see it reset. If the
    // socket lives on elsewhere, so does its queue.
    if !handed_over {
        empty_queue(socket, &entrance).await;
    }
}

async fn told_to_stop(stopped: &mut watch::Receiver<bool>) {
    // An error means that whoever could tell us is gone, which is as good as being told.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn empty_queue(socket: TcpListener, entrance: &Arc<Entrance>) {
    loop {
        let slot = entrance.connections.slot().await;
        match tokio::time::timeout(Duration::from_millis(1), socket.accept()).await {
            Ok(Ok((stream, peer))) => start(entrance, slot, stream, peer),
            _ => return,
        }
    }
}

fn start(entrance: &Arc<Entrance>, slot: Slot, stream: TcpStream, peer: SocketAddr) {
    // Answers are small and complete: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "cannot set TCP_NODELAY");
    }
    let plain = match entrance.app.settings.compression {
        Compression::Always => false,
        Compression::Remote => peer.ip().to_canonical().is_loopback(),
        Compression::Never => true,
    };
    let entrance = Arc::clone(entrance);
    let connections = Arc::clone(&entrance.connections);
    connections.spawn(slot, move |connection| async move {
        let service =
            service_fn(move |request| Arc::clone(&entrance).answer(Arc::clone(&connection), plain, request));
        let served = http1::Builder::new()
            // `Connections` keeps the time, for less.
            .header_read_timeout(None)
            .serve_connection(TokioIo::new(stream), service)
            .await;
        if let Err(error) = served {
            tracing::debug!(%peer, %error, "connection ended");
        }
    });
}

/// SIGTERM (service managers) and SIGINT (Ctrl-C).
struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    fn new() -> anyhow::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?,
            interrupt: signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
