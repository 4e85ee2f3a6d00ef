//! `timberline mcp`: the Model Context Protocol on standard input and output, answered by a running server.
//!
//! `relay` passes messages to the server, and its answers back. The tools themselves are in the server (`crates/server/src/api/mcp/`), so the configuration and the privacy filters of the
//! server apply, whoever starts this command.

mod relay;

use std::io::BufRead;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, sync_channel};

use clap::Args;

use self::relay::Relay;
use crate::data_dir::DataDirArgs;
use crate::known_server::TrustArgs;
use crate::server_client::{self, ServerClient};

/// Requests that are carried out at the same time: a slow query must not hold up a quick one.
const AT_ONCE: usize = 4;

/// Which server.
#[derive(Debug, Args)]
#[command(after_help = "\
Assistants start this command themselves; for that, add it to their configuration:
  {\"mcpServers\": {\"timberline\": {\"command\": \"timberline\", \"args\": [\"mcp\"]}}}

It needs a running server and passes the messages on to it. The tools only read. The server asks for credentials as for any \
other request: the API key is taken from the configuration or from TIMBERLINE_API_KEY, which can also be a token of scope read.

Documentation: docs/mcp.md")]
pub(crate) struct McpArgs {
    #[command(flatten)]
    place: DataDirArgs,
    #[command(flatten)]
    trust: TrustArgs,
    /// The server [default: the address of the configuration]
    #[arg(long, value_name = "URL", value_parser = ServerClient::parse, conflicts_with = "port")]
    server: Option<ServerClient>,
    /// The server's port on this machine [default: the port of the configuration]
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
}

/// Passes messages on until standard input ends.
pub(crate) fn run(args: McpArgs) -> anyhow::Result<()> {
    let file = args.place.config_file().map(Path::to_owned);
    let server = match args.server {
        Some(server) => args.trust.know(server, file.as_deref())?,
        None => {
            let settings = args.place.config()?.server;
            args.trust
                .know(server_client::own_at(&settings, args.port)?, None)?
        }
    };
    let relay = Relay::new(server);
    let (send, receive) = sync_channel::<Vec<u8>>(0);
    let receive = Mutex::new(receive);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(line) = next(&receive) {
                    relay.pass_on(&line);
                }
            });
        }
        let read = read_lines(&mut std::io::stdin().lock(), |line| send.send(line).is_ok());
        drop(send);
        read.map_err(anyhow::Error::from)
    })
}

fn next(receive: &Mutex<Receiver<Vec<u8>>>) -> Option<Vec<u8>> {
    // Nothing panics while it is locked.
    let receive = receive.lock().ok()?;
    receive.recv().ok()
}

/// Gives each line that is not empty to `take`, until that says no.
fn read_lines(input: &mut impl BufRead, mut take: impl FnMut(Vec<u8>) -> bool) -> std::io::Result<()> {
    loop {
        let mut line = Vec::new();
        if input.read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let text = line.trim_ascii();
        if !text.is_empty() && !take(text.to_vec()) {
            return Ok(());
        }
    }
}
