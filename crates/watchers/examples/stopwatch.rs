//! A watcher in a few lines: records what is typed, until the input ends.
//!
//! `cargo run -p timberline-watchers --example stopwatch -- 5600` sends to the server at that port of this machine.

use std::io::{BufRead, stdin};
use std::time::Duration;

use timberline_model::{Data, Pulsetime};
use timberline_watchers::clock::{Clock, SystemClock};
use timberline_watchers::{Client, ClientOptions, Server};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = match std::env::args().nth(1) {
        Some(port) => Server::new("127.0.0.1", port.parse()?),
        None => Server::configured(false)?,
    };
    let client = Client::open(ClientOptions::new(server, std::env::temp_dir().join("stopwatch")))?;
    let bucket = client.bucket("stopwatch", "stopwatch-example", "general.stopwatch");
    let clock = SystemClock::new();
    for line in stdin().lock().lines() {
        let data = Data::parse(&serde_json::json!({ "label": line?, "running": true }).to_string())?;
        let now = clock.read().wall;
        bucket.heartbeat(
            now,
            timberline_model::Duration::ZERO,
            &data,
            Pulsetime::from_secs_f64(60.0)?,
        )?;
    }
    let closed = client.close(Duration::from_secs(5)).wait();
    println!("{} heartbeats wait for the server", closed.left);
    Ok(())
}
