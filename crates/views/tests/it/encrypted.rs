//! A store in an encrypted data directory.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use timberline_disk::{Cipher, EncryptedStorage, FileStorage, KeyFile};
use timberline_model::{Bucket, Data, Duration, NewEvent, Timestamp};
use timberline_views::tools::{check, read_log, read_only};
use timberline_views::{OpenError, Snapshot, Store, StoreOptions, TimeRange};

const EVENTS: i64 = 3000;

fn options(cipher: Option<Cipher>) -> StoreOptions {
    StoreOptions {
        background: false,
        cipher: cipher.map(Arc::new),
        ..StoreOptions::default()
    }
}

fn key(dir: &Path) -> Cipher {
    KeyFile::cheap(dir).open(b"passphrase").expect("the passphrase")
}

/// A data directory with a sealed view, a checkpoint, and a log tail behind it.
fn filled() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let cipher = KeyFile::cheap(dir.path()).create(b"passphrase").expect("a key");
    let (store, _) = Store::open(dir.path(), options(Some(cipher))).expect("opens");
    let bucket = Bucket {
        id: "secret-bucket".into(),
        type_: "secret-type".into(),
        client: "secret-client".into(),
        hostname: "secret-host".into(),
        created: Timestamp::from_nanos(0),
        data: Data::default(),
        last_updated: None,
    };
    store.create_bucket(&bucket).expect("a bucket");
    let events = |from: i64| -> Vec<NewEvent<'static>> {
        (from..from + EVENTS)
            .map(|n| NewEvent {
                id: None,
                start: Timestamp::from_nanos(n * 1_000_000_000),
                duration: Duration::from_nanos(1),
                data: format!(r#"{{"title":"secret-title {n}"}}"#).into(),
            })
            .collect()
    };
    store.insert_events("secret-bucket", &events(0)).expect("stored");
    store.flush(1).expect("seals");
    store.checkpoint().expect("is written");
    store
        .insert_events("secret-bucket", &events(EVENTS))
        .expect("stored");
    store
        .set_setting("secret-key", r#""secret-value""#)
        .expect("stored");
    drop(store);
    dir
}

fn count(snapshot: &Snapshot) -> usize {
    let view = snapshot.bucket("secret-bucket").expect("is there");
    view.events(TimeRange::ALL).expect("reads").count()
}

fn view_file(dir: &Path) -> std::path::PathBuf {
    let files = fs::read_dir(dir.join("views")).expect("views");
    let mut paths = files.map(|file| file.expect("a file").path());
    paths
        .find(|path| path.extension().is_some_and(|end| end == "view"))
        .expect("a view segment")
}

/// Flips a bit of a file.
fn spoil(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("a file");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("is written");
}

#[test]
fn it_is_read_again_with_its_key_and_no_file_says_anything() {
    let dir = filled();
    for sub in ["log", "views"] {
        for file in fs::read_dir(dir.path().join(sub)).expect("a directory") {
            let path = file.expect("a file").path();
            let bytes = fs::read(&path).expect("a file");
            assert!(
                !bytes.windows(6).any(|part| part == b"secret"),
                "{}",
                path.display()
            );
        }
    }
    let cipher = Arc::new(key(dir.path()));
    let spill = tempfile::tempdir().expect("a directory");
    let spill = Arc::new(FileStorage::open(spill.path()).expect("opens"));
    let spill = Arc::new(EncryptedStorage::new(spill, cipher.clone()));
    let (snapshot, report) = read_only(dir.path(), Some(&cipher), spill).expect("reads");
    assert_eq!(
        (count(&snapshot), report.checkpoint_unusable),
        (2 * EVENTS as usize, None)
    );
    let (store, report) = Store::open(dir.path(), options(Some(key(dir.path())))).expect("opens");
    assert_eq!(
        (count(&store.snapshot()), report.folded),
        (2 * EVENTS as usize, 2)
    );
    assert_eq!(check(&store.snapshot()), Vec::<String>::new());
    let mut records = store
        .log()
        .expect("a reader")
        .read_from(timberline_views::Seq::FIRST)
        .expect("reads");
    let mut read = 0;
    while let Some(record) = records.next() {
        record.expect("is whole");
        read += 1;
    }
    assert_eq!(read, 4);
}

#[test]
fn without_its_key_it_is_refused_and_so_is_a_key_without_its_file() {
    let dir = filled();
    let refused = Store::open(dir.path(), options(None)).expect_err("is refused");
    assert!(matches!(refused, OpenError::Encrypted { .. }), "{refused}");
    assert!(matches!(
        read_log(dir.path(), None),
        Err(OpenError::Encrypted { .. })
    ));
    let cipher = key(dir.path());
    fs::remove_file(KeyFile::of(dir.path()).path()).expect("to remove it");
    let refused = Store::open(dir.path(), options(Some(cipher))).expect_err("is refused");
    assert!(matches!(refused, OpenError::NoKey { .. }), "{refused}");
    // The log knows by itself.
    let refused = Store::open(dir.path(), options(None)).expect_err("is refused");
    assert!(refused.to_string().contains("is encrypted"), "{refused}");
}

#[test]
fn a_view_that_was_changed_is_healed_and_counted() {
    let dir = filled();
    let path = view_file(dir.path());
    // In the middle: neither the header, which opening reads, nor the end.
    spoil(&path, fs::metadata(&path).expect("a file").len() as usize / 2);
    let (store, _) = Store::open(dir.path(), options(Some(key(dir.path())))).expect("opens");
    assert_eq!(check(&store.snapshot()), Vec::<String>::new());
    assert_eq!(count(&store.snapshot()), 2 * EVENTS as usize);
    let damage = store.view_damage();
    assert_eq!((damage.found, damage.healed, damage.events_lost), (1, 1, 0));
}

#[test]
fn a_view_or_checkpoint_that_does_not_open_costs_time_and_no_data() {
    for (file, at) in [("checkpoint", 70), ("checkpoint", 3), ("view", 100)] {
        let dir = filled();
        let path = match file {
            "view" => view_file(dir.path()),
            _ => dir.path().join("views").join(file),
        };
        spoil(&path, at);
        if file == "checkpoint" {
            spoil(&dir.path().join("views/checkpoint.copy"), at);
        }
        let (store, report) = Store::open(dir.path(), options(Some(key(dir.path())))).expect("opens");
        assert_eq!(count(&store.snapshot()), 2 * EVENTS as usize, "{file} {at}");
        // A segment is healed by itself; without a checkpoint and its copy everything is folded again.
        let healed = store.view_damage().healed == 1;
        assert_eq!(
            (report.checkpoint_unusable.is_some(), healed),
            (file != "view", file == "view")
        );
    }
}
