//! Heartbeats of many clients, each with a connection and a bucket of its own, as fast as they are answered.

use std::io;
use std::time::{Duration, Instant};

use timberline_benches::http::Connection;
use timberline_benches::sample::cpu;

use crate::On;

/// What the heartbeats of a client say.
#[derive(Clone, Copy, Debug)]
enum Data {
    /// Always the same, so that all of them become one event.
    Merging,
    /// Something new each time.
    Distinct,
}

pub(crate) fn measure(on: &mut On<'_>, lasting: Duration) -> io::Result<()> {
    for clients in [1, 8, 64] {
        report(
            on,
            &format!("heartbeats, {clients} clients"),
            clients,
            Data::Merging,
            lasting,
        )?;
    }
    report(
        on,
        "heartbeats with new data, 64 clients",
        64,
        Data::Distinct,
        lasting,
    )
}

/// The server syncs each of them before it answers.
pub(crate) fn synced(on: &mut On<'_>, lasting: Duration) -> io::Result<()> {
    report(
        on,
        "heartbeats, each synced, 64 clients",
        64,
        Data::Merging,
        lasting,
    )
}

/// Any server that answers heartbeats with 200 can be measured.
pub(crate) fn plain(on: &mut On<'_>, clients: u32, lasting: Duration) -> io::Result<()> {
    report(
        on,
        &format!("heartbeats, {clients} clients"),
        clients,
        Data::Merging,
        lasting,
    )
}

fn report(on: &mut On<'_>, what: &str, clients: u32, data: Data, lasting: Duration) -> io::Result<()> {
    let before = cpu(on.server.process())?;
    let (port, begun) = (on.port, Instant::now());
    let latencies: io::Result<Vec<Vec<Duration>>> = std::thread::scope(|scope| {
        let client = |number| scope.spawn(move || send(port, number, data, lasting));
        let clients: Vec<_> = (0..clients).map(client).collect();
        let ended = |client: std::thread::ScopedJoinHandle<'_, _>| {
            client
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
        };
        clients.into_iter().map(ended).collect()
    });
    let took = begun.elapsed();
    let used = cpu(on.server.process())?.saturating_sub(before);
    let mut latencies: Vec<Duration> = latencies?.into_iter().flatten().collect();
    latencies.sort_unstable();
    let count = latencies.len() as f64;
    let at = |part: f64| {
        latencies
            .get((count * part) as usize)
            .copied()
            .unwrap_or_default()
    };
    let (half, most) = (at(0.5), at(0.99));
    on.note(what, count / took.as_secs_f64(), "/s");
    on.note(&format!("{what}: median"), half.as_secs_f64() * 1e3, "ms");
    on.note(&format!("{what}: p99"), most.as_secs_f64() * 1e3, "ms");
    on.note(
        &format!("{what}: CPU of the server"),
        used.as_secs_f64() * 1e6 / count,
        "µs",
    );
    Ok(())
}

/// One client: how long it waited for each answer.
fn send(port: u16, number: u32, data: Data, lasting: Duration) -> io::Result<Vec<Duration>> {
    let mut connection = Connection::open(port)?;
    let bucket = format!("/api/0/buckets/load-{number}");
    let made = connection.exchange(
        "POST",
        &bucket,
        Some(br#"{"client":"load","type":"currentwindow","hostname":"load"}"#),
    )?;
    if !(made.is_success() || made.status == 304) {
        return Err(io::Error::other(format!(
            "a bucket was refused: {}",
            made.excerpt()
        )));
    }
    let target = format!("{bucket}/heartbeat?pulsetime=60");
    let mut waited = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < lasting {
        let body = body(waited.len(), data);
        let sent = Instant::now();
        let answer = connection.exchange("POST", &target, Some(body.as_bytes()))?;
        waited.push(sent.elapsed());
        if answer.status != 200 {
            return Err(io::Error::other(format!(
                "a heartbeat was refused: {}",
                answer.excerpt()
            )));
        }
    }
    Ok(waited)
}

/// The n-th heartbeat of a client, a second after the one before.
fn body(n: usize, data: Data) -> String {
    let (days, rest) = (n / 86_400, n % 86_400);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    let title = match data {
        Data::Merging => 0,
        Data::Distinct => n + 1,
    };
    format!(
        r#"{{"timestamp":"2030-01-{:02}T{hour:02}:{minute:02}:{second:02}Z","duration":0,"data":{{"app":"Code","title":"file_{title}.rs - timberline - Visual Studio Code"}}}}"#,
        days + 1
    )
}
