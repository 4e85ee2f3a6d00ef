//! Reading a file, compressed or not.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Error, Result};

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Memory that decompressing zstd may take: 2^27 bytes, the limit of `zstd -d` as well.
const ZSTD_WINDOW_LOG: u32 = 27;

/// What a file contains, decompressed, and how much of the file has been read.
pub(super) struct Input {
    reader: Box<dyn Read + Send>,
    done: Arc<AtomicU64>,
    size: u64,
}

impl Input {
    pub(super) fn open(path: &Path) -> Result<Input> {
        let file = File::open(path).map_err(Error::io("open", path))?;
        let metadata = file.metadata().map_err(Error::io("open", path))?;
        if metadata.is_dir() {
            return Err(Error::Unrecognised {
                path: path.to_owned(),
                reason: "this is a directory: name a file in it".to_owned(),
            });
        }
        let done = Arc::new(AtomicU64::new(0));
        let mut counted = Counted {
            file,
            done: Arc::clone(&done),
        };
        let mut magic = Vec::new();
        (&mut counted)
            .take(4)
            .read_to_end(&mut magic)
            .map_err(Error::io("read", path))?;
        let compression = match magic.as_slice() {
            [0x1f, 0x8b, ..] => Compression::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Compression::Zstd,
            _ => Compression::None,
        };
        let whole = BufReader::with_capacity(1 << 16, io::Cursor::new(magic).chain(counted));
        let reader: Box<dyn Read + Send> = match compression {
            Compression::None => Box::new(whole),
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(whole)),
            Compression::Zstd => {
                let mut decoder =
                    zstd::stream::read::Decoder::with_buffer(whole).map_err(Error::io("decompress", path))?;
                decoder
                    .window_log_max(ZSTD_WINDOW_LOG)
                    .map_err(Error::io("decompress", path))?;
                Box::new(decoder)
            }
        };
        Ok(Input {
            reader,
            done,
            size: metadata.len(),
        })
    }

    /// A counter of the file's bytes that have been read, and their number.
    pub(super) fn progress(&self) -> (Arc<AtomicU64>, u64) {
        (Arc::clone(&self.done), self.size)
    }

    /// The first bytes of what it contains, at most `length`; and what went wrong, if not even those can be read.
    pub(super) fn peek(path: &Path, length: usize) -> Result<Vec<u8>> {
        let mut start = Vec::new();
        let mut input = Input::open(path)?;
        match (&mut input.reader).take(length as u64).read_to_end(&mut start) {
            Err(error) if start.is_empty() => Err(Error::io("read", path)(error)),
            _ => Ok(start),
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

struct Counted {
    file: File,
    done: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.done.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
