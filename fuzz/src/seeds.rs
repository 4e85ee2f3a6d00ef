//! Writes the seeds of the targets that read what Timberline writes: `cargo run --manifest-path fuzz/Cargo.toml --bin
//! seeds`. Those of the queries come from a corpus (`seeds.py`).

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use timberline_fuzz::fixture::{self, SEALED, small_disk};
use timberline_views::record::RecordKind;

/// Bodies of requests, each with something of its own.
const BODIES: [(&str, &str); 14] = [
    (
        "event",
        r#"{"timestamp":"2024-03-01T10:00:00.123456+01:00","duration":1.5,"data":{"app":"Firefox","title":"\u00fc"}}"#,
    ),
    (
        "events",
        r#"[{"id":null,"timestamp":"2024-03-01T10:00:00Z","data":{}},{"id":7,"timestamp":"2024-03-01 10:00:00+00:00","duration":-1e-3,"data":{"b":[1,{"c":null}],"a":1.0}}]"#,
    ),
    (
        "python",
        r#"{"id": null, "timestamp": "2024-03-01T10:00:00.000001+00:00", "duration": 0.0, "data": {"status": "not-afk"}}"#,
    ),
    (
        "canonical",
        r#"{"a":1,"b":{"c":[true,false,null]},"d":"\n\u001f"}"#,
    ),
    (
        "numbers",
        r#"{"a":-0,"b":1e400,"c":123456789012345678901,"d":0.00001,"e":1.10,"f":-0.0}"#,
    ),
    (
        "twice",
        r#"{"timestamp":"2024-03-01T10:00:00Z","data":{"a":1,"a":2},"data":{}}"#,
    ),
    (
        "surrogate",
        r#"{"timestamp":"2024-03-01T10:00:00Z","data":{"a":"\ud83d\ude00\ud83d"}}"#,
    ),
    (
        "bucket",
        r#"{"id":"b","type":"t","client":"c","hostname":"!local","created":"2024-03-01T10:00:00Z","data":{"k":1},"last_updated":null,"events":[{"timestamp":"x","data":{}},{"timestamp":"2024-03-01T10:00:00Z","data":{}}]}"#,
    ),
    ("update", r#"{"type":null,"client":"c","data":{"z":1,"a":2}}"#),
    (
        "query",
        r#"{"query":["RETURN = 1;"],"timeperiods":["2024-03-01T00:00:00Z/2024-03-02T00:00:00Z"]}"#,
    ),
    (
        "query_text",
        r#"{"timeperiods":["2024-03-01/2024-03-02"],"query":"RETURN = 1;"}"#,
    ),
    ("setting", r#" {"a":[[[]]],"b":"\u0000"} "#),
    ("time", "2024-02-29T23:59:60.999999999999-23:59"),
    ("seconds", "-123456789.987654321e-3"),
];

const EXPORT: &str = r#"{"buckets": {"aw-watcher-afk_h": {"id": "aw-watcher-afk_h", "created": "2024-03-01T10:00:00+00:00", "type": "afkstatus", "client": "c", "hostname": "h", "data": {}, "events": [{"id": 1, "timestamp": "2024-03-01T10:00:00+00:00", "duration": 5.0, "data": {"status": "]}\"\\"}}, {"timestamp": "2024-03-01T10:00:05Z", "data": {"a": [1, 2]}} ]}, "m":{"type":"t","client":"c","hostname":"h","events":null}}, "x": [1.5e3, "\u00e5", true]}"#;

fn main() -> io::Result<()> {
    for (name, body) in BODIES {
        write("rest_bodies", name, body.as_bytes())?;
    }
    imports()?;
    records()?;
    folds()?;
    views()?;
    logs()
}

fn write(target: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
    let directory = home().join("seeds").join(target);
    fs::create_dir_all(&directory)?;
    fs::write(directory.join(name), bytes)
}

fn home() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn imports() -> io::Result<()> {
    let form = format!(
        "--B\r\nContent-Disposition: form-data; name=\"buckets.json\"; filename=\"x.json\"\r\n\r\n{EXPORT}\r\n--B--\r\n"
    );
    let list = r#"[ {"a":"},{\"\\"} , [1,[2]] ,3, "]," ,null,{"b":{"c":[{}]}}  ] rest"#;
    for (name, lengths, text) in [
        ("export", [1, 7, 255, 3], EXPORT),
        ("form", [64, 1, 1, 9], form.as_str()),
        ("list", [1, 1, 1, 1], list),
    ] {
        write("import", name, &[&lengths[..], text.as_bytes()].concat())?;
    }
    Ok(())
}

/// The golden records: the byte that chooses any bytes, the kind, and the payload without its version.
fn records() -> io::Result<()> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/views/tests/golden");
    for entry in fs::read_dir(golden)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if let (Some(name), Some((kind, payload))) =
            (name.strip_suffix(".v1"), fs::read(&path)?.split_first())
        {
            write(
                "codec",
                name,
                &[&[0, *kind], payload.get(1..).unwrap_or_default()].concat(),
            )?;
        }
    }
    // A row of choices for each kind of record that the target makes up.
    for kind in 0..RecordKind::ALL.len() as u8 {
        let mut script = vec![
            255, 2, b'i', b'd', 3, b't', b'x', b't', 2, b'{', b'}', kind, 5, 15, 7,
        ];
        script.extend((0..120u8).map(|n| n.wrapping_mul(37)));
        write("codec", &format!("made-up-{kind}"), &script)?;
    }
    Ok(())
}

/// Rows of choices for `fold`: a bucket, then a record of each kind in turn.
fn folds() -> io::Result<()> {
    let created = [0, 0, 0, 1, 1, 4, 0, 4, 0];
    for kind in 0..RecordKind::ALL.len() as u8 {
        let mut script = vec![12];
        script.extend(created);
        for turn in 0..8u8 {
            script.extend([0, 0, (kind + turn) % RecordKind::ALL.len() as u8, turn, 0, 1]);
            script.extend((0..24u8).map(|n| n.wrapping_mul(29 * turn + 1) % 200));
        }
        script.extend([3, 12]);
        script.extend((0..120u8).map(|n| n.wrapping_mul(37)));
        write("fold", &format!("kinds-{kind}"), &script)?;
    }
    Ok(())
}

/// The files of the fixtures: the fuzzer changes them, and the target gives them their checksums again.
fn views() -> io::Result<()> {
    let golden = fs::read(home().join("../crates/views/tests/golden/segment.v1.view"))?;
    write("view_open", "golden-segment", &made_up(1, &[], &golden))?;
    for (name, sealed, choice) in [("small", SEALED[0], 1), ("large", SEALED[1], 255)] {
        let disk = small_disk();
        fixture::write(&disk, sealed);
        let files = fixture::files(&disk, "views");
        let of = |end: &str| {
            let file = files.iter().find(|(name, _)| name.ends_with(end));
            file.map_or(&[][..], |(_, bytes)| bytes)
        };
        let (checkpoint, segment) = (of("checkpoint"), of(".view"));
        for (part, bytes) in [
            ("checkpoint", made_up(choice, checkpoint, &[])),
            ("segment", made_up(choice, &[], segment)),
            ("both", made_up(choice, checkpoint, segment)),
        ] {
            write("view_open", &format!("{name}-{part}"), &bytes)?;
        }
        for which in 0..4u8 {
            let flips = [choice - 1, 1, which, 200, 0, 0, 64, which & 1, 130, 0, 0, 32];
            write("view_open", &format!("{name}-hurt-{which}"), &flips)?;
        }
    }
    Ok(())
}

fn made_up(choice: u8, checkpoint: &[u8], segment: &[u8]) -> Vec<u8> {
    let length = |bytes: &[u8]| (bytes.len() as u16).to_le_bytes();
    [
        &[choice],
        &length(checkpoint)[..],
        &length(segment),
        checkpoint,
        segment,
    ]
    .concat()
}

/// Rows of choices for `frame_recovery`: histories that are hurt, and segments that are made up.
fn logs() -> io::Result<()> {
    for n in 0..8u8 {
        let mut script = vec![n % 3];
        script.extend((0..160u16).map(|i| (i as u8).wrapping_mul(2 * n + 29) ^ (i >> 3) as u8));
        write("frame_recovery", &format!("choices-{n}"), &script)?;
    }
    Ok(())
}
