//! A segment file's name and its 4096-byte header.
//!
//! The header has two blocks of 2048 bytes. The first is written when the segment is made. The second, the *footer*, is
//! written after syncs, when the segment is sealed, and when the log is closed. They lie in different sectors and have
//! separate checksums, so a power cut that tears the footer cannot damage the first block.

use timberline_disk::fixed::{long, word};

use crate::format::frame::FRAME_HEADER;
use crate::{DeviceId, Seq};

/// Bytes of a segment's header; the first frame follows.
pub(crate) const SEGMENT_HEADER: usize = 4096;
/// Where the footer begins.
pub(crate) const FOOTER_OFFSET: usize = 2048;
/// The newest format version this program writes and reads. A segment has the oldest version that can say what it is:
/// 1, or 2 if it is squashed, or 3 if its payloads are encrypted.
pub(crate) const FORMAT_VERSION: u32 = 3;

/// Bytes of each of the header's two blocks.
pub(crate) const BLOCK: usize = 2048;
const MAGIC: [u8; 8] = *b"TMBRLOG\n";
const FOOTER_MAGIC: [u8; 8] = *b"TMBRMARK";
/// Where a block's checksum lies: in its first sector, with everything else that is ever written, so that a block is
/// written whole or not at all by any disk whose sectors have 512 bytes or more.
const CRC_AT: usize = 60;
/// Where the header says when its segment was salvaged.
const SALVAGED_AT: usize = 64;

/// The name of the segment that begins with a sequence number.
#[must_use]
pub fn segment_name(first: Seq) -> String {
    format!("{:020}.seg", first.0)
}

/// The name of a segment that is made but not begun.
pub(crate) const PREPARED_NAME: &str = "next.seg.tmp";
/// How the names of all unfinished segments end; such files are removed when the log is opened.
pub(crate) const UNNAMED_SUFFIX: &str = ".tmp";

/// The length to which a file is cut that uses `used` bytes.
///
/// The rule that keeps readers in other processes safe: they read frame by frame up to an end mark of 32 zero bytes,
/// so a file always keeps room for that mark after its last frame. Only bytes beyond it are ever cut off. (Our own
/// readers copy with `pread` and would survive even without; a reader that maps the file would not.)
pub(crate) fn trimmed_len(used: u64) -> u64 {
    (used + FRAME_HEADER as u64).next_multiple_of(4096)
}

/// Numbers are less than this: at a record per nanosecond they are for 292 years. A name or a footer that speaks of a
/// greater one is damaged, so counting on from what was read cannot overflow.
const BEYOND: u64 = 1 << 63;
/// A log whose last record has this number, or a greater one, is not opened for writing. The numbers that are left are
/// more than one process can append, so none that it gives is ever too great.
pub(crate) const SEQ_LIMIT: Seq = Seq(BEYOND - (1 << 48));

/// The first sequence number of the segment with this name; `None` if it is not a segment's name.
#[must_use]
pub(crate) fn parse_segment_name(name: &str) -> Option<Seq> {
    let digits = name.strip_suffix(".seg")?;
    let plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits
        .parse()
        .ok()
        .filter(|number| plain && (1..BEYOND).contains(number));
    number.map(Seq)
}

/// What is known of a segment when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    /// The device that writes this log.
    pub(crate) device: DeviceId,
    /// The sequence number of its first record.
    pub(crate) first: Seq,
    /// When it was made: nanoseconds since 1970.
    pub(crate) created: i64,
    /// How often it was rewritten; a file of the same name and generation, if sealed, has the same bytes.
    pub(crate) generation: u32,
    /// Set if only the squashed state of its records is left: the last of them, whose number every frame carries.
    pub(crate) squashed: Option<Seq>,
    /// Whether the payloads of all its frames are encrypted.
    pub(crate) encrypted: bool,
    /// When it was written from what was left of a damaged segment: nanoseconds since 1970; 0: never. What is rewritten
    /// later keeps it.
    pub(crate) salvaged: i64,
}

/// What a header block turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HeaderRead {
    /// As it was written.
    Good(SegmentHeader),
    /// Written by a newer program, with this format version.
    Newer(u32),
    /// All zero: the segment's making was never finished.
    Blank,
    /// Anything else.
    Damaged,
}

impl SegmentHeader {
    /// The first block.
    #[must_use]
    pub(crate) fn encode(&self) -> [u8; BLOCK] {
        let mut block = [0u8; BLOCK];
        block[0..8].copy_from_slice(&MAGIC);
        let version: u32 = match (self.encrypted, self.squashed) {
            (true, _) => 3,
            (false, Some(_)) => 2,
            (false, None) => 1,
        };
        block[8..12].copy_from_slice(&version.to_le_bytes());
        block[12..16].copy_from_slice(&(SEGMENT_HEADER as u32).to_le_bytes());
        block[16..32].copy_from_slice(&self.device.0);
        block[32..40].copy_from_slice(&self.first.0.to_le_bytes());
        block[40..48].copy_from_slice(&self.created.to_le_bytes());
        block[48..52].copy_from_slice(&self.generation.to_le_bytes());
        block[52..60].copy_from_slice(&self.squashed.unwrap_or_default().0.to_le_bytes());
        block[SALVAGED_AT..SALVAGED_AT + 8].copy_from_slice(&self.salvaged.to_le_bytes());
        seal_block(&mut block);
        block
    }

    /// Reads the first block of a segment's first bytes.
    #[must_use]
    pub(crate) fn decode(bytes: &[u8]) -> HeaderRead {
        let Some(block) = bytes.first_chunk::<BLOCK>() else {
            let blank = bytes.iter().all(|&byte| byte == 0);
            return if blank {
                HeaderRead::Blank
            } else {
                HeaderRead::Damaged
            };
        };
        if block.iter().all(|&byte| byte == 0) {
            return HeaderRead::Blank;
        }
        // Magic, version and the place of the checksum are promised to stay where they are in later versions.
        if !block_holds(block) || block[0..8] != MAGIC {
            return HeaderRead::Damaged;
        }
        let version = word::<8, _>(block);
        if version > FORMAT_VERSION {
            return HeaderRead::Newer(version);
        }
        let squashed = long::<52, _>(block);
        if squashed >= BEYOND {
            return HeaderRead::Damaged;
        }
        let mut device = [0u8; 16];
        device.copy_from_slice(&block[16..32]);
        HeaderRead::Good(Self {
            device: DeviceId(device),
            first: Seq(long::<32, _>(block)),
            created: long::<40, _>(block).cast_signed(),
            generation: word::<48, _>(block),
            // No segment ends with record 0.
            squashed: Some(Seq(squashed)).filter(|last| *last > Seq::NONE),
            encrypted: version == 3,
            salvaged: long::<SALVAGED_AT, _>(block).cast_signed(),
        })
    }
}

/// That everything up to some place was whole and durable: written when a segment is sealed and when the log is
/// closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    /// Whether nothing is ever written after it: the segment is sealed. Otherwise the log was closed here, and may
    /// have gone on since.
    pub(crate) sealed: bool,
    /// The bytes used, header included.
    pub(crate) used: u64,
    /// The last sequence number in them; one less than the first if there is none.
    pub(crate) last: Seq,
    /// How many records they hold.
    pub(crate) records: u64,
    /// When the footer was made: nanoseconds since 1970.
    pub(crate) time: i64,
}

/// What a footer block turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FooterRead {
    /// As it was written.
    Good(Footer),
    /// Never written.
    Blank,
    /// Anything else.
    Damaged,
}

impl Footer {
    /// The second block.
    #[must_use]
    pub(crate) fn encode(&self) -> [u8; BLOCK] {
        let mut block = [0u8; BLOCK];
        block[0..8].copy_from_slice(&FOOTER_MAGIC);
        block[8..12].copy_from_slice(&u32::from(self.sealed).to_le_bytes());
        block[16..24].copy_from_slice(&self.used.to_le_bytes());
        block[24..32].copy_from_slice(&self.last.0.to_le_bytes());
        block[32..40].copy_from_slice(&self.records.to_le_bytes());
        block[40..48].copy_from_slice(&self.time.to_le_bytes());
        seal_block(&mut block);
        block
    }

    /// Reads the second block of a segment's first bytes.
    #[must_use]
    pub(crate) fn decode(bytes: &[u8]) -> FooterRead {
        let Some(block) = bytes.get(FOOTER_OFFSET..).and_then(<[u8]>::first_chunk::<BLOCK>) else {
            return FooterRead::Blank;
        };
        // The first word is withdrawn while the footer changes, so without it there is none (yet).
        if word::<0, _>(block) == 0 {
            return FooterRead::Blank;
        }
        if !block_holds(block) || block[0..8] != FOOTER_MAGIC {
            return FooterRead::Damaged;
        }
        let footer = Self {
            sealed: word::<8, _>(block) != 0,
            used: long::<16, _>(block),
            last: Seq(long::<24, _>(block)),
            records: long::<32, _>(block),
            time: long::<40, _>(block).cast_signed(),
        };
        if footer.used < BEYOND && footer.last.0 < BEYOND {
            FooterRead::Good(footer)
        } else {
            FooterRead::Damaged
        }
    }
}

fn seal_block(block: &mut [u8; BLOCK]) {
    let crc = block_crc(block);
    block[CRC_AT..CRC_AT + 4].copy_from_slice(&crc.to_le_bytes());
}

fn block_holds(block: &[u8; BLOCK]) -> bool {
    block_crc(block) == word::<CRC_AT, _>(block)
}

/// CRC-32 of all 2048 bytes, the checksum's own taken as zero.
fn block_crc(block: &[u8; BLOCK]) -> u32 {
    let mut covered = *block;
    covered[CRC_AT..CRC_AT + 4].fill(0);
    crc32fast::hash(&covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_like_numbers_and_read_back() {
        for seq in [1, 9, 10, BEYOND - 1] {
            assert_eq!(parse_segment_name(&segment_name(Seq(seq))), Some(Seq(seq)));
        }
        assert!(segment_name(Seq(9)) < segment_name(Seq(10)));
        for strange in [
            "LOCK",
            "1.seg",
            "0000000000000000000x.seg",
            "00000000000000000001.seg.tmp",
            "+0000000000000000001.seg",
            "00000000000000000000.seg",
            "09223372036854775808.seg",
            "18446744073709551615.seg",
        ] {
            assert_eq!(parse_segment_name(strange), None, "{strange}");
        }
    }

    #[test]
    fn a_header_has_the_oldest_version_that_can_say_what_it_is() {
        for (squashed, encrypted, version) in [
            (None, false, 1),
            (Some(Seq(50)), false, 2),
            (None, true, 3),
            (Some(Seq(50)), true, 3),
        ] {
            let header = SegmentHeader {
                device: DeviceId([7; 16]),
                first: Seq(42),
                created: -5,
                generation: 0,
                squashed,
                encrypted,
                salvaged: 0,
            };
            let bytes = header.encode();
            assert_eq!(word::<8, _>(&bytes), version);
            assert_eq!(SegmentHeader::decode(&bytes), HeaderRead::Good(header));
        }
    }

    /// By `docs/format/log.md`.
    #[test]
    fn a_salvaged_header_is_as_specified() {
        let header = SegmentHeader {
            device: DeviceId(*b"device-id-16-by."),
            first: Seq(1),
            created: 1_709_287_200_000_000_000,
            generation: 1,
            squashed: None,
            encrypted: false,
            salvaged: 1_709_287_200_000_000_001,
        };
        let bytes = header.encode();
        let hex: Vec<String> = bytes[..72].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex.join(" "),
            "54 4d 42 52 4c 4f 47 0a 01 00 00 00 00 10 00 00 \
             64 65 76 69 63 65 2d 69 64 2d 31 36 2d 62 79 2e \
             01 00 00 00 00 00 00 00 00 40 1f f7 a6 9b b8 17 \
             01 00 00 00 00 00 00 00 00 00 00 00 59 c1 90 c0 \
             01 40 1f f7 a6 9b b8 17"
        );
        assert!(bytes[72..].iter().all(|&byte| byte == 0));
        assert_eq!(SegmentHeader::decode(&bytes), HeaderRead::Good(header));
    }

    #[test]
    fn a_header_or_a_mark_with_a_number_that_no_record_has_is_damaged() {
        let header = |last| {
            SegmentHeader {
                device: DeviceId([7; 16]),
                first: Seq(42),
                created: -5,
                generation: 1,
                squashed: Some(Seq(last)),
                encrypted: false,
                salvaged: 0,
            }
            .encode()
        };
        let marked = |used, last| {
            let footer = Footer {
                sealed: true,
                used,
                last: Seq(last),
                records: 1,
                time: 0,
            };
            Footer::decode(&[[0; BLOCK], footer.encode()].concat())
        };
        assert!(matches!(
            SegmentHeader::decode(&header(BEYOND - 1)),
            HeaderRead::Good(_)
        ));
        assert!(matches!(marked(BEYOND - 1, BEYOND - 1), FooterRead::Good(_)));
        for number in [BEYOND, u64::MAX] {
            assert_eq!(SegmentHeader::decode(&header(number)), HeaderRead::Damaged);
            assert_eq!(marked(5000, number), FooterRead::Damaged);
            assert_eq!(marked(number, 60), FooterRead::Damaged);
        }
    }

    #[test]
    fn any_flipped_bit_of_the_header_is_noticed() {
        let header = SegmentHeader {
            device: DeviceId([7; 16]),
            first: Seq(42),
            created: -5,
            generation: 3,
            squashed: Some(Seq(99)),
            encrypted: true,
            salvaged: -7,
        };
        let footer = Footer {
            sealed: true,
            used: 5000,
            last: Seq(60),
            records: 19,
            time: 99,
        };
        let mut bytes = [header.encode(), footer.encode()].concat();
        assert_eq!(bytes.len(), SEGMENT_HEADER);
        assert_eq!(SegmentHeader::decode(&bytes), HeaderRead::Good(header));
        assert_eq!(Footer::decode(&bytes), FooterRead::Good(footer));
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            let (read, marked) = (SegmentHeader::decode(&bytes), Footer::decode(&bytes));
            assert!(
                read == HeaderRead::Damaged || marked == FooterRead::Damaged,
                "bit {bit}"
            );
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
    }
}
