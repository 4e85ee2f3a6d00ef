//! Writing frames: to a mapped segment, or to bytes that become a segment.

use std::sync::Arc;

use timberline_disk::{Cipher, WriteRegion};

use super::frame::{FRAME_HEADER, FrameHead, frame_size};

/// Turns records into frames, and encrypts their payloads if the log is encrypted.
#[derive(Debug)]
pub(crate) struct FrameWriter {
    cipher: Option<Arc<Cipher>>,
    /// The encrypted payload; reused for every frame.
    encrypted: Vec<u8>,
}

/// A frame as it is stored, ready to be written.
#[derive(Debug)]
pub(crate) struct StoredFrame<'a> {
    header: [u8; FRAME_HEADER],
    payload: &'a [u8],
}

impl FrameWriter {
    pub(crate) fn new(cipher: Option<Arc<Cipher>>) -> Self {
        Self {
            cipher,
            encrypted: Vec::new(),
        }
    }

    pub(crate) fn is_encrypting(&self) -> bool {
        self.cipher.is_some()
    }

    /// The bytes that the frame of a payload of so many bytes takes up.
    pub(crate) fn size(&self, payload: usize) -> usize {
        let overhead = if self.is_encrypting() { Cipher::OVERHEAD } else { 0 };
        frame_size(payload.saturating_add(overhead))
    }

    /// The frame of a record. The writer decides whether it is encrypted, whatever `head` says.
    pub(crate) fn frame<'a>(&'a mut self, head: FrameHead, payload: &'a [u8]) -> StoredFrame<'a> {
        let head = FrameHead {
            encrypted: self.is_encrypting(),
            ..head
        };
        let payload = match &self.cipher {
            Some(cipher) => {
                head.encrypt(cipher, payload, &mut self.encrypted);
                &self.encrypted
            }
            None => payload,
        };
        StoredFrame {
            header: head.encode(payload),
            payload,
        }
    }
}

impl StoredFrame<'_> {
    /// The bytes it takes up, padding included.
    pub(crate) fn size(&self) -> usize {
        frame_size(self.payload.len())
    }

    /// Writes the frame to a region that is zero from `at` on.
    pub(crate) fn write(&self, region: &dyn WriteRegion, at: usize) {
        region.write(at, &self.header);
        region.write(at + FRAME_HEADER, self.payload);
    }

    /// The same without the frame's length, its first word: until the caller publishes that, readers find the end of the
    /// log here.
    #[must_use]
    pub(crate) fn write_unpublished(&self, region: &dyn WriteRegion, at: usize) -> u32 {
        let [a, b, c, d, rest @ ..] = &self.header;
        region.write(at + FRAME_HEADER, self.payload);
        region.write(at + 4, rest);
        u32::from_le_bytes([*a, *b, *c, *d])
    }

    /// Adds the frame to the end of `bytes`.
    pub(crate) fn append_to(&self, bytes: &mut Vec<u8>) {
        let end = bytes.len() + self.size();
        bytes.extend_from_slice(&self.header);
        bytes.extend_from_slice(self.payload);
        bytes.resize(end, 0);
    }
}
