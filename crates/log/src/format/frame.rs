//! One record on disk: a 32-byte header, the payload, and zeroes up to the next multiple of 8.
//!
//! `docs/format/log.md` specifies it to the byte. Everything here is a pure function of bytes, so it can be fuzzed. No
//! byte is trusted before its checksum was verified.

use timberline_disk::fixed::{self, long, word};
use timberline_disk::{Cipher, NotAuthentic};

use super::checksums::{frame_crc, header_check};
use crate::Seq;

/// Bytes of a frame's header.
pub(crate) const FRAME_HEADER: usize = 32;
/// Frames begin at multiples of this.
pub(crate) const FRAME_ALIGN: usize = 8;
/// Flag bit 0: more records of this batch follow.
const MORE_IN_BATCH: u8 = 1;
/// Flag bit 1: the payload is encrypted.
const ENCRYPTED: u8 = 2;

/// The fields of a frame's header that its writer chooses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHead {
    /// The record's sequence number.
    pub seq: Seq,
    /// When it was appended: nanoseconds since 1970.
    pub time: i64,
    /// How far behind `seq` the newest durable record was when this one was written; `u32::MAX` stands for
    /// "that far or farther".
    pub durable_lag: u32,
    /// The record's kind; opaque to the log.
    pub kind: u8,
    /// Whether the batch ends with this record.
    pub ends_batch: bool,
    /// Whether the payload is encrypted with a data key: then it is [`Cipher::OVERHEAD`] longer than the plain one.
    pub encrypted: bool,
}

impl FrameHead {
    /// The newest record known to be durable when this one was written.
    #[must_use]
    pub fn durable_mark(&self) -> Seq {
        if self.durable_lag == u32::MAX {
            // Too far to say. Claiming too little is safe: a durable mark must never promise what is not on the disk.
            return Seq::NONE;
        }
        Seq(self.seq.0.saturating_sub(u64::from(self.durable_lag)))
    }

    /// Encrypts the payload that this header is for, and replaces what is in `out`.
    ///
    /// The associated data are number, time and kind: a payload that was moved to another frame cannot be decrypted.
    /// What may change when a segment is rewritten (the durable lag, where a batch ends) is not part of them.
    pub(crate) fn encrypt(&self, cipher: &Cipher, payload: &[u8], out: &mut Vec<u8>) {
        out.clear();
        cipher.encrypt(&self.aad(), payload, out);
    }

    /// Replaces `out` by the plain bytes of an encrypted payload.
    ///
    /// # Errors
    /// [`NotAuthentic`].
    pub(crate) fn decrypt(
        &self,
        cipher: &Cipher,
        encrypted: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), NotAuthentic> {
        cipher.decrypt(&self.aad(), encrypted, out)
    }

    fn aad(&self) -> [u8; 25] {
        let mut bytes = [0; 25];
        bytes[0..8].copy_from_slice(b"TMBRFRAM");
        bytes[8..16].copy_from_slice(&self.seq.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.time.to_le_bytes());
        bytes[24] = self.kind;
        bytes
    }

    /// The 32 header bytes for a payload.
    ///
    /// # Panics
    /// If the payload has 4 GiB or more; the log's segment size rules that out.
    #[must_use]
    pub(crate) fn encode(&self, payload: &[u8]) -> [u8; FRAME_HEADER] {
        let len = FRAME_HEADER + payload.len();
        assert!(
            len <= u32::MAX as usize,
            "a payload of {} bytes was let through",
            payload.len()
        );
        let mut bytes = [0u8; FRAME_HEADER];
        bytes[0..4].copy_from_slice(&(len as u32).to_le_bytes());
        bytes[8..16].copy_from_slice(&self.seq.0.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.time.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.durable_lag.to_le_bytes());
        bytes[28] = self.kind;
        bytes[29] =
            if self.ends_batch { 0 } else { MORE_IN_BATCH } | if self.encrypted { ENCRYPTED } else { 0 };
        let check = header_check(&bytes);
        bytes[30..32].copy_from_slice(&check.to_le_bytes());
        let crc = frame_crc(&bytes, payload);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }
}

/// A whole frame found in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its header's fields.
    pub head: FrameHead,
    /// Its payload.
    pub payload: &'a [u8],
}

impl Frame<'_> {
    /// The bytes it takes up, padding included.
    #[must_use]
    pub fn size(&self) -> usize {
        frame_size(self.payload.len())
    }
}

/// The bytes that a frame of a payload takes up, padding included.
#[must_use]
pub(crate) const fn frame_size(payload: usize) -> usize {
    padded(FRAME_HEADER.saturating_add(payload))
}

const fn padded(len: usize) -> usize {
    len.saturating_add(FRAME_ALIGN - 1) & !(FRAME_ALIGN - 1)
}

/// What the bytes at some place hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decoded<'a> {
    /// A whole frame.
    Frame(Frame<'a>),
    /// Nothing was written here: 32 zero bytes.
    End,
    /// More bytes are needed to decide: this many.
    Needs(usize),
    /// Something that is not a frame, or no longer.
    Invalid(Flaw),
}

/// Why bytes are not a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// The length is zero but the header is not: a frame that is being written, was never finished, or whose length
    /// was lost.
    Unpublished,
    /// The header does not agree with its own check.
    Header,
    /// The header is right, the whole frame is not.
    Body {
        /// The sequence number of the frame that was here.
        seq: Seq,
        /// The bytes it took up.
        size: usize,
    },
}

/// Reads what the beginning of `bytes` holds.
#[must_use]
pub(crate) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let Some((header, rest)) = bytes.split_first_chunk::<FRAME_HEADER>() else {
        return Decoded::Needs(FRAME_HEADER);
    };
    let len = word::<0, _>(header) as usize;
    if len == 0 {
        let blank = header.iter().all(|&byte| byte == 0);
        return if blank {
            Decoded::End
        } else {
            Decoded::Invalid(Flaw::Unpublished)
        };
    }
    let check = u16::from_le_bytes(fixed::part::<30, 2, _>(header));
    if len < FRAME_HEADER || header[29] & !(MORE_IN_BATCH | ENCRYPTED) != 0 || check != header_check(header) {
        return Decoded::Invalid(Flaw::Header);
    }
    let size = padded(len);
    let (Some(payload), Some(padding)) = (rest.get(..len - FRAME_HEADER), bytes.get(len..size)) else {
        return Decoded::Needs(size);
    };
    let head = FrameHead {
        seq: Seq(long::<8, _>(header)),
        time: long::<16, _>(header).cast_signed(),
        durable_lag: word::<24, _>(header),
        kind: header[28],
        ends_batch: header[29] & MORE_IN_BATCH == 0,
        encrypted: header[29] & ENCRYPTED != 0,
    };
    let whole = word::<4, _>(header) == frame_crc(header, payload) && padding.iter().all(|&byte| byte == 0);
    if whole {
        Decoded::Frame(Frame { head, payload })
    } else {
        Decoded::Invalid(Flaw::Body { seq: head.seq, size })
    }
}

/// The kind that a frame's header names, if the header agrees with its own check and is that of this record. The payload
/// may be damaged.
pub(crate) fn kind_in_header(header: &[u8; FRAME_HEADER], seq: Seq) -> Option<u8> {
    let check = u16::from_le_bytes(fixed::part::<30, 2, _>(header));
    let is_it = check == header_check(header) && Seq(long::<8, _>(header)) == seq;
    is_it.then_some(header[28])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(head: FrameHead, payload: &[u8]) -> Vec<u8> {
        let mut bytes = head.encode(payload).to_vec();
        bytes.extend_from_slice(payload);
        bytes.resize(frame_size(payload.len()), 0);
        bytes
    }

    fn any_head() -> impl Strategy<Value = FrameHead> {
        (
            any::<u64>(),
            any::<i64>(),
            any::<u32>(),
            any::<u8>(),
            any::<bool>(),
            any::<bool>(),
        )
            .prop_map(
                |(seq, time, durable_lag, kind, ends_batch, encrypted)| FrameHead {
                    seq: Seq(seq),
                    time,
                    durable_lag,
                    kind,
                    ends_batch,
                    encrypted,
                },
            )
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(head in any_head(), payload in prop::collection::vec(any::<u8>(), 0..200)) {
            let bytes = written(head, &payload);
            prop_assert_eq!(decode(&bytes), Decoded::Frame(Frame { head, payload: &payload }));
        }

        #[test]
        fn any_one_flipped_bit_is_noticed(
            head in any_head(), payload in prop::collection::vec(any::<u8>(), 0..64), pick in any::<prop::sample::Index>()
        ) {
            let mut bytes = written(head, &payload);
            let bit = pick.index(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(!matches!(decode(&bytes), Decoded::Frame(_) | Decoded::End));
        }

        #[test]
        fn arbitrary_bytes_are_no_frame(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            prop_assert!(!matches!(decode(&bytes), Decoded::Frame(_)));
        }
    }

    #[test]
    fn too_few_bytes_ask_for_more() {
        let head = FrameHead {
            seq: Seq(7),
            time: 1,
            durable_lag: 0,
            kind: 2,
            ends_batch: true,
            encrypted: false,
        };
        let bytes = written(head, b"hello");
        assert_eq!(decode(&bytes[..31]), Decoded::Needs(32));
        assert_eq!(decode(&bytes[..39]), Decoded::Needs(40));
        assert_eq!(decode(&[0; 32]), Decoded::End);
    }
}
