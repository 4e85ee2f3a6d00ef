//! An encrypted log: what is on the disk, who can read it, and what is noticed.

#![allow(clippy::unwrap_used, reason = "a test that cannot set itself up has failed")]

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use timberline_disk::{Cipher, FileStorage, KeyFile};
use timberline_log::{
    AppendError, Damage, DeviceId, Entry, Log, LogError, LogOptions, LogReader, Scanned, Seq, scan,
};

const SECRET: &[u8] = b"https://example.org/secret";

fn storage(dir: &Path) -> Arc<FileStorage> {
    Arc::new(FileStorage::open(dir).unwrap())
}

fn options(cipher: Option<Cipher>) -> LogOptions {
    LogOptions {
        segment_bytes: 16 << 10,
        device: DeviceId(*b"device-id-16-by."),
        clock: Arc::new(|| 1_709_287_200_000_000_000),
        manual_sync: true,
        cipher: cipher.map(Arc::new),
        ..LogOptions::default()
    }
}

fn golden_cipher() -> Cipher {
    Cipher::repeatable(&[7; 32], [9; 16])
}

fn append(log: &mut Log, payload: &[u8]) {
    log.append(&[Entry { kind: 4, payload }]).unwrap();
}

/// A log with these payloads in a directory, closed.
fn written(dir: &Path, payloads: &[&[u8]]) {
    let (mut log, _) = Log::open(storage(dir), options(Some(golden_cipher()))).unwrap();
    for payload in payloads {
        append(&mut log, payload);
    }
    log.close().unwrap();
}

fn reader(dir: &Path, cipher: Option<Cipher>) -> LogReader {
    LogReader::open(storage(dir))
        .unwrap()
        .with_cipher(cipher.map(Arc::new))
}

fn read(reader: &LogReader) -> Vec<Result<Vec<u8>, Damage>> {
    let mut records = reader.read_from(Seq::FIRST).unwrap();
    let mut all = Vec::new();
    while let Some(record) = records.next() {
        all.push(record.map(|record| record.payload.to_vec()));
    }
    all
}

fn first_segment(dir: &Path) -> PathBuf {
    dir.join("00000000000000000001.seg")
}

/// Where a byte string lies in a file.
fn found(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}

/// The bytes of `docs/format/log.md`: what was once sealed must open for ever.
#[test]
fn a_sealed_frame_is_as_specified() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), &[b"hello"]);
    let file = std::fs::read(first_segment(dir.path())).unwrap();
    assert_eq!(file[8..12], 3u32.to_le_bytes(), "format version");
    assert_eq!(file[52..60], [0; 8], "not squashed");
    let golden = include_bytes!("../golden/sealed-frame.v3");
    assert_eq!(&file[4096..4096 + golden.len()], golden);
    let mut plain = Vec::new();
    let mut aad = *b"TMBRFRAM........--------k";
    aad[8..16].copy_from_slice(&1u64.to_le_bytes());
    aad[16..24].copy_from_slice(&1_709_287_200_000_000_000i64.to_le_bytes());
    aad[24] = 4;
    golden_cipher()
        .decrypt(&aad, &golden[32..32 + 5 + Cipher::OVERHEAD], &mut plain)
        .unwrap();
    assert_eq!(plain, b"hello");
}

#[test]
fn what_was_appended_is_read_and_nothing_of_it_is_on_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), &[SECRET, b"", &SECRET.repeat(100)]);
    let all = read(&reader(dir.path(), Some(golden_cipher())));
    assert_eq!(all, [Ok(SECRET.to_vec()), Ok(vec![]), Ok(SECRET.repeat(100))]);
    let file = std::fs::read(first_segment(dir.path())).unwrap();
    assert_eq!(found(&file, b"example"), None);
}

#[test]
fn without_the_key_there_are_frames_and_no_payloads() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), &[SECRET, SECRET]);
    let without = reader(dir.path(), None);
    assert_eq!(without.newest().unwrap(), Seq(2));
    assert!(without.segments().unwrap()[0].encrypted);
    let file = std::fs::read(first_segment(dir.path())).unwrap();
    let frames = scan(&file[4096..], Seq::FIRST).filter(|found| matches!(found, Scanned::Frame { .. }));
    assert_eq!(frames.count(), 2);
    let refused = without.read_from(Seq::FIRST).unwrap_err();
    assert!(matches!(refused, LogError::Encrypted { .. }));
    assert!(refused.to_string().contains("passphrase"), "{refused}");
    let refused = Log::open(storage(dir.path()), options(None)).unwrap_err();
    assert!(matches!(refused, LogError::Encrypted { .. }), "{refused}");
}

#[test]
fn a_log_is_encrypted_from_its_beginning_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(storage(dir.path()), options(None)).unwrap();
    append(&mut log, SECRET);
    log.close().unwrap();
    let refused = Log::open(storage(dir.path()), options(Some(golden_cipher()))).unwrap_err();
    assert!(matches!(refused, LogError::NotEncrypted { .. }), "{refused}");
    let refused = reader(dir.path(), Some(golden_cipher())).read_from(Seq::FIRST);
    assert!(matches!(refused, Err(LogError::NotEncrypted { .. })));
}

#[test]
fn another_key_is_damage_record_by_record() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), &[SECRET, SECRET]);
    let other = Cipher::repeatable(&[8; 32], [0; 16]);
    let all = read(&reader(dir.path(), Some(other)));
    assert_eq!(all.len(), 2);
    let damage = all[1].as_ref().unwrap_err();
    assert_eq!(damage.lost, Some(Seq(2)..=Seq(2)));
    assert!(damage.reason.contains("another key"), "{damage}");
}

/// Somebody who knows the format recomputes checksums; a payload opens where it was sealed and nowhere else.
#[test]
fn a_payload_that_was_moved_to_another_frame_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    written(dir.path(), &[b"first one", b"other one"]);
    let path = first_segment(dir.path());
    let mut file = std::fs::read(&path).unwrap();
    let size = (32 + 9 + Cipher::OVERHEAD).next_multiple_of(8);
    let (one, other) = (4096, 4096 + size);
    let payload = file[other + 32..other + size].to_vec();
    file[one + 32..one + size].copy_from_slice(&payload);
    let mut crc = crc32fast::Hasher::new();
    crc.update(&file[one..one + 4]);
    crc.update(&[0; 4]);
    crc.update(&file[one + 8..one + 32 + 9 + Cipher::OVERHEAD]);
    let crc = crc.finalize().to_le_bytes();
    file[one + 4..one + 8].copy_from_slice(&crc);
    std::fs::write(&path, file).unwrap();
    let all = read(&reader(dir.path(), Some(golden_cipher())));
    assert!(
        all[0].as_ref().unwrap_err().reason.contains("changed since"),
        "{all:?}"
    );
    assert_eq!(all[1], Ok(b"other one".to_vec()));
}

/// A crash cuts records off, and the next ones get the same numbers: with the same nonces, the two would give each
/// other away.
#[test]
fn no_nonce_comes_twice_over_restarts_and_cuts() {
    let data = tempfile::tempdir().unwrap();
    let key = KeyFile::cheap(data.path());
    key.create(b"passphrase").unwrap();
    let mut nonces = HashSet::new();
    for round in 0..6 {
        let dir = data.path().join("log");
        let cipher = key.open(b"passphrase").unwrap();
        let (mut log, _) = Log::open(storage(&dir), options(Some(cipher))).unwrap();
        for _ in 0..10 {
            append(&mut log, b"the same payload");
        }
        log.close().unwrap();
        let path = first_segment(&dir);
        let mut file = std::fs::read(&path).unwrap();
        let size = (32 + 16 + Cipher::OVERHEAD).next_multiple_of(8);
        for frame in file[4096..].chunks_exact(size).take_while(|frame| frame[0] != 0) {
            nonces.insert(frame[32..56].to_vec());
        }
        // What a power cut would have left: no footer, and the last five gone.
        file[2048..4096].fill(0);
        file[4096 + 5 * (round + 1) * size..].fill(0);
        std::fs::write(&path, file).unwrap();
    }
    assert_eq!(nonces.len(), 60);
}

#[test]
fn what_does_not_fit_with_its_tag_is_too_large_and_what_does_is_stored() {
    let dir = tempfile::tempdir().unwrap();
    let (mut log, _) = Log::open(storage(dir.path()), options(Some(golden_cipher()))).unwrap();
    let most = (16 << 10) - 4096 - 32 - 32 - Cipher::OVERHEAD;
    let entry = |len| vec![1; len];
    for too_long in [most + 1, most + Cipher::OVERHEAD] {
        let refused = log.append(&[Entry {
            kind: 0,
            payload: &entry(too_long),
        }]);
        assert!(matches!(refused, Err(AppendError::TooLarge { .. })));
    }
    append(&mut log, &entry(most));
    append(&mut log, &entry(most));
    log.close().unwrap();
    let all = read(&reader(dir.path(), Some(golden_cipher())));
    assert_eq!(all, [Ok(entry(most)), Ok(entry(most))]);
}
