//! Reads: the events of a day, the newest event, the count, the buckets, the export.

use std::io;
use std::time::{Duration, Instant};

use timberline_benches::history::{BUCKETS, end};
use timberline_model::Timestamp;

use crate::On;

const ROUNDS: usize = 50;
const DAY: i64 = 86_400_000_000_000;

pub(crate) fn measure(on: &mut On<'_>) -> io::Result<()> {
    let events = format!("/api/0/buckets/{}/events", BUCKETS[0].0);
    // A day in the middle of the last month, so that the newest events do not help.
    let day = end().nanos() - 15 * DAY;
    let (from, to) = (Timestamp::from_nanos(day), Timestamp::from_nanos(day + DAY));
    for (what, target) in [
        ("events of a day", format!("{events}?start={from}&end={to}")),
        ("newest event", format!("{events}?limit=1")),
        ("count of a bucket's events", format!("{events}/count")),
        ("list of buckets", "/api/0/buckets/".to_owned()),
    ] {
        let time = median_of(on, &target, ROUNDS)?;
        on.note(what, time.as_secs_f64() * 1e3, "ms");
    }
    let begun = Instant::now();
    let export = on.connect()?.exchange("GET", "/api/0/export", None)?;
    let rate = export.body.len() as f64 / 1e6 / begun.elapsed().as_secs_f64();
    on.note("export", rate, "MB/s");
    Ok(())
}

fn median_of(on: &On<'_>, target: &str, rounds: usize) -> io::Result<Duration> {
    let mut connection = on.connect()?;
    let mut times = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        let begun = Instant::now();
        let answer = connection.exchange("GET", target, None)?;
        times.push(begun.elapsed());
        if answer.status != 200 {
            return Err(io::Error::other(format!("{target}: {}", answer.excerpt())));
        }
    }
    times.sort_unstable();
    Ok(times.get(rounds / 2).copied().unwrap_or_default())
}
