//! Where ActivityWatch's data are found, on every platform.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::harness::{contents, fill, many, rust_database};
use timberline_exchange::import::{Kind, Places, Platform, detect};

fn database(path: &Path, age: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fill(&rust_database(path, 7), &many(10));
    let time = SystemTime::now() - Duration::from_secs(age);
    fs::File::options()
        .write(true)
        .open(path)
        .unwrap()
        .set_modified(time)
        .unwrap();
}

fn found(platform: Platform, home: &Path, environment: &[(&str, &str)]) -> Vec<(String, bool)> {
    let places = Places {
        platform,
        home: home.to_owned(),
        environment: environment
            .iter()
            .map(|(name, path)| ((*name).to_owned(), PathBuf::from(path)))
            .collect(),
    };
    let home = fs::canonicalize(home).unwrap();
    let name = |path: &Path| {
        path.strip_prefix(&home)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/")
    };
    detect(&places)
        .iter()
        .map(|found| (name(&found.path), found.testing))
        .collect()
}

#[test]
fn databases_are_found_in_all_places_newest_first() {
    for (platform, paths) in [
        (
            Platform::Linux,
            [
                ".local/share/activitywatch/aw-server-rust/sqlite.db",
                ".local/share/activitywatch/aw-server-rust/sqlite-testing.db",
                ".local/share/activitywatch/aw-server/peewee-sqlite.v2.db",
                ".var/app/net.activitywatch.ActivityWatch/data/activitywatch/aw-server-rust/sqlite.db",
            ],
        ),
        (
            Platform::MacOs,
            [
                "Library/Application Support/activitywatch/aw-server-rust/sqlite.db",
                "Library/Application Support/activitywatch/aw-server-rust/sqlite-testing.db",
                "Library/Application Support/activitywatch/aw-server/peewee-sqlite.v2.db",
                "Library/Application Support/activitywatch/aw-server/sqlite.v1.db",
            ],
        ),
        (
            Platform::Windows,
            [
                "AppData/Local/activitywatch/activitywatch/aw-server-rust/sqlite.db",
                "AppData/Local/activitywatch/aw-server-rust/sqlite-testing.db",
                "AppData/Local/activitywatch/activitywatch/aw-server/peewee-sqlite.v2.db",
                "AppData/Roaming/activitywatch/aw-server-rust/sqlite.db",
            ],
        ),
    ] {
        let home = tempfile::tempdir().unwrap();
        for (age, path) in paths.iter().enumerate() {
            database(&home.path().join(path), 100 * age as u64);
        }
        let found = found(platform, home.path(), &[]);
        let expected: Vec<_> = paths
            .iter()
            .map(|path| ((*path).to_owned(), path.contains("testing")))
            .collect();
        assert_eq!(found, expected);
    }
}

#[test]
fn directories_that_were_moved_are_found() {
    let home = tempfile::tempdir().unwrap();
    let moved = home.path().join("elsewhere");
    database(&moved.join("activitywatch/aw-server-rust/sqlite.db"), 0);
    let moved = moved.to_str().unwrap();
    let expected = [(
        "elsewhere/activitywatch/aw-server-rust/sqlite.db".to_owned(),
        false,
    )];
    assert_eq!(
        found(Platform::Linux, home.path(), &[("XDG_DATA_HOME", moved)]),
        expected
    );
    assert_eq!(
        found(Platform::Windows, home.path(), &[("LOCALAPPDATA", moved)]),
        expected
    );
    assert_eq!(
        found(Platform::Linux, home.path(), &[("XDG_DATA_HOME", "elsewhere")]),
        []
    );
}

#[test]
fn what_was_found_is_described_and_not_touched() {
    let home = tempfile::tempdir().unwrap();
    let directory = home.path().join(".local/share/activitywatch/aw-server-rust");
    database(&directory.join("sqlite.db"), 0);
    fs::write(
        directory.join("sqlite-broken.db"),
        "SQLite format 3\0and then nothing",
    )
    .unwrap();
    fs::write(directory.join("notes.txt"), "x").unwrap();
    let config = home.path().join(".config/activitywatch/aw-server");
    fs::create_dir_all(&config).unwrap();
    fs::write(config.join("settings.json"), r#"{"classes": []}"#).unwrap();
    let before = contents(&directory);
    let places = Places {
        platform: Platform::Linux,
        home: home.path().to_owned(),
        environment: Vec::new(),
    };
    let found = detect(&places);
    assert_eq!(contents(&directory), before);
    assert_eq!(found.len(), 3);
    let named = |name: &str| found.iter().find(|found| found.path.ends_with(name)).unwrap();
    let database = named("sqlite.db");
    assert_eq!(
        (database.kind, database.buckets),
        (Some(Kind::AwServerRust(7)), 1)
    );
    assert_eq!(database.size, before["sqlite.db"].len() as u64);
    assert!(database.modified.is_some());
    let broken = named("sqlite-broken.db");
    assert!(broken.kind.is_none() && broken.problem.is_some());
    assert_eq!(named("settings.json").kind, Some(Kind::Settings));
}
