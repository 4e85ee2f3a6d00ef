//! The bytes on disk, as `docs/format/log.md` gives them. If this test fails, the format has changed: then the
//! version changes, and what was once written must still be readable.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::sync::Arc;

use timberline_disk::FileStorage;
use timberline_log::{DeviceId, Entry, Log, LogOptions, Scanned, Seq, scan};

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// A log of a batch of two records and one of one, closed.
fn golden() -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let options = LogOptions {
        segment_bytes: 16 << 10,
        device: DeviceId(*b"device-id-16-by."),
        clock: Arc::new(|| 1_709_287_200_000_000_000),
        manual_sync: true,
        ..LogOptions::default()
    };
    let (mut log, _) = Log::open(Arc::new(FileStorage::open(dir.path()).unwrap()), options).unwrap();
    log.append(&[
        Entry {
            kind: 1,
            payload: b"hello",
        },
        Entry {
            kind: 2,
            payload: b"",
        },
    ])
    .unwrap();
    log.sync_now().unwrap();
    log.append(&[Entry {
        kind: 255,
        payload: b"8 bytes.",
    }])
    .unwrap();
    log.close().unwrap();
    std::fs::read(dir.path().join("00000000000000000001.seg")).unwrap()
}

#[test]
fn segment_header_and_mark_are_as_specified() {
    let file = golden();
    assert_eq!(file.len(), 8192);
    assert_eq!(
        hex(&file[..64]),
        "54 4d 42 52 4c 4f 47 0a 01 00 00 00 00 10 00 00 \
         64 65 76 69 63 65 2d 69 64 2d 31 36 2d 62 79 2e \
         01 00 00 00 00 00 00 00 00 40 1f f7 a6 9b b8 17 \
         00 00 00 00 00 00 00 00 00 00 00 00 8a 7d 7e 62"
    );
    assert_eq!(
        hex(&file[2048..2112]),
        "54 4d 42 52 4d 41 52 4b 00 00 00 00 00 00 00 00 \
         70 10 00 00 00 00 00 00 03 00 00 00 00 00 00 00 \
         03 00 00 00 00 00 00 00 00 40 1f f7 a6 9b b8 17 \
         00 00 00 00 00 00 00 00 00 00 00 00 41 88 6b 8f"
    );
    assert!(
        file[64..2048]
            .iter()
            .chain(&file[2112..4096])
            .all(|&byte| byte == 0)
    );
}

#[test]
fn frames_are_as_specified() {
    let file = golden();
    assert_eq!(
        hex(&file[4096..4208]),
        "25 00 00 00 fa 9f d1 6d 01 00 00 00 00 00 00 00 \
         00 40 1f f7 a6 9b b8 17 01 00 00 00 01 01 f1 22 \
         68 65 6c 6c 6f 00 00 00 \
         20 00 00 00 b3 d4 13 cf 02 00 00 00 00 00 00 00 \
         00 40 1f f7 a6 9b b8 17 02 00 00 00 02 00 d5 13 \
         28 00 00 00 e4 7b be 04 03 00 00 00 00 00 00 00 \
         00 40 1f f7 a6 9b b8 17 01 00 00 00 ff 00 8d 13 \
         38 20 62 79 74 65 73 2e"
    );
    assert!(file[4208..].iter().all(|&byte| byte == 0));
}

#[test]
fn the_golden_bytes_are_read() {
    let file = golden();
    let records: Vec<_> = scan(&file[4096..], Seq::FIRST)
        .map(|item| match item {
            Scanned::Frame { frame, .. } => (
                frame.head.seq.get(),
                frame.head.kind,
                frame.payload,
                frame.head.durable_mark(),
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        records,
        [
            (1, 1, &b"hello"[..], Seq(0)),
            (2, 2, b"", Seq(0)),
            (3, 255, b"8 bytes.", Seq(2))
        ]
    );
}
