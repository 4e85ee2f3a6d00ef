//! Where an import waits for its second pass: in memory while it is small, else in a file that has no
//! name, so that nothing is left behind whatever happens.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

/// What is kept in memory.
const MEMORY_BYTES: usize = 8 << 20;

#[derive(Debug)]
pub(super) struct Spool {
    dir: PathBuf,
    /// All of it, as long as there is no file.
    memory: Vec<u8>,
    file: Option<File>,
}

impl Spool {
    /// An empty one, which puts its file, should it need one, into `dir`.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self {
            dir,
            memory: Vec::new(),
            file: None,
        }
    }

    /// Adds to the end.
    ///
    /// # Errors
    /// When there is no space.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            return file.write_all(bytes);
        }
        if self.memory.len() + bytes.len() <= MEMORY_BYTES {
            self.memory.extend_from_slice(bytes);
            return Ok(());
        }
        let mut file = tempfile::tempfile_in(&self.dir)?;
        file.write_all(&self.memory)?;
        file.write_all(bytes)?;
        self.memory = Vec::new();
        self.file = Some(file);
        Ok(())
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        match &self.file {
            Some(file) => file.read_at(buffer, offset),
            None => {
                let offset = usize::try_from(offset).unwrap_or(usize::MAX);
                let mut rest = self.memory.get(offset..).unwrap_or_default();
                rest.read(buffer)
            }
        }
    }
}

/// Reads a spool from some place on.
#[derive(Debug)]
pub(super) struct SpoolReader {
    spool: Arc<Spool>,
    offset: u64,
}

impl SpoolReader {
    pub(super) fn at(spool: &Arc<Spool>, offset: u64) -> Self {
        Self {
            spool: Arc::clone(spool),
            offset,
        }
    }
}

impl Read for SpoolReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.spool.read_at(buffer, self.offset)?;
        self.offset += count as u64;
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
        let mut spool = Spool::new(PathBuf::from("/nowhere"));
        spool.write(b"abc").unwrap();
        spool.write(b"def").unwrap();
        assert_eq!(read(spool, 2), b"cdef");
    }

    #[test]
    fn a_large_one_goes_to_a_file_without_a_name() {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(dir.path().to_owned());
        for byte in 0..9 {
            spool.write(&vec![byte; 1 << 20]).unwrap();
        }
        assert!(spool.file.is_some() && spool.memory.is_empty());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        let rest = read(spool, (8 << 20) - 1);
        assert_eq!(rest.len(), (1 << 20) + 1);
        assert_eq!(rest[..2], [7, 8]);
    }

    #[test]
    fn reading_beyond_the_end_is_the_end() {
        assert!(read(Spool::new(PathBuf::new()), 5).is_empty());
    }
}
