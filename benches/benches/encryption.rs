//! What encryption costs: the same work on a plain and on an encrypted data directory, in turns, in one run, so that
//! what the machine does otherwise hits both. Prints the best of eleven rounds of each, and their ratio.
//!
//! `cargo bench -p timberline-benches --bench encryption`

#![allow(clippy::expect_used, missing_docs)] // A benchmark that cannot set up its subject has nothing to measure.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use timberline_benches::{BUCKET, events, heartbeat};
use timberline_disk::{Cipher, FileStorage, KeyFile};
use timberline_log::{Entry, Log, LogOptions, LogReader, Seq};
use timberline_model::{Bucket, Pulsetime, Timestamp};
use timberline_views::{Store, StoreOptions, TimeRange};

const ROUNDS: usize = 11;
const RECORDS: u64 = 100_000;

type Key = Option<Arc<Cipher>>;

fn log(dir: &Path, cipher: &Key) -> Log {
    let storage = Arc::new(FileStorage::open(dir).expect("opens"));
    let options = LogOptions {
        cipher: cipher.clone(),
        ..LogOptions::default()
    };
    Log::open(storage, options).expect("opens").0
}

/// Nanoseconds a record for appending such payloads, and for reading them back.
fn append_and_read(cipher: &Key, bytes: usize, records: u64) -> [f64; 2] {
    let dir = tempfile::tempdir().expect("a directory");
    let (mut log, payload) = (log(dir.path(), cipher), vec![7u8; bytes]);
    let entry = [Entry {
        kind: 1,
        payload: &payload,
    }];
    let begun = Instant::now();
    for _ in 0..records {
        log.append(&entry).expect("appends");
    }
    let append = begun.elapsed();
    log.close().expect("closes");
    let reader = LogReader::open(Arc::new(FileStorage::open(dir.path()).expect("opens")))
        .expect("opens")
        .with_cipher(cipher.clone());
    let begun = Instant::now();
    let mut all = reader.read_from(Seq::FIRST).expect("reads");
    let mut read = 0;
    while let Some(record) = all.next() {
        read += u64::from(record.expect("is whole").payload.len() == bytes);
    }
    assert_eq!(read, records);
    [append, begun.elapsed()].map(|took| took.as_nanos() as f64 / records as f64)
}

/// Nanoseconds a heartbeat; then for 200,000 inserted events, sealed in view segments: nanoseconds an event for
/// opening the store and reading all of them, cold.
fn store(encrypted: bool) -> [f64; 2] {
    let dir = tempfile::tempdir().expect("a directory");
    let key = encrypted.then(|| KeyFile::of(dir.path()).create(b"passphrase").expect("a key"));
    let options = StoreOptions {
        cipher: key.map(Arc::new),
        ..StoreOptions::default()
    };
    let (store, _) = Store::open(dir.path(), options.clone()).expect("opens");
    let bucket = |id: &str| Bucket {
        id: id.into(),
        type_: "currentwindow".into(),
        client: "bench".into(),
        hostname: "bench".into(),
        created: Timestamp::from_nanos(0),
        data: timberline_model::Data::default(),
        last_updated: None,
    };
    store.create_bucket(&bucket(BUCKET)).expect("a bucket");
    store.create_bucket(&bucket("inserted")).expect("a bucket");
    let pulsetime = Pulsetime::from_secs_f64(60.0).expect("a pulsetime");
    let begun = Instant::now();
    for n in 0..RECORDS as i64 {
        let beat = heartbeat(n, r#"{"app":"editor","title":"main.rs"}"#);
        store.heartbeat(BUCKET, &beat, pulsetime).expect("is stored");
    }
    let beat = begun.elapsed().as_nanos() as f64 / RECORDS as f64;
    let all = events(0, 200_000);
    for part in all.chunks(10_000) {
        store.insert_events("inserted", part).expect("is stored");
    }
    store.flush(1).expect("seals");
    store.close().expect("closes");
    let begun = Instant::now();
    let (store, _) = Store::open(dir.path(), options).expect("opens");
    let snapshot = store.snapshot();
    let view = snapshot.bucket("inserted").expect("is there");
    let (mut read, mut data) = (0, Vec::new());
    for event in view.events(TimeRange::ALL).expect("reads") {
        data.clear();
        event.expect("is whole").write_data(&mut data);
        read += 1;
    }
    assert_eq!(read, all.len());
    [beat, begun.elapsed().as_nanos() as f64 / read as f64]
}

fn compare(names: [&str; 2], unit: &str, mut measure: impl FnMut(bool) -> [f64; 2]) {
    let mut figures: [[Vec<f64>; 2]; 2] = Default::default();
    for round in 0..2 * ROUNDS {
        let encrypted = round % 2 == 1;
        for (all, figure) in figures[usize::from(encrypted)].iter_mut().zip(measure(encrypted)) {
            all.push(figure);
        }
    }
    // The best of all rounds: whatever else the machine does only ever makes a round slower.
    let best = |all: &[f64]| all.iter().copied().fold(f64::INFINITY, f64::min);
    for (at, name) in names.iter().enumerate() {
        let (plain, encrypted) = (best(&figures[0][at]), best(&figures[1][at]));
        println!(
            "{name:<34} plain {plain:>9.0} {unit}   encrypted {encrypted:>9.0} {unit}   {:.2} times",
            encrypted / plain
        );
    }
}

fn main() {
    // What runs the benches as tests only wants to see that they run.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let key: Key = Some(Arc::new(Cipher::ephemeral().expect("random bytes")));
    let key = |encrypted: bool| if encrypted { key.clone() } else { None };
    compare(["append 24 bytes", "read 24 bytes"], "ns", |encrypted| {
        append_and_read(&key(encrypted), 24, RECORDS)
    });
    compare(["append 20,000 bytes", "read 20,000 bytes"], "ns", |encrypted| {
        append_and_read(&key(encrypted), 20_000, 2_000)
    });
    compare(["heartbeat", "open and read an event from disk"], "ns", store);
}
