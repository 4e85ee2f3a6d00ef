//! Holds an import until its second pass: in memory if it is small, otherwise in a file without a name, so that no file is
//! left behind. An import that is announced as large goes to the file at once.
//!
//! The blocks of a removed file stay on the disk until they are overwritten. Without encryption, somebody's history would
//! lie there in plain text, even if the data directory is encrypted. So the file is encrypted in pieces, with a key that
//! only this process has.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::Arc;

use timberline_disk::{Cipher, os};

/// What is kept in memory.
pub(crate) const MEMORY_BYTES: usize = 8 << 20;
/// What is encrypted at once.
const PIECE: usize = 64 << 10;
const ENCRYPTED_PIECE: usize = PIECE + Cipher::OVERHEAD;

#[derive(Debug)]
pub(crate) struct Spool {
    dir: PathBuf,
    /// All of it, as long as there is no file; then what does not fill a piece yet.
    memory: Vec<u8>,
    disk: Option<Disk>,
    /// What may be kept in memory before there is a file.
    most: usize,
}

/// Whole pieces, encrypted one behind the other.
#[derive(Debug)]
struct Disk {
    file: File,
    cipher: Cipher,
    pieces: usize,
    /// A buffer.
    encrypted: Vec<u8>,
}

impl Disk {
    fn push(&mut self, piece: &[u8]) -> io::Result<()> {
        self.encrypted.clear();
        self.cipher.encrypt(&aad(self.pieces), piece, &mut self.encrypted);
        self.file.write_all(&self.encrypted)?;
        self.pieces += 1;
        Ok(())
    }

    fn read(&self, number: usize, plain: &mut Vec<u8>) -> io::Result<()> {
        let mut encrypted = vec![0; ENCRYPTED_PIECE];
        os::read_exact_at(&self.file, &mut encrypted, (number * ENCRYPTED_PIECE) as u64)?;
        let opened = self.cipher.decrypt(&aad(number), &encrypted, plain);
        opened.map_err(io::Error::other)
    }
}

fn aad(number: usize) -> [u8; 8] {
    (number as u64).to_le_bytes()
}

impl Spool {
    /// An empty one for about this many bytes, if that is known. It puts its file, should it need one, into `dir`.
    pub(crate) fn new(dir: PathBuf, expected: Option<u64>) -> Self {
        let is_large = expected.is_some_and(|bytes| bytes > MEMORY_BYTES as u64);
        Self {
            dir,
            memory: Vec::new(),
            disk: None,
            most: if is_large { PIECE } else { MEMORY_BYTES },
        }
    }

    /// Adds to the end.
    ///
    /// # Errors
    /// When there is no space.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.memory.extend_from_slice(bytes);
        if self.disk.is_none() {
            if self.memory.len() <= self.most {
                return Ok(());
            }
            self.disk = Some(Disk {
                file: tempfile::tempfile_in(&self.dir)?,
                cipher: Cipher::ephemeral()?,
                pieces: 0,
                encrypted: Vec::with_capacity(ENCRYPTED_PIECE),
            });
        }
        let Some(disk) = &mut self.disk else { return Ok(()) };
        let (pieces, rest) = self.memory.as_chunks::<PIECE>();
        for piece in pieces {
            disk.push(piece)?;
        }
        // What was kept in memory so far need not be any more.
        self.memory = rest.to_vec();
        Ok(())
    }

    /// Where what is in memory begins.
    fn on_disk(&self) -> usize {
        self.disk.as_ref().map_or(0, |disk| disk.pieces * PIECE)
    }
}

/// Reads a spool from some place on.
#[derive(Debug)]
pub(super) struct SpoolReader {
    spool: Arc<Spool>,
    offset: usize,
    /// The piece of this number, opened.
    piece: Option<usize>,
    plain: Vec<u8>,
}

impl SpoolReader {
    pub(super) fn at(spool: &Arc<Spool>, offset: u64) -> Self {
        Self {
            spool: Arc::clone(spool),
            offset: usize::try_from(offset).unwrap_or(usize::MAX),
            piece: None,
            plain: Vec::new(),
        }
    }

    /// What there is from here on: to the end, or to the end of a piece.
    fn rest(&mut self) -> io::Result<&[u8]> {
        if let Some(in_memory) = self.offset.checked_sub(self.spool.on_disk()) {
            return Ok(self.spool.memory.get(in_memory..).unwrap_or_default());
        }
        let number = self.offset / PIECE;
        if let Some(disk) = self.spool.disk.as_ref().filter(|_| self.piece != Some(number)) {
            self.piece = None;
            disk.read(number, &mut self.plain)?;
            self.piece = Some(number);
        }
        Ok(self.plain.get(self.offset % PIECE..).unwrap_or_default())
    }
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.rest()?.read(buffer)?;
        self.offset += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(spool: Spool, offset: u64) -> Vec<u8> {
        let mut out = Vec::new();
        SpoolReader::at(&Arc::new(spool), offset)
            .read_to_end(&mut out)
            .unwrap();
        out
    }

    #[test]
    fn a_small_one_stays_in_memory() {
        let mut spool = Spool::new(PathBuf::from("/nowhere"), Some(6));
        spool.write(b"abc").unwrap();
        spool.write(b"def").unwrap();
        assert_eq!(read(spool, 2), b"cdef");
    }

    #[test]
    fn a_large_one_goes_to_a_file_without_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path().to_owned(), None);
        for byte in 0..9 {
            spool.write(&vec![byte; 1 << 20]).unwrap();
        }
        assert!(spool.disk.is_some() && spool.memory.len() < PIECE);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let rest = read(spool, (8 << 20) - 1);
        assert_eq!(rest.len(), (1 << 20) + 1);
        assert_eq!(rest[..2], [7, 8]);
    }

    #[test]
    fn one_that_is_announced_as_large_never_fills_memory() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path().to_owned(), Some(MEMORY_BYTES as u64 + 1));
        for byte in 0..100 {
            spool.write(&[byte; 8 << 10]).unwrap();
            assert!(spool.memory.capacity() <= 4 * PIECE);
        }
        assert_eq!(read(spool, 0).len(), 800 << 10);
        // What a client announces is not what it sends.
        let mut spool = Spool::new(dir.path().to_owned(), Some(u64::MAX));
        spool.write(b"abc").unwrap();
        assert_eq!(read(spool, 0), b"abc");
    }

    #[test]
    fn what_is_read_is_what_was_written_wherever_pieces_end() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path().to_owned(), None);
        let text: Vec<u8> = (0..MEMORY_BYTES + 5 * PIECE + 77)
            .map(|at| (at / 7) as u8)
            .collect();
        for part in text.chunks(100_003) {
            spool.write(part).unwrap();
        }
        let spool = Arc::new(spool);
        for from in [
            0,
            1,
            PIECE - 1,
            PIECE,
            MEMORY_BYTES + 3,
            text.len() - 1,
            text.len(),
        ] {
            let mut out = Vec::new();
            SpoolReader::at(&spool, from as u64)
                .read_to_end(&mut out)
                .unwrap();
            assert!(out == text[from..], "from {from}");
        }
    }

    #[test]
    fn nothing_plain_is_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path().to_owned(), None);
        spool.write(&b"a secret ".repeat(1 << 20)).unwrap();
        let disk = spool.disk.as_ref().unwrap();
        let mut bytes = vec![0; disk.pieces * ENCRYPTED_PIECE];
        os::read_exact_at(&disk.file, &mut bytes, 0).unwrap();
        assert_eq!(memchr::memmem::find(&bytes, b"secret"), None);
    }

    #[test]
    fn reading_beyond_the_end_is_the_end() {
        assert!(read(Spool::new(PathBuf::new(), None), 5).is_empty());
    }
}
