//! A small store with everything in it that views can hold, on a disk in memory.

use std::sync::Arc;

use timberline_disk::{SimDisk, Storage};
use timberline_model::{Bucket, Data, Duration, EventId, Heartbeat, NewEvent, Pulsetime, Timestamp};
use timberline_views::{OpenReport, Rebuild, Store, StoreOptions};

/// Names and contents.
pub type Files = Vec<(String, Vec<u8>)>;

/// A disk for files of up to 1 MiB.
pub fn small_disk() -> SimDisk {
    SimDisk::with_files_up_to(0, 1 << 20)
}

/// The bucket with most in it.
pub const BUCKET: &str = "window";
/// Events in its view segment: few, which is fast, or more than a block of them.
pub const SEALED: [i64; 2] = [30, 1_040];

fn options() -> StoreOptions {
    StoreOptions {
        segment_bytes: 64 << 10,
        background: false,
        manual_sync: true,
        ..StoreOptions::default()
    }
}

/// Opens the store on a disk.
pub fn open(disk: &SimDisk) -> Result<(Store, OpenReport), timberline_views::OpenError> {
    Store::open_on(
        disk.dir("log"),
        disk.dir("views"),
        options(),
        Rebuild::No,
        &mut |_, _| {},
    )
}

/// Fills a disk: a bucket with a sealed segment, hidden events in it, a head and an open event; an empty bucket; a
/// setting; and records that no checkpoint has.
pub fn write(disk: &SimDisk, sealed: i64) {
    let (store, _) = open(disk).expect("an empty disk opens");
    for id in [BUCKET, "empty"] {
        store.create_bucket(&bucket(id)).expect("a bucket");
    }
    let events: Vec<_> = (0..sealed).map(event).collect();
    store.insert_events(BUCKET, &events).expect("events");
    store.flush(1).expect("sealed");
    for id in [2, sealed / 2, sealed - 10] {
        store
            .delete_event(BUCKET, EventId(id.unsigned_abs()))
            .expect("deleted");
    }
    let head: Vec<_> = (sealed..sealed + 9).map(event).collect();
    store.insert_events(BUCKET, &head).expect("events");
    store.set_setting("startOfDay", "\"04:00\"").expect("a setting");
    beat(&store, sealed + 20);
    store.checkpoint().expect("a checkpoint");
    beat(&store, sealed + 21);
    store.sync_now().expect("synced");
}

fn bucket(id: &str) -> Bucket {
    Bucket {
        id: id.to_owned(),
        type_: "t".to_owned(),
        client: "c".to_owned(),
        hostname: "h".to_owned(),
        created: Timestamp::from_nanos(1),
        data: Data::default(),
        last_updated: None,
    }
}

fn event(n: i64) -> NewEvent<'static> {
    NewEvent {
        id: None,
        start: Timestamp::from_nanos(1_700_000_000_000_000_000 + n * 1_000_000_000),
        duration: Duration::from_nanos(if n % 90 == 0 { -1 } else { n % 5 * 1_000_000_000 }),
        data: format!(r#"{{"app":"a{}","title":"t{}"}}"#, n % 3, n % 7).into(),
    }
}

fn beat(store: &Store, n: i64) {
    let beat = Heartbeat {
        start: Timestamp::from_nanos(1_700_000_000_000_000_000 + n * 1_000_000_000),
        duration: Duration::ZERO,
        data: r#"{"app":"open"}"#.into(),
    };
    let pulsetime = Pulsetime::from_nanos(60_000_000_000);
    store.heartbeat(BUCKET, &beat, pulsetime).expect("a heartbeat");
}

/// What is in a directory of a disk.
pub fn files(disk: &SimDisk, directory: &str) -> Files {
    let storage = disk.dir(directory);
    let mut names = storage.list().expect("a directory");
    names.retain(|name| !name.ends_with(".tmp"));
    names.sort();
    let read = |name: String| {
        let bytes = storage.read_file(&name).expect("a file");
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

/// A disk with these files.
pub fn disk_with(log: &Files, views: &Files) -> SimDisk {
    let disk = small_disk();
    for (directory, files) in [("log", log), ("views", views)] {
        let storage: Arc<dyn Storage> = disk.dir(directory);
        for (name, bytes) in files {
            storage.write_file(name, bytes).expect("a fresh disk takes files");
        }
    }
    disk
}
