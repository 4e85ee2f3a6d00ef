//! The server's memory: while very many distinct heartbeats come in beside queries, while large imports come in at once,
//! and when nobody has asked for anything since.
//!
//! The server has its default limits. Resident memory counts, mapped files included.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, ScopedJoinHandle, sleep};
use std::time::{Duration, Instant};

use serde_json::json;
use timberline_model::Timestamp;

use crate::options::Options;
use crate::random::Random;
use timberline_benches::http::Connection;
use timberline_benches::sample::Sample;
use timberline_benches::server::{Installation, Server};

/// Clients that send heartbeats, each to a bucket of its own.
const CLIENTS: u64 = 8;
/// From one query to the next.
const PAUSE: Duration = Duration::from_millis(100);
/// Bodies that are imported at once, and the bytes of each.
const IMPORTS: usize = 8;
const IMPORT_BYTES: usize = 30_000_000;
/// How long nobody asks for anything: so long that memory is given back, and so long that it must stay so.
const REST: Duration = Duration::from_secs(60);
const LONG_REST: Duration = Duration::from_secs(360);
/// What the server may take at work, and after [`REST`].
const MAX_AT_WORK: u64 = 200_000_000;
const MAX_AT_REST: u64 = 100_000_000;
/// The first heartbeat, in seconds since 1970. Each is a second after the one before.
const BEGIN: i64 = 1_704_067_200;
const DAY: u64 = 86_400;

/// Resident memory in the course of one kind of work.
struct Course {
    greatest: Sample,
    end: Sample,
    rested: Sample,
}

impl Course {
    fn is_good(&self) -> bool {
        self.greatest.resident <= MAX_AT_WORK && self.rested.resident <= MAX_AT_REST
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "greatest {}, at the end {}, {} s later {}",
            megabytes(self.greatest),
            megabytes(self.end),
            REST.as_secs(),
            megabytes(self.rested)
        )
    }
}

fn megabytes(sample: Sample) -> String {
    let of = |bytes: u64| bytes as f64 / 1e6;
    format!(
        "{:.1} MB ({:.1} its own)",
        of(sample.resident),
        of(sample.anonymous)
    )
}

/// Measures and prints. False if a bound is exceeded.
pub(crate) fn run(options: &Options) -> io::Result<bool> {
    let dir = tempfile::tempdir_in(&options.dir)?;
    let installation = Installation::with_defaults(&options.server, dir.path(), "memory")?;
    let server = installation.start()?;
    println!("after the start: {}", megabytes(Sample::of(server.process())?));
    let beats = heartbeats(installation.port, &server, options)?;
    println!("heartbeats: {beats}");
    let imports = imports(installation.port, &server)?;
    println!(
        "{IMPORTS} imports of {} MB at once: {imports}",
        IMPORT_BYTES / 1_000_000
    );
    sleep(LONG_REST - REST);
    let long = Sample::of(server.process())?;
    println!("{} s after the imports: {}", LONG_REST.as_secs(), megabytes(long));
    server.stop()?;
    Ok(beats.is_good() && imports.is_good() && long.resident <= MAX_AT_REST)
}

/// Does some work and looks at the server's memory meanwhile and afterwards.
fn course(server: &Server, work: impl FnOnce() -> io::Result<()>) -> io::Result<Course> {
    let (process, done) = (server.process(), AtomicBool::new(false));
    let (worked, greatest) = thread::scope(|scope| {
        let looking = scope.spawn(|| greatest(process, &done));
        let worked = work();
        done.store(true, Ordering::Relaxed);
        (worked, joined(looking))
    });
    worked?;
    let end = Sample::of(process)?;
    sleep(REST);
    Ok(Course {
        greatest: greatest?,
        end,
        rested: Sample::of(process)?,
    })
}

fn greatest(process: u32, done: &AtomicBool) -> io::Result<Sample> {
    let mut greatest = Sample::of(process)?;
    while !done.load(Ordering::Relaxed) {
        sleep(Duration::from_millis(100));
        let now = Sample::of(process)?;
        if now.resident > greatest.resident {
            greatest = now;
        }
    }
    Ok(greatest)
}

fn joined<T>(thread: ScopedJoinHandle<'_, io::Result<T>>) -> io::Result<T> {
    thread
        .join()
        .unwrap_or_else(|_| Err(io::Error::other("a client broke off")))
}

fn heartbeats(port: u16, server: &Server, options: &Options) -> io::Result<Course> {
    let each = options.memory.div_ceil(CLIENTS);
    let (sent, done, begun) = (AtomicU64::new(0), AtomicBool::new(false), Instant::now());
    course(server, || {
        thread::scope(|scope| {
            let clients: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let sent = &sent;
                    scope.spawn(move || send(port, client, each, sent))
                })
                .collect();
            let asking = scope.spawn(|| ask(port, options.seed, &sent, &done));
            let outcomes: Vec<_> = clients.into_iter().map(joined).collect();
            done.store(true, Ordering::Relaxed);
            let queries = joined(asking)?;
            println!(
                "{} distinct heartbeats in {:.0} s beside {queries} queries",
                sent.load(Ordering::Relaxed),
                begun.elapsed().as_secs_f64()
            );
            outcomes.into_iter().collect()
        })
    })
}

fn bucket(client: u64) -> String {
    format!("memory-{client}")
}

fn time(second: u64) -> Timestamp {
    Timestamp::from_nanos((BEGIN + second as i64) * 1_000_000_000)
}

/// Sends one client's heartbeats, none of which merges with the one before.
fn send(port: u16, client: u64, count: u64, sent: &AtomicU64) -> io::Result<()> {
    let mut connection = Connection::open(port)?;
    let bucket = bucket(client);
    let made = json!({ "client": "soak", "type": "currentwindow", "hostname": "soak" });
    let target = format!("/api/0/buckets/{bucket}");
    accepted(&mut connection, &target, made.to_string().as_bytes())?;
    let target = format!("{target}/heartbeat?pulsetime=0");
    for n in 0..count {
        let data =
            json!({ "app": format!("app {}", n % 50), "title": format!("document {n} of client {client}") });
        let beat = json!({ "timestamp": time(n).to_string(), "duration": 0, "data": data });
        accepted(&mut connection, &target, beat.to_string().as_bytes())?;
        sent.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

fn accepted(connection: &mut Connection, target: &str, body: &[u8]) -> io::Result<()> {
    let answer = connection.exchange("POST", target, Some(body))?;
    match answer.is_success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("{target}: {}", answer.excerpt()))),
    }
}

/// Asks for a day, or a part of it, of what was sent so far, again and again. Gives back how often.
fn ask(port: u16, seed: u64, sent: &AtomicU64, done: &AtomicBool) -> io::Result<u64> {
    let mut connection = Connection::open(port)?;
    let mut random = Random::new(seed, 0);
    let mut asked = 0;
    while !done.load(Ordering::Relaxed) {
        sleep(PAUSE);
        let newest = sent.load(Ordering::Relaxed) / CLIENTS;
        let end = random.below(newest.max(1)) + 1;
        let period = format!("{}/{}", time(end.saturating_sub(DAY)), time(end));
        let bucket = bucket(random.below(CLIENTS));
        let key = ["app", "title"][random.below(2) as usize];
        let query = format!(
            "events = query_bucket(\"{bucket}\"); RETURN = sort_by_duration(merge_events_by_keys(events, [\"{key}\"]));"
        );
        let body = json!({ "timeperiods": [period], "query": [query] });
        let answer = connection.exchange("POST", "/api/0/query/", Some(body.to_string().as_bytes()))?;
        // Until all clients have made their buckets, a query may ask for one that is not there.
        if answer.is_success() {
            asked += 1;
        } else if newest > 0 {
            return Err(io::Error::other(format!("a query: {}", answer.excerpt())));
        }
    }
    Ok(asked)
}

fn imports(port: u16, server: &Server) -> io::Result<Course> {
    let bodies: Vec<Vec<u8>> = (0..IMPORTS).map(export_file).collect();
    course(server, || {
        thread::scope(|scope| {
            let clients: Vec<_> = bodies
                .iter()
                .map(|body| {
                    scope.spawn(move || accepted(&mut Connection::open(port)?, "/api/0/import", body))
                })
                .collect();
            let outcomes: Vec<_> = clients.into_iter().map(joined).collect();
            outcomes.into_iter().collect()
        })
    })
}

/// An export file of one bucket, all of whose events differ.
fn export_file(number: usize) -> Vec<u8> {
    let id = format!("import-{number}");
    let mut body = format!(
        r#"{{"buckets":{{"{id}":{{"id":"{id}","type":"t","client":"c","hostname":"h","created":"{}","events":["#,
        time(0)
    );
    for n in 0u64.. {
        let data = json!({ "app": format!("app {}", n % 50), "title": format!("page {n} of {id}") });
        let event = json!({ "timestamp": time(n).to_string(), "duration": 1, "data": data });
        body += &event.to_string();
        if body.len() >= IMPORT_BYTES {
            break;
        }
        body.push(',');
    }
    (body + "]}}}").into_bytes()
}
