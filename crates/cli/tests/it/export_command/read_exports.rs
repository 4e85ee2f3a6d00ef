//! The real programs read what the command writes: equal counts, equal total durations. Packages come from PyPI.

use super::*;
use crate::real_programs::python;

#[test]
fn duckdb_icalendar_and_csv_readers_find_every_event() {
    let installation = filled(Data::Plain);
    let directory = installation.root().join("exports");
    fs::create_dir(&directory).expect("a directory");
    for (format, name) in [
        ("json", "x.json"),
        ("ndjson", "x.ndjson"),
        ("csv", "x.csv"),
        ("sqlite", "x.db"),
        ("ical", "x.ics"),
        ("parquet", "x.parquet"),
    ] {
        exported(
            &installation,
            &["--format", format, "-o", text(&directory.join(name))],
        );
    }
    let folders = directory.join("folders");
    exported(
        &installation,
        &["--format", "parquet", "--hive", "-o", text(&folders)],
    );
    let found = python::run_script("sum_exports.py", &directory);
    let total = (EVENTS as i128 * 3 * SECOND / 2).to_string();
    let files = found.as_object().expect("an object");
    assert_eq!(files.len(), 7, "{found}");
    for (name, found) in files {
        assert_eq!(*found, json!([EVENTS, total]), "{name}");
    }
}
