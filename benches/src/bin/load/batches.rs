//! Heartbeats in batches of 1,000 (`POST /api/1/heartbeats`), of clients that have a connection and ten buckets each.

use std::fmt::Write;
use std::io;
use std::time::{Duration, Instant};

use timberline_benches::http::Connection;
use timberline_benches::sample::cpu;

use crate::On;

/// Heartbeats in one request.
const BATCH: usize = 1_000;
/// Buckets of a client.
const BUCKETS: usize = 10;
/// Requests that are made before the measurement; after the last the first comes again, an event of its own in each bucket.
const PREPARED: usize = 32;

/// After how many heartbeats the data of a bucket change: a window that stays in front for twenty seconds, or never two alike.
const CHANGES: [(&str, usize); 2] = [("batches of 1,000", 20), ("batches of 1,000 with new data", 1)];

pub(crate) fn measure(on: &mut On<'_>, lasting: Duration) -> io::Result<()> {
    for (what, every) in CHANGES {
        for clients in [1, 2] {
            report(
                on,
                &format!("heartbeats in {what}, {clients} clients"),
                clients,
                every,
                lasting,
            )?;
        }
    }
    Ok(())
}

fn report(on: &mut On<'_>, what: &str, clients: usize, every: usize, lasting: Duration) -> io::Result<()> {
    let lists: Vec<Vec<String>> = (0..clients)
        .map(|client| (0..PREPARED).map(|n| list(client, n, every)).collect())
        .collect();
    for client in 0..clients {
        create_buckets(on.port, client)?;
    }
    let before = cpu(on.server.process())?;
    let (port, begun) = (on.port, Instant::now());
    let requests: io::Result<Vec<usize>> = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..)
            .zip(&lists)
            .map(|(number, lists)| scope.spawn(move || send(port, number, what, lists, lasting)))
            .collect();
        let ended = |client: std::thread::ScopedJoinHandle<'_, _>| {
            client
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
        };
        clients.into_iter().map(ended).collect()
    });
    let took = begun.elapsed();
    let used = cpu(on.server.process())?.saturating_sub(before);
    let count = (requests?.into_iter().sum::<usize>() * BATCH) as f64;
    on.note(what, count / took.as_secs_f64(), "/s");
    on.note(
        &format!("{what}: CPU of the server"),
        used.as_secs_f64() * 1e6 / count,
        "µs",
    );
    Ok(())
}

/// One client: how many requests were answered.
fn send(port: u16, number: usize, what: &str, lists: &[String], lasting: Duration) -> io::Result<usize> {
    let mut connection = Connection::open(port)?;
    let (mut body, mut sent) = (String::new(), 0);
    let begun = Instant::now();
    while begun.elapsed() < lasting {
        let list = lists.get(sent % PREPARED).map_or("", String::as_str);
        body.clear();
        // Writing to a string cannot fail.
        let _ = write!(
            body,
            r#"{{"batch":"{what} {number} {sent}","heartbeats":[{list}]}}"#
        );
        let answer = connection.exchange("POST", "/api/1/heartbeats", Some(body.as_bytes()))?;
        if answer.status != 200 {
            return Err(io::Error::other(format!(
                "a batch was refused: {}",
                answer.excerpt()
            )));
        }
        sent += 1;
    }
    Ok(sent)
}

fn create_buckets(port: u16, client: usize) -> io::Result<()> {
    let mut connection = Connection::open(port)?;
    for bucket in 0..BUCKETS {
        let made = connection.exchange(
            "POST",
            &format!("/api/0/buckets/batch-{client}-{bucket}"),
            Some(br#"{"client":"load","type":"currentwindow","hostname":"load"}"#),
        )?;
        if !(made.is_success() || made.status == 304) {
            return Err(io::Error::other(format!(
                "a bucket was refused: {}",
                made.excerpt()
            )));
        }
    }
    Ok(())
}

/// The heartbeats of the n-th request, bucket by bucket, a second apart.
fn list(client: usize, n: usize, every: usize) -> String {
    let in_bucket = BATCH / BUCKETS;
    let mut list = String::new();
    for bucket in 0..BUCKETS {
        for beat in 0..in_bucket {
            let second = n * in_bucket + beat;
            let comma = if list.is_empty() { "" } else { "," };
            let _ = write!(
                list,
                r#"{comma}{{"bucket":"batch-{client}-{bucket}","pulsetime":60,"timestamp":"2031-01-01T{:02}:{:02}:{:02}Z","duration":0,"data":{{"app":"Code","title":"file_{}.rs - timberline - Visual Studio Code"}}}}"#,
                second / 3_600,
                second / 60 % 60,
                second % 60,
                second / every
            );
        }
    }
    list
}
