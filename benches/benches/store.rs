//! What the store's paths cost: a heartbeat, a bulk insert, publishing, range reads, folding, opening.

#![allow(clippy::expect_used, missing_docs)] // A benchmark that cannot set up its subject has nothing to measure.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use timberline_benches::{BUCKET, events, heartbeat, store, window};
use timberline_model::{Bucket, Pulsetime, Timestamp};
use timberline_views::{Store, StoreOptions, TimeRange};

const PULSETIME: Pulsetime = Pulsetime::from_nanos(60_000_000_000);

/// Decide, append, apply, publish; and how publishing grows with the number of buckets.
fn heartbeats(c: &mut Criterion) {
    let mut group = c.benchmark_group("heartbeat");
    for buckets in [1, 8, 64, 512] {
        group.bench_function(format!("merged, {buckets} buckets"), |b| {
            let dir = tempfile::tempdir().expect("a directory");
            let store = store(dir.path());
            for i in 1..buckets {
                let snapshot = store.snapshot();
                let like = snapshot.bucket(BUCKET).expect("is there").bucket();
                store
                    .create_bucket(&Bucket {
                        id: format!("other-{i}"),
                        ..like.clone()
                    })
                    .expect("is made");
            }
            let data = window(1);
            let mut n = 0;
            b.iter(|| {
                n += 1;
                store
                    .heartbeat(BUCKET, &heartbeat(n, &data), PULSETIME)
                    .expect("is stored")
            });
        });
    }
    group.bench_function("new data each time", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let store = store(dir.path());
        let mut n = 0;
        b.iter_batched(
            || {
                n += 1;
                (n, format!(r#"{{"app":"a","title":"number {n}"}}"#))
            },
            |(n, data)| {
                store
                    .heartbeat(BUCKET, &heartbeat(n, &data), PULSETIME)
                    .expect("is stored")
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn inserts(c: &mut Criterion) {
    let mut group = c.benchmark_group("insert");
    group.throughput(Throughput::Elements(1_000));
    group.bench_function("1,000 events, not waiting for the disk", |b| {
        let dir = tempfile::tempdir().expect("a directory");
        let store = store(dir.path());
        let mut first = 0;
        b.iter_batched(
            || {
                first += 1_000;
                store.wait_for_room(BUCKET);
                events(first, 1_000)
            },
            |events| store.insert_events(BUCKET, &events).expect("is stored"),
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// A store of a million events, all in view segments.
fn reads(c: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a directory");
    let store = store(dir.path());
    for chunk in 0..250 {
        store
            .insert_events(BUCKET, &events(chunk * 4_000, 4_000))
            .expect("is stored");
        store.wait_for_room(BUCKET);
    }
    store.compact().expect("compacts");
    let end = store
        .snapshot()
        .bucket(BUCKET)
        .and_then(|b| b.end())
        .expect("has events")
        .nanos();
    let day = TimeRange {
        start: Some(Timestamp::from_nanos(end - 86_400_000_000_000)),
        end: None,
    };
    let mut group = c.benchmark_group("read of a million events");
    let read = |range: TimeRange, most: usize| {
        let snapshot = store.snapshot();
        let view = snapshot.bucket(BUCKET).expect("is there");
        let mut out = Vec::new();
        for event in view.events(range).expect("reads").take(most) {
            event.expect("reads").write_data(&mut out);
        }
        out.len()
    };
    group.bench_function("newest", |b| b.iter(|| read(TimeRange::ALL, 1)));
    group.bench_function("last day (8,640 events)", |b| b.iter(|| read(day, usize::MAX)));
    group.bench_function("all", |b| b.iter(|| read(TimeRange::ALL, usize::MAX)));
    group.bench_function("count of the last day", |b| {
        b.iter(|| {
            store
                .snapshot()
                .bucket(BUCKET)
                .expect("is there")
                .count(day)
                .expect("counts")
        });
    });
    group.finish();
    store.close().expect("closes");

    let mut group = c.benchmark_group("open");
    group.sample_size(20);
    group.bench_function("a million events, closed properly", |b| {
        b.iter(|| Store::open(dir.path(), StoreOptions::default()).expect("opens"));
    });
    group.finish();
}

/// Folding: the views made anew from a log of heartbeats.
fn fold(c: &mut Criterion) {
    const RECORDS: i64 = 100_000;
    let dir = tempfile::tempdir().expect("a directory");
    let filled = store(dir.path());
    let data: Vec<String> = (0..100).map(window).collect();
    for n in 0..RECORDS {
        let data = &data[(n / 20 % 100) as usize];
        filled
            .heartbeat(BUCKET, &heartbeat(n, data), PULSETIME)
            .expect("is stored");
    }
    filled.close().expect("closes");
    let mut group = c.benchmark_group("fold");
    group.sample_size(10);
    group.throughput(Throughput::Elements(RECORDS as u64));
    group.bench_function("100,000 heartbeats", |b| {
        b.iter(|| Store::rebuild(dir.path(), StoreOptions::default(), &mut |_, _| {}).expect("rebuilds"));
    });
    group.finish();
}

criterion_group!(benches, heartbeats, inserts, reads, fold);
criterion_main!(benches);
