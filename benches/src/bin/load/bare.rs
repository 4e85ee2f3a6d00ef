//! A bare axum server, which shows what HTTP alone costs: it reads the body and answers a constant.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::header::CONTENT_TYPE;
use axum::routing::any;
use timberline_benches::http::Connection;
use timberline_benches::server::Server;

use crate::options::Options;
use crate::table::Table;
use crate::{On, batches, heartbeats};

/// The flag with which this program starts itself as the bare server.
const FLAG: &str = "--bare-server";
const NAME: &str = "bare axum";
const ANSWER: &str = r#"{"id":1,"timestamp":"2030-01-01T00:00:00Z","duration":1.0,"data":{"app":"Code","title":"file_0.rs - timberline - Visual Studio Code"}}"#;
const PATIENCE: Duration = Duration::from_secs(10);

/// The port, if this process is to be the bare server.
pub(crate) fn asked_for() -> Option<u16> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == FLAG).then(|| arguments.next()?.parse().ok())?
}

/// Serves until it is killed.
pub(crate) fn serve(port: u16) -> io::Result<()> {
    let answer = async |_body: Bytes| ([(CONTENT_TYPE, "application/json")], ANSWER);
    let router = Router::new()
        .fallback(any(answer))
        .layer(DefaultBodyLimit::disable());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_io().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        axum::serve(listener, router).await
    })
}

/// Sends it the heartbeats that the others get.
pub(crate) fn measure(options: &Options, table: &mut Table) -> io::Result<()> {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
    let mut command = Command::new(std::env::current_exe()?);
    command.args([FLAG, &port.to_string()]).stdin(Stdio::null());
    let server = Server::of(command.spawn()?);
    let begun = Instant::now();
    while Connection::open(port).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err(io::Error::other("the bare server does not answer"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut on = On {
        name: NAME,
        port,
        server: &server,
        table,
    };
    for clients in [1, 8, 64] {
        heartbeats::plain(&mut on, clients, options.seconds)?;
    }
    batches::measure(&mut on, options.seconds)?;
    server.kill()
}
