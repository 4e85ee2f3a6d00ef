//! Filling a server with a history: through inserts, or by an import.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use timberline_benches::history::{BUCKETS, Day, end};
use timberline_benches::http::Connection;
use timberline_benches::sample::Sample;
use timberline_benches::server::Installation;
use timberline_model::Timestamp;

use crate::On;

/// Events in one request, as importers send them.
const BATCH: usize = 1_000;
const DAY: i64 = 86_400;

/// The history, as the bodies of requests. It is made once, so that making it is not measured.
pub(crate) struct Prepared {
    /// For each bucket, the bodies of its requests.
    bodies: [Vec<String>; 4],
    /// Events in all of them.
    pub(crate) count: usize,
    dir: tempfile::TempDir,
}

impl Prepared {
    pub(crate) fn new(days: i64) -> io::Result<Prepared> {
        let mut bodies: [Vec<String>; 4] = Default::default();
        let mut pending: [Vec<String>; 4] = Default::default();
        let mut count = 0;
        let last = end().nanos() / 1_000_000_000 / DAY;
        for date in last - days..last {
            for (list, events) in Day::of(date).lists().into_iter().enumerate() {
                count += events.len();
                pending[list].extend(events.iter().map(json));
                if pending[list].len() >= BATCH {
                    bodies[list].push(body(&mut pending[list]));
                }
            }
        }
        for (list, rest) in pending.iter_mut().enumerate() {
            bodies[list].push(body(rest));
        }
        Ok(Prepared {
            bodies,
            count,
            dir: tempfile::tempdir()?,
        })
    }

    /// The export of the first server that has the history; later calls give the same file.
    pub(crate) fn export(&self, filled: &Installation) -> io::Result<PathBuf> {
        let file = self.dir.path().join("export.json");
        if !file.exists() {
            let server = filled.start()?;
            let export = Connection::open(filled.port)?.exchange("GET", "/api/0/export", None)?;
            fs::write(&file, export.body)?;
            server.stop()?;
        }
        Ok(file)
    }
}

fn json((start, duration, data): &(i64, i64, String)) -> String {
    let start = Timestamp::from_nanos(start * 1_000_000);
    let (seconds, rest) = (duration / 1_000, duration % 1_000);
    format!(r#"{{"timestamp":"{start}","duration":{seconds}.{rest:03},"data":{data}}}"#)
}

fn body(events: &mut Vec<String>) -> String {
    let body = format!("[{}]", events.join(","));
    events.clear();
    body
}

/// Inserts the history, one connection for each bucket. Every answer means that the events are on the disk.
pub(crate) fn fill(on: &mut On<'_>, prepared: &Prepared) -> io::Result<()> {
    on.note(
        "memory after the start on an empty directory",
        megabytes(on)?,
        "MB",
    );
    let (port, begun) = (on.port, Instant::now());
    let results: Vec<io::Result<()>> = std::thread::scope(|scope| {
        let lists = BUCKETS.iter().zip(&prepared.bodies);
        let clients: Vec<_> = lists
            .map(|(bucket, bodies)| scope.spawn(move || insert(port, *bucket, bodies)))
            .collect();
        let ended = |client: std::thread::ScopedJoinHandle<'_, _>| {
            client
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a client panicked")))
        };
        clients.into_iter().map(ended).collect()
    });
    results.into_iter().collect::<io::Result<()>>()?;
    let rate = prepared.count as f64 / begun.elapsed().as_secs_f64();
    on.note("events through the API, 1,000 a request, synced", rate, "/s");
    // The compactor writes the last of them to view segments.
    std::thread::sleep(Duration::from_secs(3));
    Ok(())
}

fn insert(port: u16, (bucket, kind): (&str, &str), bodies: &[String]) -> io::Result<()> {
    let mut connection = Connection::open(port)?;
    let path = format!("/api/0/buckets/{bucket}");
    let made = format!(r#"{{"client":"load","type":"{kind}","hostname":"bench"}}"#);
    connection.exchange("POST", &path, Some(made.as_bytes()))?;
    for body in bodies {
        let answer = connection.exchange("POST", &format!("{path}/events"), Some(body.as_bytes()))?;
        if !answer.is_success() {
            return Err(io::Error::other(format!(
                "events were refused: {}",
                answer.excerpt()
            )));
        }
    }
    Ok(())
}

/// Imports an export file into an empty server. Besides the history of `count` events, the file has what was sent meanwhile.
pub(crate) fn import(on: &mut On<'_>, export: &std::path::Path, count: usize) -> io::Result<()> {
    let export = fs::read(export)?;
    let begun = Instant::now();
    let answer = on.connect()?.exchange("POST", "/api/0/import", Some(&export))?;
    let seconds = begun.elapsed().as_secs_f64();
    if !answer.is_success() {
        return Err(io::Error::other(format!(
            "the import was refused: {}",
            answer.excerpt()
        )));
    }
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let added = said["events_added"].as_f64().unwrap_or(count as f64);
    on.note("import of an export file", added / seconds, "events/s");
    on.note("memory after the import", megabytes(on)?, "MB");
    Ok(())
}

/// Memory of the server's own, without mapped files.
fn megabytes(on: &On<'_>) -> io::Result<f64> {
    Ok(Sample::of(on.server.process())?.anonymous as f64 / 1e6)
}
