//! How fast files are written and read, and how much memory that takes.
//!
//! `cargo run --release -p timberline-exchange --example speed [EVENTS]` writes that many events (2.24 million, two years
//! of a busy person) as a database and as an export, and reads both.

use std::fs::File;
use std::path::Path;
use std::time::Instant;

use timberline_exchange::export::{Columns, Csv, Json, Sink, Sqlite, Totals};
use timberline_exchange::import::{Options, Source};
use timberline_model::{Bucket, Data, Duration, EventId, NewEvent, Timestamp};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

const START: i64 = 1_650_000_000_000_000_000;
const SECOND: i64 = 1_000_000_000;
const BUCKETS: u64 = 8;

fn main() -> Result<()> {
    let events: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(2_240_000), |text| text.parse())?;
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name);
    // Reading comes first, because memory is measured by its peak.
    let database = path("sqlite.db");
    let written = write(
        "SQLite",
        &mut Sqlite::new(&database, Timestamp::from_nanos(START))?,
        events,
    )?;
    read(&database, written)?;
    let export = path("export.json");
    let written = write("JSON", &mut Json::new(File::create(&export)?), events)?;
    read(&export, written)?;
    let mut columns = Columns::default();
    columns.observe(r#"{"app":"a","title":"t"}"#);
    let table = path("table.csv");
    let written = write(
        "CSV",
        &mut Csv::new(File::create(&table)?, columns.clone()),
        events,
    )?;
    read(&table, written)?;
    #[cfg(feature = "parquet")]
    {
        use timberline_exchange::export::Parquet;
        let file = File::create(path("x.parquet"))?;
        write("Parquet", &mut Parquet::new(file, columns)?, events)?;
        println!("size: {} MB", std::fs::metadata(path("x.parquet"))?.len() >> 20);
    }
    Ok(())
}

fn read(path: &Path, written: Totals) -> Result<()> {
    println!("size: {} MB", std::fs::metadata(path)?.len() >> 20);
    let begun = Instant::now();
    let mut source = Source::open(path, &Options::default())?;
    let mut read = 0;
    while let Some(batch) = source.next_batch()? {
        read += batch.events.len() as u64;
    }
    let kind = source.kind();
    report(&format!("read {kind}"), read, begun);
    let total: i128 = source.report().buckets.iter().map(|bucket| bucket.total).sum();
    assert_eq!(
        (read, total),
        (written.events, written.total),
        "all of it came back"
    );
    Ok(())
}

fn write(what: &str, sink: &mut dyn Sink, events: u64) -> Result<Totals> {
    let begun = Instant::now();
    for bucket in 0..BUCKETS {
        write_bucket(sink, bucket, events / BUCKETS)?;
    }
    let written = sink.finish()?;
    report(&format!("wrote {what}"), written.events, begun);
    Ok(written)
}

fn write_bucket(sink: &mut dyn Sink, bucket: u64, events: u64) -> Result<()> {
    sink.bucket(&Bucket {
        id: format!("aw-watcher-window_host{bucket}"),
        type_: "currentwindow".to_owned(),
        client: "aw-watcher-window".to_owned(),
        hostname: "host".to_owned(),
        created: Timestamp::from_nanos(START),
        data: Data::default(),
        last_updated: None,
    })?;
    let mut batch = Vec::new();
    for at in 0..events {
        let data = format!(
            r#"{{"app":"application {}","title":"A window's title of ordinary length - {}"}}"#,
            at % 17,
            at % 5_003
        );
        batch.push(NewEvent {
            // Mixed, as watchers that run at the same time mix them.
            id: Some(EventId(1 + at * BUCKETS + bucket)),
            start: Timestamp::from_nanos(START + i64::try_from(at)? * 30 * SECOND),
            duration: Duration::from_nanos(SECOND * 29 + i64::try_from(at)?),
            data: data.into(),
        });
        if batch.len() == 1000 {
            sink.events(&batch)?;
            batch.clear();
        }
    }
    sink.events(&batch)?;
    Ok(())
}

fn report(what: &str, events: u64, begun: Instant) {
    let seconds = begun.elapsed().as_secs_f64();
    let memory = peak_memory().map_or_else(String::new, |peak| {
        format!(", peak memory so far {} MB", peak >> 10)
    });
    println!(
        "{what}: {events} events in {seconds:.2} s, {:.0} a second{memory}",
        events as f64 / seconds
    );
}

/// The most memory that this process has had, in KiB, where Linux says it.
fn peak_memory() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
