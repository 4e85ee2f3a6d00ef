//! The real programs from PyPI: databases that aw-server's own storage wrote come in whole.

use crate::harness::server::Installation;
use serde_json::Value;

#[path = "../../../exchange/tests/it/real_programs/python.rs"]
pub(crate) mod python;

/// Storage of aw-server, peewee and sqlite, writes; the command imports. Counts and durations are those that the storage
/// itself reads back.
#[test]
fn databases_of_the_real_storage_are_imported_whole() {
    let installation = Installation::new();
    let directory = installation.root().join("aw-server");
    std::fs::create_dir(&directory).expect("a directory");
    let script = "../../../../exchange/tests/it/real_programs/write_databases.py";
    let said = python::run_script(script, &directory);
    let databases = said.as_object().expect("an object");
    assert_eq!(databases.len(), 2, "peewee and sqlite");
    for (name, buckets) in databases {
        let copy = Installation::new();
        let mut command = copy.program();
        command.arg("import").arg(directory.join(name));
        command.arg("--json").arg("--dbpath").arg(&copy.data);
        let (status, out, err) = copy.run(command);
        assert!(status.success(), "{name}: {out}\n{err}");
        let report: Value = serde_json::from_str(&out).expect("JSON");
        let imported = report["sources"][0]["buckets"].as_array().expect("buckets");
        assert_eq!(imported.len(), buckets.as_object().expect("buckets").len());
        for bucket in imported {
            let id = bucket["bucket"].as_str().expect("an id");
            let events = buckets[id].as_array().expect("events");
            let micros: i64 = events
                .iter()
                .map(|event| event[1].as_i64().expect("a duration"))
                .sum();
            assert_eq!(bucket["stored"], events.len(), "{name}: {id}");
            let total = (i128::from(micros) * 1_000).to_string();
            assert_eq!(bucket["duration_ns_source"], total, "{name}: {id}");
            assert_eq!(bucket["duration_ns_here"], total, "{name}: {id}");
        }
    }
}
