//! Many events in few bytes: columns and a dictionary of distinct data, compressed together.

use std::borrow::Cow;
use std::cell::RefCell;

use bincode::{BorrowDecode, Encode};
use rustc_hash::{FxBuildHasher, FxHashMap};
use timberline_model::{Duration, Timestamp};
use zstd::bulk::Compressor;

use super::codec::{self, CONFIG, CodecError};

/// zstd level of blocks: 1 gives 20.7 bytes an event at 0.16 ms per 1,000 events, 3 gives 19.6 at 0.22 ms
/// (docs/decisions/003-compressed-inserts.md).
const LEVEL: i32 = 1;
/// Blocks that encode to less than this are not worth a compressor's start-up.
const COMPRESS_FROM: usize = 512;
/// The most a block may decompress to: beyond it a length field is damage, not data.
const MAX_BYTES: usize = 256 << 20;

/// Events as columns over a dictionary of their distinct data, in the order of the request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventBlock<'a> {
    /// Start of each event, ns since 1970.
    pub starts: Vec<i64>,
    /// Duration of each event, ns.
    pub durations: Vec<i64>,
    /// Index into `texts` of each event.
    pub data: Vec<u32>,
    /// The distinct data, canonical JSON objects.
    pub texts: Vec<Cow<'a, str>>,
}

/// The block as it is encoded: times as multiples of a common unit, starts as differences, so that varints are short.
#[derive(Encode, BorrowDecode)]
struct Columns<'a> {
    unit: u64,
    start_deltas: Vec<i64>,
    durations: Vec<i64>,
    data: Vec<u32>,
    lengths: Vec<u32>,
    texts: &'a [u8],
}

impl<'a> EventBlock<'a> {
    /// Builds a block from `(start, duration, data)` in the order given.
    pub fn from_events(
        events: impl ExactSizeIterator<Item = (Timestamp, Duration, &'a str)>,
    ) -> EventBlock<'a> {
        let n = events.len();
        let mut block = EventBlock {
            starts: Vec::with_capacity(n),
            durations: Vec::with_capacity(n),
            data: Vec::with_capacity(n),
            texts: Vec::new(),
        };
        let mut known: FxHashMap<&'a str, u32> = FxHashMap::with_capacity_and_hasher(n, FxBuildHasher);
        for (start, duration, text) in events {
            block.starts.push(start.nanos());
            block.durations.push(duration.nanos());
            let texts = &mut block.texts;
            let index = *known.entry(text).or_insert_with(|| {
                texts.push(Cow::Borrowed(text));
                texts.len() as u32 - 1
            });
            block.data.push(index);
        }
        block
    }

    /// The same with texts of its own.
    pub(crate) fn into_owned(self) -> EventBlock<'static> {
        let own = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        EventBlock {
            starts: self.starts,
            durations: self.durations,
            data: self.data,
            texts: self.texts.into_iter().map(own).collect(),
        }
    }

    /// Number of events.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether it has no events.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The events one by one: `(start, duration, data)`.
    pub fn iter(&self) -> impl Iterator<Item = (Timestamp, Duration, &str)> {
        self.starts
            .iter()
            .zip(&self.durations)
            .zip(&self.data)
            .filter_map(|((start, duration), text)| {
                let text = self.texts.get(*text as usize)?.as_ref();
                Some((
                    Timestamp::from_nanos(*start),
                    Duration::from_nanos(*duration),
                    text,
                ))
            })
    }

    /// Appends the encoded block to `out`: a flag byte (1: compressed), the plain length, the bytes.
    ///
    /// # Errors
    /// None in practice; an encoder error is passed on.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let unit = common_unit(self.starts.iter().chain(&self.durations));
        let mut previous = 0i64;
        let start_deltas = self
            .starts
            .iter()
            .map(|start| {
                let scaled = start / unit;
                let delta = scaled.wrapping_sub(previous);
                previous = scaled;
                delta
            })
            .collect();
        let texts: Vec<u8> = self.texts.concat().into_bytes();
        let columns = Columns {
            unit: unit.unsigned_abs(),
            start_deltas,
            durations: self.durations.iter().map(|d| d / unit).collect(),
            data: self.data.clone(),
            lengths: self.texts.iter().map(|t| t.len() as u32).collect(),
            texts: &texts,
        };
        let plain = bincode::encode_to_vec(&columns, CONFIG)?;
        let compressed = if plain.len() >= COMPRESS_FROM {
            compress(&plain).filter(|z| z.len() < plain.len())
        } else {
            None
        };
        out.push(u8::from(compressed.is_some()));
        out.extend_from_slice(&(plain.len() as u32).to_le_bytes());
        out.extend_from_slice(compressed.as_ref().unwrap_or(&plain));
        Ok(())
    }

    /// Reads what [`EventBlock::encode`] wrote; `bytes` holds nothing else.
    ///
    /// # Errors
    /// [`CodecError`] when the bytes are no block.
    pub(crate) fn decode(bytes: &[u8]) -> Result<EventBlock<'static>, CodecError> {
        let (&flag, rest) = bytes.split_first().ok_or(CodecError::Short)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or(CodecError::Short)?;
        let length = u32::from_le_bytes(*length) as usize;
        if length > MAX_BYTES {
            return Err(CodecError::Block("it claims to hold more than 256 MiB"));
        }
        match flag {
            0 => EventBlock::from_plain(rest),
            1 if length > most_from(rest.len()) => {
                Err(CodecError::Block("it claims to hold more than its bytes can"))
            }
            1 => {
                let plain = zstd::bulk::decompress(rest, length)
                    .map_err(|_| CodecError::Block("it does not decompress"))?;
                EventBlock::from_plain(&plain)
            }
            _ => Err(CodecError::Block("its compression is unknown")),
        }
    }

    fn from_plain(plain: &[u8]) -> Result<EventBlock<'static>, CodecError> {
        let (columns, used): (Columns<'_>, usize) = codec::decode(plain)?;
        let n = columns.start_deltas.len();
        if used != plain.len() || columns.durations.len() != n || columns.data.len() != n {
            return Err(CodecError::Block("its columns differ in length"));
        }
        let mut texts = Vec::with_capacity(columns.lengths.len());
        let mut rest = columns.texts;
        for length in columns.lengths {
            let (text, after) = rest.split_at_checked(length as usize).ok_or(CodecError::Short)?;
            let text = std::str::from_utf8(text).map_err(|_| CodecError::Block("a text is not UTF-8"))?;
            texts.push(Cow::Owned(text.to_owned()));
            rest = after;
        }
        if columns.data.iter().any(|d| *d as usize >= texts.len()) {
            return Err(CodecError::Block("an event refers to data that is not there"));
        }
        let unit = i64::try_from(columns.unit).map_err(|_| CodecError::Block("its unit is out of range"))?;
        let mut previous = 0i64;
        let mut starts = columns.start_deltas;
        for start in &mut starts {
            previous = previous.wrapping_add(*start);
            *start = previous.wrapping_mul(unit);
        }
        let mut durations = columns.durations;
        for duration in &mut durations {
            *duration = duration.wrapping_mul(unit);
        }
        Ok(EventBlock {
            starts,
            durations,
            data: columns.data,
            texts,
        })
    }
}

/// The most that so many bytes of zstd decompress to: each of its blocks takes three of them at least, and stands for
/// 128 KiB at most.
fn most_from(compressed: usize) -> usize {
    (compressed / 3 + 1).saturating_mul(128 << 10)
}

thread_local! {
    /// A compressor's tables are a good part of a megabyte: made once for each thread, not for each request.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = RefCell::new(Compressor::new(LEVEL).ok());
}

/// `None` when it cannot be compressed, which only costs space.
fn compress(plain: &[u8]) -> Option<Vec<u8>> {
    COMPRESSOR.with_borrow_mut(|compressor| compressor.as_mut()?.compress(plain).ok())
}

/// The greatest of 1 s, 1 ms, 1 µs and 1 ns that all of these are multiples of.
fn common_unit<'a>(values: impl Iterator<Item = &'a i64> + Clone) -> i64 {
    let units = [1_000_000_000, 1_000_000, 1_000];
    units
        .into_iter()
        .find(|unit| values.clone().all(|v| v % unit == 0))
        .unwrap_or(1)
}
