//! What one record costs: appending it, and reading it back.

#![allow(clippy::expect_used, missing_docs)] // A benchmark that cannot set up its subject has nothing to measure.

use std::sync::Arc;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use timberline_disk::FileStorage;
use timberline_log::{Entry, Log, LogOptions, LogReader, Seq};

fn open(dir: &std::path::Path) -> Log {
    let storage = Arc::new(FileStorage::open(dir).expect("opens"));
    Log::open(storage, LogOptions::default()).expect("opens").0
}

fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("append");
    for size in [24usize, 200, 20_000] {
        let payload = vec![7u8; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("{size} bytes"), |b| {
            let dir = tempfile::tempdir().expect("a directory");
            let mut log = open(dir.path());
            b.iter(|| {
                log.append(&[Entry {
                    kind: 1,
                    payload: &payload,
                }])
                .expect("appends")
            });
        });
    }
    group.finish();
}

fn read(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let mut log = open(dir.path());
    for _ in 0..100_000 {
        log.append(&[Entry {
            kind: 1,
            payload: &[7; 24],
        }])
        .expect("appends");
    }
    let mut group = c.benchmark_group("read");
    group.throughput(Throughput::Elements(100_000));
    group.bench_function("100,000 heartbeats' records", |b| {
        b.iter_batched(
            || LogReader::open(Arc::new(FileStorage::open(dir.path()).expect("opens"))).expect("opens"),
            |reader| {
                let mut records = reader.read_from(Seq::FIRST).expect("reads");
                let mut n = 0;
                while let Some(Ok(_)) = records.next() {
                    n += 1;
                }
                n
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, append, read);
criterion_main!(benches);
