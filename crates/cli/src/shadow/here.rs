//! Which Timberline server stores the copy.

use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use anyhow::Context;
use timberline_server::Start;

use crate::config::Config;
use crate::passphrase;
use crate::server_client::{self, ServerClient};

/// Where a copy is served. ActivityWatch has the port before them.
const PORTS: Range<u16> = 5601..5621;

/// Where the copy goes.
pub(super) enum Here {
    /// To a server that runs.
    Server(ServerClient),
    /// To this data directory, which no server has opened.
    Own(Box<Config>),
}

impl Here {
    /// The server that is named, or the one that runs on the data directory, or the data directory.
    pub(super) fn find(config: Config, named: Option<ServerClient>) -> anyhow::Result<Here> {
        if let Some(server) = named {
            return Ok(Here::Server(server));
        }
        let mut settings = config.server.clone();
        let usual = config.server.network.port;
        // A shadow serves on one of the others.
        for port in std::iter::once(usual).chain(PORTS) {
            settings.network.port = port;
            if let Some(server) = server_client::running(&settings) {
                return Ok(Here::Server(server));
            }
        }
        Ok(Here::Own(Box::new(config)))
    }
}

/// Serves a data directory until SIGTERM or SIGINT, and runs `beside` in a thread meanwhile, with a client for this server.
///
/// # Errors
/// Whatever keeps the server from starting, or from closing its store.
pub(super) fn serve(
    mut config: Config,
    port: Option<u16>,
    beside: impl FnOnce(ServerClient) + Send + 'static,
) -> anyhow::Result<()> {
    config.server.network.port = match port {
        Some(port) => port,
        None => free_port()?,
    };
    let address = server_client::own_url(&config.server);
    let client = server_client::own(&config.server)?;
    let start = Start::prepare(config.server, None)?;
    let key = passphrase::unlock_or_create(&start.settings().data_dir, &config.encryption)?;
    let store = start.open_store(key.cipher())?;
    key.keep();
    eprintln!("timberline: the copy is at {address}");
    std::thread::Builder::new()
        .name("shadow".to_owned())
        .spawn(move || beside(client))
        .context("cannot start a thread")?;
    start.serve(store, None)?;
    Ok(())
}

fn free_port() -> anyhow::Result<u16> {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let none = || {
        format!(
            "no port from {} to {} is free: name one with --port",
            PORTS.start,
            PORTS.end - 1
        )
    };
    PORTS.into_iter().find(is_free).with_context(none)
}
