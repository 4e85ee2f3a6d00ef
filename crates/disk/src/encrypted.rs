//! Files that are encrypted on the disk and read in plain through [`EncryptedStorage`].
//!
//! This is for files that are written once and whole: views and checkpoints. (The log appends, so it encrypts its payloads
//! itself.) A file is cut into chunks, each encrypted for itself, so reading a part decrypts only that part.
//! Specified to the byte in `docs/format/views.md`.

use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::crypto::Cipher;
use crate::fixed::{long, part, word};
use crate::memory::Mapping;
use crate::storage::{FileId, ReadAt, ReadRegion, Storage, WriteRegion};
use crate::{LockError, WriterLock};

const MAGIC: [u8; 8] = *b"TMBRSEAL";
const VERSION: u32 = 1;
/// magic 8 | version u32 | bytes of a chunk u32 | plain bytes u64 | id of the file 16 | zero u32 | CRC-32 u32
const HEADER: usize = 48;
const CRC_AT: usize = HEADER - 4;
/// Plain bytes of a chunk. A block of a view segment has about half of it.
const CHUNK: usize = 16 << 10;
const ENCRYPTED_CHUNK: usize = CHUNK + Cipher::OVERHEAD;

/// A directory whose files are encrypted: what is written through it is encrypted, what is read through it is
/// decrypted.
///
/// Names and the lock are those of the directory underneath. Bytes that somebody else has changed are an error where
/// reading can fail. In a [`ReadRegion`] they read as zeroes, and the checksums of the file's format must find them.
#[derive(Debug)]
pub struct EncryptedStorage {
    inner: Arc<dyn Storage>,
    cipher: Arc<Cipher>,
}

impl EncryptedStorage {
    /// Encrypts the files of a directory.
    #[must_use]
    pub fn new(inner: Arc<dyn Storage>, cipher: Arc<Cipher>) -> Self {
        Self { inner, cipher }
    }

    fn open_file(&self, name: &str) -> io::Result<EncryptedFile> {
        EncryptedFile::open(self.inner.open_read(name)?, Arc::clone(&self.cipher))
    }
}

impl Storage for EncryptedStorage {
    fn list(&self) -> io::Result<Vec<String>> {
        self.inner.list()
    }

    fn create_region(&self, _name: &str, _len: u64) -> io::Result<Arc<dyn WriteRegion>> {
        Err(written_as_a_whole())
    }

    fn open_write_region(&self, _name: &str) -> io::Result<Arc<dyn WriteRegion>> {
        Err(written_as_a_whole())
    }

    fn open_read_region(&self, name: &str) -> io::Result<Arc<dyn ReadRegion>> {
        Ok(Arc::new(DecryptedRegion::of(self.open_file(name)?)?))
    }

    fn open_read(&self, name: &str) -> io::Result<Arc<dyn ReadAt>> {
        Ok(Arc::new(self.open_file(name)?))
    }

    fn write_file(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.inner.write_file(name, &encrypt_file(&self.cipher, bytes)?)
    }

    fn read_file(&self, name: &str) -> io::Result<Vec<u8>> {
        let file = self.open_file(name)?;
        let mut bytes = vec![0; usize::try_from(file.head.plain).map_err(|_| io::ErrorKind::FileTooLarge)?];
        file.read_at(0, &mut bytes)?;
        Ok(bytes)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.inner.remove(name)
    }

    fn set_len(&self, _name: &str, _len: u64) -> io::Result<()> {
        Err(written_as_a_whole())
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.inner.sync_dir()
    }

    fn file_id(&self, name: &str) -> io::Result<FileId> {
        self.inner.file_id(name)
    }

    fn names_changed(&self) -> io::Result<i128> {
        self.inner.names_changed()
    }

    fn lock_writer(&self) -> Result<WriterLock, LockError> {
        self.inner.lock_writer()
    }

    fn path(&self) -> &Path {
        self.inner.path()
    }
}

fn written_as_a_whole() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "an encrypted file is written as a whole",
    )
}

fn damaged(what: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.into())
}

/// The bytes of an encrypted file.
fn encrypt_file(cipher: &Cipher, plain: &[u8]) -> io::Result<Vec<u8>> {
    let head = Head {
        plain: plain.len() as u64,
        id: crate::random::random()?,
    };
    let len = head.encrypted_len().and_then(|len| usize::try_from(len).ok());
    let mut out = Vec::with_capacity(len.ok_or(io::ErrorKind::FileTooLarge)?);
    out.extend_from_slice(&head.encode());
    if plain.is_empty() {
        cipher.encrypt(&head.aad(0), plain, &mut out);
    }
    for (number, chunk) in plain.chunks(CHUNK).enumerate() {
        cipher.encrypt(&head.aad(number), chunk, &mut out);
    }
    Ok(out)
}

/// What an encrypted file begins with. All of it is associated data of every chunk, so a chunk can be
/// decrypted only in its file, at its place, and if the file has its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    plain: u64,
    id: [u8; 16],
}

impl Head {
    /// How many chunks there are: at least one, so that even an empty file is authenticated.
    fn chunks(&self) -> u64 {
        self.plain.div_ceil(CHUNK as u64).max(1)
    }

    /// The length of the whole file.
    fn encrypted_len(&self) -> Option<u64> {
        let overhead = self.chunks().checked_mul(Cipher::OVERHEAD as u64)?;
        self.plain.checked_add(overhead)?.checked_add(HEADER as u64)
    }

    fn encode(&self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&(CHUNK as u32).to_le_bytes());
        bytes[16..24].copy_from_slice(&self.plain.to_le_bytes());
        bytes[24..40].copy_from_slice(&self.id);
        let crc = crc32fast::hash(&bytes[..CRC_AT]);
        bytes[CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> io::Result<Self> {
        let Some(header) = bytes.first_chunk::<HEADER>().filter(|h| h[0..8] == MAGIC) else {
            return Err(damaged("it is not an encrypted file"));
        };
        let (crc_of, crc) = header.split_at(CRC_AT);
        if crc32fast::hash(crc_of).to_le_bytes() != crc {
            return Err(damaged("the header of the encrypted file is damaged"));
        }
        let version = word::<8, _>(header);
        if version > VERSION {
            let what = format!(
                "its encryption has format version {version}, this program knows versions up to {VERSION}: update Timberline",
            );
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
        if word::<12, _>(header) != CHUNK as u32 {
            return Err(damaged("the header of the encrypted file makes no sense"));
        }
        Ok(Self {
            plain: long::<16, _>(header),
            id: part::<24, _, _>(header),
        })
    }

    /// The associated data of a chunk: the header without its checksum, and the chunk's number.
    fn aad(&self, number: usize) -> [u8; HEADER] {
        let mut bytes = self.encode();
        bytes[40..48].copy_from_slice(&(number as u64).to_le_bytes());
        bytes
    }
}

/// An encrypted file, opened.
#[derive(Debug)]
struct EncryptedFile {
    file: Arc<dyn ReadAt>,
    cipher: Arc<Cipher>,
    head: Head,
}

impl EncryptedFile {
    fn open(file: Arc<dyn ReadAt>, cipher: Arc<Cipher>) -> io::Result<Self> {
        let mut header = [0; HEADER];
        let read = file.read_at(0, &mut header)?;
        let head = Head::decode(header.get(..read).unwrap_or_default())?;
        // The length is not to be trusted with memory before it has been seen to be there.
        if head.encrypted_len() != Some(file.len()?) {
            return Err(damaged("the encrypted file has not the length that it says"));
        }
        Ok(Self { file, cipher, head })
    }

    /// The plain bytes of a chunk, into `plain`. `encrypted` is a buffer.
    fn decrypt_chunk(&self, number: usize, encrypted: &mut Vec<u8>, plain: &mut Vec<u8>) -> io::Result<()> {
        let begin = (number * CHUNK) as u64;
        let len = usize::try_from(self.head.plain.saturating_sub(begin).min(CHUNK as u64)).unwrap_or(CHUNK);
        encrypted.clear();
        encrypted.resize(len + Cipher::OVERHEAD, 0);
        let at = (HEADER + number * ENCRYPTED_CHUNK) as u64;
        let read = self.file.read_at(at, encrypted)?;
        let encrypted = encrypted.get(..read).unwrap_or_default();
        let opened = self.cipher.decrypt(&self.head.aad(number), encrypted, plain);
        opened.map_err(|why| {
            damaged(format!(
                "what is encrypted from byte {at} on cannot be decrypted: {why}"
            ))
        })
    }
}

impl ReadAt for EncryptedFile {
    fn read_at(&self, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let (mut encrypted, mut plain) = (Vec::new(), Vec::new());
        let wanted = into.len();
        let mut rest = into;
        while !rest.is_empty() && offset + ((wanted - rest.len()) as u64) < self.head.plain {
            let at =
                usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge)? + (wanted - rest.len());
            self.decrypt_chunk(at / CHUNK, &mut encrypted, &mut plain)?;
            // The part of the chunk that is wanted, at most as much as there is room for.
            let part = plain.get(at % CHUNK..).unwrap_or_default();
            let Some((part, _)) = part
                .split_at_checked(part.len().min(rest.len()))
                .filter(|(part, _)| !part.is_empty())
            else {
                return Err(damaged(
                    "a chunk of the encrypted file is shorter than its header says",
                ));
            };
            let (room, beyond) = rest.split_at_mut(part.len());
            room.copy_from_slice(part);
            rest = beyond;
        }
        Ok(wanted - rest.len())
    }

    fn will_read_all(&self) {
        self.file.will_read_all();
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.head.plain)
    }
}

/// The plain bytes of an encrypted file, in memory of their own, each chunk from when it is first read on.
///
/// That memory belongs to no file, so the system cannot take it back, nor can [`ReadRegion::release`]: somebody may hold a
/// slice of it. It goes with the region.
#[derive(Debug)]
struct DecryptedRegion {
    file: EncryptedFile,
    memory: Mapping,
    /// Who finds a chunk missing puts it there, and who wants it meanwhile waits.
    there: Box<[OnceLock<()>]>,
    /// The same as bits: a reader that asks for megabytes again and again (a dictionary) looks at a few words.
    bits: Box<[AtomicU64]>,
    len: usize,
}

impl DecryptedRegion {
    fn of(file: EncryptedFile) -> io::Result<Self> {
        let len = usize::try_from(file.head.plain).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let chunks = len.div_ceil(CHUNK);
        Ok(Self {
            // A mapping of nothing is refused.
            memory: Mapping::anonymous(len.max(1))?,
            there: (0..chunks).map(|_| OnceLock::new()).collect(),
            bits: (0..chunks.div_ceil(64)).map(|_| AtomicU64::new(0)).collect(),
            len,
            file,
        })
    }

    /// Decrypts a chunk into its place. One that does not open stays zero: no checksum holds over that.
    fn put_there(&self, number: usize) {
        let (mut encrypted, mut plain) = (Vec::new(), Vec::new());
        if self
            .file
            .decrypt_chunk(number, &mut encrypted, &mut plain)
            .is_ok()
        {
            // SAFETY: `there` lets one thread in, and nobody has a slice of this chunk yet: they are given out after this.
            unsafe { self.memory.fill(number * CHUNK, &plain) };
        }
        if let Some(word) = self.bits.get(number / 64) {
            word.fetch_or(1 << (number % 64), Ordering::Release);
        }
    }

    fn are_there(&self, chunks: &Range<usize>) -> bool {
        let words = self.bits.iter().enumerate().skip(chunks.start / 64);
        words
            .take_while(|(at, _)| at * 64 < chunks.end)
            .all(|(at, word)| {
                let from = chunks.start.saturating_sub(at * 64);
                let to = (chunks.end - at * 64).min(64);
                let wanted = (u64::MAX << from) & (u64::MAX >> (64 - to));
                word.load(Ordering::Acquire) & wanted == wanted
            })
    }
}

impl ReadRegion for DecryptedRegion {
    fn len(&self) -> usize {
        self.len
    }

    fn read(&self, range: Range<usize>) -> &[u8] {
        let end = range.end.min(self.len);
        let start = range.start.min(end);
        let chunks = start / CHUNK..end.div_ceil(CHUNK);
        if start < end && !self.are_there(&chunks) {
            for number in chunks {
                if let Some(there) = self.there.get(number) {
                    there.get_or_init(|| self.put_there(number));
                }
            }
        }
        // SAFETY: all chunks of the range are there, and those never change.
        unsafe { self.memory.slice(start..end) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::FileStorage;

    fn pattern(len: usize) -> Vec<u8> {
        (0..len).map(|at| (at * 31 + at / 251) as u8).collect()
    }

    /// A directory with a file `f` in it, both ways.
    fn written(plain: &[u8]) -> (tempfile::TempDir, Arc<FileStorage>, EncryptedStorage) {
        let dir = tempfile::tempdir().unwrap();
        let inner = Arc::new(FileStorage::open(dir.path()).unwrap());
        let cipher = Arc::new(Cipher::ephemeral().unwrap());
        let storage = EncryptedStorage::new(inner.clone(), cipher);
        storage.write_file("f", plain).unwrap();
        (dir, inner, storage)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read_in_every_way(
            len in prop_oneof![0usize..100, (CHUNK - 2)..(CHUNK + 3), 0usize..5 * CHUNK, 62 * CHUNK..200 * CHUNK],
            ranges in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..20),
        ) {
            let plain = pattern(len);
            let (_dir, _, storage) = written(&plain);
            prop_assert_eq!(&storage.read_file("f").unwrap(), &plain);
            let (file, region) = (storage.open_read("f").unwrap(), storage.open_read_region("f").unwrap());
            prop_assert_eq!((file.len().unwrap(), region.len()), (len as u64, len));
            for (a, b) in ranges {
                let (a, b) = (a.index(len + 1), b.index(len + 1));
                let range = a.min(b)..a.max(b);
                prop_assert_eq!(region.read(range.clone()), &plain[range.clone()]);
                let mut copied = vec![0; range.len() + 7];
                let read = file.read_at(range.start as u64, &mut copied).unwrap();
                prop_assert_eq!(read, copied.len().min(len - range.start));
                prop_assert_eq!(&copied[..read], &plain[range.start..range.start + read]);
            }
        }

        #[test]
        fn any_flipped_bit_of_the_file_is_noticed(
            len in 1usize..3 * CHUNK, pick in any::<prop::sample::Index>()
        ) {
            let plain: Vec<u8> = pattern(len).iter().map(|byte| byte | 1).collect();
            let (_dir, inner, storage) = written(&plain);
            let mut bytes = inner.read_file("f").unwrap();
            let bit = pick.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            inner.write_file("f", &bytes).unwrap();
            prop_assert!(storage.read_file("f").is_err());
            // A region serves zeroes in place of the chunk, and every other chunk as it is.
            if let Ok(region) = storage.open_read_region("f") {
                let hit = (bit / 8 - HEADER) / ENCRYPTED_CHUNK;
                for number in 0..len.div_ceil(CHUNK) {
                    let range = number * CHUNK..((number + 1) * CHUNK).min(len);
                    let read = region.read(range.clone());
                    if number == hit {
                        prop_assert!(read.iter().all(|&byte| byte == 0));
                    } else {
                        prop_assert_eq!(read, &plain[range]);
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_plain_is_in_the_file() {
        let secret = b"https://example.org/secret ".repeat(2000);
        let (_dir, inner, _storage) = written(&secret);
        let bytes = inner.read_file("f").unwrap();
        assert!(!bytes.windows(7).any(|part| part == b"example"));
    }

    #[test]
    fn chunks_do_not_open_elsewhere() {
        let (_dir, inner, storage) = written(&pattern(3 * CHUNK));
        let bytes = inner.read_file("f").unwrap();
        let chunk =
            |number: usize| HEADER + number * ENCRYPTED_CHUNK..HEADER + (number + 1) * ENCRYPTED_CHUNK;
        let mut swapped = bytes.clone();
        swapped[chunk(0)].copy_from_slice(&bytes[chunk(1)]);
        swapped[chunk(1)].copy_from_slice(&bytes[chunk(0)]);
        inner.write_file("swapped", &swapped).unwrap();
        assert!(storage.read_file("swapped").is_err());
        // In a file of the same length, too.
        storage.write_file("other", &pattern(3 * CHUNK)).unwrap();
        let mut mixed = inner.read_file("other").unwrap();
        mixed[chunk(2)].copy_from_slice(&bytes[chunk(2)]);
        inner.write_file("mixed", &mixed).unwrap();
        assert!(storage.read_file("mixed").is_err());
        // Nor is a file that was cut the shorter file.
        let mut cut = bytes[..chunk(1).end].to_vec();
        cut[16..24].copy_from_slice(&(2 * CHUNK as u64).to_le_bytes());
        let crc = crc32fast::hash(&cut[..CRC_AT]);
        cut[CRC_AT..HEADER].copy_from_slice(&crc.to_le_bytes());
        inner.write_file("cut", &cut).unwrap();
        assert!(storage.read_file("cut").is_err());
    }

    #[test]
    fn a_plain_file_and_a_newer_one_are_told() {
        let (_dir, inner, storage) = written(b"plain");
        let mut newer = inner.read_file("f").unwrap();
        inner.write_file("plain", b"plain").unwrap();
        assert_eq!(
            storage.read_file("plain").unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        newer[8] = 2;
        let crc = crc32fast::hash(&newer[..CRC_AT]);
        newer[CRC_AT..HEADER].copy_from_slice(&crc.to_le_bytes());
        inner.write_file("newer", &newer).unwrap();
        let error = storage.read_file("newer").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::Unsupported);
        assert!(error.to_string().contains("update Timberline"));
    }

    #[test]
    fn threads_that_read_the_same_chunks_at_once_all_see_them_whole() {
        let plain = pattern(20 * CHUNK);
        let (_dir, _, storage) = written(&plain);
        for _ in 0..20 {
            let region = storage.open_read_region("f").unwrap();
            std::thread::scope(|scope| {
                for thread in 0..4 {
                    let (region, plain) = (&region, &plain);
                    scope.spawn(move || {
                        for number in 0..19 {
                            let number = if thread % 2 == 0 { number } else { 18 - number };
                            let range = number * CHUNK + 5..(number + 1) * CHUNK + 5;
                            assert_eq!(region.read(range.clone()), &plain[range]);
                        }
                    });
                }
            });
        }
    }
}
